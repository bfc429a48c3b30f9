//! Where the questions go: a resolver in this process, the running daemon, or a DNS server.

use std::path::PathBuf;
use std::time::Instant;

use tokio::runtime::Runtime;
use zoners_api::{AdminRequest, LookupReport};
use zoners_dns::{Checking, Question, Transport};
use zoners_server::daemon::{Configured, Snapshot};
use zoners_server::report;

use crate::Failure;
use crate::config_file::ConfigFile;
use crate::control::Socket;
use crate::dns_server::{DnsServer, QueryManner, ServerAddress};

/// The source of answers.
pub(super) enum LookupTarget {
    InProcess { service: Box<Snapshot>, runtime: Runtime },
    Daemon(Socket),
    Server { server: Box<DnsServer>, manner: QueryManner, runtime: Runtime },
}

impl LookupTarget {
    /// A resolver with this configuration, over one address family if requested.
    pub(super) fn in_process(
        file: &ConfigFile,
        ipv4: Option<bool>,
        checking: Checking,
    ) -> Result<Self, Failure> {
        let (mut config, _) = file.load()?;
        if let Some(ipv4) = ipv4 {
            (config.resolver.ipv4, config.resolver.ipv6) = (ipv4, !ipv4);
        }
        config.dnssec.validate &= !checking.is_disabled();
        let configured =
            Configured::new(config).map_err(|error| Failure::Usage(error.to_string()))?;
        Ok(LookupTarget::InProcess { service: Box::new(configured.service()), runtime: runtime()? })
    }

    /// The running daemon, at its control socket.
    pub(super) fn daemon(control: Option<PathBuf>, config: ConfigFile) -> Self {
        LookupTarget::Daemon(Socket::new(control, config))
    }

    /// A DNS server.
    pub(super) fn server(
        address: &ServerAddress,
        ipv4: Option<bool>,
        tcp: bool,
        manner: QueryManner,
    ) -> Result<Self, Failure> {
        let mut endpoint = address.endpoint(ipv4).map_err(Failure::Failed)?;
        if tcp {
            endpoint = endpoint.over(Transport::Tcp);
        }
        let server = Box::new(DnsServer::at(endpoint).map_err(Failure::Failed)?);
        Ok(LookupTarget::Server { server, manner, runtime: runtime()? })
    }

    pub(super) fn is_server(&self) -> bool {
        matches!(self, LookupTarget::Server { .. })
    }

    /// The result of a question.
    ///
    /// # Errors
    /// The daemon or the server did not reply.
    pub(super) fn ask(&self, question: &Question) -> Result<LookupReport, Failure> {
        match self {
            LookupTarget::InProcess { service, runtime } => {
                Ok(runtime.block_on(report::look_up_by_sockets(service, question)))
            }
            LookupTarget::Daemon(socket) => {
                let name = question.name.fmt_with_dot().to_string();
                let r#type = question.rtype.to_string();
                socket.request(&AdminRequest::Lookup { name, r#type })
            }
            LookupTarget::Server { server, manner, runtime } => {
                let began = Instant::now();
                let endpoint = server.endpoint;
                let (message, transport) = runtime
                    .block_on(server.ask(question, *manner))
                    .map_err(|why| Failure::Failed(format!("{endpoint}: {why}")))?;
                let from = endpoint.over(transport);
                Ok(report::replied(question, &message, from, began.elapsed()))
            }
        }
    }
}

fn runtime() -> Result<Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Failed(error.to_string()))
}
