//! From names to addresses.

use std::io;
use std::net::IpAddr;

use async_trait::async_trait;

/// Tells the addresses of a name. [`SystemResolver`] asks the system; another
/// may ask a server of its own choice.
///
/// A resolver need not be trusted: each address that it tells is checked, and
/// a connection is made to just the address that was. It is asked once for
/// each connection.
#[async_trait]
pub trait Resolver: Send + Sync + 'static {
    /// The addresses of `host`, the best first. `host` is a name in ASCII,
    /// never an address, and never `localhost`. The future may be dropped.
    ///
    /// # Errors
    /// Whatever kept it from finding out; the caller of the tool is told.
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// Asks the system, as every other program on it does (`getaddrinfo`).
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

#[async_trait]
impl Resolver for SystemResolver {
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let found = tokio::net::lookup_host((host, 0)).await?;
        Ok(found.map(|address| address.ip()).collect())
    }
}
