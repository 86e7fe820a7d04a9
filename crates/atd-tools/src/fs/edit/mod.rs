//! `ref:fs.edit`: a part of a file.

mod error;
mod text;

use atd_proto::{SafetyLevel, Tier, ToolDefinition, Visibility};
use atd_registry::{Args, BlockingTool, CallContext, Reply, ToolCallError};
use schemars::{JsonSchema, schema_for};
use serde::{Deserialize, Serialize};

use self::error::EditError;
use self::text::replace;
use super::change::ChangeError;
use super::change::Target;
use super::error::FsError;
use super::patience::Patience;
use super::root::FsRoot;

/// The longest file that is edited, before and after, in bytes. It is held in
/// memory.
const LONGEST: usize = 16 << 20;

/// `ref:fs.edit`: replaces a text within a regular file below an [`FsRoot`].
///
/// - The text is looked for byte for byte. It has to be there once, places that
///   overlap counted; with `replace_all`, each is replaced, from the left. What
///   is around it stays as it is, UTF-8 or not.
/// - The file has to have been read (with [`FsRead`](crate::FsRead)), written
///   or edited on this connection, and is left alone if it has changed since.
///   An edit counts as a reading of what it left, so edits may follow on each
///   other.
/// - A file of more than 16 MiB is not edited, nor made that long.
/// - It changes in one step, and keeps its mode, as with `ref:fs.write`.
/// - A dry run says what would be replaced, and changes nothing.
#[derive(Debug)]
pub struct FsEdit {
    definition: ToolDefinition,
    root: FsRoot,
}

/// What to replace.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct EditArgs {
    /// The file, relative to the server's root directory, such as `src/lib.rs`.
    #[schemars(length(min = 1, max = 4096))]
    path: String,
    /// The text to be replaced, as it is in the file, without line numbers.
    #[schemars(length(min = 1))]
    old_string: String,
    /// The text to put in its place.
    new_string: String,
    /// Whether to replace every occurrence. Otherwise there has to be one.
    #[serde(default)]
    replace_all: bool,
}

/// What was replaced.
#[derive(Debug, Serialize, JsonSchema)]
struct EditResult {
    /// The path that was asked for.
    path: String,
    /// How many occurrences were replaced.
    replacements: u64,
    /// The line in which the first of them begins, counted from 1.
    first_line: u64,
    /// Whether nothing was replaced, because the call was a dry run; left out
    /// when not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    dry_run: bool,
}

impl FsEdit {
    /// The tool, on the files below `root`.
    pub fn new(root: FsRoot) -> Self {
        let definition = ToolDefinition::builder(
            "ref:fs.edit",
            "Replaces an exact text within a file below the server's root directory. The file has \
             to be read with ref:fs.read on this connection first, and is left alone if it changed \
             since. `old_string` must match to the letter, indentation included and without the \
             line numbers that ref:fs.read shows, and must be in the file once: give enough lines \
             around it, or set `replace_all` to replace every one.",
        )
        .name("Edit a file")
        .tags([
            "file",
            "filesystem",
            "edit",
            "replace",
            "text",
            "source code",
        ])
        .intent_examples([
            "Rename this function in src/lib.rs",
            "Change the port in config.toml to 8080",
            "Fix the typo in the second line of the README",
        ])
        .input_schema(schema_for!(EditArgs).to_value())
        .output_schema(schema_for!(EditResult).to_value())
        .safety_level(SafetyLevel::Write)
        .handles_dry_run()
        .side_effects(["replaces a file"])
        .visibility(Visibility::Write)
        .requires(["fs.edit"])
        .tier(Tier::Warm);
        Self {
            definition: EditError::declare(definition).build(),
            root,
        }
    }

    fn edit(&self, args: &EditArgs, ctx: &CallContext) -> Result<EditResult, EditError> {
        let patience = Patience::new(ctx);
        let mut target = Target::open(&self.root, &args.path, ctx, &patience)?;
        if !target.exists() {
            return Err(ChangeError::from(FsError::NotFound).into());
        }
        target.check_seen()?;
        let content = target.read(LONGEST)?.ok_or(EditError::TooLarge)?;
        let (old, new) = (args.old_string.as_bytes(), args.new_string.as_bytes());
        let edited = replace(&content, old, new, args.replace_all, LONGEST)?;
        if !ctx.dry_run() {
            target.put(&edited.content)?;
        }
        Ok(EditResult {
            path: args.path.clone(),
            replacements: edited.replacements,
            first_line: edited.first_line,
            dry_run: ctx.dry_run(),
        })
    }
}

impl BlockingTool for FsEdit {
    fn definition(&self) -> &ToolDefinition {
        &self.definition
    }

    fn call(&self, args: Args, ctx: &CallContext) -> Result<Reply, ToolCallError> {
        let args: EditArgs = args.parse()?;
        if args.old_string.is_empty() {
            let says = "is empty: say what is to be replaced";
            return Err(ToolCallError::invalid_arg("/old_string", says));
        }
        if args.old_string == args.new_string {
            let says = "is the same as `old_string`: nothing would change";
            return Err(ToolCallError::invalid_arg("/new_string", says));
        }
        let edited = self.edit(&args, ctx);
        Reply::json(&edited.map_err(|error| error.for_caller(&args.path))?)
    }
}
