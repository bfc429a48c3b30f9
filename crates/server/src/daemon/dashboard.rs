//! The dashboard of the daemon: opened at the first request for a link, with a thread of its own.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tokio::sync::Semaphore;
use zoners_api::{Admin, AdminError, DashboardLink};
use zoners_dns::{Counters, Random};
use zoners_http::{HostNames, HttpLimits, HttpListener, HttpService, HttpSite};
use zoners_web::Dashboard;

use super::http::{bind, counter};

/// Connections of browsers at a time. A browser opens six for a page.
const MAX_CONNECTIONS: usize = 64;

/// The terms of a dashboard.
#[derive(Clone, Debug)]
pub(super) struct DashboardTerms {
    /// The address; `None` for no dashboard.
    pub(super) listen: Option<SocketAddr>,
    /// Where requests are counted.
    pub(super) counters: Arc<Counters>,
    /// File descriptors, shared with TCP connections of clients.
    pub(super) descriptors: Arc<Semaphore>,
}

/// The way into the dashboard, opened or not.
#[derive(Debug)]
pub(super) struct DashboardDoor<A: Admin> {
    terms: Option<DashboardTerms>,
    open: Mutex<Option<OpenDashboard<A>>>,
}

/// A dashboard in service.
#[derive(Debug)]
struct OpenDashboard<A: Admin> {
    dashboard: Arc<Dashboard<A>>,
    address: SocketAddr,
    _listener: HttpListener,
    _service: HttpService,
}

impl<A: Admin> DashboardDoor<A> {
    /// A door that is closed.
    pub(super) fn new(terms: Option<DashboardTerms>) -> Self {
        DashboardDoor { terms, open: Mutex::default() }
    }

    /// A link into the dashboard of `admin`; opens the dashboard, if it is not open.
    ///
    /// # Errors
    /// The configuration has none, or the address cannot be bound.
    pub(super) fn link(&self, admin: &Weak<A>) -> Result<DashboardLink, AdminError> {
        let none = "there is no dashboard: server.dashboard is empty in the configuration";
        let terms = self.terms.as_ref().ok_or_else(|| AdminError::failed(none))?;
        let wanted = terms.listen.ok_or_else(|| AdminError::failed(none))?;
        let admin = admin.upgrade().ok_or_else(|| AdminError::failed("the daemon ends"))?;
        let mut open = self.open.lock();
        let opened = match open.take() {
            Some(opened) => opened,
            None => OpenDashboard::open(admin, wanted, terms)
                .map_err(|error| AdminError::failed(error.to_string()))?,
        };
        let opened = open.insert(opened);
        Ok(opened.dashboard.link(opened.address.port()))
    }

    /// Closes the dashboard, as the daemon ends.
    pub(super) fn close(&self) {
        self.open.lock().take();
    }
}

impl<A: Admin> OpenDashboard<A> {
    fn open(admin: Arc<A>, wanted: SocketAddr, terms: &DashboardTerms) -> io::Result<Self> {
        let socket = bind("server.dashboard", wanted)?;
        let address = socket.local_addr()?;
        let random = Random::from_system().map_err(io::Error::other)?;
        let dashboard = Dashboard::new(admin, Box::new(move || octets(&random)));
        let counters = terms.counters.clone();
        let observer = move |event| counters.count(counter(event));
        let limits = HttpLimits {
            connections: MAX_CONNECTIONS,
            // Every browser is of this machine, and so of one address.
            client_connections: MAX_CONNECTIONS,
            ..HttpLimits::default()
        };
        let site = HttpSite::new(dashboard.routes(), limits, terms.descriptors.clone(), observer);
        site.rename(HostNames::new(vec![dashboard.host().to_owned()]));
        let service = HttpService::start(site)?;
        let listener = service.serve(socket)?;
        tracing::info!("dashboard: open at {address}");
        Ok(OpenDashboard { dashboard, address, _listener: listener, _service: service })
    }
}

/// 256 random bits.
fn octets(random: &Random) -> [u8; 32] {
    let mut octets = [0; 32];
    for part in octets.chunks_exact_mut(8) {
        part.copy_from_slice(&random.bits().to_be_bytes());
    }
    octets
}
