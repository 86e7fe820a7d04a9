//! The counters of each tool.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use atd_registry::RegisteredTool;

use super::ending::CallEnding;
use super::histogram::Histogram;
use super::{Counter, ToolMetrics};

/// The most tools that are counted each for itself. Those that are first
/// called after that share one cell.
const MAX_TOOLS: usize = 1024;

/// What stands in a tool's place for calls of ids that no tool had. It is no
/// tool id.
const UNKNOWN: &str = "unknown";

/// The same for the tools beyond the limit.
const OTHERS: &str = "other";

/// Numbers the tables of the process.
static NEXT_OWNER: AtomicU64 = AtomicU64::new(1);

/// The cells of all tools that were called. A tool that is replaced keeps its
/// cell; one that is removed leaves it, so that no number ever falls.
#[derive(Debug)]
pub(crate) struct ToolTable {
    owner: u64,
    cells: RwLock<HashMap<Arc<str>, Arc<ToolCell>>>,
    unknown: ToolCell,
    others: Arc<ToolCell>,
}

/// What is counted of one tool.
#[derive(Debug, Default)]
struct ToolCell {
    begun: Counter,
    ended: [Counter; CallEnding::ALL.len()],
    latency: Histogram,
}

/// What lies beside a registered tool, so that a call finds its cell at once.
struct Attached {
    owner: u64,
    cell: Arc<ToolCell>,
}

impl Default for ToolTable {
    fn default() -> Self {
        Self {
            owner: NEXT_OWNER.fetch_add(1, Ordering::Relaxed),
            cells: RwLock::default(),
            unknown: ToolCell::default(),
            others: Arc::default(),
        }
    }
}

impl ToolTable {
    /// A call of this tool has begun.
    pub(crate) fn begun(&self, tool: &RegisteredTool) {
        self.with(tool, |cell| cell.begun.add_one());
    }

    /// A call that began has ended. `took` is how long it took, if it came as
    /// far as its tool.
    pub(crate) fn ended(&self, tool: &RegisteredTool, how: CallEnding, took: Option<Duration>) {
        self.with(tool, |cell| cell.ended(how, took));
    }

    /// A call has ended that found no tool.
    pub(crate) fn ended_without_tool(&self, how: CallEnding) {
        self.unknown.begun.add_one();
        self.unknown.ended(how, None);
    }

    /// What was counted, by tool.
    pub(super) fn snapshot(&self) -> impl Iterator<Item = (Arc<str>, ToolMetrics)> {
        let cells = self.cells.read().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = cells
            .iter()
            .map(|(id, cell)| (id.clone(), cell.snapshot()))
            .collect();
        drop(cells);
        for (name, cell) in [(UNKNOWN, &self.unknown), (OTHERS, &*self.others)] {
            if cell.begun.get() > 0 {
                all.push((name.into(), cell.snapshot()));
            }
        }
        all.into_iter()
    }

    fn with<R>(&self, tool: &RegisteredTool, then: impl FnOnce(&ToolCell) -> R) -> R {
        let attached = tool.attachment().get_or_init(|| {
            Box::new(Attached {
                owner: self.owner,
                cell: self.cell(tool.id()),
            })
        });
        match attached.downcast_ref::<Attached>() {
            Some(attached) if attached.owner == self.owner => then(&attached.cell),
            // Another server of the same registry was first.
            _ => then(&self.cell(tool.id())),
        }
    }

    fn cell(&self, id: &Arc<str>) -> Arc<ToolCell> {
        let cells = self.cells.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(cell) = cells.get(id) {
            return cell.clone();
        }
        drop(cells);
        let mut cells = self.cells.write().unwrap_or_else(PoisonError::into_inner);
        if cells.len() >= MAX_TOOLS && !cells.contains_key(id) {
            return self.others.clone();
        }
        cells.entry(id.clone()).or_default().clone()
    }
}

impl ToolCell {
    fn ended(&self, how: CallEnding, took: Option<Duration>) {
        if let Some(took) = took {
            self.latency.add(took);
        }
        if let Some(counter) = self.ended.get(how.index()) {
            counter.add_one();
        }
    }

    fn snapshot(&self) -> ToolMetrics {
        // What has ended is read first, so that no difference is negative.
        let ended = std::array::from_fn(|at| self.ended[at].get());
        let latency = self.latency.snapshot();
        ToolMetrics::new(self.begun.get(), ended, latency)
    }
}
