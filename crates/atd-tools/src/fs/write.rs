//! `ref:fs.write`: a whole file.

use atd_proto::{SafetyLevel, Tier, ToolDefinition, Visibility};
use atd_registry::{Args, BlockingTool, CallContext, Reply, ToolCallError};
use schemars::{JsonSchema, schema_for};
use serde::{Deserialize, Serialize};

use super::change::{ChangeError, Target, no_directory, split};
use super::patience::Patience;
use super::root::FsRoot;

/// `ref:fs.write`: writes a regular file below an [`FsRoot`], a new one or in
/// the place of one that is there.
///
/// - The file changes in one step: it is written beside the old one and to the
///   disk, and then takes its name. Whoever looks, and whoever finds it after a
///   crash, sees the old content or the new one.
/// - A file that exists is replaced only if this connection has read it (with
///   [`FsRead`](crate::FsRead)) or written it, and it has not changed since.
///   There is no way around that: who wants to overwrite a file reads a line of
///   it first. A caller without the capability to read can make files, and
///   replace those that it made.
/// - It keeps its mode (but for set-user-id and set-group-id), and its owner and
///   group as far as the system lets the server; extended attributes and access
///   lists are lost, and another hard link to the old file keeps the old
///   content. Who may not write to the file may not replace it. A new file has
///   0644, less the server's umask.
/// - A symbolic link is followed, and stays.
/// - Missing directories are made only if `create_dirs` says so. They stay if the
///   file then cannot be written.
/// - Calls that change one file take turns. Another process that changes it
///   just between the last look at it and the new name is not noticed.
/// - A dry run checks all that, and changes nothing.
#[derive(Debug)]
pub struct FsWrite {
    definition: ToolDefinition,
    root: FsRoot,
}

/// What to write.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct WriteArgs {
    /// The file, relative to the server's root directory, such as `src/lib.rs`.
    #[schemars(length(min = 1, max = 4096))]
    path: String,
    /// All that the file is to hold.
    content: String,
    /// Whether to make the directories of the path that do not exist.
    #[serde(default)]
    create_dirs: bool,
}

/// What was written.
#[derive(Debug, Serialize, JsonSchema)]
struct WriteResult {
    /// The path that was asked for.
    path: String,
    /// Whether the file is new.
    created: bool,
    /// How many bytes it holds.
    bytes_written: u64,
    /// Whether nothing was written, because the call was a dry run; left out
    /// when not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    dry_run: bool,
}

impl FsWrite {
    /// The tool, on the files below `root`.
    pub fn new(root: FsRoot) -> Self {
        let definition = ToolDefinition::builder(
            "ref:fs.write",
            "Writes a whole text file below the server's root directory: makes a new one, or \
             replaces one that exists. A file that exists has to be read with ref:fs.read on this \
             connection first, and is not replaced if it changed since. To change a part of a \
             file, ref:fs.edit takes fewer words. The file changes in one step or not at all.",
        )
        .name("Write a file")
        .tags(["file", "filesystem", "write", "create", "text"])
        .intent_examples([
            "Create notes/plan.md with this text",
            "Replace config.toml with the following",
            "Save this as a new file",
        ])
        .input_schema(schema_for!(WriteArgs).to_value())
        .output_schema(schema_for!(WriteResult).to_value())
        .safety_level(SafetyLevel::Write)
        .handles_dry_run()
        .side_effects(["makes or replaces a file", "makes directories"])
        .visibility(Visibility::Write)
        .requires(["fs.write"])
        .tier(Tier::Warm);
        Self {
            definition: ChangeError::declare(definition).build(),
            root,
        }
    }

    fn write(&self, args: &WriteArgs, ctx: &CallContext) -> Result<WriteResult, ChangeError> {
        let patience = Patience::new(ctx);
        let open = || Target::open(&self.root, &args.path, ctx, &patience);
        let done = |created| WriteResult {
            path: args.path.clone(),
            created,
            bytes_written: args.content.len() as u64,
            dry_run: ctx.dry_run(),
        };
        let target = match open() {
            Err(ChangeError::NoDirectory) if args.create_dirs => {
                if ctx.dry_run() {
                    return Ok(done(true));
                }
                let directory = split(&args.path)?.0;
                self.root.create_dirs(directory).map_err(no_directory)?;
                open()?
            }
            target => target?,
        };
        target.check_seen()?;
        let created = !target.exists();
        if !ctx.dry_run() {
            target.put(args.content.as_bytes())?;
        }
        Ok(done(created))
    }
}

impl BlockingTool for FsWrite {
    fn definition(&self) -> &ToolDefinition {
        &self.definition
    }

    fn call(&self, args: Args, ctx: &CallContext) -> Result<Reply, ToolCallError> {
        let args: WriteArgs = args.parse()?;
        let written = self.write(&args, ctx);
        Reply::json(&written.map_err(|error| error.for_caller(&args.path))?)
    }
}
