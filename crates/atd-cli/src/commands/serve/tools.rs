//! The tools that are served, and how they come to be others.

use std::collections::BTreeMap;

use atd_runtime::Registry;
use atd_runtime::tools::FsRoot;

use crate::config::{Builtin, Declared, Settings, ToolSettings, Workplace};
use crate::failure::Failure;

/// The tools that are served.
pub(super) struct ServedTools {
    workplace: Workplace,
    tools: BTreeMap<String, Served>,
}

#[derive(Clone)]
enum Served {
    Builtin(&'static Builtin),
    Declared(Box<Declared>),
}

/// What became of the tools, by their ids.
#[derive(Debug, Default)]
pub(super) struct Changes {
    added: Vec<String>,
    changed: Vec<String>,
    removed: Vec<String>,
}

impl ServedTools {
    /// None as yet; those that are built in are to work as this says.
    pub(super) fn none(settings: &Settings) -> Result<Self, Failure> {
        let root = &settings.root;
        let files = FsRoot::open(root).map_err(|error| {
            Failure::usage(format!("cannot open the root {}: {error}", root.display()))
        })?;
        Ok(Self {
            workplace: Workplace {
                root: root.clone(),
                files,
                settings: settings.tools.builtin_settings.clone(),
            },
            tools: BTreeMap::new(),
        })
    }

    /// Whether all that are wanted can be set up. What a tool needs may be
    /// missing though all that is said of it is right.
    pub(super) fn could_become(&self, wanted: &ToolSettings) -> Result<(), Failure> {
        let nobodys = Registry::new();
        let mut wanted = of(wanted).into_iter();
        wanted.try_for_each(|(id, tool)| self.put(&nobodys, &id, &tool))
    }

    /// Makes them those that are wanted. A tool that is as it was is left
    /// alone, and calls go on with the tool that they began with.
    pub(super) fn become_those(
        &mut self,
        registry: &Registry,
        wanted: &ToolSettings,
    ) -> Result<Changes, Failure> {
        let wanted = of(wanted);
        let mut changes = Changes::default();
        // First, so that none of them has a name that a new one is to have.
        for id in self.tools.keys().filter(|id| !wanted.contains_key(*id)) {
            registry.remove(id);
            changes.removed.push(id.clone());
        }
        self.tools.retain(|id, _| wanted.contains_key(id));
        for (id, tool) in wanted {
            match self.tools.get(&id) {
                Some(before) if tool.is_same(before) => continue,
                Some(_) => changes.changed.push(id.clone()),
                None => changes.added.push(id.clone()),
            }
            self.put(registry, &id, &tool)?;
            self.tools.insert(id, tool);
        }
        Ok(changes)
    }

    fn put(&self, registry: &Registry, id: &str, tool: &Served) -> Result<(), Failure> {
        match tool {
            Served::Builtin(tool) => {
                // A declared tool may have had its id.
                registry.remove(id);
                (tool.register)(registry, &self.workplace)?;
            }
            Served::Declared(tool) => {
                let binding = tool.binding().map_err(Failure::usage)?;
                registry.replace_binding(tool.definition.clone(), binding)?;
            }
        }
        Ok(())
    }
}

fn of(settings: &ToolSettings) -> BTreeMap<String, Served> {
    let builtin = settings.builtin.iter();
    let builtin = builtin.map(|tool| (tool.id.to_owned(), Served::Builtin(tool)));
    let declared = settings.declared.iter();
    let declared =
        declared.map(|(id, tool)| (id.clone(), Served::Declared(Box::new(tool.clone()))));
    builtin.chain(declared).collect()
}

impl Served {
    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Builtin(_), Self::Builtin(_)) => true,
            (Self::Declared(tool), Self::Declared(other)) => tool.is_same_tool(other),
            _ => false,
        }
    }
}

impl Changes {
    /// The tools that are new or other than they were.
    pub(super) fn taken_up(&self) -> impl Iterator<Item = &str> {
        self.added.iter().chain(&self.changed).map(String::as_str)
    }

    /// What happened, in words; `None` if nothing did.
    pub(super) fn in_words(&self) -> Option<String> {
        let done = [
            ("added", &self.added),
            ("changed", &self.changed),
            ("removed", &self.removed),
        ];
        let done = done.iter().filter(|(_, ids)| !ids.is_empty());
        let said: Vec<String> = done
            .map(|(what, ids)| format!("{what} {}", ids.join(", ")))
            .collect();
        (!said.is_empty()).then(|| said.join("; "))
    }
}
