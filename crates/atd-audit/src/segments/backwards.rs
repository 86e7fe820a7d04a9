//! Where the lines of one file are, the newest first.

use std::{fs::File, io, ops::Range};

use super::positioned;

const BLOCK: u64 = 64 * 1024;

/// Goes back from line to line, and reads no more of the file than it takes.
/// What stands behind the last newline is no line yet.
#[derive(Debug)]
pub(crate) struct Backwards<'a> {
    file: &'a File,
    /// The newline that ends the next line to give.
    newline: Option<u64>,
    block: Vec<u8>,
    block_start: u64,
}

impl<'a> Backwards<'a> {
    pub(crate) fn new(file: &'a File) -> io::Result<Self> {
        let mut lines = Self {
            file,
            newline: None,
            block: Vec::new(),
            block_start: 0,
        };
        lines.newline = lines.newline_before(file.metadata()?.len())?;
        Ok(lines)
    }

    /// Where the line behind the next one to give begins: at first, behind the
    /// last newline.
    pub(crate) fn end(&self) -> u64 {
        self.newline.map_or(0, |newline| newline + 1)
    }

    /// The bytes of the line before, its newline not among them.
    pub(crate) fn previous(&mut self) -> io::Result<Option<Range<u64>>> {
        let Some(end) = self.newline else {
            return Ok(None);
        };
        self.newline = self.newline_before(end)?;
        let start = self.newline.map_or(0, |newline| newline + 1);
        Ok(Some(start..end))
    }

    fn newline_before(&mut self, mut offset: u64) -> io::Result<Option<u64>> {
        while offset > 0 {
            let block_end = self.block_start + self.block.len() as u64;
            if !(self.block_start < offset && offset <= block_end) {
                self.read_block_before(offset)?;
                if self.block.is_empty() {
                    // The file was cut meanwhile.
                    return Ok(None);
                }
            }
            let within = (offset - self.block_start).min(self.block.len() as u64);
            let searched = &self.block[..within as usize];
            if let Some(found) = searched.iter().rposition(|byte| *byte == b'\n') {
                return Ok(Some(self.block_start + found as u64));
            }
            offset = self.block_start;
        }
        Ok(None)
    }

    fn read_block_before(&mut self, offset: u64) -> io::Result<()> {
        self.block_start = offset.saturating_sub(BLOCK);
        self.block.resize((offset - self.block_start) as usize, 0);
        let read = positioned::read_full_at(self.file, &mut self.block, self.block_start)?;
        self.block.truncate(read);
        Ok(())
    }
}
