//! What can be wrong with a configuration.

use std::collections::BTreeSet;
use std::fmt;

use atd_proto::CliConfig;

use super::template::Slot;

/// Everything that is wrong with a configuration; at least one mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CliMistakes(Vec<CliMistake>);

/// One mistake in a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CliMistake {
    /// Where in the configuration, as a JSON Pointer (RFC 6901) such as
    /// `/args_template/2`.
    pub path: String,
    /// What is wrong there.
    pub problem: CliProblem,
}

/// What is wrong in one place of a configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CliProblem {
    /// `cmd` says nothing.
    #[error("is empty; it is to name the program")]
    NoProgram,
    /// A text that no program can be given.
    #[error("holds a NUL byte, which no program can be given")]
    Nul,
    /// Something in braces that stands for nothing.
    #[error(
        "has the unknown placeholder {placeholder}; there are {{tool_id}}, {{params_json}}, \
         {{dry_run}} and {{page_all}}, and text with braces may stand in `args`"
    )]
    UnknownPlaceholder {
        /// The placeholder, with its braces.
        placeholder: String,
    },
    /// A flag within a text, which would be half an argument without it.
    #[error("has {placeholder} within a longer text; it is to be an entry of its own")]
    FlagInText {
        /// The placeholder, with its braces.
        placeholder: String,
    },
    /// A flag that no run would be passed: a dry run would be a real one.
    #[error("is passed nowhere: `args_template` has no entry {placeholder}")]
    UnusedFlag {
        /// The placeholder that is missing, with its braces.
        placeholder: &'static str,
    },
    /// A flag that is no flag.
    #[error("is empty; leave it out, or say the flag")]
    EmptyFlag,
    /// A name that an environment cannot hold.
    #[error("cannot name a variable: a name is not empty and has no `=`")]
    EnvName,
    /// What is mapped is no exit code.
    #[error("is no exit code; those of a failure are \"1\" to \"255\"")]
    NotAnExitCode,
    /// Success is mapped to a failure.
    #[error("maps the exit code 0, which is success and no failure")]
    MapsSuccess,
    /// A failure without a code.
    #[error("maps to an empty code; name the failure, such as \"auth_required\"")]
    EmptyCode,
}

impl CliMistakes {
    /// The mistakes, in the order of the configuration's fields.
    pub fn iter(&self) -> impl Iterator<Item = &CliMistake> {
        self.0.iter()
    }
}

impl fmt::Display for CliMistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.path, self.problem)
    }
}

impl fmt::Display for CliMistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{mistake}")?;
        }
        Ok(())
    }
}

impl std::error::Error for CliMistakes {}

/// The template of a configuration that has no mistake.
pub(super) fn check(config: &CliConfig) -> Result<Vec<Slot>, CliMistakes> {
    let mut found = Found(Vec::new());
    if config.cmd.is_empty() {
        found.add("/cmd", CliProblem::NoProgram);
    }
    found.no_nul("/cmd", &config.cmd);
    for (index, arg) in config.args.iter().enumerate() {
        found.no_nul(&format!("/args/{index}"), arg);
    }
    let mut slots = Vec::new();
    for (index, entry) in config.args_template.iter().enumerate() {
        let path = format!("/args_template/{index}");
        found.no_nul(&path, entry);
        match Slot::parse(entry) {
            Ok(slot) => slots.push(slot),
            Err(problem) => found.add(&path, problem),
        }
    }
    found.environment(config);
    let dry_run = config.args_template.iter().any(|it| it == "{dry_run}");
    let page_all = config.args_template.iter().any(|it| it == "{page_all}");
    found.flag(
        "/page_all_flag",
        config.page_all_flag.as_ref(),
        page_all,
        "{page_all}",
    );
    found.flag(
        "/dry_run_flag",
        config.dry_run_flag.as_ref(),
        dry_run,
        "{dry_run}",
    );
    found.exit_codes(config);
    if found.0.is_empty() {
        Ok(slots)
    } else {
        Err(CliMistakes(found.0))
    }
}

struct Found(Vec<CliMistake>);

impl Found {
    fn add(&mut self, path: &str, problem: CliProblem) {
        self.0.push(CliMistake {
            path: path.to_owned(),
            problem,
        });
    }

    fn no_nul(&mut self, path: &str, text: &str) {
        if text.contains('\0') {
            self.add(path, CliProblem::Nul);
        }
    }

    fn environment(&mut self, config: &CliConfig) {
        for (name, value) in &config.env {
            let path = format!("/env/{}", escaped(name));
            if name.is_empty() || name.contains('=') {
                self.add(&path, CliProblem::EnvName);
            }
            if name.contains('\0') || value.contains('\0') {
                self.add(&path, CliProblem::Nul);
            }
        }
    }

    fn flag(&mut self, path: &str, flag: Option<&String>, used: bool, placeholder: &'static str) {
        let Some(flag) = flag else {
            return;
        };
        self.no_nul(path, flag);
        if flag.is_empty() {
            self.add(path, CliProblem::EmptyFlag);
        }
        if !used {
            self.add(path, CliProblem::UnusedFlag { placeholder });
        }
    }

    fn exit_codes(&mut self, config: &CliConfig) {
        let codes: BTreeSet<String> = (0..=u8::MAX).map(|code| code.to_string()).collect();
        for (exit_code, code) in &config.exit_code_map {
            let path = format!("/exit_code_map/{}", escaped(exit_code));
            if exit_code == "0" {
                self.add(&path, CliProblem::MapsSuccess);
            } else if !codes.contains(exit_code) {
                self.add(&path, CliProblem::NotAnExitCode);
            }
            if code.is_empty() {
                self.add(&path, CliProblem::EmptyCode);
            }
        }
    }
}

/// A key as a JSON Pointer has it.
fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
