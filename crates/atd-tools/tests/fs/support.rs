//! A root with something beside it, and calls of the tool.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use atd_proto::JsonText;
use atd_registry::{Args, CallContext, CallSetup, RegisteredTool, Registry, Reply, ToolCallError};
use atd_tools::{FsEdit, FsGlob, FsGrep, FsRead, FsRoot, FsWrite};
use serde_json::Value;
use tempfile::TempDir;

/// What stands in the file outside of every root.
pub(crate) const CANARY: &str = "canary-7f3a";

/// A temporary directory with `root`, which the tool shows, and
/// `outside/canary.txt`, which it must not.
pub(crate) struct Place {
    pub(crate) temp: TempDir,
    pub(crate) registry: Registry,
    pub(crate) tool: Arc<RegisteredTool>,
}

impl Place {
    pub(crate) fn new() -> Self {
        let temp = tempfile::tempdir().unwrap();
        fs::create_dir(temp.path().join("root")).unwrap();
        fs::create_dir(temp.path().join("outside")).unwrap();
        fs::write(temp.path().join("outside/canary.txt"), CANARY).unwrap();
        let registry = registry_at(temp.path().join("root"));
        let tool = tool_of(&registry);
        Self {
            temp,
            registry,
            tool,
        }
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.temp.path().join("root")
    }

    /// Writes a file below the root, with the directories that it needs.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.root().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// Makes a symbolic link below the root.
    pub(crate) fn link(&self, name: &str, target: impl AsRef<Path>) {
        std::os::unix::fs::symlink(target, self.root().join(name)).unwrap();
    }

    /// Makes a file below the root that takes no space and ends after `length`
    /// NULs.
    pub(crate) fn sparse(&self, name: &str, length: u64) -> PathBuf {
        let path = self.file(name, "");
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_len(length).unwrap();
        path
    }

    pub(crate) async fn read(&self, args: Value) -> Result<Value, ToolCallError> {
        self.read_in(args, CallSetup::for_test()).await
    }

    pub(crate) async fn read_in(
        &self,
        args: Value,
        setup: CallSetup,
    ) -> Result<Value, ToolCallError> {
        self.read_as(args, &CallContext::new(setup)).await
    }

    pub(crate) async fn read_as(
        &self,
        args: Value,
        ctx: &CallContext,
    ) -> Result<Value, ToolCallError> {
        self.call("ref:fs.read", args, ctx).await
    }

    /// Calls one of the tools.
    pub(crate) async fn call(
        &self,
        id: &str,
        args: Value,
        ctx: &CallContext,
    ) -> Result<Value, ToolCallError> {
        let told = args.to_string();
        let tool = self.registry.get(id).unwrap();
        let result = read(&tool, args, ctx).await;
        if let Err(error) = &result {
            let root = self.root().display().to_string();
            assert!(
                told.contains(&root) || !error.to_string().contains(&root),
                "the root's own name is nobody's business: {error}"
            );
        }
        result
    }

    /// The names in a directory below the root, sorted.
    pub(crate) fn names(&self, directory: &str) -> Vec<String> {
        names_in(&self.root().join(directory))
    }

    /// The code of the failure that reading `path` ends in.
    pub(crate) async fn failure(&self, path: &str) -> String {
        let args = serde_json::json!({"path": path});
        code(self.read(args).await)
    }
}

pub(crate) fn tool_at(root: impl AsRef<Path>) -> Arc<RegisteredTool> {
    tool_of(&registry_at(root))
}

pub(crate) fn registry_at(root: impl AsRef<Path>) -> Registry {
    let registry = Registry::new();
    let root = FsRoot::open(root).unwrap();
    let added = [
        registry.register_blocking(FsRead::new(root.clone())),
        registry.register_blocking(FsWrite::new(root.clone())),
        registry.register_blocking(FsEdit::new(root.clone())),
        registry.register_blocking(FsGlob::new(root.clone())),
        registry.register_blocking(FsGrep::new(root)),
    ];
    added.into_iter().collect::<Result<Vec<_>, _>>().unwrap();
    registry
}

pub(crate) fn names_in(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

/// A call that has this long.
pub(crate) fn with(time: Duration) -> CallSetup {
    let mut setup = CallSetup::for_test();
    setup.deadline -= CallContext::new(setup.clone()).time_left();
    setup.deadline += time;
    setup
}

fn tool_of(registry: &Registry) -> Arc<RegisteredTool> {
    registry.get("ref:fs.read").unwrap()
}

/// Calls the tool, and checks what holds of every answer.
pub(crate) async fn read(
    tool: &RegisteredTool,
    args: Value,
    ctx: &CallContext,
) -> Result<Value, ToolCallError> {
    let reply = reply(tool, args, ctx).await?;
    Ok(reply.body().to_value().unwrap())
}

/// The same, with what the next page goes on from.
pub(crate) async fn reply(
    tool: &RegisteredTool,
    args: Value,
    ctx: &CallContext,
) -> Result<Reply, ToolCallError> {
    let args = Args::new(JsonText::from_value(&args).unwrap());
    let result = tool.binding().invoke(args, ctx).await;
    match &result {
        Ok(reply) => {
            assert!(reply.body().as_bytes().len() <= ctx.output_budget());
            let shape = tool.output_schema();
            shape.check(&Args::new(reply.body().clone())).unwrap();
        }
        Err(ToolCallError::ExecutionFailed {
            code,
            message,
            retryable,
        }) => {
            let mut declared = tool.definition().errors.iter();
            assert!(
                declared.any(|error| error.code == *code && error.retryable == *retryable),
                "{code} is not declared"
            );
            assert!(!message.contains(char::is_control), "{message:?}");
        }
        Err(_) => {}
    }
    result
}

/// For tests that are no async functions.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    let builder = &mut tokio::runtime::Builder::new_current_thread();
    builder.build().unwrap()
}

#[track_caller]
pub(crate) fn code(result: Result<Value, ToolCallError>) -> String {
    match result {
        Err(ToolCallError::ExecutionFailed { code, .. }) => code,
        other => panic!("not a failure: {other:?}"),
    }
}
