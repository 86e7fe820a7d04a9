//! Tools worth having, each behind a feature of its own.
//!
//! | feature | tool | needs | what it does |
//! | --- | --- | --- | --- |
//! | `echo` | `ref:echo.say` ([`EchoSay`]) | nothing | returns its arguments, byte for byte |
//! | `fs` | `ref:fs.read` ([`FsRead`]) | `read` | reads lines of a file below one directory, the [`FsRoot`] |
//! | `fs-write` | `ref:fs.write` ([`FsWrite`]) | `fs.write` | writes a whole file there |
//! | `fs-edit` | `ref:fs.edit` ([`FsEdit`]) | `fs.edit` | replaces a text within a file there |
//! | `fs-glob` | `ref:fs.glob` ([`FsGlob`]) | `fs.glob` | finds files there by patterns for their paths |
//! | `fs-grep` | `ref:fs.grep` ([`FsGrep`]) | `fs.grep` | finds lines there by a pattern |
//! | `shell` | `ref:shell.exec` ([`ShellExec`]) | `shell.exec` | runs a command line |
//! | `conformance` | three ([`ConformanceOp`]) | see there | what the published conformance suite asks of a server |
//! | `web` | `ref:web.fetch` ([`WebFetch`]) | `web.fetch` | fetches a page of the web as text, from public addresses only |
//!
//! No feature is on by default, and none registers anything: a server offers
//! the tools that it registers. Those on files block, so they run on the
//! registry's threads for that.
//!
//! ```
//! use atd_proto::JsonText;
//! use atd_registry::{Args, CallContext, Registry};
//! use atd_tools::{EchoSay, FsRead, FsRoot};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let directory = tempfile::tempdir()?;
//! std::fs::write(directory.path().join("notes.txt"), "one\ntwo\nthree\n")?;
//!
//! let registry = Registry::new();
//! registry.register(EchoSay::new())?;
//! registry.register_blocking(FsRead::new(FsRoot::open(directory.path())?))?;
//!
//! // A server checks capabilities and arguments first; this is what it then does.
//! let call = async |id, args: &'static str| {
//!     let tool = registry.get(id).ok_or("registered above")?;
//!     let args = Args::new(JsonText::parse(args)?);
//!     let reply = tool.binding().invoke(args, &CallContext::for_test()).await?;
//!     Ok::<_, Box<dyn std::error::Error>>(reply.body().to_string())
//! };
//! assert_eq!(
//!     call("ref:echo.say", r#"{"n": 1.50}"#).await?,
//!     r#"{"echoed":{"n": 1.50}}"#
//! );
//! assert_eq!(
//!     call("ref:fs.read", r#"{"path": "notes.txt", "offset": 2, "limit": 1}"#).await?,
//!     r#"{"path":"notes.txt","content":"     2\ttwo","line_count":1,"total_lines":3,"truncated":true}"#
//! );
//! # Ok(()) }
//! ```

#[cfg(feature = "conformance")]
mod conformance;
#[cfg(feature = "echo")]
mod echo;
#[cfg(feature = "fs")]
mod fs;
#[cfg(feature = "shell")]
mod shell;
#[cfg(any(feature = "fs", feature = "web"))]
mod text;
#[cfg(feature = "web")]
mod web;

#[cfg(feature = "conformance")]
pub use conformance::ConformanceOp;
#[cfg(feature = "echo")]
pub use echo::EchoSay;
#[cfg(feature = "fs-edit")]
pub use fs::FsEdit;
#[cfg(feature = "fs-glob")]
pub use fs::FsGlob;
#[cfg(feature = "fs-grep")]
pub use fs::FsGrep;
#[cfg(feature = "fs-write")]
pub use fs::FsWrite;
#[cfg(feature = "fs")]
pub use fs::{FsRead, FsRoot};
#[cfg(feature = "shell")]
pub use shell::ShellExec;
#[cfg(feature = "web")]
pub use web::{Resolver, SystemResolver, WebFetch, WebFetchBuildError, WebFetchBuilder};
