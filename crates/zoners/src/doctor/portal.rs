//! Whether the network asks for a log-in: a page of the Internet is fetched over HTTP, as phones do.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, SystemTime};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use zoners_dns::{Question, Random, Rtype, name};
use zoners_doctor::PortalObservation;

use super::probe::DnsProbe;

/// The page, and the word with which it begins.
pub(super) const PAGE: &str = "http://detectportal.firefox.com/success.txt";
const WORD: &str = "success";
/// The time for the whole.
const LIMIT: Duration = Duration::from_secs(6);
/// The most octets of a page.
const MAX_PAGE: u64 = 16 << 10;

/// The findings of the page.
#[derive(Debug, Default)]
pub(super) struct PageReport {
    pub(super) portal: PortalObservation,
    /// Seconds by which this machine is ahead of the server.
    pub(super) ahead_s: Option<i64>,
}

/// Fetches the page at `url`. The first resolver with an answer tells the host's address.
pub(super) async fn look(url: &str, resolvers: &[SocketAddr], random: &Random) -> PageReport {
    let fetched = timeout(LIMIT, fetch(url, resolvers, random)).await;
    let Some(page) = fetched.ok().flatten() else { return PageReport::default() };
    read(&page, now_s())
}

/// Seconds since 1970.
pub(super) fn now_s() -> i64 {
    SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs() as i64)
}

async fn fetch(url: &str, resolvers: &[SocketAddr], random: &Random) -> Option<String> {
    let (host, path) = url.strip_prefix("http://")?.split_once('/')?;
    let ip = match host.parse() {
        Ok(ip) => ip,
        Err(_) => find(host, resolvers, random).await?,
    };
    let mut stream = TcpStream::connect((ip, 80)).await.ok()?;
    let request = format!(
        "GET /{path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: zoners-doctor\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut page = Vec::new();
    stream.take(MAX_PAGE).read_to_end(&mut page).await.ok()?;
    Some(String::from_utf8_lossy(&page).into_owned())
}

async fn find(host: &str, resolvers: &[SocketAddr], random: &Random) -> Option<IpAddr> {
    let question = Question::new(name::parse(host).ok()?, Rtype::A);
    let limit = LIMIT / 4;
    let probe = DnsProbe { question, recursion_desired: true, offered: 1232, hops: None, limit };
    for resolver in resolvers {
        let end = probe.over_udp(*resolver, random).await;
        let mut sets = end.message().into_iter().flat_map(|message| &message.answer);
        if let Some(ip) = sets.find_map(|set| set.addresses().next()) {
            return Some(ip);
        }
    }
    None
}

/// A page with the word means an open network; a redirection or a different page means a portal.
fn read(page: &str, now_s: i64) -> PageReport {
    let (head, body) = page.split_once("\r\n\r\n").unwrap_or((page, ""));
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
    let field = |wanted: &str| {
        let fields = head.lines().filter_map(|line| line.split_once(':'));
        let mut values = fields.filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
        values.next().map(|(_, value)| value.trim().to_owned())
    };
    let portal = || PortalObservation::Portal {
        location: field("location").unwrap_or_else(|| "http://neverssl.com/".to_owned()),
    };
    let portal = match status {
        "204" => PortalObservation::Open,
        "200" if body.contains(WORD) => PortalObservation::Open,
        "200" | "511" | "301" | "302" | "303" | "307" | "308" => portal(),
        _ => PortalObservation::Unknown,
    };
    let date = field("date").and_then(|date| seconds(&date));
    PageReport { portal, ahead_s: date.map(|date| now_s - date) }
}

/// Seconds since 1970 of a date such as `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 section 5.6.7).
fn seconds(date: &str) -> Option<i64> {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let mut words = date.split(' ').skip(1);
    let (day, month, year, time) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let month = MONTHS.find(month).filter(|at| month.len() == 3 && at % 3 == 0)? / 3 + 1;
    let text = format!("{year}-{month:02}-{day}T{time}Z");
    let moment = humantime::parse_rfc3339(&text).ok()?;
    Some(moment.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_told_apart() {
        let state = |page: &str| read(page, 0).portal;
        assert_eq!(state("HTTP/1.1 200 OK\r\n\r\nsuccess\n"), PortalObservation::Open);
        assert_eq!(state("HTTP/1.1 204 No Content\r\n\r\n"), PortalObservation::Open);
        assert_eq!(state("HTTP/1.1 404 Not Found\r\n\r\n"), PortalObservation::Unknown);
        let login = "HTTP/1.1 302 Found\r\nLOCATION: http://login.example/\r\n\r\n";
        let location = "http://login.example/".to_owned();
        assert_eq!(state(login), PortalObservation::Portal { location });
        assert!(matches!(
            state("HTTP/1.1 200 OK\r\n\r\n<h1>Welcome"),
            PortalObservation::Portal { .. }
        ));
    }

    #[test]
    fn the_date_of_a_server_is_read() {
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(seconds("Sun, 06 Foo 1994 08:49:37 GMT"), None);
        let page = "HTTP/1.1 204 No Content\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n";
        assert_eq!(read(page, 784_111_787).ahead_s, Some(10));
    }
}
