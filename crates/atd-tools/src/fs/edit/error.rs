//! Why a file was not edited.

use atd_proto::ToolDefinitionBuilder;
use atd_registry::ToolCallError;

use super::LONGEST;
use super::text::Mismatch;
use crate::fs::change::ChangeError;
use crate::fs::error::about;

/// Why a file was not edited.
#[derive(Debug)]
pub(super) enum EditError {
    Change(ChangeError),
    /// It is longer than a file that is edited.
    TooLarge,
    Mismatch(Mismatch),
}

impl EditError {
    pub(super) fn declare(definition: ToolDefinitionBuilder) -> ToolDefinitionBuilder {
        ChangeError::declare(definition)
            .error(
                "TOO_LARGE",
                format!("The file has, or would have, over {} MiB.", LONGEST >> 20),
                false,
            )
            .error("NO_MATCH", "`old_string` is not in the file.", false)
            .error(
                "MANY_MATCHES",
                "`old_string` is in the file more than once, and `replace_all` is not set.",
                false,
            )
    }

    /// What the caller learns, who called the file `path`.
    pub(super) fn for_caller(self, path: &str) -> ToolCallError {
        match self {
            Self::Change(error) => error.for_caller(path),
            Self::TooLarge | Self::Mismatch(Mismatch::TooLong) => about(
                path,
                "TOO_LARGE",
                &format!(
                    "has, or would have, over {} MiB; longer files are not edited",
                    LONGEST >> 20
                ),
            ),
            Self::Mismatch(Mismatch::None { but_for_line_ends }) => {
                let hint = if but_for_line_ends {
                    "its lines end with \\r\\n, and so have to those of `old_string`"
                } else {
                    "it has to match to the letter, white space included, without line numbers"
                };
                about(
                    path,
                    "NO_MATCH",
                    &format!("does not hold `old_string`; {hint}"),
                )
            }
            Self::Mismatch(Mismatch::Many { lines, more }) => {
                let lines: Vec<String> = lines.iter().map(u64::to_string).collect();
                about(
                    path,
                    "MANY_MATCHES",
                    &format!(
                        "holds `old_string` more than once (lines {}{}); give more of what is \
                         around the right one, or set `replace_all`",
                        lines.join(", "),
                        if more { ", …" } else { "" }
                    ),
                )
            }
        }
    }
}

impl From<ChangeError> for EditError {
    fn from(error: ChangeError) -> Self {
        Self::Change(error)
    }
}

impl From<Mismatch> for EditError {
    fn from(mismatch: Mismatch) -> Self {
        Self::Mismatch(mismatch)
    }
}
