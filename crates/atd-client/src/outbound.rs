//! What is sent.

use std::io;

use atd_proto::{FrameError, TaggedRequest, encode_frame};
use tokio::{io::AsyncWriteExt, net::unix::OwnedWriteHalf};

/// How much is gathered for one write, in bytes, before the frame that goes
/// beyond it.
const BATCH: usize = 64 * 1024;

/// The writing half of the socket, and the frames that are on their way.
pub(crate) struct Outbound {
    writer: OwnedWriteHalf,
    batch: Vec<u8>,
    written: usize,
}

impl Outbound {
    pub(crate) fn new(writer: OwnedWriteHalf) -> Self {
        Self {
            writer,
            batch: Vec::new(),
            written: 0,
        }
    }

    /// Whether nothing is on its way.
    pub(crate) fn is_empty(&self) -> bool {
        self.batch.is_empty()
    }

    /// Whether the batch takes another frame: one that is partly written does
    /// not, or it would never be begun anew and only grow.
    pub(crate) fn has_room(&self) -> bool {
        self.written == 0 && self.batch.len() < BATCH
    }

    /// Adds a request to the batch. One that is no frame leaves it as it was.
    pub(crate) fn push(&mut self, request: &TaggedRequest) -> Result<(), FrameError> {
        let pushed = encode_frame(&mut self.batch, |body| request.encode(body));
        if self.batch.is_empty() {
            self.begin();
        }
        pushed
    }

    /// Writes as much of the batch as the socket takes. May be dropped: then
    /// nothing was written.
    pub(crate) async fn write(&mut self) -> io::Result<()> {
        let written = self.writer.write(&self.batch[self.written..]).await?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        self.written += written;
        if self.written == self.batch.len() {
            self.begin();
        }
        Ok(())
    }

    /// Begins the next batch, without the memory that one long frame needed.
    fn begin(&mut self) {
        self.written = 0;
        self.batch.clear();
        self.batch.shrink_to(2 * BATCH);
    }
}
