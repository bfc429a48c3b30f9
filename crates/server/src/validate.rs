//! The one validation of a configuration, for `check`, a start, a reload and a look-up without a daemon.

mod machine;

use zoners_resolver::Settings;
use zoners_store::shared::SharedCacheConfig;
use zoners_tls::Certificate;
use zoners_tls::client::ClientTls;

use crate::config::{Config, ConfigError, ListenerAuthority};
use crate::pipeline::Local;
use crate::policy::groups::PolicyGroups;
use crate::zones;

/// The use for which a configuration is validated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// A start of the daemon: the values, the files, and the user, folder and source addresses of this machine. The
    /// addresses of `server.listen` are left out: a running daemon has bound them.
    Start,
    /// A reload, or a look-up without a daemon: the values and the files. A reload cannot change the rest, and could
    /// not look: by then the daemon has a different user, and a sandbox.
    Contents,
}

/// The parts made from a valid configuration.
#[derive(Debug)]
pub struct Validated {
    /// The behaviour of the resolver.
    pub settings: Settings,
    /// The terms of the second level.
    pub second_level: Option<SharedCacheConfig>,
    /// Local data: records, hosts and zones.
    pub local: Local,
    /// Groups of the policy.
    pub groups: PolicyGroups,
    /// The certificate for encrypted transports.
    pub certificate: Option<Certificate>,
    /// The certificate of the dashboard for other machines.
    pub dashboard_certificate: Option<Certificate>,
    /// The authorities of clients.
    pub(crate) client_authorities: Vec<ListenerAuthority>,
    /// TLS with the servers of routes.
    pub client_tls: ClientTls,
}

impl Validated {
    /// Remarks on certificates that are not valid at a time, or soon will not be; in seconds since 1970. `config` names
    /// the files.
    #[must_use]
    pub fn certificate_remarks(&self, config: &Config, now_s: u64) -> Vec<String> {
        let dashboard = self.dashboard_certificate.as_ref();
        config.validity_remarks(
            self.certificate.as_ref(),
            dashboard,
            &self.client_authorities,
            now_s,
        )
    }
}

impl Config {
    /// Checks the values against each other, reads the named files, and looks at the machine for a start.
    ///
    /// # Errors
    /// Every fault, with key and line.
    pub fn validate(&self, scope: Scope) -> Result<Validated, ConfigError> {
        let mut error = ConfigError::default();
        error.take(self.sound());
        let settings = error.take(self.settings());
        let second_level = error.take(self.second_level());
        let local = error.take(Local::new(self, &self.routes()));
        error.take(zones::secondaries(self, None));
        let dashboard = error.take(self.dashboard_certificate());
        let groups = error.take(PolicyGroups::read(self));
        let certificate = error.take(self.certificate());
        let client_authorities = error.take(self.client_authorities());
        let client_tls = error.take(self.client_tls());
        if scope == Scope::Start {
            error.take(machine::check(self));
        }
        let certificates = (certificate, dashboard, client_authorities);
        match (settings, second_level, local, groups, certificates, client_tls) {
            (
                Some(mut settings),
                Some(second_level),
                Some(local),
                Some(groups),
                (Some(certificate), Some(dashboard_certificate), Some(client_authorities)),
                Some(client_tls),
            ) if error.faults().is_empty() => {
                settings.zone_copies = local.zone_copies();
                Ok(Validated {
                    settings,
                    second_level,
                    local,
                    groups,
                    certificate,
                    dashboard_certificate,
                    client_authorities,
                    client_tls,
                })
            }
            (_, _, local, _, _, _) => {
                // `check` tells these remarks beside the faults.
                error.remark(local.iter().flat_map(|local| local.remarks().to_vec()));
                Err(error)
            }
        }
    }
}
