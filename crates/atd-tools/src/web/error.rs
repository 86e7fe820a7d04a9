//! Why a page was not fetched.

use std::error::Error;
use std::io;

use atd_proto::ToolDefinitionBuilder;
use atd_registry::ToolCallError;
use url::Url;

use crate::text::shown;

/// Why a page was not fetched. It never holds what a name resolved to: that
/// would tell callers of networks that are none of their business.
#[derive(Debug)]
pub(super) enum WebError {
    /// The tool does not go there, for the reason given.
    UrlNotAllowed(String),
    AddressNotAllowed,
    NotResolved(io::Error),
    NotConnected(io::Error),
    Tls(io::Error),
    /// The connection broke, or the other end does not speak HTTP.
    Http(String),
    TooManyRedirects(usize),
    /// The server sends elsewhere, but not to a place that can be gone to.
    BadRedirect(String),
    Status(u16),
    UnsupportedType(String),
    TooLarge {
        limit: usize,
    },
    /// Not a character fits into the longest result.
    NoRoom {
        budget: usize,
    },
    TimeIsUp,
}

/// How many characters a message has at most: libraries quote what a server
/// sent, such as all the names in its certificate.
const LONGEST_MESSAGE: usize = 1000;

/// Each code, what it means, and whether to try again.
const CODES: &[(&str, &str, bool)] = &[
    (
        "URL_NOT_ALLOWED",
        "The URL, or one it redirects to, is one that this server does not fetch: its scheme, \
         port, host or credentials.",
        false,
    ),
    (
        "ADDRESS_NOT_ALLOWED",
        "The host, or one it redirects to, has no public address.",
        false,
    ),
    (
        "NAME_NOT_RESOLVED",
        "The host's name has no address, or could not be looked up.",
        true,
    ),
    (
        "NOT_CONNECTED",
        "No connection to the host could be made.",
        true,
    ),
    (
        "TLS_FAILED",
        "No secure connection could be agreed on, or the host's certificate is not valid.",
        false,
    ),
    (
        "HTTP_FAILED",
        "The connection broke, or what came was no valid HTTP.",
        true,
    ),
    (
        "TOO_MANY_REDIRECTS",
        "The URL redirected more often than is followed.",
        false,
    ),
    (
        "BAD_REDIRECT",
        "The URL redirected to what is no URL, or from https to http.",
        false,
    ),
    (
        "CLIENT_ERROR",
        "The host refused the request, with a status from 400 to 499.",
        false,
    ),
    (
        "SERVER_ERROR",
        "The host could not answer for now: status 408, 429, or from 500.",
        true,
    ),
    (
        "UNSUPPORTED_TYPE",
        "The content is no text, or is in an encoding that was not asked for.",
        false,
    ),
    (
        "TOO_LARGE",
        "The content is longer than this server fetches.",
        false,
    ),
    (
        "NO_ROOM",
        "The longest result that the call may have holds not one character.",
        false,
    ),
    (
        "TIMEOUT",
        "The content was not there before the time was up.",
        true,
    ),
];

impl WebError {
    /// Adds these failures to a definition.
    pub(super) fn declare(definition: ToolDefinitionBuilder) -> ToolDefinitionBuilder {
        CODES
            .iter()
            .fold(definition, |definition, &(code, means, retryable)| {
                definition.error(code, means, retryable)
            })
    }

    fn code(&self) -> &'static str {
        match self {
            Self::UrlNotAllowed(_) => "URL_NOT_ALLOWED",
            Self::AddressNotAllowed => "ADDRESS_NOT_ALLOWED",
            Self::NotResolved(_) => "NAME_NOT_RESOLVED",
            Self::NotConnected(_) => "NOT_CONNECTED",
            Self::Tls(_) => "TLS_FAILED",
            Self::Http(_) => "HTTP_FAILED",
            Self::TooManyRedirects(_) => "TOO_MANY_REDIRECTS",
            Self::BadRedirect(_) => "BAD_REDIRECT",
            Self::Status(408 | 429 | 500..) => "SERVER_ERROR",
            Self::Status(_) => "CLIENT_ERROR",
            Self::UnsupportedType(_) => "UNSUPPORTED_TYPE",
            Self::TooLarge { .. } => "TOO_LARGE",
            Self::NoRoom { .. } => "NO_ROOM",
            Self::TimeIsUp => "TIMEOUT",
        }
    }

    /// What became of `url`, in words that follow it.
    fn says(&self) -> String {
        match self {
            Self::UrlNotAllowed(why) => format!("is not fetched: {why}"),
            Self::AddressNotAllowed => {
                "is not fetched: its host has no public address, and is not opened by the \
                 server's operator"
                    .to_owned()
            }
            Self::NotResolved(error) => format!("could not be looked up: {error}"),
            Self::NotConnected(error) => format!("could not be connected to: {error}"),
            Self::Tls(error) => format!("could not be connected to securely: {error}"),
            Self::Http(error) => format!("was not answered in valid HTTP: {error}"),
            Self::TooManyRedirects(limit) => {
                format!("redirects once more, after {limit} redirects")
            }
            Self::BadRedirect(why) => format!("redirects, but {why}"),
            Self::Status(status) => format!("was answered with status {status}"),
            Self::UnsupportedType(what) => {
                format!("is {what}: only text, HTML, JSON and XML are fetched")
            }
            Self::TooLarge { limit } => {
                format!("is longer than {limit} bytes, which is the most that is fetched")
            }
            Self::NoRoom { budget } => {
                format!("cannot be shown: a result may have {budget} bytes, too few for a text")
            }
            Self::TimeIsUp => "was not fetched before the time was up".to_owned(),
        }
    }

    /// What the caller learns, of a fetch that came as far as `url`.
    pub(super) fn for_caller(&self, url: &Url) -> ToolCallError {
        let code = self.code();
        let message = one_line(&format!("{} {}", shown(url.as_str()), self.says()));
        let retryable = CODES
            .iter()
            .any(|&(known, _, retry)| known == code && retry);
        if retryable {
            ToolCallError::failed_for_now(code, message)
        } else {
            ToolCallError::failed(code, message)
        }
    }
}

/// An error of the HTTP library with what lies below it.
impl From<hyper::Error> for WebError {
    fn from(error: hyper::Error) -> Self {
        let mut says = error.to_string();
        let mut below = error.source();
        while let Some(error) = below {
            says = format!("{says}: {error}");
            below = error.source();
        }
        Self::Http(says)
    }
}

/// A message without what a log or a terminal would take for more.
fn one_line(message: &str) -> String {
    let shown = match message.char_indices().nth(LONGEST_MESSAGE) {
        Some((end, _)) => format!("{}…", &message[..end]),
        None => message.to_owned(),
    };
    shown.replace(char::is_control, "\u{fffd}")
}
