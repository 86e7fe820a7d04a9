//! As much of HTTP/1.1 as one page needs: one request a connection, whose
//! answer ends it.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The longest head of a request, in bytes.
const MAX_HEAD: usize = 8 * 1024;

/// The most headers of a request.
const MAX_HEADERS: usize = 64;

/// What is read after the answer, so that closing does not take it from a
/// client that still sends.
const MAX_REST: u64 = 64 * 1024;

/// A connection to a reader.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// What a path holds.
pub(super) enum Answer {
    /// A page in Prometheus' text format.
    Page(String),
    NotFound,
    Failed,
}

/// A request that asks for a page.
struct Asked {
    path: String,
    /// `HEAD`: without the page itself.
    head_only: bool,
}

/// Why a request is not carried out: a status and a sentence.
struct Refused(&'static str, &'static str);

/// Reads one request and answers it with what `page` has at its path.
pub(super) async fn answer(
    mut stream: impl Stream,
    page: impl Fn(&str) -> Answer,
) -> io::Result<()> {
    let (head_only, response) = match request(&mut stream).await? {
        None => return Ok(()),
        Some(Ok(asked)) => (asked.head_only, response(page(&asked.path))),
        Some(Err(refused)) => (false, plain(&refused)),
    };
    let (head, body) = response;
    stream.write_all(head.as_bytes()).await?;
    if !head_only {
        stream.write_all(body.as_bytes()).await?;
    }
    stream.shutdown().await?;
    tokio::io::copy(&mut stream.take(MAX_REST), &mut tokio::io::sink()).await?;
    Ok(())
}

/// The request, or why it is none; nothing from a client that said nothing.
async fn request(stream: &mut impl Stream) -> io::Result<Option<Result<Asked, Refused>>> {
    let mut read = Vec::with_capacity(1024);
    loop {
        if let Some(parsed) = parse(&read) {
            return Ok(Some(parsed));
        }
        if read.len() >= MAX_HEAD {
            let refused = Refused(
                "431 Request Header Fields Too Large",
                "the head of a request may have 8 KiB",
            );
            return Ok(Some(Err(refused)));
        }
        let room = (MAX_HEAD - read.len()) as u64;
        if stream.take(room).read_buf(&mut read).await? == 0 {
            return Ok(None);
        }
    }
}

/// The request, once its head is whole.
fn parse(read: &[u8]) -> Option<Result<Asked, Refused>> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(read) {
        Ok(httparse::Status::Partial) => None,
        Ok(httparse::Status::Complete(_)) => Some(asked(&request)),
        Err(httparse::Error::TooManyHeaders) => Some(Err(Refused(
            "431 Request Header Fields Too Large",
            "a request may have 64 headers",
        ))),
        Err(_) => Some(Err(Refused("400 Bad Request", "this is no HTTP request"))),
    }
}

fn asked(request: &httparse::Request<'_, '_>) -> Result<Asked, Refused> {
    let head_only = match request.method {
        Some("GET") => false,
        Some("HEAD") => true,
        _ => {
            return Err(Refused(
                "405 Method Not Allowed",
                "the page is read with GET",
            ));
        }
    };
    let target = request.path.unwrap_or_default();
    let path = target.split('?').next().unwrap_or_default().to_owned();
    Ok(Asked { path, head_only })
}

/// Head and body.
fn response(answer: Answer) -> (String, String) {
    let page = match answer {
        Answer::Page(page) => page,
        Answer::NotFound => return plain(&Refused("404 Not Found", "the page is at /metrics")),
        Answer::Failed => {
            return plain(&Refused("500 Internal Server Error", "the page failed"));
        }
    };
    (
        head(
            "200 OK",
            "text/plain; version=0.0.4; charset=utf-8",
            page.len(),
        ),
        page,
    )
}

fn plain(refused: &Refused) -> (String, String) {
    let body = format!("{}\n", refused.1);
    (
        head(refused.0, "text/plain; charset=utf-8", body.len()),
        body,
    )
}

fn head(status: &str, content: &str, length: usize) -> String {
    // RFC 9110 asks for `Allow` with a 405; it is true everywhere.
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {content}\r\nContent-Length: {length}\r\n\
         Cache-Control: no-store\r\nAllow: GET, HEAD\r\nConnection: close\r\n\r\n"
    )
}
