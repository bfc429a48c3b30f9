use std::sync::Arc;

use rcgen::{CertificateParams, CertifiedIssuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio_rustls::TlsAcceptor;

use super::*;

const ADDRESS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

/// A server with a certificate of an authority of its own.
struct Server {
    acceptor: TlsAcceptor,
    authority: String,
    pin: KeyDigest,
}

impl Server {
    fn for_names(names: &[&str]) -> Self {
        Server::with(names, |_| {})
    }

    fn with(names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let leaf = params.signed_by(&key, &issuer).unwrap();
        let parsed = rustls::server::ParsedCertificate::try_from(leaf.der()).unwrap();
        let spki = parsed.subject_public_key_info();
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &spki);
        let pin = digest.as_ref().try_into().unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(provider());
        let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let mut config = config.with_single_cert(vec![leaf.der().clone()], key).unwrap();
        config.alpn_protocols = vec![alpn::DOT.to_vec()];
        Server { acceptor: TlsAcceptor::from(Arc::new(config)), authority: issuer.pem(), pin }
    }

    fn trusted(&self) -> ClientTls {
        ClientTls::with_authorities(self.authority.as_bytes()).unwrap()
    }

    /// A handshake, with an octet each way, after which tickets have arrived; and the SNI that the server saw.
    async fn meet(
        &self,
        tls: &ClientTls,
        peer: ExpectedPeer<'_>,
    ) -> io::Result<(TlsHandshake, Option<String>)> {
        let (here, there) = duplex(1 << 16);
        let serving = async {
            let mut stream = self.acceptor.accept(there).await?;
            let name = stream.get_ref().1.server_name().map(str::to_owned);
            let octet = stream.read_u8().await?;
            stream.write_u8(octet).await?;
            stream.flush().await?;
            io::Result::Ok(name)
        };
        let asking = async {
            let (mut stream, handshake) = tls.connect(peer, here).await?;
            stream.write_u8(7).await?;
            stream.flush().await?;
            assert_eq!(stream.read_u8().await?, 7);
            io::Result::Ok(handshake)
        };
        let (served, asked) = tokio::join!(serving, asking);
        Ok((asked?, served?))
    }
}

#[tokio::test]
async fn a_peer_is_known_by_name_address_or_key() {
    let server = Server::for_names(&["dns.example", "192.0.2.1"]);
    let tls = server.trusted();
    for name in ["dns.example", "192.0.2.1"] {
        let (handshake, sni) = server.meet(&tls, ExpectedPeer::Named(name)).await.unwrap();
        assert_eq!(handshake, TlsHandshake::Full);
        assert_eq!(sni.as_deref(), (name == "dns.example").then_some(name));
    }
    let stranger = ClientTls::without_authorities();
    let pinned = ExpectedPeer::Pinned("other.example", std::slice::from_ref(&server.pin));
    assert!(server.meet(&stranger, pinned).await.is_ok());
    let (_, sni) = server.meet(&stranger, ExpectedPeer::Any(ADDRESS)).await.unwrap();
    assert_eq!(sni, None, "no SNI tells what is asked");
}

#[tokio::test]
async fn a_peer_without_its_proof_is_refused_with_the_reason() {
    let server = Server::for_names(&["dns.example"]);
    let past = |params: &mut CertificateParams| params.not_after = rcgen::date_time_ymd(2001, 1, 1);
    let old = Server::with(&["dns.example"], past);
    let (named, other) = (ExpectedPeer::Named("dns.example"), ExpectedPeer::Named("other.example"));
    let pinned = ExpectedPeer::Pinned("dns.example", std::slice::from_ref(&old.pin));
    let strange = ClientTls::without_authorities();
    for (server, tls, peer, fault) in [
        (&server, server.trusted(), other, PeerFault::WrongName),
        (&server, server.trusted(), ExpectedPeer::Named("192.0.2.1"), PeerFault::WrongName),
        (&server, old.trusted(), named, PeerFault::UnknownIssuer),
        (&server, strange.clone(), named, PeerFault::UnknownIssuer),
        (&server, strange, pinned, PeerFault::WrongKey),
        (&old, old.trusted(), named, PeerFault::WrongTime),
    ] {
        let error = server.meet(&tls, peer).await.unwrap_err();
        assert_eq!(PeerFault::of(&error), Some(fault), "{error}");
    }
    let (here, mut there) = duplex(1 << 16);
    there.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
    let error = server.trusted().connect(named, here).await.unwrap_err();
    assert_eq!(PeerFault::of(&error), Some(PeerFault::NoTls));
    assert_eq!(PeerFault::of(&io::ErrorKind::ConnectionReset.into()), None);
}

#[tokio::test]
async fn a_session_is_resumed_for_the_same_proof_alone() {
    let server = Server::for_names(&["dns.example", "192.0.2.1"]);
    let tls = server.trusted();
    let pins = [server.pin];
    for peer in [
        ExpectedPeer::Any(ADDRESS),
        ExpectedPeer::Named("192.0.2.1"),
        ExpectedPeer::Named("dns.example"),
        ExpectedPeer::Pinned("dns.example", &pins),
    ] {
        let first = server.meet(&tls, peer).await.unwrap().0;
        let second = server.meet(&tls, peer).await.unwrap().0;
        assert_eq!((first, second), (TlsHandshake::Full, TlsHandshake::Resumed), "{peer:?}");
    }
}

#[tokio::test]
async fn the_key_exchange_withstands_quantum_computers() {
    let server = Server::for_names(&["dns.example"]);
    let (here, there) = duplex(1 << 16);
    let tls = server.trusted();
    let asking = tls.connect(ExpectedPeer::Named("dns.example"), here);
    let (served, asked) = tokio::join!(server.acceptor.accept(there), asking);
    let group = asked.unwrap().0.get_ref().1.negotiated_key_exchange_group().unwrap().name();
    assert_eq!(group, rustls::NamedGroup::X25519MLKEM768);
    drop(served);
}

#[tokio::test]
async fn the_application_protocol_can_be_another() {
    let server = Server::for_names(&["dns.example"]);
    let (tls, peer) = (server.trusted(), ExpectedPeer::Named("dns.example"));
    // The server speaks DNS over TLS alone.
    assert!(server.meet(&tls.speaking(b"http/1.1"), peer).await.is_err());
    assert!(server.meet(&tls.speaking(b"http/1.1").speaking(alpn::DOT), peer).await.is_ok());
}
