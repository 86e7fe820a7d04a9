//! The content of an answer, no longer than it may be.

use std::io::{self, Write};

use flate2::write::MultiGzDecoder;

use crate::text::shown;
use crate::web::error::WebError;

/// Takes the content of an answer as it arrives. Neither what arrived nor what
/// it was inflated to grows over the limit.
pub(super) struct Body {
    inflated: Coding,
    /// How many bytes may still arrive. Compressed bytes may be many more than
    /// what comes of them: a stream of empty members comes to nothing.
    may_arrive: usize,
    limit: usize,
}

enum Coding {
    Identity(Capped),
    Gzip(Box<MultiGzDecoder<Capped>>),
}

/// Bytes up to a limit.
struct Capped {
    bytes: Vec<u8>,
    limit: usize,
    is_over: bool,
}

impl Body {
    /// For content that is encoded as the header says; `limit` is in bytes.
    pub(super) fn new(encoding: &str, limit: usize) -> Result<Self, WebError> {
        let capped = Capped {
            bytes: Vec::new(),
            limit,
            is_over: false,
        };
        let inflated = match encoding.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Coding::Identity(capped),
            "gzip" | "x-gzip" => Coding::Gzip(Box::new(MultiGzDecoder::new(capped))),
            other => {
                let other = shown(other);
                return Err(WebError::UnsupportedType(format!(
                    "in the content encoding {other}"
                )));
            }
        };
        Ok(Self {
            inflated,
            may_arrive: limit,
            limit,
        })
    }

    /// Takes what arrived.
    pub(super) fn push(&mut self, arrived: &[u8]) -> Result<(), WebError> {
        let too_large = WebError::TooLarge { limit: self.limit };
        let Some(left) = self.may_arrive.checked_sub(arrived.len()) else {
            return Err(too_large);
        };
        self.may_arrive = left;
        let (result, capped) = match &mut self.inflated {
            Coding::Identity(capped) => (capped.write_all(arrived), &*capped),
            Coding::Gzip(gzip) => (gzip.write_all(arrived), gzip.get_ref()),
        };
        match result {
            Ok(()) => Ok(()),
            Err(_) if capped.is_over => Err(too_large),
            Err(error) => Err(not_gzip(&error)),
        }
    }

    /// The content, when no more comes.
    pub(super) fn finish(self) -> Result<Vec<u8>, WebError> {
        let too_large = WebError::TooLarge { limit: self.limit };
        match self.inflated {
            Coding::Identity(capped) => Ok(capped.bytes),
            Coding::Gzip(mut gzip) => match gzip.try_finish() {
                Ok(()) => Ok(std::mem::take(&mut gzip.get_mut().bytes)),
                Err(_) if gzip.get_ref().is_over => Err(too_large),
                // Nothing at all is no member, but a content all the same.
                Err(_) if self.may_arrive == self.limit => Ok(Vec::new()),
                Err(error) => Err(not_gzip(&error)),
            },
        }
    }
}

fn not_gzip(error: &io::Error) -> WebError {
    WebError::Http(format!("the content is not the gzip that it says: {error}"))
}

impl Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > self.limit - self.bytes.len() {
            self.is_over = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
