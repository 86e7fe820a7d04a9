//! A connection to an address that was checked.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::Host;

use super::resolve::Resolver;
use crate::web::error::WebError;
use crate::web::policy::{Policy, Target};

/// How many addresses of a host are tried.
const TRIED: usize = 4;

/// A connection, encrypted or not.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Makes connections.
pub(in crate::web) struct Connector {
    pub(in crate::web) resolver: Arc<dyn Resolver>,
    pub(in crate::web) tls: TlsConnector,
    /// How long one address is tried for.
    pub(in crate::web) timeout: Duration,
}

impl Connector {
    /// Connects to `target`. Names are looked up here and nowhere else, and the
    /// connection is made to an address that `policy` has seen.
    pub(super) async fn connect(
        &self,
        target: &Target,
        policy: &Policy,
    ) -> Result<Box<dyn Stream>, WebError> {
        let found = self.addresses(target).await?;
        let admitted: Vec<IpAddr> = found
            .iter()
            .map(IpAddr::to_canonical)
            .filter(|address| policy.admits(target, *address))
            .collect();
        if admitted.is_empty() {
            return Err(WebError::AddressNotAllowed);
        }
        let tcp = self.first_of(in_turn(&admitted), target.port).await?;
        if is_this_host(&tcp).map_err(WebError::NotConnected)? {
            let address = tcp.peer_addr().map_err(WebError::NotConnected)?.ip();
            if !policy.opens(target, address) {
                return Err(WebError::AddressNotAllowed);
            }
        }
        if target.is_tls {
            Ok(Box::new(self.encrypt(tcp, &target.host).await?))
        } else {
            Ok(Box::new(tcp))
        }
    }

    async fn addresses(&self, target: &Target) -> Result<Vec<IpAddr>, WebError> {
        let name = match &target.host {
            Host::Domain(name) => name,
            Host::Ipv4(address) => return Ok(vec![(*address).into()]),
            Host::Ipv6(address) => return Ok(vec![(*address).into()]),
        };
        if is_localhost(name) {
            return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
        }
        let found = self.resolver.resolve(name).await;
        match found.map_err(WebError::NotResolved)? {
            none if none.is_empty() => Err(WebError::NotResolved(io::Error::new(
                io::ErrorKind::NotFound,
                "the name has no address",
            ))),
            found => Ok(found),
        }
    }

    async fn first_of(
        &self,
        addresses: impl Iterator<Item = IpAddr>,
        port: u16,
    ) -> Result<TcpStream, WebError> {
        let mut last = io::Error::from(io::ErrorKind::NotConnected);
        for address in addresses.take(TRIED) {
            let address = SocketAddr::new(address, port);
            match tokio::time::timeout(self.timeout, TcpStream::connect(address)).await {
                Ok(Ok(tcp)) => return Ok(tcp),
                Ok(Err(error)) => last = error,
                Err(_) => last = io::ErrorKind::TimedOut.into(),
            }
        }
        Err(WebError::NotConnected(last))
    }

    async fn encrypt(
        &self,
        tcp: TcpStream,
        host: &Host,
    ) -> Result<impl Stream + 'static, WebError> {
        let name = match host {
            Host::Domain(name) => ServerName::try_from(name.clone())
                .map_err(|error| WebError::Tls(io::Error::other(error)))?,
            Host::Ipv4(address) => ServerName::IpAddress(IpAddr::from(*address).into()),
            Host::Ipv6(address) => ServerName::IpAddress(IpAddr::from(*address).into()),
        };
        self.tls.connect(name, tcp).await.map_err(WebError::Tls)
    }
}

/// One address of the first one's family, one of the other, and so on: a host may
/// have many of a family that leads nowhere from here (RFC 8305, 4).
fn in_turn(addresses: &[IpAddr]) -> impl Iterator<Item = IpAddr> {
    let starts_with_v4 = addresses.first().is_some_and(IpAddr::is_ipv4);
    let (first, second): (Vec<IpAddr>, Vec<IpAddr>) = addresses
        .iter()
        .partition(|address| address.is_ipv4() == starts_with_v4);
    let longest = first.len().max(second.len());
    (0..longest).flat_map(move |turn| {
        let in_turn = [first.get(turn).copied(), second.get(turn).copied()];
        in_turn.into_iter().flatten()
    })
}

/// Whether the connection ends where it began. A public address of this host is
/// one, and behind it are services that are closed to the public.
fn is_this_host(tcp: &TcpStream) -> io::Result<bool> {
    Ok(tcp.local_addr()?.ip() == tcp.peer_addr()?.ip())
}

/// Names that are this host wherever one asks (RFC 6761, 6.3). Nobody is asked
/// for them, so nobody may answer something else.
fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name == "localhost" || name.ends_with(".localhost")
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connector")
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
