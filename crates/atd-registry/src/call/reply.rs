//! What a tool returns.

use atd_proto::JsonText;
use bytes::Bytes;
use serde::Serialize;

use super::error::ToolCallError;

/// What a tool returns when it did what it was asked.
#[derive(Clone, PartialEq, Eq)]
pub struct Reply {
    body: JsonText,
    /// Boxed: most replies are moved without.
    more: Option<Box<More>>,
}

/// What few replies have.
#[derive(Clone, Default, PartialEq, Eq)]
struct More {
    next_state: Option<Bytes>,
    may_be_cut: bool,
}

impl Reply {
    /// A reply with this value.
    ///
    /// # Errors
    /// [`ToolCallError::Internal`] when the value has no JSON form.
    pub fn json<T: Serialize + ?Sized>(value: &T) -> Result<Self, ToolCallError> {
        Self::json_within(value, usize::MAX)
    }

    /// A reply with this value, if it takes no more than `limit` bytes of JSON,
    /// such as [`CallContext::output_budget`]. A value without an end is not
    /// written beyond it.
    ///
    /// [`CallContext::output_budget`]: crate::CallContext::output_budget
    ///
    /// # Errors
    /// As [`json`](Self::json), and [`ToolCallError::OutputTooLarge`].
    pub fn json_within<T: Serialize + ?Sized>(
        value: &T,
        limit: usize,
    ) -> Result<Self, ToolCallError> {
        match JsonText::from_value_within(value, limit) {
            Ok(Some(body)) => Ok(Self::text(body)),
            Ok(None) => Err(ToolCallError::OutputTooLarge { limit }),
            Err(error) => Err(ToolCallError::internal(format!(
                "the result has no JSON form: {error}"
            ))),
        }
    }

    /// The reply may be cut where it is longer than the call's budget, and
    /// marked as such, instead of being an error.
    #[must_use]
    pub fn may_be_cut(mut self) -> Self {
        self.more.get_or_insert_default().may_be_cut = true;
        self
    }

    /// Whether it may.
    pub fn is_cuttable(&self) -> bool {
        self.more.as_ref().is_some_and(|more| more.may_be_cut)
    }

    /// A reply with this value, after which there is more. The runtime gives
    /// the caller a cursor; who comes back with it is asked for the next page
    /// with the same arguments, and [`CallContext::page_state`] is then
    /// `next_state`. It travels sealed: callers neither see nor change it. It
    /// should be short, such as an offset or a key to go on from.
    ///
    /// The last page is a [`Reply::json`].
    ///
    /// ```
    /// use atd_registry::{Reply, tool_fn};
    ///
    /// #[derive(serde::Deserialize, schemars::JsonSchema)]
    /// struct Count { to: u32 }
    ///
    /// let count = tool_fn("demo:math.count", "Counts, ten numbers a page", |count: Count, ctx| async move {
    ///     let from = ctx.page_state().and_then(|state| state.try_into().ok());
    ///     let from = from.map_or(1, u32::from_be_bytes);
    ///     let last = count.to.min(from + 9);
    ///     let numbers: Vec<u32> = (from..=last).collect();
    ///     if last < count.to {
    ///         Reply::page(&numbers, (last + 1).to_be_bytes().to_vec())
    ///     } else {
    ///         Reply::json(&numbers)
    ///     }
    /// });
    /// ```
    ///
    /// [`CallContext::page_state`]: crate::CallContext::page_state
    ///
    /// # Errors
    /// As [`json`](Self::json).
    pub fn page<T: Serialize + ?Sized>(
        value: &T,
        next_state: impl Into<Bytes>,
    ) -> Result<Self, ToolCallError> {
        let mut reply = Self::json(value)?;
        reply.more.get_or_insert_default().next_state = Some(next_state.into());
        Ok(reply)
    }

    /// A reply with JSON that is text already.
    pub fn text(body: JsonText) -> Self {
        Self { body, more: None }
    }

    /// The result.
    pub fn body(&self) -> &JsonText {
        &self.body
    }

    /// The result, taken out.
    pub fn into_body(self) -> JsonText {
        self.body
    }

    /// What the next page is to go on from, where there is one.
    pub fn next_state(&self) -> Option<&Bytes> {
        self.more.as_ref()?.next_state.as_ref()
    }
}

impl std::fmt::Debug for Reply {
    /// The lengths alone: results are no business of a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reply")
            .field("body", &self.body)
            .field("next_state", &self.next_state().map(Bytes::len))
            .finish()
    }
}

/// What a closure made a tool may return: a [`Reply`], or anything that has a
/// JSON form.
pub trait IntoReply {
    /// The reply. What is still to be written is written up to `limit` bytes.
    ///
    /// # Errors
    /// As [`Reply::json_within`].
    fn into_reply(self, limit: usize) -> Result<Reply, ToolCallError>;
}

impl<T: Serialize> IntoReply for T {
    fn into_reply(self, limit: usize) -> Result<Reply, ToolCallError> {
        Reply::json_within(&self, limit)
    }
}

impl IntoReply for Reply {
    fn into_reply(self, _: usize) -> Result<Reply, ToolCallError> {
        Ok(self)
    }
}
