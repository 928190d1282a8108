//! rustls is built without a provider of cryptography, so that only one, ring, is linked.

/// Makes ring the process's provider. Called once by the binary and by whoever makes an HTTP client;
/// again is harmless.
pub fn install_provider() {
    // An error says that there is one already.
    drop(rustls::crypto::ring::default_provider().install_default());
}
