//! The thread that writes.

use std::{io, thread};

use super::{output::LineOutput, queue::Queue};

/// Writes what `queue` holds until it is closed and empty, then drops the
/// writer.
pub(super) fn run(queue: &Queue, output: LineOutput) {
    // Made first and so dropped last: it speaks when the writer is closed, or
    // when something here panicked after all.
    let _gone = Gone(queue);
    let mut output = output;
    let mut spare = Vec::new();
    while let Some(batch) = queue.take(spare) {
        let written = output.write(&batch.lines, batch.events);
        queue.settle(&batch, written);
        spare = batch.lines;
    }
}

/// Tells the queue that nobody will write any more.
struct Gone<'a>(&'a Queue);

impl Drop for Gone<'_> {
    fn drop(&mut self) {
        let error =
            thread::panicking().then(|| io::Error::other("a panic ended the writer thread"));
        self.0.writer_gone(error);
    }
}
