//! TLS: the one crypto library of the process, and certificates of servers with their reload.
//!
//! Each side of TLS is made with [`provider()`]. A server reads a [`Certificate`] from [`CertificateFiles`], and gets
//! configurations from a [`ServerTls`], which outlasts certificates: a reload puts the next certificate into force for
//! handshakes to come, and no connection ends.

pub mod alpn;
mod certificate;
mod certificate_request;
pub mod client;
mod private_authority;
mod provider;
mod server;

pub use certificate::{
    Certificate, CertificateChain, CertificateFault, CertificateFiles, Validity, names,
};
pub use certificate_request::CertificateRequest;
pub use private_authority::{
    AuthorityFault, CertificateSubjects, MadeCertificate, PrivateAuthority, day_of, fingerprint,
};
pub use provider::{install, provider};
pub use rustls::ServerConfig;
pub use server::alpn_challenge::{AlpnChallenges, MAX_CHALLENGES};
pub use server::asked_name::AskedName;
pub use server::client_authority::ClientAuthority;
pub use server::stream::ServerStream;
pub use server::{ApplicationProtocol, ServerTls};
