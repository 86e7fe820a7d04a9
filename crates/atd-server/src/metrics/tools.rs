//! The counters of each tool.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use atd_registry::RegisteredTool;

use super::ToolMetrics;
use super::ending::CallEnding;
use super::histogram::{Histogram, LatencyHistogram};
use super::striped::{Adding, Striped};

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
struct ToolCell(Striped<Counted>);

/// What one thread has counted of it; on cache lines of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Counted {
    begun: AtomicU64,
    ended: [AtomicU64; CallEnding::ALL.len()],
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
        self.with(tool, ToolCell::begun);
    }

    /// A call that began has ended. `took` is how long it took, if it came as
    /// far as its tool.
    pub(crate) fn ended(&self, tool: &RegisteredTool, how: CallEnding, took: Option<Duration>) {
        self.with(tool, |cell| cell.ended(how, took));
    }

    /// A call has ended that found no tool.
    pub(crate) fn ended_without_tool(&self, how: CallEnding) {
        self.unknown.begun();
        self.unknown.ended(how, None);
    }

    /// How many calls have begun and not ended.
    pub(crate) fn in_flight(&self) -> u64 {
        self.snapshot().map(|(_, tool)| tool.in_flight).sum()
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
            let counted = cell.snapshot();
            if counted.calls > 0 {
                all.push((name.into(), counted));
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
    fn begun(&self) {
        let (counted, adding) = self.0.own();
        adding.to(&counted.begun, 1);
    }

    fn ended(&self, how: CallEnding, took: Option<Duration>) {
        let (counted, adding) = self.0.own();
        counted.ended(adding, how, took);
    }

    fn snapshot(&self) -> ToolMetrics {
        let read = |counter: &AtomicU64| counter.load(Ordering::Acquire);
        // What has ended is read first, so that no difference is negative.
        let mut ended = [0; CallEnding::ALL.len()];
        let mut latency = LatencyHistogram::default();
        for counted in self.0.all() {
            for (sum, counter) in ended.iter_mut().zip(&counted.ended) {
                *sum += read(counter);
            }
            latency.add(&counted.latency);
        }
        let begun = self.0.all().map(|counted| read(&counted.begun)).sum();
        ToolMetrics::new(begun, ended, latency)
    }
}

impl Counted {
    fn ended(&self, adding: Adding, how: CallEnding, took: Option<Duration>) {
        if let Some(took) = took {
            self.latency.add(adding, took);
        }
        if let Some(counter) = self.ended.get(how.index()) {
            adding.to(counter, 1);
        }
    }
}
