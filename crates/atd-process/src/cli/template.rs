//! Arguments with placeholders.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use super::mistakes::CliProblem;

/// One argument to be, from one entry of `args_template`. Whatever takes the
/// place of a placeholder stays within it.
#[derive(Debug)]
pub(super) enum Slot {
    /// Text, with placeholders in it or without.
    Text(Vec<Piece>),
    /// What the dry run's flag is passed in, left out in any other run.
    DryRun,
    /// What the flag for every page is passed in, left out unless asked for.
    PageAll,
}

#[derive(Debug)]
pub(super) enum Piece {
    Literal(String),
    ToolId,
    ParamsJson,
}

/// What takes the place of the placeholders in one call.
pub(super) struct Values<'a> {
    pub(super) tool_id: &'a str,
    pub(super) params_json: &'a [u8],
    pub(super) dry_run: Option<&'a str>,
    pub(super) page_all: Option<&'a str>,
}

impl Slot {
    /// Reads one entry.
    pub(super) fn parse(entry: &str) -> Result<Self, CliProblem> {
        match entry {
            "{dry_run}" => return Ok(Self::DryRun),
            "{page_all}" => return Ok(Self::PageAll),
            _ => {}
        }
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = entry;
        while let Some((before, name, after)) = next_placeholder(rest) {
            literal.push_str(before);
            if !literal.is_empty() {
                pieces.push(Piece::Literal(std::mem::take(&mut literal)));
            }
            pieces.push(match name {
                "tool_id" => Piece::ToolId,
                "params_json" => Piece::ParamsJson,
                "dry_run" | "page_all" => {
                    return Err(CliProblem::FlagInText {
                        placeholder: format!("{{{name}}}"),
                    });
                }
                _ => {
                    return Err(CliProblem::UnknownPlaceholder {
                        placeholder: format!("{{{name}}}"),
                    });
                }
            });
            rest = after;
        }
        literal.push_str(rest);
        if !literal.is_empty() || pieces.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        Ok(Self::Text(pieces))
    }

    /// The argument for one call, where there is one.
    pub(super) fn fill(&self, values: &Values<'_>) -> Option<OsString> {
        let pieces = match self {
            Self::Text(pieces) => pieces,
            Self::DryRun => return values.dry_run.map(OsString::from),
            Self::PageAll => return values.page_all.map(OsString::from),
        };
        let bytes: Vec<u8> = pieces
            .iter()
            .flat_map(|piece| match piece {
                Piece::Literal(text) => text.as_bytes(),
                Piece::ToolId => values.tool_id.as_bytes(),
                Piece::ParamsJson => values.params_json,
            })
            .copied()
            .collect();
        Some(OsString::from_vec(bytes))
    }
}

/// What is before the next placeholder, its name, and what is after. Braces
/// around anything but a name, as in `{}` or `{"a": 1}`, are text.
fn next_placeholder(text: &str) -> Option<(&str, &str, &str)> {
    text.match_indices('{').find_map(|(start, _)| {
        let (name, after) = text[start + 1..].split_once('}')?;
        let is_name = !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        is_name.then_some((&text[..start], name, after))
    })
}
