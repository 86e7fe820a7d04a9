//! Tools that are programs: one run per call, bounded, and ended for sure.
//!
//! A [`CliBinding`] carries a definition out by a program, from the declarative
//! configuration of the protocol; a [`Program`] is one run of any program, with
//! what it is given and how it is ended said there.
//!
//! So that a program is ended with everything that it has started, whatever
//! that has done to get away, the `main` of whoever runs it begins with
//! [`Supervisor::run_if_asked`].
//!
//! ```
//! use atd_process::{CliBinding, Supervisor};
//! use atd_proto::{CliConfig, ToolDefinition};
//! use atd_registry::Registry;
//!
//! Supervisor::run_if_asked();
//!
//! let config = CliConfig {
//!     cmd: "git".into(),
//!     args: ["log", "-n10", r#"--format={"commit":"%H"}"#].map(String::from).into(),
//!     output_format: Some(atd_proto::OutputFormat::Ndjson),
//!     ..CliConfig::default()
//! };
//! let registry = Registry::new();
//! let definition = ToolDefinition::builder("git:log.list", "The last ten commits").build();
//! registry.register_binding(definition, CliBinding::new("git:log.list", config)?)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cli;
mod error;
mod lookup;
mod program;
mod run;
mod supervisor;

pub use cli::{CliBinding, CliMistake, CliMistakes, CliProblem};
pub use error::ProgramError;
pub use lookup::DEFAULT_PATH;
pub use program::Program;
pub use run::{Exit, Finished};
pub use supervisor::Supervisor;
