//! The writer below a sink, and what it is known to have taken.

use std::{
    any::Any,
    io::{self, ErrorKind, Write},
    panic::{AssertUnwindSafe, catch_unwind},
};

/// A writer of whole lines that knows whether the last one was cut short.
pub(super) struct LineOutput {
    writer: Box<dyn Write + Send>,
    /// What was written may end in the middle of a line.
    torn: bool,
}

/// What became of a batch.
pub(super) struct Written {
    /// How many lines, from the first one on, are on record.
    pub(super) lines: u64,
    /// How many bytes these lines are.
    pub(super) bytes: usize,
    /// More may be on record than these: nobody can say.
    pub(super) in_doubt: bool,
    /// Why that is not all of them.
    pub(super) error: Option<io::Error>,
}

impl LineOutput {
    pub(super) fn new(writer: Box<dyn Write + Send>) -> Self {
        Self {
            writer,
            torn: false,
        }
    }

    /// Has the first batch begin with a newline of its own.
    pub(super) fn on_a_fresh_line(mut self) -> Self {
        self.torn = true;
        self
    }

    /// Writes `batch`, which holds `lines` lines, and flushes. It does not
    /// panic when the writer does.
    pub(super) fn write(&mut self, batch: &[u8], lines: u64) -> Written {
        let mut taken = 0;
        let result = self.contained(|output| output.write_lines(batch, &mut taken));
        // What a failed write left behind it is on record only if it can be
        // flushed too.
        let flushed = if taken > 0 {
            self.contained(Self::flush)
        } else {
            Ok(())
        };
        let in_doubt = flushed.is_err();
        let (lines, bytes) = match &result {
            _ if in_doubt => (0, 0),
            Ok(()) => (lines, batch.len()),
            Err(_) => whole_lines(&batch[..taken]),
        };
        Written {
            lines,
            bytes,
            in_doubt,
            error: result.and(flushed).err(),
        }
    }

    fn write_lines(&mut self, batch: &[u8], taken: &mut usize) -> io::Result<()> {
        if self.torn {
            self.write_some(b"\n")?;
            self.torn = false;
        }
        while *taken < batch.len() {
            *taken += self.write_some(&batch[*taken..])?;
            self.torn = !batch[..*taken].ends_with(b"\n");
        }
        Ok(())
    }

    /// One `write`, tried again while a signal interrupts it.
    fn write_some(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match self.writer.write(bytes) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(taken) if taken <= bytes.len() => return Ok(taken),
                Ok(_) => {
                    self.torn = true;
                    return Err(io::Error::other("the writer took more than it was given"));
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        loop {
            match self.writer.flush() {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // How much of the batch has gone out is not known then.
                result => {
                    self.torn |= result.is_err();
                    return result;
                }
            }
        }
    }

    /// Runs `act`; a panic becomes an error, and leaves the line in doubt.
    fn contained(&mut self, act: impl FnOnce(&mut Self) -> io::Result<()>) -> io::Result<()> {
        catch_unwind(AssertUnwindSafe(|| act(self))).unwrap_or_else(|panic| {
            self.torn = true;
            let said = message(&*panic);
            Err(io::Error::other(format!("the writer panicked: {said}")))
        })
    }
}

/// How many whole lines `bytes` begin with, and how long they are together.
fn whole_lines(bytes: &[u8]) -> (u64, usize) {
    let lines = bytes.iter().filter(|&&byte| byte == b'\n').count() as u64;
    let length = bytes.iter().rposition(|&byte| byte == b'\n');
    (lines, length.map_or(0, |last| last + 1))
}

fn message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
