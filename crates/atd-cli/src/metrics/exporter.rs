//! Showing the metrics page.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use atd_runtime::Server;
use atd_runtime::server::BoundSocket;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::http::{self, Answer};
use super::{Address, http::Stream};
use crate::failure::Failure;
use crate::output::{YELLOW, note};

/// Readers at a time. One more is closed at once.
const READERS: usize = 16;

/// How long a reader may take from its connection to the end of its answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long to wait when the system cannot give another descriptor.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A place where the page can be read.
pub(crate) struct Exporter(Listener);

enum Listener {
    Tcp(TcpListener),
    Unix(BoundSocket),
}

/// A page that is being shown; no longer once this is dropped.
pub(crate) struct Exporting(JoinHandle<()>);

impl Exporter {
    /// Listens where it was told to, if it was.
    pub(crate) async fn bind(address: Option<&Address>) -> Result<Option<Self>, Failure> {
        let listener = match address {
            None => return Ok(None),
            Some(Address::Unix(path)) => {
                let socket = BoundSocket::bind(path).await.map_err(Failure::failed)?;
                Listener::Unix(socket)
            }
            Some(Address::Tcp(host)) => {
                let bound = TcpListener::bind(host).await.map_err(|error| {
                    Failure::failed(format!("cannot show metrics on {host}: {error}"))
                        .advise("--metrics with another address; port 0 takes a free one")
                })?;
                Listener::Tcp(bound)
            }
        };
        let exporter = Self(listener);
        exporter.announce()?;
        Ok(Some(exporter))
    }

    fn announce(&self) -> io::Result<()> {
        let address = match &self.0 {
            Listener::Unix(socket) => Address::Unix(socket.path().to_owned()),
            Listener::Tcp(listener) => {
                let local = listener.local_addr()?;
                warn_of(local)?;
                Address::Tcp(local.to_string())
            }
        };
        note(format!("metrics are at {address}"))
    }

    /// Shows the page of this server to whoever asks.
    pub(crate) fn show(self, server: Server) -> Exporting {
        Exporting(tokio::spawn(self.serve(server)))
    }

    async fn serve(self, server: Server) {
        let places = Arc::new(Semaphore::new(READERS));
        loop {
            let Ok(stream) = self.0.accept().await else {
                // Most likely it has no descriptor to give, and would say so
                // again at once.
                sleep(ACCEPT_PAUSE).await;
                continue;
            };
            let Ok(place) = places.clone().try_acquire_owned() else {
                continue;
            };
            let server = server.clone();
            tokio::spawn(async move {
                // A reader that fails or is slow reads no page, and nobody
                // else has less of it.
                let _ = timeout(PATIENCE, http::answer(stream, |path| page(&server, path))).await;
                drop(place);
            });
        }
    }
}

impl Listener {
    async fn accept(&self) -> io::Result<Box<dyn Stream>> {
        Ok(match self {
            Self::Tcp(listener) => Box::new(listener.accept().await?.0),
            Self::Unix(socket) => Box::new(socket.accept().await?),
        })
    }
}

impl Exporting {
    /// Shows it no longer, and takes its socket away.
    pub(crate) async fn end(mut self) {
        self.0.abort();
        // It ends as it was told to; a panic in it has been printed.
        let _ = (&mut self.0).await;
    }
}

impl Drop for Exporting {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn page(server: &Server, path: &str) -> Answer {
    if path != "/metrics" {
        return Answer::NotFound;
    }
    let mut page = String::new();
    match server.metrics_snapshot().write_prometheus(&mut page) {
        Ok(()) => Answer::Page(page),
        Err(std::fmt::Error) => Answer::Failed,
    }
}

fn warn_of(local: SocketAddr) -> io::Result<()> {
    if local.ip().is_loopback() {
        return Ok(());
    }
    note(format!(
        "{YELLOW}The metrics are for everybody who reaches {local}: the ids of tools and how \
         often they are called. 127.0.0.1 or a socket's path keeps them on this \
         machine.{YELLOW:#}"
    ))
}
