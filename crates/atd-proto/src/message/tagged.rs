//! Messages with the id that tells which belong together.

use bytes::Bytes;

use super::fields::{Fields, scan};
use super::{DecodeError, Request, Response};
use crate::json_text::write_json;

/// A request as it stands in its frame: what is asked, and under which id.
///
/// ```
/// use atd_proto::{Request, TaggedRequest};
///
/// let asked = TaggedRequest::decode(br#"{"type":"ping","request_id":7}"#.as_slice().into())?;
/// assert_eq!((asked.request_id, asked.request), (Some(7), Request::Ping));
/// # Ok::<(), atd_proto::RejectedFrame>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaggedRequest {
    /// The id that the answer is to carry, unique among the requests in flight.
    /// A request without one is carried out after those before it and answered
    /// in its turn.
    pub request_id: Option<u64>,
    /// Whether the client would like to hear how far the call has come.
    pub progress: bool,
    /// What is asked.
    pub request: Request,
}

/// A frame that is no message, and the id in it, if it had one: that of the
/// request to be answered so, or of the one that is answered.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct RejectedFrame {
    /// The frame's id, where it could be read.
    pub request_id: Option<u64>,
    /// What is wrong with the frame.
    #[source]
    pub error: DecodeError,
}

/// A response as it stands in its frame: what is answered, and to which
/// request.
#[derive(Clone, Debug, PartialEq)]
pub struct TaggedResponse {
    /// The id of the request that this answers, if it had one.
    pub request_id: Option<u64>,
    /// The answer, or how far it has come.
    pub response: Response,
}

impl TaggedRequest {
    /// Reads a frame's body, as [`Request::decode`] does, and its id.
    ///
    /// # Errors
    /// [`RejectedFrame`] with what was wrong and what would be right.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a frame is read once, and what is kept of it shares its bytes"
    )]
    pub fn decode(frame: Bytes) -> Result<Self, RejectedFrame> {
        let rejected = |request_id| move |error| RejectedFrame { request_id, error };
        let fields = scan(&frame).map_err(rejected(None))?;
        let request_id = request_id(&fields).map_err(rejected(None))?;
        // It says something about a call with an id, and about nothing else.
        let progress = match request_id {
            Some(_) => fields
                .of("request")
                .flag("progress")
                .map_err(rejected(request_id))?,
            None => false,
        };
        let request = Request::read(&fields, &frame).map_err(rejected(request_id))?;
        Ok(Self {
            // That of a `cancel` is another request's.
            request_id: request_id.filter(|_| !matches!(request, Request::Cancel { .. })),
            progress,
            request,
        })
    }

    /// Appends the frame's body to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        self.request.encode(out);
        if let Some(id) = self.request_id {
            push_request_id(out, id);
        }
        if self.progress && out.pop_if(|last| *last == b'}').is_some() {
            out.extend_from_slice(br#","progress":true}"#);
        }
    }
}

impl From<Request> for TaggedRequest {
    /// A request without an id.
    fn from(request: Request) -> Self {
        Self {
            request_id: None,
            progress: false,
            request,
        }
    }
}

impl TaggedResponse {
    /// Reads a frame's body, as [`Response::decode`] does, and its id.
    ///
    /// # Errors
    /// [`RejectedFrame`] with what was wrong and what would be right.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a frame is read once, and what is kept of it shares its bytes"
    )]
    pub fn decode(frame: Bytes) -> Result<Self, RejectedFrame> {
        let rejected = |request_id| move |error| RejectedFrame { request_id, error };
        let fields = scan(&frame).map_err(rejected(None))?;
        let request_id = request_id(&fields).map_err(rejected(None))?;
        Ok(Self {
            request_id,
            response: Response::read(&fields, &frame).map_err(rejected(request_id))?,
        })
    }

    /// Appends the frame's body to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        self.response.encode(out);
        if let Some(id) = self.request_id {
            push_request_id(out, id);
        }
    }
}

/// Puts a request's id into the message that `out` ends with, as the last of
/// its fields.
pub fn push_request_id(out: &mut Vec<u8>, request_id: u64) {
    if out.pop_if(|last| *last == b'}').is_some() {
        out.extend_from_slice(br#","request_id":"#);
        write_json(out, &request_id);
        out.push(b'}');
    }
}

fn request_id(fields: &Fields<'_>) -> Result<Option<u64>, DecodeError> {
    fields.of("message").number("request_id")
}
