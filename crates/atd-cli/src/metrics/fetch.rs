//! Reading somebody's metrics page.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use super::Address;
use super::http::Stream;

/// The longest answer that is read, in bytes.
const MAX_ANSWER: u64 = 64 * 1024 * 1024;

/// How long it may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asked as HTTP/1.0, so that whatever stands between does not send the page
/// in chunks.
const REQUEST: &[u8] = b"GET /metrics HTTP/1.0\r\nHost: localhost\r\nAccept: text/plain\r\n\r\n";

/// Why there is no page.
#[derive(Debug)]
pub(crate) enum FetchError {
    Io(io::Error),
    /// It did not come in time.
    TooSlow,
    /// What came is not the page: why.
    NoPage(String),
}

/// The text of the page.
pub(crate) async fn fetch(address: &Address) -> Result<String, FetchError> {
    let fetched = timeout(PATIENCE, async {
        let mut stream: Box<dyn Stream> = match address {
            Address::Tcp(host) => Box::new(TcpStream::connect(host).await?),
            Address::Unix(path) => Box::new(UnixStream::connect(path).await?),
        };
        stream.write_all(REQUEST).await?;
        let mut answer = Vec::new();
        stream.take(MAX_ANSWER + 1).read_to_end(&mut answer).await?;
        Ok(answer)
    });
    let answer = fetched.await.map_err(|_| FetchError::TooSlow)?;
    body(answer.map_err(FetchError::Io)?).map_err(FetchError::NoPage)
}

fn body(answer: Vec<u8>) -> Result<String, String> {
    if answer.len() as u64 > MAX_ANSWER {
        return Err("it is longer than 64 MiB".to_owned());
    }
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut headers);
    let head = match response.parse(&answer) {
        Ok(httparse::Status::Complete(head)) => head,
        _ => return Err("it is no HTTP answer".to_owned()),
    };
    match response.code {
        Some(200) => {}
        code => {
            return Err(format!(
                "the answer's status is {}",
                code.unwrap_or_default()
            ));
        }
    }
    let mut announced = response.headers.iter();
    let announced = announced.find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let announced = announced.and_then(|header| std::str::from_utf8(header.value).ok());
    let announced = announced.and_then(|length| length.parse::<usize>().ok());
    let mut answer = answer;
    let body = answer.split_off(head);
    if announced.is_some_and(|announced| announced != body.len()) {
        return Err("it was cut short".to_owned());
    }
    String::from_utf8(body).map_err(|_| "it is no text".to_owned())
}

impl std::fmt::Display for FetchError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::TooSlow => write!(f, "nothing came within {} s", PATIENCE.as_secs()),
            Self::NoPage(why) => f.write_str(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::body;

    #[test]
    fn a_body_is_what_a_whole_and_good_answer_holds() {
        let page = |answer: &str| body(answer.into());
        assert_eq!(page("HTTP/1.1 200 OK\r\n\r\na 1\n").as_deref(), Ok("a 1\n"));
        let whole = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\na 1\n";
        assert_eq!(page(whole).as_deref(), Ok("a 1\n"));
        for bad in [
            "",
            "hello",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\na 1\n",
            "HTTP/1.1 404 Not Found\r\n\r\na 1\n",
            "HTTP/1.1 200 OK\r\nContent-Le",
        ] {
            assert!(page(bad).is_err(), "{bad}");
        }
        assert!(body(b"HTTP/1.1 200 OK\r\n\r\n\xff".to_vec()).is_err());
    }
}
