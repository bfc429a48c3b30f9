//! The way to the server: one, several that share the keys (cluster), or one that others name
//! (sentinel).

mod needs;

use std::fmt;
use std::time::Duration;

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster::ClusterClientBuilder;
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::{RoutingInfo, SingleNodeRoutingInfo};
use redis::sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType};
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionInfo, IntoConnectionInfo, RedisError, Value,
};
use tokio::time::timeout;

/// A connection that takes longer is none.
const CONNECT: Duration = Duration::from_secs(2);
/// Finding the one that counts, or all of a cluster, takes several connections.
const GIVE_UP: Duration = Duration::from_secs(5);
/// A reply that takes longer does not come.
const RESPONSE: Duration = Duration::from_millis(500);

/// Where the values lie.
#[derive(Clone)]
pub struct Servers {
    /// Addresses, as URLs.
    urls: Vec<String>,
    /// Whether they share the keys among them.
    cluster: bool,
    /// The name of the one that counts, if these are sentinels that know it.
    sentinel: Option<String>,
    /// Certificates of those whom the servers' are signed by, instead of the system's; PEM.
    ca: Option<Vec<u8>>,
}

/// Why servers cannot be used.
pub type Unusable = RedisError;

impl fmt::Debug for Servers {
    /// Keeps the passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Servers").field("count", &self.urls.len()).finish_non_exhaustive()
    }
}

/// A way that is open.
#[derive(Clone)]
pub(super) enum Link {
    One(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Servers {
    /// Servers at these URLs: `redis://`, `rediss://` for TLS, `unix://`, also `valkey://`.
    ///
    /// # Errors
    /// One is no URL of a server, and why.
    pub fn new(
        urls: Vec<String>,
        cluster: bool,
        sentinel: Option<String>,
        ca: Option<Vec<u8>>,
    ) -> Result<Self, Unusable> {
        urls.iter().try_for_each(|url| Servers::check(url))?;
        Ok(Servers { urls, cluster, sentinel, ca })
    }

    /// Whether a text is the URL of a server.
    ///
    /// # Errors
    /// It is not, and why.
    pub fn check(url: &str) -> Result<(), Unusable> {
        url.into_connection_info().map(|_| ())
    }

    /// Whether the certificates that are given can be read, and the servers are reached over TLS.
    #[must_use]
    pub fn can_be_certified(&self) -> bool {
        let with_tls = |info| Client::build_with_tls(info, self.certificates()).is_ok();
        self.ca.is_none() || self.infos().is_ok_and(|infos| infos.into_iter().all(with_tls))
    }

    fn certificates(&self) -> redis::TlsCertificates {
        redis::TlsCertificates { client_tls: None, root_cert: self.ca.clone() }
    }

    fn infos(&self) -> Result<Vec<ConnectionInfo>, Unusable> {
        self.urls.iter().map(|url| url.as_str().into_connection_info()).collect()
    }

    /// Whether these name the one that counts.
    pub(super) fn are_sentinels(&self) -> bool {
        self.sentinel.is_some()
    }

    /// Opens the way, or gives up.
    pub(super) async fn connect(&self) -> Result<Link, Unusable> {
        let late = |_| RedisError::from((redis::ErrorKind::Io, "no connection in time"));
        timeout(GIVE_UP, Box::pin(self.open())).await.map_err(late)?
    }

    async fn open(&self) -> Result<Link, Unusable> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(RESPONSE));
        if self.cluster {
            let mut builder = ClusterClientBuilder::new(self.infos()?)
                .connection_timeout(CONNECT)
                .response_timeout(RESPONSE)
                .retries(1);
            if self.ca.is_some() {
                builder = builder.certs(self.certificates());
            }
            return Ok(Link::Cluster(builder.build()?.get_async_connection().await?));
        }
        if let Some(master) = &self.sentinel {
            let mut client = self.sentinels(master)?;
            let connection = client.get_async_connection_with_config(&config).await?;
            return Ok(Link::One(connection));
        }
        let mut last = RedisError::from((redis::ErrorKind::InvalidClientConfig, "no server"));
        for info in self.infos()? {
            let client = match &self.ca {
                Some(_) => Client::build_with_tls(info, self.certificates())?,
                None => Client::open(info)?,
            };
            match client.get_multiplexed_async_connection_with_config(&config).await {
                Ok(connection) => return Ok(Link::One(connection)),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// What asks sentinels for the one that counts; user, password and database of the first URL are
    /// for that one.
    fn sentinels(&self, master: &str) -> Result<SentinelClient, Unusable> {
        let infos = self.infos()?;
        let addresses = infos.iter().map(|info| info.addr().clone());
        let kind = SentinelServerType::Master;
        let mut builder = SentinelClientBuilder::new(addresses, master, kind)?;
        if let Some(first) = infos.first() {
            let settings = first.redis_settings();
            builder = builder.set_client_to_redis_db(settings.db());
            if let Some(user) = settings.username() {
                builder = builder.set_client_to_redis_username(user);
            }
            if let Some(password) = settings.password() {
                builder = builder.set_client_to_redis_password(password);
            }
        }
        builder.build()
    }
}

impl Link {
    /// Sends one command and waits for its reply; errors of the server are errors.
    pub(super) async fn send(&mut self, command: &Cmd) -> Result<Value, RedisError> {
        let value = match self {
            Link::One(connection) => connection.req_packed_command(command).await?,
            Link::Cluster(connection) => connection.req_packed_command(command).await?,
        };
        value.extract_error()
    }

    /// Sends a command to one server of a cluster.
    pub(super) async fn send_to(
        &mut self,
        node: &Option<(String, u16)>,
        command: &Cmd,
    ) -> Result<Value, RedisError> {
        match (self, node) {
            (Link::Cluster(connection), Some((host, port))) => {
                let node = SingleNodeRoutingInfo::ByAddress { host: host.clone(), port: *port };
                let routing = RoutingInfo::SingleNode(node);
                connection.route_command(command.clone(), routing).await?.extract_error()
            }
            (link, _) => Box::pin(link.send(command)).await,
        }
    }
}
