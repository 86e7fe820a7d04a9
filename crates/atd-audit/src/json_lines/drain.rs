//! The thread that writes.

use std::{io, thread, time::Duration};

use super::{
    output::LineOutput,
    queue::{Batch, Queue},
};

/// How long a writer that failed is left alone: the first time, and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// What becomes of lines that could not be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failed {
    /// They are lost.
    Lost,
    /// They are written again until they are, or the sink is ended.
    Retried,
}

/// Writes what `queue` holds until it is closed and empty, then drops the
/// writer.
pub(super) fn run(queue: &Queue, output: LineOutput, failed: Failed) {
    // Made first and so dropped last: it speaks when the writer is closed, or
    // when something here panicked after all.
    let _gone = Gone(queue);
    let mut output = output;
    let mut spare = Vec::new();
    while let Some(batch) = queue.take(spare) {
        write(queue, &mut output, &batch, failed);
        spare = batch.lines;
    }
}

fn write(queue: &Queue, output: &mut LineOutput, batch: &Batch, failed: Failed) {
    let (mut lines, mut events) = (&batch.lines[..], batch.events);
    let mut pause = FIRST_PAUSE;
    loop {
        let written = output.write(lines, events);
        lines = &lines[written.bytes..];
        events -= written.lines;
        if events == 0 {
            return queue.settle(written.lines, 0, written.error);
        }
        // What a failed flush left in doubt is not written twice.
        if failed == Failed::Lost || written.in_doubt {
            return queue.settle(written.lines, events, written.error);
        }
        queue.settle(written.lines, 0, written.error);
        if !queue.pause_before_retry(pause) {
            return queue.settle(0, events, None);
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
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
