//! Headers at the edges of the limits, in virtual time.

use proptest::prelude::*;
use proxy_header::{ProxiedAddress, SslInfo, Tlv};
use tokio::io::{AsyncWriteExt, duplex};
use tokio::time::Instant;

use super::*;

const PROXY: &str = "192.0.2.1:40000";
const CLIENT: &str = "203.0.113.7:5353";

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// The header of a client of `proxy`, with such fields.
fn header(client: &str, server: &str, fields: Vec<Tlv<'static>>) -> Vec<u8> {
    let addresses = ProxiedAddress::stream(at(client), at(server));
    let mut octets = Vec::new();
    ProxyHeader::with_tlvs(Some(addresses), fields).encode_v2(&mut octets).unwrap();
    octets
}

fn usual() -> Vec<u8> {
    header(CLIENT, "192.0.2.2:853", Vec::new())
}

/// A header without addresses: of this command, family and protocol.
fn bare(command: u8, family: u8) -> Vec<u8> {
    let mut octets = usual()[..12].to_vec();
    octets.extend([command, family, 0, 0]);
    octets
}

/// The client in the octets that `proxy` sends before it closes its end, and the octets that are left.
async fn read_of(proxy: &str, octets: &[u8]) -> (Result<SocketAddr, ProxyFault>, Vec<u8>) {
    let (mut here, mut there) = duplex(8192);
    here.write_all(octets).await.unwrap();
    drop(here);
    let pending = ProxyHeaders::new(Arc::new(Semaphore::new(1))).begin().unwrap();
    let client = pending.read(&mut there, at(proxy)).await;
    let mut left = Vec::new();
    there.read_to_end(&mut left).await.unwrap();
    (client, left)
}

async fn read(octets: &[u8]) -> Result<SocketAddr, ProxyFault> {
    read_of(PROXY, octets).await.0
}

#[tokio::test]
async fn the_client_is_named_and_what_comes_behind_stays() {
    let six = header("[2001:db8::7]:5353", "[2001:db8::1]:853", Vec::new());
    for (octets, client) in [(usual(), CLIENT), (six, "[2001:db8::7]:5353")] {
        let (named, left) = read_of(PROXY, &[&octets[..], b"query"].concat()).await;
        assert_eq!((named, &left[..]), (Ok(at(client)), &b"query"[..]));
    }
}

#[tokio::test]
async fn fields_are_passed_over() {
    let of_tls = SslInfo::new(true, true, true, 0);
    let fields = vec![Tlv::Authority("dns.example".into()), Tlv::Ssl(of_tls), Tlv::Noop(100)];
    let octets = header(CLIENT, "192.0.2.2:853", fields);
    assert!(octets.len() > 130);
    let (named, left) = read_of(PROXY, &[&octets[..], b"query"].concat()).await;
    assert_eq!((named, &left[..]), (Ok(at(CLIENT)), &b"query"[..]));
}

#[tokio::test]
async fn a_proxy_that_speaks_for_itself_is_the_client() {
    assert_eq!(read(&bare(LOCAL, 0)).await, Ok(at(PROXY)));
    // Addresses of a check of health do not count.
    let mut octets = usual();
    octets[12] = LOCAL;
    assert_eq!(read(&octets).await, Ok(at(PROXY)));
}

#[tokio::test]
async fn a_client_without_an_address_has_no_rights_of_the_proxy() {
    let mut of_unix = bare(0x21, 0x31);
    of_unix[15] = 216;
    of_unix.extend([0; 216]);
    for unknown in [bare(0x21, 0), of_unix] {
        assert_eq!(read(&unknown).await, Err(ProxyFault::Malformed));
    }
}

#[tokio::test]
async fn what_is_no_header_of_version_2_is_refused() {
    let faults: [fn(&mut Vec<u8>); 5] = [
        |octets| octets[11] = 0,
        |octets| octets[12] = 0x11,
        |octets| octets[12] = 0x22,
        |octets| octets[13] = 0x41,
        // The addresses are longer than the header.
        |octets| octets[13] = 0x21,
    ];
    for (number, fault) in faults.into_iter().enumerate() {
        let mut octets = usual();
        fault(&mut octets);
        assert_eq!(read(&octets).await, Err(ProxyFault::Malformed), "{number}");
    }
    let version_1 = b"PROXY TCP4 203.0.113.7 192.0.2.2 5353 853\r\n";
    assert_eq!(read(version_1).await, Err(ProxyFault::Malformed));
}

#[tokio::test]
async fn a_header_that_is_cut_off_is_refused() {
    let octets = usual();
    for length in 0..octets.len() {
        assert_eq!(read(&octets[..length]).await, Err(ProxyFault::Malformed), "{length}");
    }
}

#[tokio::test]
async fn a_header_has_so_many_octets() {
    let with = |octets: usize| {
        let field = octets - usual().len() - 3;
        header(CLIENT, "192.0.2.2:853", vec![Tlv::Noop(field)])
    };
    assert_eq!(with(MAX_HEADER).len(), MAX_HEADER);
    assert_eq!(read(&with(MAX_HEADER)).await, Ok(at(CLIENT)));
    assert_eq!(read(&with(MAX_HEADER + 1)).await, Err(ProxyFault::Malformed));
}

#[tokio::test]
async fn no_client_has_an_address_of_nobody_or_the_loopback_of_another_machine() {
    for nobody in ["0.0.0.0:1", "224.0.0.1:1", "127.0.0.1:1"] {
        let octets = header(nobody, "192.0.2.2:853", Vec::new());
        assert_eq!(read(&octets).await, Err(ProxyFault::Malformed), "{nobody}");
    }
    for nobody in ["[::]:1", "[ff02::1]:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
        let octets = header(nobody, "[2001:db8::1]:853", Vec::new());
        assert_eq!(read(&octets).await, Err(ProxyFault::Malformed), "{nobody}");
    }
    let octets = header("127.0.0.1:1", "127.0.0.1:853", Vec::new());
    assert_eq!(read_of("[::ffff:127.0.0.1]:40000", &octets).await.0, Ok(at("127.0.0.1:1")));
}

#[tokio::test(start_paused = true)]
async fn a_header_in_pieces_has_no_more_time_than_a_whole_one() {
    let headers = ProxyHeaders::new(Arc::new(Semaphore::new(1)));
    let (mut here, mut there) = duplex(64);
    let began = Instant::now();
    let dripping = async {
        for octet in usual() {
            here.write_all(&[octet]).await.unwrap();
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    let pending = headers.begin().unwrap();
    let (client, ()) = tokio::join!(pending.read(&mut there, at(PROXY)), dripping);
    assert_eq!(client, Err(ProxyFault::TimedOut));
    assert!(began.elapsed() > HEADER_TIME);
    headers.begin().unwrap();
}

#[test]
fn so_many_headers_are_under_way() {
    let headers = ProxyHeaders::new(Arc::new(Semaphore::new(usize::MAX >> 3)));
    let mut under_way: Vec<_> = (0..MAX_HEADERS).map(|_| headers.begin().unwrap()).collect();
    assert_eq!(headers.begin().unwrap_err(), ProxyFault::Full);
    under_way.pop();
    under_way.push(headers.clone().begin().unwrap());
    assert_eq!(headers.begin().unwrap_err(), ProxyFault::Full);
    let without_descriptors = ProxyHeaders::new(Arc::new(Semaphore::new(0)));
    assert_eq!(without_descriptors.begin().unwrap_err(), ProxyFault::NoDescriptor);
}

proptest! {
    #[test]
    fn any_octets_after_the_signature_are_read_to_the_end_of_the_header_and_no_further(
        rest in proptest::collection::vec(any::<u8>(), 4..300),
        command in prop_oneof![Just(0x20_u8), Just(0x21), any::<u8>()],
        family in prop_oneof![Just(0x11_u8), Just(0x21), Just(0), any::<u8>()],
    ) {
        let mut octets = usual()[..12].to_vec();
        octets.extend([command, family, 0, rest[0]]);
        octets.extend(&rest);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let (client, left) = runtime.block_on(read_of(PROXY, &octets));
        if client.is_ok() {
            prop_assert_eq!(left.len(), rest.len() - usize::from(rest[0]));
        }
    }
}
