//! The live registry: tools come and go while calls run.

mod catalog;
mod registered;
mod suggest;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use atd_proto::{
    InvalidToolId, NameConflict, NameTable, ToolDefinition, ToolFilter, check_tool_id,
};
use bytes::Bytes;
use dashmap::DashMap;
use tokio::sync::watch;

use self::catalog::{Catalog, Listing};
pub use self::registered::RegisteredTool;
use crate::binding::{Binding, NativeBinding};
use crate::blocking::{BlockingBinding, BlockingPool, BlockingTool};
use crate::schema::SchemaError;
use crate::tool::Tool;

/// The tools that can be called. Everything goes through `&self`, while calls
/// run; a call under way keeps the tool that it began with.
pub struct Registry {
    /// Only who registers tools chooses what is kept, so a client's id is not
    /// worth a slower hash.
    tools: DashMap<Arc<str>, Arc<RegisteredTool>, foldhash::fast::RandomState>,
    /// Held by whoever changes the registry, so that a duplicate or a conflict
    /// is seen before anything has changed.
    names: Mutex<NameTable>,
    catalog: Catalog,
    changes: watch::Sender<u64>,
    blocking: BlockingPool,
}

/// Why a tool was not registered. The registry is then as it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// Its id is no tool id.
    #[error(transparent)]
    InvalidId(#[from] InvalidToolId),
    /// Another tool has its id.
    #[error(
        "a tool with the id `{id}` is registered already; `replace` would put this one in its place"
    )]
    Duplicate {
        /// The id.
        id: String,
    },
    /// Another tool has its name where only letters, digits, `_` and `-` are
    /// allowed.
    #[error(transparent)]
    NameConflict(#[from] NameConflict),
    /// A schema of its definition cannot be used.
    #[error("the {which} of `{id}` cannot be used: {source}")]
    Schema {
        /// The tool's id.
        id: String,
        /// `input_schema` or `output_schema`.
        which: &'static str,
        /// What is wrong with it.
        source: SchemaError,
    },
}

impl Registry {
    /// An empty registry, whose blocking tools share a pool of its own.
    pub fn new() -> Self {
        Self::with_blocking_pool(BlockingPool::default())
    }

    /// An empty registry, whose blocking tools run on this pool.
    pub fn with_blocking_pool(blocking: BlockingPool) -> Self {
        Self {
            tools: DashMap::default(),
            names: Mutex::default(),
            catalog: Catalog::default(),
            changes: watch::Sender::new(0),
            blocking,
        }
    }

    /// Adds a tool.
    ///
    /// # Errors
    /// [`RegisterError`] when its id is taken or cannot be used, or a schema
    /// of it cannot.
    pub fn register(&self, tool: impl Tool) -> Result<(), RegisterError> {
        self.register_binding(tool.definition().clone(), native(tool))
    }

    /// Adds a tool that blocks, to run on the registry's pool.
    ///
    /// # Errors
    /// As [`register`](Self::register).
    pub fn register_blocking(&self, tool: impl BlockingTool) -> Result<(), RegisterError> {
        let definition = tool.definition().clone();
        self.register_binding(
            definition,
            BlockingBinding::new(tool, self.blocking.clone()),
        )
    }

    /// Adds a definition and how it is carried out.
    ///
    /// # Errors
    /// As [`register`](Self::register).
    pub fn register_binding(
        &self,
        definition: ToolDefinition,
        binding: impl Binding,
    ) -> Result<(), RegisterError> {
        let tool = prepare(definition, binding)?;
        let mut names = self.names();
        if self.tools.contains_key(tool.id()) {
            return Err(RegisterError::Duplicate {
                id: tool.id().to_string(),
            });
        }
        names.insert(tool.id().clone())?;
        self.put(tool, &names);
        Ok(())
    }

    /// The threads that blocking tools run on.
    pub fn blocking(&self) -> &BlockingPool {
        &self.blocking
    }

    /// Adds a tool, in place of the one with its id where there is one, which
    /// it returns. Calls of that one go on.
    ///
    /// # Errors
    /// As [`register`](Self::register), but for the duplicate.
    pub fn replace(&self, tool: impl Tool) -> Result<Option<Arc<RegisteredTool>>, RegisterError> {
        self.replace_binding(tool.definition().clone(), native(tool))
    }

    /// [`replace`](Self::replace) for a definition and how it is carried out.
    ///
    /// # Errors
    /// As [`replace`](Self::replace).
    pub fn replace_binding(
        &self,
        definition: ToolDefinition,
        binding: impl Binding,
    ) -> Result<Option<Arc<RegisteredTool>>, RegisterError> {
        let tool = prepare(definition, binding)?;
        let mut names = self.names();
        names.insert(tool.id().clone())?;
        Ok(self.put(tool, &names))
    }

    /// Takes a tool out, and returns it. Calls of it go on.
    pub fn remove(&self, id: &str) -> Option<Arc<RegisteredTool>> {
        let mut names = self.names();
        let (_, tool) = self.tools.remove(id)?;
        names.remove(id);
        self.changed(&names);
        Some(tool)
    }

    /// The tool with this id, hidden or not.
    pub fn get(&self, id: &str) -> Option<Arc<RegisteredTool>> {
        self.tools.get(id).map(|tool| tool.clone())
    }

    /// The tool that goes by this name where only letters, digits, `_` and `-`
    /// are allowed.
    pub fn by_model_name(&self, name: &str) -> Option<Arc<RegisteredTool>> {
        let id = self.names().id_of(name)?.clone();
        self.get(&id)
    }

    /// Every id, ascending, hidden tools included.
    pub fn ids(&self) -> Vec<Arc<str>> {
        let mut ids: Vec<_> = self.tools.iter().map(|tool| tool.key().clone()).collect();
        ids.sort_unstable();
        ids
    }

    /// The `tool_list` response: every tool but the hidden ones, by id. It is
    /// encoded when the first asks after a change; the others share the bytes.
    pub fn catalog(&self) -> Bytes {
        self.listing().whole()
    }

    /// The `tool_list` response to a request for part of the catalog. It takes
    /// a look at every tool.
    pub fn catalog_part(&self, filter: &ToolFilter) -> Bytes {
        self.listing().part(filter)
    }

    fn listing(&self) -> Listing {
        self.catalog.get_or_make(|| {
            // Nothing changes between the look at the tools and the keeping
            // of the catalog.
            let names = self.names();
            (self.tools.iter().map(|tool| tool.clone()).collect(), names)
        })
    }

    /// Ids that somebody may have meant who asked for `id`; at most three, no
    /// hidden ones.
    pub fn suggestions(&self, id: &str) -> Vec<Arc<str>> {
        let visible = |id: &Arc<str>| self.get(id).is_some_and(|tool| !tool.is_hidden());
        let by_name = self.names().id_of(id).cloned();
        match by_name.filter(visible) {
            Some(meant) => vec![meant],
            None => suggest::nearest(
                id,
                self.tools.len(),
                self.tools
                    .iter()
                    .filter(|tool| !tool.is_hidden())
                    .map(|tool| tool.key().clone()),
            ),
        }
    }

    /// Tells whoever waits on it of each change; the value counts them.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// How many tools there are.
    pub fn len(&self) -> usize {
        self.tools.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.tools.is_empty()
    }

    fn names(&self) -> MutexGuard<'_, NameTable> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(
        &self,
        tool: RegisteredTool,
        names: &MutexGuard<'_, NameTable>,
    ) -> Option<Arc<RegisteredTool>> {
        let before = self.tools.insert(tool.id().clone(), Arc::new(tool));
        self.changed(names);
        before
    }

    fn changed(&self, _: &MutexGuard<'_, NameTable>) {
        self.catalog.forget();
        self.changes.send_modify(|count| *count += 1);
    }
}

impl Default for Registry {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("tools", &self.tools.len())
            .finish_non_exhaustive()
    }
}

fn native(tool: impl Tool) -> NativeBinding {
    NativeBinding::new(Arc::new(tool))
}

fn prepare(
    definition: ToolDefinition,
    binding: impl Binding,
) -> Result<RegisteredTool, RegisterError> {
    check_tool_id(&definition.id)?;
    RegisteredTool::new(definition, Box::new(binding))
}
