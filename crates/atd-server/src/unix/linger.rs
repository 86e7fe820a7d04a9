//! Letting a client read the last word before its socket closes.

use std::io;
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::task::consume_budget;
use tokio::time::timeout;

/// How much is thrown away at once.
const SCRATCH: usize = 8 * 1024;

/// How long a client has to read why its connection closes.
pub(super) const LINGER: Duration = Duration::from_secs(1);

/// Closing a socket that holds unread bytes would throw away what was written
/// last: lets the client finish, for a moment.
pub(super) async fn linger(stream: &UnixStream) {
    if rustix::net::shutdown(stream, rustix::net::Shutdown::Write).is_err() {
        return;
    }
    let drain = async {
        let mut scratch = [0; SCRATCH];
        while stream.readable().await.is_ok() {
            match stream.try_read(&mut scratch) {
                Ok(0) => return,
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return,
                Ok(_) | Err(_) => consume_budget().await,
            }
        }
    };
    // A client that goes on for longer has had its chance.
    let _ = timeout(LINGER, drain).await;
}
