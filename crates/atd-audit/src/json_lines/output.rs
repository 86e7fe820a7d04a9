//! The writer below a sink, and what it is known to have taken.

use std::{
    any::Any,
    io::{self, ErrorKind, Write},
    panic::{AssertUnwindSafe, catch_unwind},
};

use super::file::LogFile;
use crate::DurableWrite;

/// A writer of whole lines that knows whether the last one was cut short.
pub(super) struct LineOutput {
    target: Target,
    /// What was written may end in the middle of a line.
    torn: bool,
}

/// Where the bytes go.
pub(super) enum Target {
    Plain(Box<dyn Write + Send>),
    Durable(Box<dyn DurableWrite + Send>),
    File(Box<LogFile>),
}

/// What became of the lines of one write.
#[derive(Default)]
pub(super) struct Written {
    /// How many lines, from the first one on, are on record.
    pub(super) lines: u64,
    /// How many may be: more than these are not.
    pub(super) possible: u64,
    /// Why that is not all of them.
    pub(super) error: Option<io::Error>,
}

impl Written {
    /// Lines may be on record that are not known to be: to write them again
    /// could put them there twice.
    pub(super) fn is_in_doubt(&self) -> bool {
        self.possible > self.lines
    }
}

impl LineOutput {
    pub(super) fn new(target: Target) -> Self {
        Self {
            target,
            torn: false,
        }
    }

    /// Has the next batch begin with a newline of its own.
    pub(super) fn begin_line(&mut self) {
        self.torn = true;
    }

    pub(super) fn file(&mut self) -> Option<&mut LogFile> {
        match &mut self.target {
            Target::File(file) => Some(file),
            Target::Plain(_) | Target::Durable(_) => None,
        }
    }

    /// Writes `bytes`, which hold `lines` lines, and flushes; if it is to be
    /// `durable`, puts them on disk too. It does not panic when the writer
    /// does.
    pub(super) fn write(&mut self, bytes: &[u8], lines: u64, durable: bool) -> Written {
        let mut taken = 0;
        let result = self.contained(|output| output.write_lines(bytes, &mut taken));
        let possible = match &result {
            Ok(()) => lines,
            Err(_) => whole_lines(&bytes[..taken]),
        };
        // What a failed write left behind it is on record only if it can be
        // flushed too.
        let mut flushed = Ok(());
        if taken > 0 {
            flushed = self.contained(Self::flush);
        }
        if flushed.is_err() {
            return Written {
                lines: 0,
                possible,
                error: flushed.err(),
            };
        }
        if durable
            && possible > 0
            && let Err(error) = self.sync()
        {
            let is_gone = self.discard_unsynced();
            return Written {
                lines: 0,
                possible: if is_gone { 0 } else { possible },
                error: Some(error),
            };
        }
        Written {
            lines: possible,
            possible,
            error: result.err(),
        }
    }

    /// Puts what was written on disk.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        self.contained(|output| {
            loop {
                let synced = match &mut output.target {
                    Target::Plain(_) => Ok(()),
                    Target::Durable(writer) => writer.sync(),
                    Target::File(file) => file.sync(),
                };
                match synced {
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    synced => return synced,
                }
            }
        })
    }

    /// Whether what was written and not synced could be taken out again.
    fn discard_unsynced(&mut self) -> bool {
        let (is_gone, is_left) = match &mut self.target {
            Target::File(file) => (file.discard_unsynced().is_ok(), file.is_distrusted()),
            Target::Plain(_) | Target::Durable(_) => (false, false),
        };
        // What is left of the file may end in the middle of a line; another
        // file begins with one.
        self.torn = !(is_gone && is_left);
        is_gone
    }

    /// What comes next goes into another file, which ends with a whole line.
    pub(super) fn begin_file(&mut self) {
        self.torn = false;
    }

    /// Finds out whether writing works, by an empty line.
    pub(super) fn probe(&mut self) -> io::Result<()> {
        self.contained(|output| {
            output.write_some(b"\n")?;
            output.torn = false;
            output.flush()
        })?;
        self.sync()
    }

    fn writer(&mut self) -> &mut dyn Write {
        match &mut self.target {
            Target::Plain(writer) => writer,
            Target::Durable(writer) => writer,
            Target::File(file) => file,
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
            match self.writer().write(bytes) {
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
            match self.writer().flush() {
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

/// How many whole lines `bytes` begin with.
fn whole_lines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|&&byte| byte == b'\n').count() as u64
}

fn message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
