//! An answer on its way out.

use atd_proto::{ErrorBody, ErrorCode, Response, encode_frame, push_request_id};
use bytes::Bytes;

/// What a request is answered with.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer(Form);

#[derive(Clone, Debug, PartialEq)]
enum Form {
    Message(Response),
    Encoded(Bytes),
}

impl Answer {
    /// An answer that is kept encoded.
    pub(crate) fn encoded(body: Bytes) -> Self {
        Self(Form::Encoded(body))
    }

    /// Appends the answer's frame to `out`. An answer that would not fit a
    /// frame is replaced by an `error` that says so.
    pub fn encode_frame(&self, out: &mut Vec<u8>) {
        self.encode_frame_to(None, out);
    }

    /// [`encode_frame`](Self::encode_frame) for the request with this id, where
    /// it had one.
    pub fn encode_frame_to(&self, request_id: Option<u64>, out: &mut Vec<u8>) {
        let tag = |body: &mut Vec<u8>| {
            if let Some(id) = request_id {
                push_request_id(body, id);
            }
        };
        let fitted = encode_frame(out, |body| {
            match &self.0 {
                Form::Message(message) => message.encode(body),
                Form::Encoded(encoded) => body.extend_from_slice(encoded),
            }
            tag(body);
        });
        if let Err(error) = fitted {
            let instead = Response::Error(ErrorBody::new(
                ErrorCode::UNCLASSIFIED,
                format!("the answer does not fit a frame: {error}"),
            ));
            let fitted = encode_frame(out, |body| {
                instead.encode(body);
                tag(body);
            });
            debug_assert!(fitted.is_ok(), "an error of one sentence fits a frame");
        }
    }

    /// The answer's body, as it stands in its frame.
    pub fn to_json(&self) -> Bytes {
        match &self.0 {
            Form::Encoded(encoded) => encoded.clone(),
            Form::Message(message) => {
                let mut body = Vec::new();
                message.encode(&mut body);
                body.into()
            }
        }
    }
}

impl From<Response> for Answer {
    fn from(response: Response) -> Self {
        Self(Form::Message(response))
    }
}

impl From<ErrorBody> for Answer {
    fn from(error: ErrorBody) -> Self {
        Response::Error(error).into()
    }
}
