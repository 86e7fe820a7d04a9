//! `ref:fs.read`: lines of a file.

mod error;
mod lines;
mod page;

use std::num::NonZeroU64;

use atd_proto::{SafetyLevel, Tier, ToolDefinition};
use atd_registry::{Args, BlockingTool, CallContext, Reply, ToolCallError};
use schemars::{JsonSchema, schema_for};
use serde::{Deserialize, Serialize};

use self::error::ReadError;
use self::page::read_page;
use super::patience::Patience;
use super::root::FsRoot;
use super::seen::Seen;

/// `ref:fs.read`: reads lines of a regular file below an [`FsRoot`].
///
/// The lines come numbered, as `cat -n` shows them: the number, right-aligned
/// in six columns, a tab, the text; a newline stands between lines and none at
/// the end. A line ends with `\n` or `\r\n`, which the last may lack. What is
/// no UTF-8 is shown as U+FFFD.
///
/// The file is read as a stream, in at most three quarters of the call's time:
///
/// - The answer keeps to the call's output budget. It ends before the line
///   that does not fit; where that is its first, the line is cut and says so.
///   Both set `truncated`.
/// - The lines after the ones returned are counted for another 256 MiB. When
///   the file is longer, or the time is up, `total_lines` is what was counted,
///   `total_is_minimum` says so, and `truncated` is set.
/// - When the time is up before the line `offset` is reached, the call fails
///   with `TOO_FAR`.
///
/// What it read is noted for the call's connection, in its
/// [`ReadTracker`](atd_registry::ReadTracker), as the file was when it was
/// opened: tools that change files ask there whether their caller knows them.
///
/// It stops when its call ends, whichever way. A read that the system itself
/// does not return from, as on a network file system that is gone, keeps its
/// thread, though not the call.
#[derive(Debug)]
pub struct FsRead {
    definition: ToolDefinition,
    root: FsRoot,
}

/// What to read.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ReadArgs {
    /// The file, relative to the server's root directory, such as `src/lib.rs`.
    #[schemars(length(min = 1, max = 4096))]
    path: String,
    /// The first line to return, counted from 1.
    #[serde(default = "first_line")]
    offset: NonZeroU64,
    /// How many lines to return at most.
    #[serde(default = "default_limit")]
    limit: NonZeroU64,
}

/// What was read.
#[derive(Debug, Serialize, JsonSchema)]
struct ReadResult {
    /// The path that was asked for.
    path: String,
    /// The lines, each as its right-aligned number, a tab and its text; empty
    /// when `offset` is beyond the last line.
    content: String,
    /// How many lines `content` holds.
    line_count: u64,
    /// How many lines the file has.
    total_lines: u64,
    /// Whether there are lines after these, to be read with `offset`, or a
    /// line was cut because it is too long.
    truncated: bool,
    /// Whether counting was given up, so that the file may have more lines
    /// than `total_lines`; left out when not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    total_is_minimum: bool,
}

fn first_line() -> NonZeroU64 {
    NonZeroU64::MIN
}

fn default_limit() -> NonZeroU64 {
    NonZeroU64::MIN.saturating_add(1999)
}

impl FsRead {
    /// The tool, on the files below `root`.
    pub fn new(root: FsRoot) -> Self {
        let definition = ToolDefinition::builder(
            "ref:fs.read",
            "Reads lines of a text file below the server's root directory and returns them with \
             line numbers. Returns up to 2000 lines from the start unless `offset` and `limit` \
             say otherwise; when `truncated` is true, read on with `offset` set to the number \
             after the last line returned.",
        )
        .name("Read a file")
        .tags(["file", "filesystem", "read", "text", "lines", "source code"])
        .intent_examples([
            "Show me src/main.rs",
            "Read lines 100 to 150 of server.log",
            "What does the README say?",
        ])
        .input_schema(schema_for!(ReadArgs).to_value())
        .output_schema(schema_for!(ReadResult).to_value())
        .safety_level(SafetyLevel::Read)
        .requires(["read"])
        .tier(Tier::Warm);
        Self {
            definition: ReadError::declare(definition).build(),
            root,
        }
    }
}

impl BlockingTool for FsRead {
    fn definition(&self) -> &ToolDefinition {
        &self.definition
    }

    fn call(&self, args: Args, ctx: &CallContext) -> Result<Reply, ToolCallError> {
        let patience = Patience::new(ctx);
        let args: ReadArgs = args.parse()?;
        let read = self.read(&args, ctx, &patience);
        Reply::json(&read.map_err(|error| error.for_caller(&args.path))?)
    }
}

impl FsRead {
    fn read(
        &self,
        args: &ReadArgs,
        ctx: &CallContext,
        patience: &Patience<'_>,
    ) -> Result<ReadResult, ReadError> {
        let file = self.root.open_file(&args.path)?;
        // Before reading, so that what changes meanwhile counts as changed.
        let seen = Seen::of(&file.metadata()?);
        let read = read_page(file, args, ctx.output_budget(), patience)?;
        // A path that leads nowhere by now names no file to be edited.
        if let Ok(place) = self.root.resolve(&args.path) {
            seen.note(ctx, &self.root, &place);
        }
        Ok(read)
    }
}
