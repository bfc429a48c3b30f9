//! The dashboard of the daemon: opened at the first request for a link, with a thread of its own.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tokio::sync::Semaphore;
use zoners_api::{
    Admin, AdminError, AdminSecret, DashboardLink, DashboardPasswordSet, TokenCreated, TokenList,
    TokenRevoked, TokenScope,
};
use zoners_dns::{Counter, Counters, Random};
use zoners_http::{HostNames, HttpLimits, HttpListener, HttpService, HttpSite};
use zoners_tls::ApplicationProtocol;
use zoners_web::{AccessKeys, Dashboard, Entrance, LoginObserver, LoginOutcome};

use super::access_key_files::AccessKeyFiles;
use super::http::{bind, counter};
use super::run_history::now_s;
use super::served_tls::ServedTls;
use crate::config::Config;

/// Connections of browsers at a time. A browser opens six for a page.
const MAX_CONNECTIONS: usize = 64;

/// The terms of a dashboard.
#[derive(Clone, Debug)]
pub(super) struct DashboardTerms {
    /// The address; `None` for no dashboard.
    pub(super) listen: Option<SocketAddr>,
    /// The address for browsers of other machines, over TLS.
    pub(super) https: Option<SocketAddr>,
    /// Where requests are counted.
    pub(super) counters: Arc<Counters>,
    /// File descriptors, shared with TCP connections of clients.
    pub(super) descriptors: Arc<Semaphore>,
    /// The state folder, for tokens and the password.
    pub(super) folder: Option<PathBuf>,
}

/// The way into the dashboard, opened or not.
#[derive(Debug)]
pub(super) struct DashboardDoor<A: Admin> {
    terms: Option<DashboardTerms>,
    keys: AccessKeyFiles,
    open: Mutex<Option<OpenDashboard<A>>>,
    /// The dashboard for browsers of other machines.
    network: Mutex<Option<OpenDashboard<A>>>,
    tls: ServedTls,
    /// The names of the HTTP service and of the certificate, for the dashboard over a network.
    names: Mutex<Vec<String>>,
    /// Why the dashboard could not be opened the last time: for programs, and for other machines.
    failures: Mutex<[Option<String>; 2]>,
}

/// A dashboard in service.
#[derive(Debug)]
struct OpenDashboard<A: Admin> {
    dashboard: Arc<Dashboard<A>>,
    address: SocketAddr,
    _listener: HttpListener,
    service: HttpService,
}

/// The way into a dashboard, with the address.
enum DashboardWay {
    /// Links, for browsers of this machine.
    Link(SocketAddr),
    /// The password, over TLS, under these names.
    Network(SocketAddr, ServedTls, Vec<String>),
}

impl<A: Admin> DashboardDoor<A> {
    /// A door that is closed.
    pub(super) fn new(terms: Option<DashboardTerms>) -> Self {
        let folder = terms.as_ref().and_then(|terms| terms.folder.as_deref());
        let keys = AccessKeyFiles::open(folder);
        let (open, network, names) = (Mutex::default(), Mutex::default(), Mutex::default());
        DashboardDoor {
            terms,
            keys,
            open,
            network,
            tls: ServedTls::default(),
            names,
            failures: Mutex::default(),
        }
    }

    /// Puts the certificate and the names of a configuration into force, for handshakes to come. Without a certificate,
    /// other machines have no dashboard.
    pub(super) fn has_configuration(&self, config: &Config) {
        let certificate = match config.dashboard_certificate() {
            Ok(certificate) => certificate,
            // The configuration was valid: the files have changed since.
            Err(error) => return tracing::error!("dashboard: {error}"),
        };
        self.tls.put(certificate.as_ref(), false, &[]);
        let Some(certificate) = certificate else {
            self.network.lock().take();
            return;
        };
        let names = [certificate.names(), config.server.http_names.clone()].concat();
        if let Some(network) = &*self.network.lock() {
            network.service.site().rename(HostNames::new(names.clone()));
        }
        *self.names.lock() = names;
    }

    /// Opens the dashboard without a link: for programs if there are tokens, and for browsers of other machines if there is
    /// a password. A failure is tried again at the next call, and logged once.
    pub(super) fn open_without_link(&self, admin: &Weak<A>) {
        let has_address = self.terms.as_ref().is_some_and(|terms| terms.listen.is_some());
        let is_needed = || !self.keys.keys().tokens().list(now_s()).is_empty();
        let is_open = self.open.lock().is_some();
        let opened = (has_address && !is_open && is_needed()).then(|| self.opened(admin, |_| ()));
        let programs = opened.and_then(Result::err);
        let programs = programs.map(|error| format!("not open for programs: {error}"));
        let machines = self.open_to_network(admin).err();
        let machines = machines.map(|error| format!("not open for other machines: {error}"));
        for failure in new_failures(&mut self.failures.lock(), [programs, machines]) {
            tracing::warn!("dashboard: {failure}");
        }
    }

    /// Opens the dashboard for browsers of other machines, if the configuration wants that and there is a password.
    fn open_to_network(&self, admin: &Weak<A>) -> io::Result<()> {
        let mut network = self.network.lock();
        let Some(terms) = self.terms.as_ref().filter(|_| network.is_none()) else { return Ok(()) };
        let is_ready = self.keys.keys().password().is_some() && self.tls.certificate().is_some();
        let (Some(wanted), true, Some(admin)) = (terms.https, is_ready, admin.upgrade()) else {
            return Ok(());
        };
        let tls = self.tls.clone();
        let way = DashboardWay::Network(wanted, tls, self.names.lock().clone());
        *network = Some(OpenDashboard::open(admin, way, terms, self.keys.keys().clone())?);
        Ok(())
    }

    /// Makes a token for a program, and opens the dashboard.
    ///
    /// # Errors
    /// The token is not allowed or cannot be kept, or the dashboard cannot be opened.
    pub(super) fn create_token(
        &self,
        admin: &Weak<A>,
        name: &str,
        scope: TokenScope,
        seconds: u32,
    ) -> Result<TokenCreated, AdminError> {
        let random =
            Random::from_system().map_err(|error| AdminError::failed(error.to_string()))?;
        let address = self.opened(admin, |opened| opened.address)?;
        let created = self.keys.create_token(name, scope, seconds, random.octets(), now_s());
        let (token, about) = created.map_err(AdminError::invalid)?;
        let url = Some(format!("http://{address}/api/v1/"));
        Ok(TokenCreated { token: AdminSecret(token), about, url })
    }

    /// The tokens that have not ended.
    pub(super) fn tokens(&self) -> TokenList {
        TokenList { tokens: self.keys.keys().tokens().list(now_s()) }
    }

    /// Ends a token.
    ///
    /// # Errors
    /// There is no such token, or the change cannot be kept.
    pub(super) fn revoke_token(&self, name: &str) -> Result<TokenRevoked, AdminError> {
        self.keys.revoke_token(name).map_err(AdminError::invalid)?;
        Ok(TokenRevoked { name: name.to_owned() })
    }

    /// Sets the password, or removes it, and ends the sessions that a password has begun. Takes some 30 ms.
    ///
    /// # Errors
    /// The password is not allowed, or cannot be kept.
    pub(super) fn set_password(
        &self,
        password: Option<&str>,
    ) -> Result<DashboardPasswordSet, String> {
        let random = Random::from_system().map_err(|error| error.to_string())?;
        let file = self.keys.set_password(password, &random)?;
        let mut network = self.network.lock();
        network.iter().for_each(|network| network.dashboard.end_sessions());
        if password.is_none() {
            *network = None;
        }
        let file = file.map(|file| file.display().to_string());
        Ok(DashboardPasswordSet { is_set: password.is_some(), file })
    }

    /// A link into the dashboard of `admin`; opens the dashboard, if it is not open.
    ///
    /// # Errors
    /// The configuration has none, or the address cannot be bound.
    pub(super) fn link(&self, admin: &Weak<A>) -> Result<DashboardLink, AdminError> {
        self.opened(admin, |opened| opened.dashboard.link(opened.address.port()))
    }

    /// What `look` finds in the dashboard, which is opened if it is not open.
    fn opened<T>(
        &self,
        admin: &Weak<A>,
        look: impl FnOnce(&OpenDashboard<A>) -> T,
    ) -> Result<T, AdminError> {
        let none = "there is no dashboard: server.dashboard is empty in the configuration";
        let terms = self.terms.as_ref().ok_or_else(|| AdminError::failed(none))?;
        let wanted = terms.listen.ok_or_else(|| AdminError::failed(none))?;
        let admin = admin.upgrade().ok_or_else(|| AdminError::failed("the daemon ends"))?;
        let mut open = self.open.lock();
        let opened = match open.take() {
            Some(opened) => opened,
            None => OpenDashboard::open(
                admin,
                DashboardWay::Link(wanted),
                terms,
                self.keys.keys().clone(),
            )
            .map_err(|error| AdminError::failed(error.to_string()))?,
        };
        Ok(look(open.insert(opened)))
    }

    /// Closes the dashboard, as the daemon ends.
    pub(super) fn close(&self) {
        self.open.lock().take();
        self.network.lock().take();
    }
}

impl<A: Admin> OpenDashboard<A> {
    fn open(
        admin: Arc<A>,
        way: DashboardWay,
        terms: &DashboardTerms,
        keys: Arc<AccessKeys>,
    ) -> io::Result<Self> {
        let random = Random::from_system().map_err(io::Error::other)?;
        let random = Box::new(move || random.octets());
        let (dashboard, socket) = match &way {
            DashboardWay::Link(wanted) => {
                (Dashboard::new(admin, random, keys), bind("server.dashboard", *wanted)?)
            }
            DashboardWay::Network(wanted, ..) => {
                let observer = Some(observer(terms.counters.clone()));
                let dashboard =
                    Dashboard::with_entrance(Entrance::Password, admin, random, keys, observer);
                (dashboard, bind("server.dashboard-https", *wanted)?)
            }
        };
        let address = socket.local_addr()?;
        let counters = terms.counters.clone();
        let observer = move |event| counters.count(counter(event));
        let site =
            HttpSite::new(dashboard.routes(), limits(&way), terms.descriptors.clone(), observer);
        let service = HttpService::start(site)?;
        let listener = match way {
            DashboardWay::Link(_) => {
                service.site().rename(HostNames::new(vec![dashboard.host().to_owned()]));
                service.serve(socket)?
            }
            DashboardWay::Network(_, tls, names) => {
                service.site().rename(HostNames::new(names));
                let tls = Arc::new(move || tls.config(ApplicationProtocol::Http1));
                service.serve_within_tls(socket, service.site().clone(), tls)?
            }
        };
        tracing::info!("dashboard: open at {address}");
        Ok(OpenDashboard { dashboard, address, _listener: listener, service })
    }
}

/// The failures that are not told yet; those of the last time are `told`.
fn new_failures(told: &mut [Option<String>; 2], failures: [Option<String>; 2]) -> Vec<String> {
    let before = std::mem::replace(told, failures);
    let pairs = told.iter().zip(before);
    let new = pairs.filter(|(failure, before)| *failure != before);
    new.filter_map(|(failure, _)| failure.clone()).collect()
}

/// Every browser with a link is of this machine, and so of one address.
fn limits(way: &DashboardWay) -> HttpLimits {
    let limits = HttpLimits { connections: MAX_CONNECTIONS, ..HttpLimits::default() };
    match way {
        DashboardWay::Link(_) => HttpLimits { client_connections: MAX_CONNECTIONS, ..limits },
        DashboardWay::Network(..) => limits,
    }
}

/// Counts attempts to log in, and logs the refused ones.
fn observer(counters: Arc<Counters>) -> LoginObserver {
    Box::new(move |client, outcome| {
        let counter = match outcome {
            LoginOutcome::Admitted => {
                tracing::info!("dashboard: {client} logged in");
                Counter::DashboardLogins
            }
            LoginOutcome::Wrong => {
                tracing::warn!("dashboard: wrong password from {client}");
                Counter::DashboardLoginsRefused
            }
            // The log has had the attempts before.
            LoginOutcome::Limited => Counter::DashboardLoginsRefused,
        };
        counters.count(counter);
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_of_each_way_is_told_once() {
        let mut told = [None, None];
        let mut new = |failures: [Option<&str>; 2]| {
            new_failures(&mut told, failures.map(|failure| failure.map(str::to_owned)))
        };
        assert_eq!(new([Some("programs"), Some("machines")]), ["programs", "machines"]);
        assert!(new([Some("programs"), Some("machines")]).is_empty());
        assert_eq!(new([None, Some("other machines")]), ["other machines"]);
        assert_eq!(new([Some("programs"), Some("other machines")]), ["programs"]);
    }
}
