//! Connections to Redis: a single server, a cluster sharing the keys, or a master that sentinels
//! name.

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

/// Limit for one connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Limit for finding the master or the nodes of a cluster, which takes several connections.
const OPEN_TIMEOUT: Duration = Duration::from_secs(5);
/// Limit for one reply.
const RESPONSE_TIMEOUT: Duration = Duration::from_millis(500);

/// The configured Redis servers.
#[derive(Clone)]
pub struct RedisServers {
    /// Addresses as URLs.
    urls: Vec<String>,
    /// Whether the servers form a cluster.
    cluster: bool,
    /// The name of the master, if the servers are sentinels.
    sentinel: Option<String>,
    /// PEM certificates of the authorities signing the servers' certificates; without any, the
    /// system's.
    ca: Option<Vec<u8>>,
}

impl fmt::Debug for RedisServers {
    /// Leaves the passwords out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisServers").field("count", &self.urls.len()).finish_non_exhaustive()
    }
}

/// An open connection.
#[derive(Clone)]
pub(super) enum RedisConnection {
    One(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl RedisServers {
    /// RedisServers at these URLs: `redis://`, `rediss://` for TLS, `unix://`, also `valkey://`.
    ///
    /// # Errors
    /// A text is no URL of a Redis server; the error says why.
    pub fn new(
        urls: Vec<String>,
        cluster: bool,
        sentinel: Option<String>,
        ca: Option<Vec<u8>>,
    ) -> Result<Self, RedisError> {
        urls.iter().try_for_each(|url| RedisServers::check(url))?;
        Ok(RedisServers { urls, cluster, sentinel, ca })
    }

    /// Checks that a text is the URL of a Redis server.
    ///
    /// # Errors
    /// The text is no such URL; the error says why.
    pub fn check(url: &str) -> Result<(), RedisError> {
        url.into_connection_info().map(|_| ())
    }

    /// Whether the configured certificates can be parsed and each server is reached over TLS.
    #[must_use]
    pub fn can_be_certified(&self) -> bool {
        let with_tls = |info| Client::build_with_tls(info, self.certificates()).is_ok();
        self.ca.is_none() || self.infos().is_ok_and(|infos| infos.into_iter().all(with_tls))
    }

    fn certificates(&self) -> redis::TlsCertificates {
        redis::TlsCertificates { client_tls: None, root_cert: self.ca.clone() }
    }

    fn infos(&self) -> Result<Vec<ConnectionInfo>, RedisError> {
        self.urls.iter().map(|url| url.as_str().into_connection_info()).collect()
    }

    /// Whether the servers are sentinels.
    pub(super) fn are_sentinels(&self) -> bool {
        self.sentinel.is_some()
    }

    /// Connects, within [`OPEN_TIMEOUT`].
    pub(super) async fn connect(&self) -> Result<RedisConnection, RedisError> {
        let late = |_| RedisError::from((redis::ErrorKind::Io, "no connection in time"));
        timeout(OPEN_TIMEOUT, Box::pin(self.open())).await.map_err(late)?
    }

    async fn open(&self) -> Result<RedisConnection, RedisError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(RESPONSE_TIMEOUT));
        if self.cluster {
            let mut builder = ClusterClientBuilder::new(self.infos()?)
                .connection_timeout(CONNECT_TIMEOUT)
                .response_timeout(RESPONSE_TIMEOUT)
                .retries(1);
            if self.ca.is_some() {
                builder = builder.certs(self.certificates());
            }
            return Ok(RedisConnection::Cluster(builder.build()?.get_async_connection().await?));
        }
        if let Some(master) = &self.sentinel {
            let mut client = self.sentinels(master)?;
            let connection = client.get_async_connection_with_config(&config).await?;
            return Ok(RedisConnection::One(connection));
        }
        let mut last = RedisError::from((redis::ErrorKind::InvalidClientConfig, "no server"));
        for info in self.infos()? {
            let client = match &self.ca {
                Some(_) => Client::build_with_tls(info, self.certificates())?,
                None => Client::open(info)?,
            };
            match client.get_multiplexed_async_connection_with_config(&config).await {
                Ok(connection) => return Ok(RedisConnection::One(connection)),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// A client asking sentinels for the master; user, password and database of the first URL are
    /// those of the master.
    fn sentinels(&self, master: &str) -> Result<SentinelClient, RedisError> {
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

impl RedisConnection {
    /// Sends one command and returns the reply; an error reply is an `Err`.
    pub(super) async fn send(&mut self, command: &Cmd) -> Result<Value, RedisError> {
        let value = match self {
            RedisConnection::One(connection) => connection.req_packed_command(command).await?,
            RedisConnection::Cluster(connection) => connection.req_packed_command(command).await?,
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
            (RedisConnection::Cluster(connection), Some((host, port))) => {
                let node = SingleNodeRoutingInfo::ByAddress { host: host.clone(), port: *port };
                let routing = RoutingInfo::SingleNode(node);
                connection.route_command(command.clone(), routing).await?.extract_error()
            }
            (connection, _) => Box::pin(connection.send(command)).await,
        }
    }
}
