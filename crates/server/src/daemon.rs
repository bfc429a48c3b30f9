//! The running daemon: workers, each a thread with a runtime and listeners of its own.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::{Semaphore, mpsc};
use zoners_cache::Cache;
use zoners_dns::{Counters, Random, Transport};
use zoners_net::{Sockets, listen, stream};
use zoners_resolver::{Settings, Shared, Worker};

use crate::clock::SystemClock;
use crate::config::{Config, ConfigError};
use crate::pipeline::{Client, Handled, Service};

/// Where clients are served unless the configuration says otherwise: this machine alone.
const DEFAULT_LISTEN: [SocketAddr; 2] = [
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 53),
    SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), 53),
];
/// TCP connections that one worker serves at a time.
const CONNECTIONS: usize = 1024;
/// Queries of one TCP connection that are worked on at a time (RFC 7766 section 6.2.1).
const IN_FLIGHT: usize = 32;
/// A client that sends nothing for so long is hung up on.
const IDLE: Duration = Duration::from_secs(10);
/// A client that takes nothing for so long is hung up on.
const STALLED: Duration = Duration::from_secs(2);
/// The longest query that is read; longer ones are cut and answered FORMERR.
const LONGEST_QUERY: usize = 4096;

/// What all workers of a process need.
#[derive(Debug)]
pub struct Daemon {
    shared: Arc<Shared>,
    settings: Arc<Settings>,
    config: Config,
    listen: Vec<SocketAddr>,
}

/// Listeners of one worker, bound but not yet served.
#[derive(Debug, Default)]
struct Listeners {
    udp: Vec<std::net::UdpSocket>,
    tcp: Vec<std::net::TcpListener>,
}

impl Daemon {
    /// Prepares what the configuration says.
    ///
    /// # Errors
    /// The configuration names something that cannot be had.
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        let random = Random::from_system().map_err(ConfigError::plain)?;
        let hash_key = [random.bits(), random.bits()];
        let cache = Cache::new(config.cache.size.0, config.ttl_limits(), hash_key);
        Ok(Daemon {
            shared: Shared::new(cache, Arc::new(SystemClock), random),
            settings: Arc::new(config.settings()?),
            listen: config.server.listen.clone().unwrap_or_else(|| DEFAULT_LISTEN.to_vec()),
            config: config.clone(),
        })
    }

    /// The service of one worker, for a caller with a runtime of its own.
    #[must_use]
    pub fn service(&self) -> Service<Sockets> {
        let network = Sockets::new(self.shared.random.clone());
        let counters = Arc::new(Counters::default());
        let worker = Worker::new(self.shared.clone(), network, self.settings.clone(), counters);
        Service::new(worker, &self.config, 0)
    }

    /// Binds all listeners, then serves until a thread ends. `ready` is called once clients are
    /// heard.
    ///
    /// # Errors
    /// An address cannot be bound, told with the address, or a thread cannot be started.
    pub fn serve(&self, ready: impl FnOnce(&[SocketAddr])) -> io::Result<()> {
        let workers =
            (0..self.config.server.threads).map(|_| self.bind()).collect::<io::Result<Vec<_>>>()?;
        ready(&self.listen);
        let mut threads = Vec::new();
        for (number, listeners) in workers.into_iter().enumerate() {
            let service = self.service();
            let thread = std::thread::Builder::new().name(format!("worker-{number}"));
            threads.push(thread.spawn(move || work(service, listeners))?);
        }
        for thread in threads {
            thread.join().map_err(|_| io::Error::other("a worker thread panicked"))??;
        }
        Ok(())
    }

    fn bind(&self) -> io::Result<Listeners> {
        let shared = self.config.server.threads > 1;
        let mut listeners = Listeners::default();
        for address in &self.listen {
            let told =
                |error: io::Error| io::Error::new(error.kind(), format!("{address}: {error}"));
            listeners.udp.push(listen::udp(*address, shared).map_err(told)?);
            listeners.tcp.push(listen::tcp(*address, shared).map_err(told)?);
        }
        Ok(listeners)
    }
}

/// One worker's thread.
fn work(service: Service<Sockets>, listeners: Listeners) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let service = Arc::new(service);
    runtime.block_on(async {
        let mut serving = tokio::task::JoinSet::new();
        for socket in listeners.udp {
            serving.spawn(serve_udp(service.clone(), Arc::new(UdpSocket::from_std(socket)?)));
        }
        for listener in listeners.tcp {
            serving.spawn(serve_tcp(service.clone(), TcpListener::from_std(listener)?));
        }
        while let Some(ended) = serving.join_next().await {
            ended.map_err(|_| io::Error::other("a listener panicked"))?;
        }
        Ok(())
    })
}

async fn serve_udp(service: Arc<Service<Sockets>>, socket: Arc<UdpSocket>) {
    let mut packet = vec![0; LONGEST_QUERY];
    loop {
        // What the kernel reports here is of clients that went away; the socket stays good.
        let Ok((length, client)) = socket.recv_from(&mut packet).await else { continue };
        match service
            .handle(&packet[..length], Client { address: client.ip(), transport: Transport::Udp })
        {
            Handled::Reply(reply) => send(&socket, &reply, client).await,
            Handled::Nothing => {}
            Handled::Miss(miss) => {
                let (service, socket) = (service.clone(), socket.clone());
                tokio::spawn(async move {
                    let reply = service.recurse(*miss, None).await;
                    send(&socket, &reply, client).await;
                });
            }
        }
    }
}

async fn send(socket: &UdpSocket, reply: &[u8], client: SocketAddr) {
    if let Err(error) = socket.send_to(reply, client).await {
        tracing::debug!(%client, %error, "reply not sent");
    }
}

async fn serve_tcp(service: Arc<Service<Sockets>>, listener: TcpListener) {
    let connections = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(connection) = connections.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, client)) => {
                let service = service.clone();
                tokio::spawn(async move {
                    let _connection = connection;
                    serve_connection(service, stream, client).await;
                });
            }
            // Descriptors ran out, most likely; give those in use time to close.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

/// Serves one connection: queries are read while others are worked on, and replies leave as they
/// are ready.
async fn serve_connection(service: Arc<Service<Sockets>>, stream: TcpStream, client: SocketAddr) {
    let client = Client { address: client.ip(), transport: Transport::Tcp };
    let _ = stream.set_nodelay(true);
    let (mut reader, mut writer) = stream.into_split();
    let (replies, mut ready) = mpsc::channel::<Vec<u8>>(IN_FLIGHT);
    let writing = async {
        while let Some(reply) = ready.recv().await {
            let write = stream::write_message(&mut writer, &reply);
            if !matches!(tokio::time::timeout(STALLED, write).await, Ok(Ok(()))) {
                return;
            }
        }
    };
    let reading = async move {
        let in_flight = Arc::new(Semaphore::new(IN_FLIGHT));
        loop {
            let Ok(slot) = in_flight.clone().acquire_owned().await else { return };
            let message = tokio::time::timeout(IDLE, stream::read_message(&mut reader)).await;
            let Ok(Ok(packet)) = message else { return };
            let reply = match service.handle(&packet, client) {
                Handled::Reply(reply) => reply,
                Handled::Nothing => continue,
                Handled::Miss(miss) => {
                    let (service, replies) = (service.clone(), replies.clone());
                    tokio::spawn(async move {
                        let _slot = slot;
                        let _ = replies.send(service.recurse(*miss, None).await).await;
                    });
                    continue;
                }
            };
            if replies.send(reply).await.is_err() {
                return;
            }
        }
    };
    // Once reading ends, what is still worked on is written before the connection closes.
    tokio::join!(reading, writing);
}
