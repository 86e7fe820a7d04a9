//! `ref:fs.glob`: files whose paths match.

use std::ffi::OsString;
use std::num::NonZeroU64;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use atd_proto::{SafetyLevel, Tier, ToolDefinition};
use atd_registry::{Args, BlockingTool, CallContext, Reply, ToolCallError};
use schemars::{JsonSchema, schema_for};
use serde::{Deserialize, Serialize};

use super::error::FsError;
use super::patience::Patience;
use super::root::FsRoot;
use super::walk::{Filter, Pattern, SearchError, Step, Walk};

/// How many files a page has, if the caller does not say.
const USUAL: NonZeroU64 = NonZeroU64::MIN.saturating_add(999);

/// The most that it has.
const MOST: u64 = 10_000;

/// `ref:fs.glob`: finds regular files below an [`FsRoot`] by patterns for their
/// paths.
///
/// - The files come by name, directory by directory, as paths relative to the
///   root. A path that is no UTF-8 is shown with U+FFFD.
/// - Links are not followed. What begins with a dot, and what `.gitignore`,
///   `.ignore` and `.git/info/exclude` below the root name, is passed over,
///   unless the caller asks for it; so is `.git`.
/// - It works for three quarters of the call's time at most, and keeps to its
///   output budget. Then, and after `limit` files, there is another page.
#[derive(Debug)]
pub struct FsGlob {
    definition: ToolDefinition,
    root: FsRoot,
}

/// What to look for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct GlobArgs {
    /// A pattern for paths relative to `path`, such as `**/*.rs` for all Rust
    /// sources, `*.toml` for those in the directory itself, or
    /// `src/**/{mod,lib}.rs`. `*` and `?` match within a name, `**` over
    /// directories.
    #[schemars(length(min = 1, max = 1000))]
    pattern: String,
    /// The directory to search, relative to the server's root directory.
    #[serde(default = "here")]
    #[schemars(length(min = 1, max = 4096))]
    path: String,
    /// Whether to look at files and directories that begin with a dot, too.
    /// Those that `pattern` begins with are looked at anyway.
    #[serde(default)]
    hidden: bool,
    /// Whether to look at what ignore files such as `.gitignore` name, too.
    #[serde(default)]
    no_ignore: bool,
    /// How many files a page has at most.
    #[serde(default = "usual")]
    #[schemars(range(min = 1, max = 10_000))]
    limit: NonZeroU64,
}

/// What was found.
#[derive(Debug, Default, Serialize, JsonSchema)]
struct GlobResult {
    /// The files, as paths relative to the server's root directory.
    files: Vec<String>,
    /// Whether there may be more, on the next page.
    truncated: bool,
    /// How many directories could not be looked into; left out when none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    skipped: Option<u64>,
}

fn here() -> String {
    ".".to_owned()
}

fn usual() -> NonZeroU64 {
    USUAL
}

impl FsGlob {
    /// The tool, on the files below `root`.
    pub fn new(root: FsRoot) -> Self {
        let definition = ToolDefinition::builder(
            "ref:fs.glob",
            "Finds files below the server's root directory whose paths match a pattern such as \
             `**/*.rs`, and returns their paths in order. Hidden files and those that .gitignore \
             names are left out unless asked for; links are not followed. Comes in pages.",
        )
        .name("Find files")
        .tags(["file", "filesystem", "find", "glob", "pattern", "list"])
        .intent_examples([
            "Which Rust files are there?",
            "Find all tests below crates/",
            "List the Markdown files in docs",
        ])
        .input_schema(schema_for!(GlobArgs).to_value())
        .output_schema(schema_for!(GlobResult).to_value())
        .safety_level(SafetyLevel::Read)
        .requires(["fs.glob"])
        .tier(Tier::Warm);
        let definition = SearchError::declare(definition).error(
            "NOT_A_DIRECTORY",
            "What is to be searched is not a directory.",
            false,
        );
        Self {
            definition: definition.build(),
            root,
        }
    }

    /// A page, and what the next one begins with.
    fn page(
        &self,
        args: &GlobArgs,
        ctx: &CallContext,
    ) -> Result<(GlobResult, Option<PathBuf>), SearchError> {
        let patience = Patience::new(ctx);
        let pattern = Pattern::parse("/pattern", &args.pattern)?;
        let base = self.root.resolve_base(&args.path)?;
        if !self.is_directory(&base)? {
            return Err(SearchError::NotADirectory);
        }
        let from = ctx
            .page_state()
            .map(|state| OsString::from_vec(state.to_vec()));
        let from = from.map(PathBuf::from);
        let start = from.clone().unwrap_or_else(|| base.clone());
        let filter = Filter {
            within: base.join(pattern.spelled()),
            hidden: args.hidden,
            ignored: args.no_ignore,
        };
        let mut walk = Walk::new(&self.root, base.clone(), from, filter, &patience);
        let mut page = Page::new(args.limit.get().min(MOST), ctx.output_budget());
        let next = loop {
            match walk.next()? {
                Step::End => break None,
                Step::GivenUp(at) if at == start => return Err(SearchError::TooSlow),
                Step::GivenUp(at) => break Some(at),
                Step::File(path) => {
                    let below = path.strip_prefix(&base).unwrap_or(&path);
                    if pattern.matches(below) && !page.push(&path)? {
                        break Some(path);
                    }
                }
            }
        };
        page.result.truncated = next.is_some();
        page.result.skipped = Some(walk.skipped()).filter(|skipped| *skipped > 0);
        Ok((page.result, next))
    }

    fn is_directory(&self, base: &Path) -> Result<bool, FsError> {
        match self.root.is_directory(base) {
            Err(FsError::NotAFile) => Ok(false),
            is_directory => is_directory,
        }
    }
}

/// Paths, and how many more may come.
struct Page {
    result: GlobResult,
    limit: u64,
    budget: usize,
    /// How many bytes of JSON more may come.
    room: Option<usize>,
}

impl Page {
    fn new(limit: u64, budget: usize) -> Self {
        let longest = GlobResult {
            skipped: Some(u64::MAX),
            ..GlobResult::default()
        };
        let frame = serde_json::to_vec(&longest).map_or(usize::MAX, |json| json.len());
        Self {
            result: GlobResult::default(),
            limit,
            budget,
            room: budget.checked_sub(frame),
        }
    }

    /// Adds a path and says true, or finds the page full and says false.
    fn push(&mut self, path: &Path) -> Result<bool, SearchError> {
        let count = self.result.files.len();
        if count as u64 >= self.limit {
            return Ok(false);
        }
        let path = path.to_string_lossy().into_owned();
        // With the comma that may stand before it.
        let length = serde_json::to_vec(&path).map_or(usize::MAX, |json| json.len() + 1);
        let room = self.room.and_then(|room| room.checked_sub(length));
        if room.is_none() && count == 0 {
            let budget = self.budget;
            return Err(SearchError::NoRoom { budget });
        }
        if room.is_some() {
            self.room = room;
            self.result.files.push(path);
        }
        Ok(room.is_some())
    }
}

impl BlockingTool for FsGlob {
    fn definition(&self) -> &ToolDefinition {
        &self.definition
    }

    fn call(&self, args: Args, ctx: &CallContext) -> Result<Reply, ToolCallError> {
        let args: GlobArgs = args.parse()?;
        let page = self.page(&args, ctx);
        match page.map_err(|error| error.for_caller(&args.path))? {
            (page, None) => Reply::json(&page),
            (page, Some(next)) => Reply::page(&page, next.as_os_str().as_bytes().to_vec()),
        }
    }
}
