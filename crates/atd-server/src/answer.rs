//! An answer on its way out.

use atd_proto::{ErrorBody, ErrorCode, MAX_FRAME_BODY, Response, encode_frame, push_request_id};
use bytes::Bytes;

/// What a request is answered with.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer(Form);

#[derive(Clone, Debug, PartialEq)]
enum Form {
    Message(Response),
    Encoded(Bytes),
}

/// To copy so much takes longer than to write it from where it is.
const LONG: usize = 16 * 1024;

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

    /// [`encode_frame_to`](Self::encode_frame_to), but for a long body that is
    /// kept encoded, such as a catalog: that is not copied but returned, with
    /// the place in `out` where it belongs.
    pub(crate) fn encode_frame_around(
        &self,
        request_id: Option<u64>,
        out: &mut Vec<u8>,
    ) -> Option<(usize, Bytes)> {
        let Form::Encoded(body) = &self.0 else {
            self.encode_frame_to(request_id, out);
            return None;
        };
        let (mut shared, mut end) = (body.clone(), Vec::new());
        if let Some(id) = request_id.filter(|_| !shared.is_empty()) {
            // The id is put before its last byte.
            end.extend(shared.split_off(shared.len() - 1));
            push_request_id(&mut end, id);
        }
        let length = shared.len() + end.len();
        if !(LONG..=MAX_FRAME_BODY).contains(&length) {
            self.encode_frame_to(request_id, out);
            return None;
        }
        out.extend_from_slice(&(length as u32).to_be_bytes());
        let at = out.len();
        out.extend_from_slice(&end);
        Some((at, shared))
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The frame, made of what is copied and what is shared.
    fn around(answer: &Answer, request_id: Option<u64>) -> (Vec<u8>, bool) {
        let mut out = b"before".to_vec();
        let Some((at, shared)) = answer.encode_frame_around(request_id, &mut out) else {
            return (out, false);
        };
        let behind = out.split_off(at);
        out.extend(shared);
        out.extend(behind);
        (out, true)
    }

    #[test]
    fn a_frame_is_the_same_whether_its_body_is_copied_or_shared() {
        let body = |length: usize| {
            let text = format!(r#"{{"tools":"{}"}}"#, "x".repeat(length - 12));
            Answer::encoded(text.into())
        };
        let answers = [LONG - 30, LONG - 1, LONG, LONG + 1, MAX_FRAME_BODY - 10]
            .map(body)
            .into_iter()
            .chain([body(MAX_FRAME_BODY + 1), Response::Pong.into()]);
        let mut shared = 0;
        for answer in answers {
            for request_id in [None, Some(7), Some(u64::MAX)] {
                let mut copied = b"before".to_vec();
                answer.encode_frame_to(request_id, &mut copied);
                let (frame, is_shared) = around(&answer, request_id);
                assert!(frame == copied, "{:?}", frame.len());
                shared += usize::from(is_shared);
            }
        }
        assert_eq!(shared, 10);
    }
}
