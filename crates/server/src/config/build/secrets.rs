//! Secrets and authorities in files of their own: of Redis, and of servers over TLS.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use zoners_store::Seal;
use zoners_store::shared::{RedisServers, SharedCacheConfig};
use zoners_tls::client::ClientTls;

use crate::config::schema::{RedisConfig, Secret};
use crate::config::{Config, ConfigError, RouteConfig, UpstreamServer, renamed};

/// The first line of a certificate in a PEM file (RFC 7468 section 5.1).
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----";

impl Config {
    /// The settings of the second level, if configured. Reads the files named in the configuration.
    ///
    /// # Errors
    /// A file cannot be read, or its content cannot be used.
    pub fn second_level(&self) -> Result<Option<SharedCacheConfig>, ConfigError> {
        let Some(redis) = &self.cache.redis else { return Ok(None) };
        let mut error = ConfigError::default();
        let secret = error.take(self.secret(redis));
        let ca = redis.ca_file.as_ref().map(|path| self.read("cache.redis.ca-file", path));
        let ca = error.take(ca.transpose());
        let (Some(secret), Some(ca)) = (secret, ca) else { return Err(error) };
        if ca.as_ref().is_some_and(|ca| !ca.contains(CERTIFICATE)) {
            let path = redis.ca_file.as_deref().unwrap_or(Path::new("")).display();
            let what = format!("{path}: must have a certificate in PEM form");
            return Err(self.wrong("cache.redis.ca-file", &what));
        }
        let (urls, ca) = (redis.url.0.clone(), ca.map(String::into_bytes));
        let servers = RedisServers::new(urls, redis.cluster, redis.sentinel.clone(), ca)
            .map_err(|what| self.wrong("cache.redis.url", &what.to_string()))?;
        if !servers.can_be_certified() {
            let what = "must have whole certificates, and is used with TLS alone: an address in `url` must begin with \
                        rediss://";
            return Err(self.wrong("cache.redis.ca-file", what));
        }
        Ok(Some(SharedCacheConfig {
            servers,
            namespace: redis.namespace.clone(),
            seal: secret.map(|secret| Seal::new(secret.0.as_bytes())),
            single_flight: redis.single_flight,
        }))
    }

    /// TLS with the servers of routes: with the authorities of the file or of the system, if a certificate proves a
    /// server. Reads the file named in the configuration.
    ///
    /// # Errors
    /// The file cannot be read or has no certificate, or the system has none.
    pub fn client_tls(&self) -> Result<ClientTls, ConfigError> {
        const KEY: &str = "resolver.ca-file";
        let mut routes = self.forward.iter().chain(&self.stub);
        let is_proven_by_certificate = |route: &RouteConfig| {
            route.pins.is_empty() && route.servers.iter().any(UpstreamServer::is_encrypted)
        };
        match &self.resolver.ca_file {
            Some(path) => {
                let authorities = self.read(KEY, path)?;
                let tls = ClientTls::with_authorities(authorities.as_bytes());
                tls.map_err(|what| self.wrong(KEY, &format!("{}: {what}", path.display())))
            }
            None if routes.any(is_proven_by_certificate) => ClientTls::with_system_authorities()
                .map_err(|what| self.wrong(KEY, &format!("must name a file: {what}"))),
            None => Ok(ClientTls::without_authorities()),
        }
    }

    /// The common secret of the nodes, from the configuration itself or from a file.
    fn secret(&self, redis: &RedisConfig) -> Result<Option<Secret>, ConfigError> {
        const KEY: &str = "cache.redis.secret-file";
        let Some(path) = &redis.secret_file else { return Ok(redis.secret.clone()) };
        let text = self.read(KEY, path)?;
        let told = |what: &str| self.wrong(KEY, &format!("{}: {what}", path.display()));
        // A file with write access for everyone holds no secret. Read access, as in many containers, is for
        // the daemon to tell.
        if mode(path) & 0o022 != 0 {
            return Err(told("must not be writable for other users; allowed is `chmod 600`"));
        }
        Secret::new(&text).map(Some).map_err(|what| told(&what))
    }

    /// Remarks on values with a legal form and a doubtful intention.
    #[must_use]
    pub fn remarks(&self) -> Vec<String> {
        let redis = self.cache.redis.as_ref();
        let secret = redis.and_then(|redis| redis.secret_file.as_deref());
        let open = secret.filter(|path| mode(path) & 0o004 != 0);
        let told = |path: &Path| {
            let what = format!(
                "{}: every user of this machine can read the secret; better is `chmod 600`",
                path.display()
            );
            self.source.remark("cache.redis.secret-file", &what)
        };
        let renamed = renamed::remarks(|path| self.source.has(path));
        let renamed = renamed.map(|(path, what)| self.source.remark(&path, &what));
        open.map(told)
            .into_iter()
            .chain(self.open_keys())
            .chain(self.acme_remark())
            .chain(self.http3_remarks())
            .chain(renamed)
            .collect()
    }
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).map_or(0, |file| file.mode())
}
