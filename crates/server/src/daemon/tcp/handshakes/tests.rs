use tokio::io::{AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use zoners_tls::CertificateFiles;

use super::*;

/// TLS with a certificate of its own.
fn tls() -> ServedTls {
    let folder = tempfile::tempdir().unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec!["dns.example".to_owned()]).unwrap();
    let files =
        CertificateFiles { chain: folder.path().join("chain"), key: folder.path().join("key") };
    std::fs::write(&files.chain, params.self_signed(&key).unwrap().pem()).unwrap();
    std::fs::write(&files.key, key.serialize_pem()).unwrap();
    let tls = ServedTls::default();
    tls.put(Some(&files.read().unwrap()), false, &[]);
    tls
}

type Outcome = Result<ServerStream<DuplexStream>, Counter>;

/// A client that begins a handshake and says no more.
fn silent(handshakes: &Handshakes, address: [u8; 4]) -> (DuplexStream, JoinHandle<Outcome>) {
    let (here, there) = duplex(4096);
    let handshakes = handshakes.clone();
    (here, tokio::spawn(async move { handshakes.accept(None, there, address.into()).await }))
}

async fn run() {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn one_client_and_all_have_so_many_handshakes_under_way() {
    let handshakes = Handshakes::new(tls());
    let mut open = Vec::new();
    for number in 0..MAX_CLIENT_HANDSHAKES {
        open.push(silent(&handshakes, [192, 168, 1, 1]));
        run().await;
        assert_eq!(handshakes.slots.taken(), number + 1);
    }
    let (_here, refused) = silent(&handshakes, [192, 168, 1, 1]);
    assert_eq!(refused.await.unwrap().unwrap_err(), Counter::ClientTlsRefused);
    for client in 1..MAX_HANDSHAKES / MAX_CLIENT_HANDSHAKES {
        let address = [192, 168, 2, client as u8];
        open.extend((0..MAX_CLIENT_HANDSHAKES).map(|_| silent(&handshakes, address)));
    }
    run().await;
    assert_eq!(handshakes.slots.taken(), MAX_HANDSHAKES);
    let (_here, refused) = silent(&handshakes, [192, 168, 3, 1]);
    assert_eq!(refused.await.unwrap().unwrap_err(), Counter::ClientTlsRefused);
    // A client that leaves makes room.
    drop(open.pop().map(|(here, accepting)| (drop(here), accepting)));
    run().await;
    assert_eq!(handshakes.slots.taken(), MAX_HANDSHAKES - 1);
}

#[tokio::test(start_paused = true)]
async fn a_slow_handshake_has_little_time_and_less_under_crowding() {
    let handshakes = Handshakes::new(tls());
    let began = Instant::now();
    let (mut here, slow) = silent(&handshakes, [192, 168, 1, 1]);
    // Octets one by one do not help.
    tokio::spawn(async move {
        for octet in [22, 3, 1, 2, 0].iter().chain(&[0; 500]) {
            let _ = here.write_all(&[*octet]).await;
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    });
    let outcome = slow.await.unwrap().unwrap_err();
    assert_eq!((outcome, began.elapsed()), (Counter::ClientTlsTimedOut, TIMEOUT));
    let crowd: Vec<_> =
        (0..CROWDED).map(|client| silent(&handshakes, [10, 0, 0, client as u8])).collect();
    run().await;
    let began = Instant::now();
    let (_here, slow) = silent(&handshakes, [192, 168, 1, 1]);
    let outcome = slow.await.unwrap().unwrap_err();
    assert_eq!((outcome, began.elapsed()), (Counter::ClientTlsTimedOut, CROWDED_TIMEOUT));
    drop(crowd);
}

#[tokio::test]
async fn what_is_no_tls_is_counted_as_failed_and_without_a_certificate_none_begins() {
    let handshakes = Handshakes::new(tls());
    let (mut here, accepting) = silent(&handshakes, [192, 168, 1, 1]);
    here.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    assert_eq!(accepting.await.unwrap().unwrap_err(), Counter::ClientTlsFailed);
    let none = Handshakes::new(ServedTls::default());
    let (_here, accepting) = silent(&none, [192, 168, 1, 1]);
    assert_eq!(accepting.await.unwrap().unwrap_err(), Counter::ClientTlsRefused);
}
