//! How a connection is made.

use std::{
    hash::{BuildHasher, RandomState},
    io,
    num::{NonZeroU32, NonZeroUsize},
    path::Path,
    time::Duration,
};

use tokio::{
    net::UnixStream,
    time::{sleep, timeout},
};

use crate::{client::Client, error::ClientError, obstacle::Obstacle};

/// How to connect, and the limits of the connection.
///
/// | what | default |
/// | --- | --- |
/// | [`attempts`](Self::attempts) | 8 |
/// | [`attempt_timeout`](Self::attempt_timeout) | 1 s |
/// | [`backoff`](Self::backoff) | 25 ms, doubling, at most 1 s |
/// | [`jitter`](Self::jitter) | on |
/// | [`request_timeout`](Self::request_timeout) | 120 s |
/// | [`max_in_flight`](Self::max_in_flight) | 1,024 |
/// | [`max_answer`](Self::max_answer) | 10 MiB |
///
/// So a server that is started within some two seconds of its client is found,
/// and [`connect`](Self::connect) has an end after 10.6 s at the latest.
///
/// ```no_run
/// use std::{num::NonZeroU32, time::Duration};
///
/// use atd_client::ConnectOptions;
///
/// # async fn example() -> Result<(), atd_client::ClientError> {
/// let client = ConnectOptions::new()
///     .attempts(NonZeroU32::MIN)
///     .request_timeout(Duration::from_secs(10))
///     .connect("/run/user/1000/atd.sock")
///     .await?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct ConnectOptions {
    attempts: NonZeroU32,
    attempt_timeout: Duration,
    first_pause: Duration,
    longest_pause: Duration,
    jitter: bool,
    pub(crate) request_timeout: Option<Duration>,
    pub(crate) max_in_flight: NonZeroU32,
    pub(crate) max_answer: NonZeroUsize,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        const ATTEMPTS: NonZeroU32 = NonZeroU32::MIN.saturating_add(7);
        const IN_FLIGHT: NonZeroU32 = NonZeroU32::MIN.saturating_add(1_023);
        Self {
            attempts: ATTEMPTS,
            attempt_timeout: Duration::from_secs(1),
            first_pause: Duration::from_millis(25),
            longest_pause: Duration::from_secs(1),
            jitter: true,
            request_timeout: Some(Duration::from_secs(120)),
            max_in_flight: IN_FLIGHT,
            max_answer: NonZeroUsize::MAX,
        }
    }
}

impl ConnectOptions {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// How often to try, the first time included.
    #[must_use]
    pub fn attempts(mut self, attempts: NonZeroU32) -> Self {
        self.attempts = attempts;
        self
    }

    /// How long one attempt may take.
    #[must_use]
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = timeout;
        self
    }

    /// How long to wait after the first attempt that failed, which doubles
    /// with each, and how long at most.
    #[must_use]
    pub fn backoff(mut self, first: Duration, longest: Duration) -> Self {
        self.first_pause = first;
        self.longest_pause = longest;
        self
    }

    /// Whether each wait is shortened by a random part, up to half of it, so
    /// that clients that lost one server at once do not come back at once.
    #[must_use]
    pub fn jitter(mut self, jitter: bool) -> Self {
        self.jitter = jitter;
        self
    }

    /// How long a request may take, the wait for its turn included; `None`
    /// for as long as the connection lasts. [`CallOptions::timeout`] sets it
    /// for one call.
    ///
    /// [`CallOptions::timeout`]: crate::CallOptions::timeout
    #[must_use]
    pub fn request_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.request_timeout = timeout.into();
        self
    }

    /// How many requests may be under way at a time, those whose caller has
    /// given up on them included. The next one waits for its turn. What is
    /// under way is kept in memory, up to 10 MiB a request.
    #[must_use]
    pub fn max_in_flight(mut self, requests: NonZeroU32) -> Self {
        self.max_in_flight = requests;
        self
    }

    /// The longest answer that is taken, in bytes of its frame's body, never
    /// more than the protocol's 10 MiB. A longer one ends the connection.
    #[must_use]
    pub fn max_answer(mut self, bytes: NonZeroUsize) -> Self {
        self.max_answer = bytes;
        self
    }

    /// Connects to the server at `path`. The connection is driven by a task on
    /// the runtime that this is awaited on.
    ///
    /// What may pass is tried again: nothing at the path, nobody listening, a
    /// server with its hands full, a timeout. What will not is not: no
    /// permission, something that is no socket, a path too long for one.
    ///
    /// # Errors
    /// [`ClientError::Connect`] with what stood in the way at last.
    ///
    /// # Panics
    /// On anything but a tokio runtime with its I/O and time enabled.
    pub async fn connect(&self, path: impl AsRef<Path>) -> Result<Client, ClientError> {
        let path = path.as_ref();
        let mut attempts = 1;
        loop {
            let source = match self.attempt(path).await {
                Ok(stream) => return Ok(Client::over(stream, self)),
                Err(error) => error,
            };
            let obstacle = Obstacle::of(&source, path);
            if !obstacle.may_pass() || attempts >= self.attempts.get() {
                return Err(ClientError::Connect {
                    path: path.to_owned(),
                    attempts,
                    obstacle,
                    source,
                });
            }
            sleep(self.pause_after(attempts)).await;
            attempts += 1;
        }
    }

    async fn attempt(&self, path: &Path) -> io::Result<UnixStream> {
        timeout(self.attempt_timeout, UnixStream::connect(path))
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    fn pause_after(&self, attempts: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(attempts - 1);
        let pause = self
            .first_pause
            .saturating_mul(doubled)
            .min(self.longest_pause);
        if self.jitter {
            pause - (pause / 2).mul_f64(random_fraction())
        } else {
            pause
        }
    }
}

/// A number from 0 to 1. Nothing secret hangs on it, so the standard library's
/// randomly seeded hasher will do.
fn random_fraction() -> f64 {
    let random = RandomState::new().hash_one(()) >> 32;
    f64::from(u32::try_from(random).unwrap_or(u32::MAX)) / f64::from(u32::MAX)
}
