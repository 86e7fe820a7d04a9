//! Pages: from a cursor to what a tool goes on from, and back.

use atd_proto::JsonText;
use atd_registry::Reply;
use bytes::Bytes;

use super::Dispatcher;
use super::error::CallError;
use super::record::Record;
use super::rewrite::within_budget;
use crate::cursor::{MAX_CARRIED, NotSealed, Place, Refused};
use crate::middleware::truncated;
use crate::tier::{MAX_OUTPUT, TierLimits};

/// What a call asks for.
pub(super) enum Wanted {
    /// The first page, with these arguments.
    First(JsonText),
    /// The page that this cursor is for.
    Next(String),
}

/// What a call came to.
pub(super) struct Done {
    pub(super) result: JsonText,
    /// What brings the next page.
    pub(super) next_cursor: Option<String>,
}

impl Done {
    /// With nothing behind it.
    pub(super) fn only(result: JsonText) -> Self {
        Self {
            result,
            next_cursor: None,
        }
    }
}

impl Dispatcher {
    /// The arguments of the page that is wanted, and what it goes on from.
    pub(super) fn page_of(
        &self,
        record: &mut Record<'_>,
        wanted: Wanted,
    ) -> Result<(JsonText, Option<Bytes>), CallError> {
        let cursor = match wanted {
            Wanted::First(args) => return Ok((args, None)),
            Wanted::Next(cursor) => cursor,
        };
        let call = record.info();
        let tool_id = || call.tool_id.to_owned();
        let opened = self.cursors.open(call.tool_id, call.identity, &cursor);
        let place = opened.map_err(|refused| match refused {
            Refused::Expired => CallError::CursorExpired { tool_id: tool_id() },
            Refused::Invalid => CallError::CursorInvalid { tool_id: tool_id() },
        })?;
        record.cursor_page = Some(place.page);
        Ok((place.args, Some(place.state)))
    }

    /// What a tool's reply comes to: its result, and a cursor where there is
    /// more.
    pub(super) fn done(
        &self,
        record: &mut Record<'_>,
        reply: Reply,
        args: JsonText,
        limits: TierLimits,
    ) -> Result<Done, CallError> {
        let call = record.info();
        let state = reply.next_state().filter(|_| !call.dry_run).cloned();
        let cuttable = reply.is_cuttable();
        let mut result = reply.into_body();
        if cuttable {
            result = truncated(result, limits.output_bytes);
        }
        let result = within_budget(result, limits)?;
        let Some(state) = state else {
            return Ok(Done::only(result));
        };
        let page = record.cursor_page.unwrap_or(1);
        let next = Place {
            page: page.saturating_add(1),
            args,
            state,
        };
        let cursor = self.cursors.seal(call.tool_id, call.identity, &next);
        let cursor = cursor.map_err(|error| match error {
            NotSealed::TooLong { length } => CallError::PlaceTooLong {
                length,
                limit: MAX_CARRIED,
            },
            NotSealed::Failed(message) => CallError::Internal { message },
        })?;
        // Both stand in one frame.
        let length = result.as_bytes().len() + cursor.len();
        if length > MAX_OUTPUT {
            let (length, limit) = (Some(length), MAX_OUTPUT - cursor.len());
            return Err(CallError::OutputTooLarge { length, limit });
        }
        record.cursor_page = Some(page);
        Ok(Done {
            result,
            next_cursor: Some(cursor),
        })
    }
}
