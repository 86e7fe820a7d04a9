//! Tables, those of data and those that only lay a page out.

use super::Style;
use super::writer::{Gap, Writer};

/// A table that is being written.
#[derive(Debug)]
pub(super) struct Table {
    /// Whether its cells are written as text, one after the other: it holds
    /// another table, or has to fit into a line.
    is_layout: bool,
    has_header: bool,
    /// How many cells of the row were begun.
    cells: usize,
    is_cell_open: bool,
}

impl Table {
    pub(super) fn new(out: &mut Writer) -> Self {
        out.gap(Gap::Block);
        Self {
            is_layout: out.is_flat(),
            has_header: false,
            cells: 0,
            is_cell_open: false,
        }
    }

    /// Makes room for a table within a cell of this one.
    pub(super) fn hold_another(&mut self, out: &mut Writer, style: Style) {
        let is_data = !self.is_layout && style == Style::Markdown;
        if is_data && self.is_cell_open {
            out.take_bar_back();
            out.forget_cell();
        }
        self.is_layout = true;
    }

    pub(super) fn open_row(&mut self, out: &mut Writer) {
        self.cells = 0;
        out.gap(Gap::Line);
    }

    pub(super) fn open_cell(&mut self, out: &mut Writer, style: Style) {
        match style {
            Style::Markdown if !self.is_layout => out.open_cell(),
            Style::Text if self.cells > 0 && !self.is_layout => out.bar("\t"),
            _ => out.gap(Gap::Space),
        }
        self.cells += 1;
        self.is_cell_open = true;
    }

    pub(super) fn close_cell(&mut self, out: &mut Writer, style: Style) {
        if style == Style::Markdown && !self.is_layout {
            out.close_cell();
        }
        self.is_cell_open = false;
    }

    pub(super) fn close_row(&mut self, out: &mut Writer, style: Style) {
        if self.cells > 0 && style == Style::Markdown && !self.is_layout {
            out.bar("|");
            if !self.has_header {
                self.has_header = true;
                out.gap(Gap::Line);
                out.bar(&format!("|{}", " --- |".repeat(self.cells)));
            }
        }
        out.gap(Gap::Line);
    }
}
