//! What can go wrong.

use std::{fmt, io, path::PathBuf, sync::Arc, time::Duration};

use atd_proto::{DecodeError, ErrorBody, ErrorCode, FrameError, JsonText, ToolFailure};

use crate::{obstacle::Obstacle, one_line::OneLine};

/// Why a client could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// No connection came about.
    #[error(
        "cannot connect to {path:?} (attempts: {attempts}, the last: {source}): {}",
        .obstacle.advice()
    )]
    Connect {
        /// The socket's path.
        path: PathBuf,
        /// How often it was tried.
        attempts: u32,
        /// What was in the way the last time.
        obstacle: Obstacle,
        /// How the last attempt ended.
        source: io::Error,
    },
    /// The arguments have no JSON form. Nothing was sent.
    #[error("the arguments for `{}` have no JSON form: {}", OneLine(.tool_id), OneLine(&.source.to_string()))]
    Arguments {
        /// The tool's id.
        tool_id: String,
        /// What was wrong with them.
        source: serde_json::Error,
    },
    /// The request is longer than a frame may be. Nothing was sent, and the
    /// connection lives on.
    #[error("the request cannot be sent: {0}")]
    RequestTooLarge(#[source] FrameError),
    /// No answer came in time. The connection lives on, and the request may
    /// have been carried out.
    #[error("no answer within {after:?}; the request may have been carried out")]
    TimedOut {
        /// How long it was waited for, the wait for the request's turn
        /// included.
        after: Duration,
    },
    /// The server did not carry the request out.
    #[error("the server refused: {}", Said(.0))]
    Refused(#[source] ErrorBody),
    /// The tool ran and failed.
    #[error(
        "`{}` failed: {} ({})", OneLine(.tool_id), OneLine(&.failure.message), OneLine(&.failure.code)
    )]
    ToolFailed {
        /// The tool's id.
        tool_id: String,
        /// What it says of its failure. Where `result` has another shape than
        /// a failure should, what could be read of it: the code is then
        /// `TOOL_FAILED`, the message the text itself, cut to a length that
        /// can be shown.
        failure: ToolFailure,
        /// Its result as it came.
        result: JsonText,
    },
    /// The result is another than the caller wanted to read.
    #[error("the result of `{}` does not fit: {}", OneLine(.tool_id), OneLine(&.source.to_string()))]
    ResultShape {
        /// The tool's id.
        tool_id: String,
        /// What was found and what was expected.
        source: serde_json::Error,
    },
    /// A page of the result is another than the pages' merging needs.
    #[error("page {page} of `{}` should be {expected}", OneLine(.tool_id))]
    PageShape {
        /// The tool's id.
        tool_id: String,
        /// Which page, from 1.
        page: u32,
        /// What would be right.
        expected: String,
    },
    /// A limit was reached before the last page. What had come is thrown away.
    #[error(
        "`{}` has more than the {pages} pages of {bytes} bytes that were fetched: raise the \
         limits, or ask for less",
        OneLine(.tool_id)
    )]
    TooManyPages {
        /// The tool's id.
        tool_id: String,
        /// How many pages came.
        pages: u32,
        /// How long they were together, in bytes of JSON.
        bytes: usize,
        /// What brings the page after them, if there is one.
        next_cursor: Option<String>,
    },
    /// The answer is of a type that does not belong to the request. The
    /// connection is closed: no later answer could be told to be the right
    /// one.
    #[error("the server answered with `{got}` where `{expected}` was due")]
    Unexpected {
        /// The type that was due.
        expected: &'static str,
        /// The type that came.
        got: &'static str,
    },
    /// The answer is a frame that is no message, or none that is understood
    /// here. The connection lives on.
    #[error("the server's answer is not understood: {}", OneLine(&.0.to_string()))]
    Undecodable(#[source] DecodeError),
    /// The connection is over. This client will not work again; connect anew.
    #[error("{}", Over(.cause, .said.as_deref(), *.sent))]
    Closed {
        /// What ended it.
        #[source]
        cause: CloseCause,
        /// What the server said before, when it gave a reason.
        said: Option<Arc<ErrorBody>>,
        /// Whether this request may have reached the server, and so may have
        /// been carried out. False when it surely was not.
        sent: bool,
    },
}

/// What ended a connection.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CloseCause {
    /// The server closed it.
    #[error("the server closed it")]
    ByServer,
    /// The socket failed.
    #[error("the socket failed: {0}")]
    Io(#[source] Arc<io::Error>),
    /// The server sent a frame over the limit, or ended in the middle of one.
    #[error("{0}")]
    Frame(#[source] FrameError),
    /// The server sent an answer of the wrong type, or one that nobody was
    /// waiting for.
    #[error("the server's answers do not match the requests")]
    OutOfStep,
    /// [`Client::close`](crate::Client::close) was called.
    #[error("it was closed on this side")]
    ByClient,
    /// The runtime that the client was connected on is gone.
    #[error("the runtime that it was made on is gone")]
    RuntimeGone,
}

impl ClientError {
    /// What the server said, when it gave a reason: the answer itself, or its
    /// last words before the connection closed.
    pub fn server_error(&self) -> Option<&ErrorBody> {
        match self {
            Self::Refused(body) => Some(body),
            Self::Closed { said, .. } => said.as_deref(),
            _ => None,
        }
    }

    /// Whether the same request may succeed later: as the server or the tool
    /// has it, or because what was in the way of connecting may pass. After
    /// [`Closed`](Self::Closed) that takes a new connection.
    ///
    /// False where nobody said so, as for a request that timed out.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Connect { obstacle, .. } => obstacle.may_pass(),
            Self::ToolFailed { failure, .. } => failure.retryable,
            other => other.server_error().is_some_and(|body| {
                let by_code = || body.code.is_some_and(ErrorCode::is_retryable);
                body.retryable.unwrap_or_else(by_code)
            }),
        }
    }
}

/// A server's error on one line.
struct Said<'a>(&'a ErrorBody);

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", OneLine(&self.0.message))?;
        match self.0.code {
            Some(code) => write!(f, " [{code}]"),
            None => Ok(()),
        }
    }
}

/// The end of a connection as one request sees it.
struct Over<'a>(&'a CloseCause, Option<&'a ErrorBody>, bool);

impl fmt::Display for Over<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(cause, said, sent) = self;
        write!(f, "the connection is over: {cause}")?;
        if let Some(said) = said {
            write!(f, "; the server said: {}", Said(said))?;
        }
        f.write_str(if *sent {
            "; the request may have been carried out"
        } else {
            "; the request was not sent"
        })
    }
}
