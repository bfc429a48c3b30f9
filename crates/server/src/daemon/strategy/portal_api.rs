//! The API of a captive portal (RFC 8908), whose address the network tells (RFC 8910).

use std::net::IpAddr;
use std::time::Duration;

use tokio::task::spawn_blocking;
use zoners_dns::Network;
use zoners_http::{
    Download, DownloadLimits, Downloaded, HostAddresses, HttpUrl, TlsClient, UrlHost, Validators,
};
use zoners_networks::{NO_PORTAL_API, PORTAL_API_TYPE, PortalSession};
use zoners_resolver::Resolver;

use super::portal_pages::is_foreign;
use crate::resolved_hosts::ResolvedHosts;

/// A state has some hundred octets. A server that is slow or sends without end holds nothing up: pages are asked for
/// beside.
const LIMITS: DownloadLimits = DownloadLimits {
    octets: 16 * 1024,
    redirects: 2,
    connect: Duration::from_secs(3),
    head: Duration::from_secs(3),
    stall: Duration::from_secs(2),
    total: Duration::from_secs(8),
};

/// The address of an API as a network tells it. An API without TLS is none: anyone on the way could answer (RFC 8908
/// section 4).
pub(super) fn api_address(told: &str) -> Option<HttpUrl> {
    let url = told.parse::<HttpUrl>();
    let url = url.ok().filter(HttpUrl::is_secure);
    if url.is_none() && told != NO_PORTAL_API {
        tracing::debug!("network: the address of the portal's API is none of HTTPS");
    }
    url
}

/// Asks the API. Its host is found by `resolver`.
///
/// # Errors
/// The API gives no state within the bounds; the text says why.
pub(super) async fn ask_api<N: Network>(
    resolver: &Resolver<N>,
    url: &HttpUrl,
    own_addresses: &[IpAddr],
) -> Result<PortalSession, String> {
    // Files of the system are read.
    let tls = spawn_blocking(TlsClient::with_system_roots).await;
    let tls = tls.map_err(|error| error.to_string())??;
    ask_over(&ForeignHosts { hosts: ResolvedHosts(resolver), own_addresses }, &tls, url).await
}

async fn ask_over(
    hosts: &impl HostAddresses,
    tls: &TlsClient,
    url: &HttpUrl,
) -> Result<PortalSession, String> {
    let (validators, mut reply) = (Validators::default(), Vec::new());
    let download =
        Download { url, accept: PORTAL_API_TYPE, validators: &validators, limits: &LIMITS };
    match download.run(hosts, Some(tls), &mut reply).await {
        Ok(Downloaded::Complete { .. }) => {}
        Ok(Downloaded::Unchanged) => return Err("the reply has no content".to_owned()),
        Err(error) => return Err(error.to_string()),
    }
    PortalSession::read(&reply).ok_or_else(|| "the reply is no state of RFC 8908".to_owned())
}

/// Hosts beyond this machine.
struct ForeignHosts<'a, N: Network> {
    hosts: ResolvedHosts<'a, N>,
    own_addresses: &'a [IpAddr],
}

impl<N: Network> HostAddresses for ForeignHosts<'_, N> {
    async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, String> {
        let mut found = self.hosts.addresses(host).await?;
        found.retain(|ip| is_foreign(*ip, self.own_addresses));
        match found.is_empty() {
            true => Err("its addresses are those of this machine".to_owned()),
            false => Ok(found),
        }
    }
}

/// The host of an address, if it has a name.
pub(super) fn host_name(url: &HttpUrl) -> Option<&str> {
    match url.host() {
        UrlHost::Name(name) => Some(name),
        UrlHost::Address(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use zoners_networks::PortalVerdict;

    /// An authority of another test, as none is asked here.
    const ROOTS: &[u8] = include_bytes!("../../../../http/tests/tls/ca.pem");

    struct Loopback;

    impl HostAddresses for Loopback {
        async fn addresses(&self, _: &str) -> Result<Vec<IpAddr>, String> {
            Ok(vec![[127, 0, 0, 1].into()])
        }
    }

    /// What a server is taken to say that sends `reply`, or nothing at all, in the clear.
    async fn said(reply: Option<Vec<u8>>) -> Result<PortalSession, String> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://api.example:{}/", listener.local_addr().unwrap().port());
        let serving = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4096];
            let length = stream.read(&mut request).await.unwrap();
            let Some(reply) = reply else { return std::future::pending().await };
            // The client may have heard enough.
            let _ = stream.write_all(&reply).await;
            let request = String::from_utf8_lossy(&request[..length]).to_ascii_lowercase();
            assert!(request.contains("accept: application/captive+json\r\n"), "{request}");
        });
        let tls = TlsClient::with_roots(ROOTS).unwrap();
        let said = ask_over(&Loopback, &tls, &url.parse().unwrap()).await;
        serving.abort();
        said
    }

    fn reply(status: &str, content: &[u8]) -> Option<Vec<u8>> {
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", content.len());
        Some([head.as_bytes(), content].concat())
    }

    #[tokio::test]
    async fn an_api_tells_the_state_and_a_bad_one_tells_nothing() {
        let session = said(reply("200 OK", b"{\"captive\":true}")).await.unwrap();
        assert_eq!(session.verdict(), PortalVerdict::Captive);
        for bad in [
            reply("200 OK", b"<html>Welcome</html>"),
            reply("200 OK", b"{}"),
            reply("500 Sorry", b"{\"captive\":true}"),
            reply("200 OK", &vec![b' '; 64 * 1024]),
            reply("302 Found\r\nLocation: http://api.example:1/", b""),
            Some(b"220 mail.example ESMTP\r\n".to_vec()),
            Some(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"captive\":false}".to_vec()),
        ] {
            let octets = bad.clone().unwrap_or_default();
            let head: String = String::from_utf8_lossy(&octets).chars().take(99).collect();
            assert!(said(bad).await.is_err(), "{head}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_api_that_hangs_is_given_up() {
        assert!(said(None).await.is_err());
    }

    #[test]
    fn an_api_has_an_address_of_https() {
        assert!(api_address("https://portal.example/api?x=1").is_some());
        for none in [NO_PORTAL_API, "http://portal.example/api", "portal.example", "", "https://"] {
            assert!(api_address(none).is_none(), "{none}");
        }
        let host = |text: &str| api_address(text).as_ref().and_then(host_name).map(str::to_owned);
        assert_eq!(host("https://portal.example/").as_deref(), Some("portal.example"));
        assert_eq!(host("https://192.0.2.1/"), None);
    }
}
