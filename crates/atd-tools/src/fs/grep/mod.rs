//! `ref:fs.grep`: lines that match.

mod file;
mod page;
mod position;

use std::num::NonZeroU64;
use std::path::Path;

use atd_proto::{SafetyLevel, Tier, ToolDefinition};
use atd_registry::{Args, BlockingTool, CallContext, Reply, ToolCallError};
use grep_regex::{RegexMatcher, RegexMatcherBuilder};
use grep_searcher::Searcher;
use schemars::{JsonSchema, schema_for};
use serde::Deserialize;

use self::file::{Search, Searched};
use self::page::{GrepResult, Page};
use self::position::{At, Position};
use super::patience::Patience;
use super::root::FsRoot;
use super::walk::{Filter, Pattern, SearchError, Step, Walk, after};

/// How many lines a page has, if the caller does not say.
const USUAL: NonZeroU64 = NonZeroU64::MIN.saturating_add(99);

/// The most that it has.
const MOST: u64 = 1_000;

/// The most lines that are shown before and after each.
const MOST_CONTEXT: u8 = 20;

/// How much memory a pattern may take that is searched for in lines of such a
/// length, both in bytes. Nothing stops a search within a line, and one that is
/// made to be slow takes a step for each byte of both.
const SIZES: [(usize, usize); 4] = [
    (16 << 10, 4 << 20),
    (64 << 10, 1 << 20),
    (512 << 10, 128 << 10),
    (4 << 20, 16 << 10),
];

/// How much memory searching for it may take, in bytes.
const CACHE_SIZE: usize = 4 << 20;

/// `ref:fs.grep`: finds lines of the regular files below an [`FsRoot`] by a
/// regular expression, as ripgrep does.
///
/// - The lines come in the order of their files' paths, which are relative to
///   the root, each with its number. Of a line over 500 bytes the part around
///   the first match is shown. What is no UTF-8 is shown as U+FFFD.
/// - The expression is searched for line by line, in time linear to the text
///   ([syntax](https://docs.rs/regex/latest/regex/#syntax)). A line ends with
///   `\n` or `\r\n`.
/// - Links are not followed. What begins with a dot, and what `.gitignore`,
///   `.ignore` and `.git/info/exclude` below the root name, is passed over,
///   unless the caller asks for it; so is `.git`. A file that is itself the
///   `path` is searched whatever its name.
/// - A file is searched as far as it holds no NUL, which no text does, and no
///   line of over 4 MiB, or of less (16 KiB at the least) for an expression that
///   takes much memory, such as one with long counted repetitions.
/// - It works for three quarters of the call's time at most, and keeps to its
///   output budget. Then, and after `limit` lines, there is another page. A
///   file for which all that time is not enough is named in `unfinished`.
#[derive(Debug)]
pub struct FsGrep {
    definition: ToolDefinition,
    root: FsRoot,
}

/// What to look for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct GrepArgs {
    /// A regular expression (Rust's syntax, much like Perl's without
    /// look-around and back-references), such as `fn \w+_test\b`. It matches
    /// within a line.
    #[schemars(length(min = 1, max = 1000))]
    pattern: String,
    /// The directory or file to search, relative to the server's root directory.
    #[serde(default = "here")]
    #[schemars(length(min = 1, max = 4096))]
    path: String,
    /// Which files to search: a pattern such as `*.rs`, for their names, or with
    /// a `/` in it, such as `src/**/*.rs`, for their paths relative to `path`.
    #[serde(default)]
    #[schemars(length(min = 1, max = 1000))]
    glob: Option<String>,
    /// Whether upper and lower case are the same.
    #[serde(default)]
    ignore_case: bool,
    /// Whether to look for the pattern as it is, not as an expression.
    #[serde(default)]
    literal: bool,
    /// How many lines to show before and after each.
    #[serde(default)]
    #[schemars(range(max = 20))]
    context: u8,
    /// Whether to return the first line of each file only: which files match.
    #[serde(default)]
    one_per_file: bool,
    /// Whether to search files and directories that begin with a dot, too.
    /// Those that a path in `glob` begins with are searched anyway.
    #[serde(default)]
    hidden: bool,
    /// Whether to search what ignore files such as `.gitignore` name, too.
    #[serde(default)]
    no_ignore: bool,
    /// How many lines a page has at most.
    #[serde(default = "usual")]
    #[schemars(range(min = 1, max = 1000))]
    limit: NonZeroU64,
}

fn here() -> String {
    ".".to_owned()
}

fn usual() -> NonZeroU64 {
    USUAL
}

impl FsGrep {
    /// The tool, on the files below `root`.
    pub fn new(root: FsRoot) -> Self {
        let definition = ToolDefinition::builder(
            "ref:fs.grep",
            "Searches the files below the server's root directory for lines that match a regular \
             expression and returns them with path and line number, in order. `glob` chooses the \
             files, `context` adds lines around each, `one_per_file` tells which files match. \
             Hidden and binary files and those that .gitignore names are left out; links are not \
             followed. Comes in pages.",
        )
        .name("Search in files")
        .tags([
            "file",
            "filesystem",
            "search",
            "grep",
            "regex",
            "text",
            "source code",
        ])
        .intent_examples([
            "Where is this function called?",
            "Find all uses of unwrap in the Rust sources",
            "Which files mention the old name?",
        ])
        .input_schema(schema_for!(GrepArgs).to_value())
        .output_schema(schema_for!(GrepResult).to_value())
        .safety_level(SafetyLevel::Read)
        .requires(["fs.grep"])
        .tier(Tier::Warm);
        let definition = SearchError::declare(definition).error(
            "NOT_A_FILE",
            "What is to be searched is a FIFO, socket or device.",
            false,
        );
        Self {
            definition: definition.build(),
            root,
        }
    }

    /// A page, and where the next one begins.
    fn page(
        &self,
        args: &GrepArgs,
        ctx: &CallContext,
    ) -> Result<(GrepResult, Option<Position>), SearchError> {
        let patience = Patience::new(ctx);
        let (matcher, longest_line) = matcher(args)?;
        let search = Search {
            matcher,
            longest_line,
            one_per_file: args.one_per_file,
            context: args.context.min(MOST_CONTEXT).into(),
            patience: &patience,
        };
        let glob = args
            .glob
            .as_deref()
            .map(|glob| Pattern::parse("/glob", glob))
            .transpose()?;
        let base = self.root.resolve_base(&args.path)?;
        let from = ctx.page_state().and_then(Position::of_state);
        let mut run = Run {
            root: &self.root,
            searcher: search.searcher(),
            search,
            page: Page::new(args.limit.get().min(MOST), ctx.output_budget()),
            has_searched: false,
            skipped: 0,
        };
        let next = if self.root.is_directory(&base)? {
            let spelled = glob.as_ref().filter(|glob| !glob.is_for_names());
            let spelled = spelled.map_or(Path::new(""), Pattern::spelled);
            let filter = Filter {
                within: base.join(spelled),
                hidden: args.hidden,
                ignored: args.no_ignore,
            };
            let begin = from.as_ref().map(|from| from.path.clone());
            let walk = Walk::new(&self.root, base.clone(), begin, filter, &patience);
            run.below(walk, &base, glob.as_ref(), from.as_ref())?
        } else {
            let at = from.as_ref().map_or(At::START, |from| from.at);
            run.file(&base, at)?.filter(|next| next.path == base)
        };
        let mut result = run.page.result;
        result.truncated = next.is_some();
        result.skipped = Some(run.skipped).filter(|skipped| *skipped > 0);
        Ok((result, next))
    }
}

/// A call's search, on its way.
struct Run<'a> {
    root: &'a FsRoot,
    search: Search<'a>,
    searcher: Searcher,
    page: Page,
    /// Whether a file was searched already, so that the next has not all of the
    /// call's time.
    has_searched: bool,
    skipped: u64,
}

impl Run<'_> {
    /// Searches the files that a walk comes to, and says where the next page
    /// begins.
    fn below(
        &mut self,
        mut walk: Walk<'_>,
        base: &Path,
        glob: Option<&Pattern>,
        from: Option<&Position>,
    ) -> Result<Option<Position>, SearchError> {
        let next = loop {
            let path = match walk.next()? {
                Step::End => break None,
                Step::GivenUp(at) if at == from.map_or(base, |from| &from.path) => {
                    return Err(SearchError::TooSlow);
                }
                Step::GivenUp(path) => {
                    let at = At::START;
                    break Some(Position { path, at });
                }
                Step::File(path) => path,
            };
            let below = path.strip_prefix(base).unwrap_or(&path);
            if glob.is_some_and(|glob| !is_chosen(glob, below)) {
                continue;
            }
            let begun = from.filter(|from| from.path == path);
            let at = begun.map_or(At::START, |from| from.at);
            if let Some(next) = self.file(&path, at)? {
                break Some(next);
            }
        };
        self.skipped += walk.skipped();
        Ok(next)
    }

    /// Searches a file from there on, and says where the next page begins, if
    /// this one ends here.
    fn file(&mut self, path: &Path, from: At) -> Result<Option<Position>, SearchError> {
        let position = |at| {
            let path = path.to_owned();
            Ok(Some(Position { path, at }))
        };
        let name = path.to_string_lossy();
        let is_first = !std::mem::replace(&mut self.has_searched, true);
        let Ok(mut file) = self.root.open_place(path) else {
            self.skipped += 1;
            return Ok(None);
        };
        match self
            .search
            .through(&mut self.searcher, &mut file, &name, from, &mut self.page)?
        {
            Searched::Whole => Ok(None),
            Searched::Unreadable => {
                self.skipped += 1;
                Ok(None)
            }
            Searched::PageFull(at) => position(at),
            Searched::OutOfTime(at) if at != from || !is_first => position(at),
            Searched::OutOfTime(_) => {
                self.page.push_unfinished(name.into_owned())?;
                let (path, at) = (after(path), At::START);
                Ok(Some(Position { path, at }))
            }
            Searched::LongLine(at) => {
                let has_room = self.page.push_unfinished(name.into_owned())?;
                if has_room { Ok(None) } else { position(at) }
            }
        }
    }
}

/// A pattern without a `/` is for names.
fn is_chosen(glob: &Pattern, below: &Path) -> bool {
    match below.file_name() {
        Some(name) if glob.is_for_names() => glob.matches(Path::new(name)),
        _ => glob.matches(below),
    }
}

/// What the pattern matches, and how long a line may be that it is searched for
/// in.
fn matcher(args: &GrepArgs) -> Result<(RegexMatcher, usize), SearchError> {
    let mut builder = RegexMatcherBuilder::new();
    builder
        .case_insensitive(args.ignore_case)
        .fixed_strings(args.literal)
        .multi_line(true)
        .crlf(true)
        .dfa_size_limit(CACHE_SIZE);
    let mut says = String::new();
    for (size, longest_line) in SIZES {
        match builder.size_limit(size).build(&args.pattern) {
            Ok(matcher) => return Ok((matcher, longest_line)),
            Err(error) => says = format!("is no expression that can be searched for: {error}"),
        }
    }
    let argument = "/pattern";
    Err(SearchError::BadPattern { argument, says })
}

impl BlockingTool for FsGrep {
    fn definition(&self) -> &ToolDefinition {
        &self.definition
    }

    fn call(&self, args: Args, ctx: &CallContext) -> Result<Reply, ToolCallError> {
        let args: GrepArgs = args.parse()?;
        let page = self.page(&args, ctx);
        match page.map_err(|error| error.for_caller(&args.path))? {
            (page, None) => Reply::json(&page),
            (page, Some(next)) => Reply::page(&page, next.to_state()),
        }
    }
}
