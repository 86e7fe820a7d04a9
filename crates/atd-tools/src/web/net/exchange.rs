//! One request and its answer.

use std::pin::Pin;

use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{
    ACCEPT, ACCEPT_ENCODING, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST,
    HeaderName, LOCATION, USER_AGENT,
};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use url::Position;

use super::body::Body;
use super::connect::{Connector, Stream};
use crate::web::error::WebError;
use crate::web::policy::{Policy, Target};

/// What the tool can make something of, and what it would rather have.
const ACCEPTED: &str = "text/markdown, text/html;q=0.9, application/xhtml+xml;q=0.9, text/*;q=0.8, application/json;q=0.8, */*;q=0.1";

/// How much a server may send before the content, in bytes.
const LONGEST_HEAD: usize = 64 * 1024;

/// One request and its answer, on a connection of its own. Nothing runs beside
/// it: whoever drops it closes the connection.
pub(in crate::web) struct Exchange {
    answer: Response<Incoming>,
    connection: Connection,
}

/// What moves bytes to and from the socket, until the last was moved.
type Connection = Option<Pin<Box<http1::Connection<TokioIo<Box<dyn Stream>>, Empty<Bytes>>>>>;

impl Exchange {
    /// Asks for `target`, and returns when the head of the answer is there.
    pub(in crate::web) async fn begin(
        connector: &Connector,
        policy: &Policy,
        target: &Target,
        user_agent: &str,
    ) -> Result<Self, WebError> {
        let request = request(target, user_agent)?;
        let stream = connector.connect(target, policy).await?;
        let (mut sender, connection) = http1::Builder::new()
            .max_buf_size(LONGEST_HEAD)
            .handshake(TokioIo::new(stream))
            .await?;
        let mut connection = Some(Box::pin(connection));
        let answer = alongside(&mut connection, sender.send_request(request)).await?;
        Ok(Self { answer, connection })
    }

    pub(in crate::web) fn status(&self) -> u16 {
        self.answer.status().as_u16()
    }

    /// Where the answer sends on to, if it does.
    pub(in crate::web) fn redirect(&self) -> Option<Result<&str, WebError>> {
        if !matches!(self.status(), 301 | 302 | 303 | 307 | 308) {
            return None;
        }
        let location = self.answer.headers().get(LOCATION)?;
        Some(
            std::str::from_utf8(location.as_bytes())
                .map_err(|_| WebError::BadRedirect("the place is not given in UTF-8".to_owned())),
        )
    }

    pub(in crate::web) fn content_type(&self) -> Option<&str> {
        self.header(&CONTENT_TYPE)
    }

    /// The content, if it has at most `limit` bytes, both as it arrives and
    /// when it is inflated.
    pub(in crate::web) async fn content(self, limit: usize) -> Result<Vec<u8>, WebError> {
        let announced = self.header(&CONTENT_LENGTH);
        let announced = announced.and_then(|length| length.parse::<u64>().ok());
        if announced.is_some_and(|announced| announced > limit as u64) {
            return Err(WebError::TooLarge { limit });
        }
        let mut body = Body::new(&self.encoding(), limit)?;
        let mut incoming = self.answer.into_body();
        let mut connection = self.connection;
        while let Some(frame) = alongside(&mut connection, incoming.frame()).await {
            if let Some(arrived) = frame?.data_ref() {
                body.push(arrived)?;
            }
        }
        body.finish()
    }

    /// How the content is encoded, however many lines say so.
    fn encoding(&self) -> String {
        let lines = self.answer.headers().get_all(CONTENT_ENCODING);
        let lines: Vec<_> = lines
            .iter()
            .map(|line| String::from_utf8_lossy(line.as_bytes()))
            .collect();
        lines.join(", ")
    }

    fn header(&self, name: &HeaderName) -> Option<&str> {
        self.answer.headers().get(name)?.to_str().ok()
    }
}

fn request(target: &Target, user_agent: &str) -> Result<Request<Empty<Bytes>>, WebError> {
    let url = &target.url;
    let request = Request::get(&url[Position::BeforePath..Position::AfterQuery])
        .header(HOST, &url[Position::BeforeHost..Position::AfterPort])
        .header(USER_AGENT, user_agent)
        .header(ACCEPT, ACCEPTED)
        .header(ACCEPT_ENCODING, "gzip")
        .header(CONNECTION, "close")
        .body(Empty::new());
    request.map_err(|error| WebError::UrlNotAllowed(format!("HTTP cannot carry it: {error}")))
}

/// Waits for `wanted` while the connection moves.
async fn alongside<T>(connection: &mut Connection, wanted: impl Future<Output = T>) -> T {
    let mut wanted = std::pin::pin!(wanted);
    while let Some(moving) = connection {
        tokio::select! {
            biased;
            // The connection is kept, and moves on with the next that is wanted.
            out = &mut wanted => return out,
            // It is over, well or not: `wanted` is told by the library, and has
            // not lost what came before.
            _ = moving => *connection = None,
        }
    }
    wanted.await
}

impl std::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exchange")
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}
