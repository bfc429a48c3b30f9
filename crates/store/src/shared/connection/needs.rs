//! The sandbox declaration of the connections to Redis.

use std::net::IpAddr;
use std::path::PathBuf;

use redis::{ConnectionAddr, IntoConnectionInfo};
use zoners_sandbox::{Calls, Need, Needs, certificate_needs};

use super::RedisServers;

/// Folders with the configuration of the system's resolver and with its libraries.
const RESOLVER_FOLDERS: [&str; 6] =
    ["/etc", "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib"];
impl RedisServers {
    /// The needs of connections to these servers.
    #[must_use]
    pub fn needs(&self) -> Needs {
        let mut all = vec![Need::Calls(Calls::Network)];
        let infos = self.urls.iter().filter_map(|url| url.as_str().into_connection_info().ok());
        for info in infos {
            let (host, port, tls) = match info.addr().clone() {
                ConnectionAddr::Tcp(host, port) => (host, port, false),
                ConnectionAddr::TcpTls { host, port, .. } => (host, port, true),
                _ => continue,
            };
            all.push(Need::Connect(port));
            if tls {
                // The system's certificates are read even where the configuration names a file.
                all.extend(certificate_needs());
            }
            if host.parse::<IpAddr>().is_err() {
                all.extend(look_up());
            }
        }
        // Addresses come from the cluster or the sentinels then.
        if self.cluster || self.sentinel.is_some() {
            all.push(Need::ConnectAnywhere);
            all.extend(look_up());
        }
        Needs { of: "cache.redis.url", all }
    }
}

fn look_up() -> impl Iterator<Item = Need> {
    let resolver = std::fs::canonicalize("/etc/resolv.conf").ok();
    let resolver = resolver.and_then(|path| path.parent().map(PathBuf::from));
    let folders = RESOLVER_FOLDERS.map(PathBuf::from).into_iter().chain(resolver);
    [Calls::Libraries, Calls::Files].map(Need::Calls).into_iter().chain(folders.map(Need::Read))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(url: &str, cluster: bool, ca: Option<Vec<u8>>) -> Vec<Need> {
        RedisServers::new(vec![url.to_owned()], cluster, None, ca).unwrap().needs().all
    }

    #[test]
    fn needs_follow_from_the_address() {
        let network = Need::Calls(Calls::Network);
        let plain = needs("redis://192.0.2.1:6380", false, None);
        assert_eq!(plain, [network.clone(), Need::Connect(6380)]);
        assert_eq!(needs("unix:///run/redis.sock", false, None), [network]);
        let named = needs("redis://redis.lan", false, None);
        assert!(named.contains(&Need::Calls(Calls::Libraries)));
        assert!(named.contains(&Need::Connect(6379)) && named.contains(&Need::Read("/etc".into())));
        let tls = needs("rediss://192.0.2.1:6380", false, None);
        assert!(tls.contains(&Need::List("/etc/ssl".into())));
        assert!(!tls.contains(&Need::Calls(Calls::Libraries)));
        assert_eq!(needs("rediss://192.0.2.1:6380", false, Some(vec![])), tls);
        assert!(needs("redis://192.0.2.1", true, None).contains(&Need::ConnectAnywhere));
    }
}
