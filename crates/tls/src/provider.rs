//! The one crypto library.

use std::sync::{Arc, LazyLock};

use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{default_provider, kx_group};

/// The groups of key exchanges, the preferred one first: what is recorded today stays closed to a quantum computer of
/// tomorrow, if the peer has the hybrid group too.
const KEY_EXCHANGES: [&dyn rustls::crypto::SupportedKxGroup; 4] =
    [kx_group::X25519MLKEM768, kx_group::X25519, kx_group::SECP256R1, kx_group::SECP384R1];

static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| {
    Arc::new(CryptoProvider { kx_groups: KEY_EXCHANGES.to_vec(), ..default_provider() })
});

/// The crypto library of every TLS connection of the process: aws-lc.
#[must_use]
pub fn provider() -> Arc<CryptoProvider> {
    PROVIDER.clone()
}

/// Has crates that make their own TLS configurations use the same crypto library.
pub fn install() {
    // An error means that the library is in use already.
    let _ = CryptoProvider::clone(&PROVIDER).install_default();
}
