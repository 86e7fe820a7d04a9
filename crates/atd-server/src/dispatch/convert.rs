//! What became of a call, as the wire says it, as the audit says it, and as it
//! is counted. Codes are assigned here and nowhere else.

use atd_audit::Outcome;
use atd_gate::{HelloError, Lapsed, PeerRefused, ProofError, Refusal, TokenError};
use atd_proto::proof::CHALLENGE;
use atd_proto::{ErrorBody, ErrorCode, JsonText, Response, ToolFailure, ToolResult};
use atd_registry::ArgumentError;
use serde_json::{Value, json};

use super::error::{CallError, MAX_MESSAGE};
use super::page::Done;
use crate::control::StopReason;
use crate::metrics::CallEnding;
use crate::text::cut;

/// When a client that finds no room should try again.
pub(crate) const OVERLOADED_RETRY_MS: u64 = 1_000;

/// The answer to a call, with this message where it failed.
pub(super) fn response(
    tool_id: String,
    dry_run: bool,
    ended: Result<Done, (CallError, String)>,
) -> Response {
    let (error, message) = match ended {
        Ok(Done {
            result,
            next_cursor,
        }) => {
            return Response::ToolResult(ToolResult {
                tool_id,
                result,
                success: true,
                dry_run,
                next_cursor,
            });
        }
        Err(failed) => failed,
    };
    let refused = |code, details| {
        let body = ErrorBody::new(code, message.clone());
        Response::Error(match details {
            Value::Null => body,
            details => body.with_details(details),
        })
    };
    match &error {
        CallError::ShuttingDown => refused(ErrorCode::SHUTTING_DOWN, Value::Null),
        CallError::Stopped { reason } => refused(
            match reason {
                StopReason::ShutDown => ErrorCode::SHUTTING_DOWN,
                StopReason::Cancelled | StopReason::ClientGone => ErrorCode::CANCELLED,
            },
            Value::Null,
        ),
        CallError::Stayed { .. } => refused(ErrorCode::UNCLASSIFIED, Value::Null),
        CallError::DuplicateId => refused(ErrorCode::BAD_REQUEST, Value::Null),
        CallError::NotFound { suggestions, .. } => refused(
            ErrorCode::TOOL_NOT_FOUND,
            json!({"suggestions": suggestions.iter().map(|id| &**id).collect::<Vec<_>>()}),
        ),
        CallError::Refused(refusal) => match refusal {
            Refusal::CapabilityDenied {
                required,
                granted,
                missing,
            } => refused(
                ErrorCode::CAPABILITY_DENIED,
                json!({"required": required, "granted": **granted, "missing": missing}),
            ),
            Refusal::RateLimited { scope, limit, .. } => {
                let mut details = json!({
                    "tool_id": tool_id,
                    "limit": limit,
                    "scope": scope.as_str(),
                });
                if let Some(wait) = refusal.retry_after_ms() {
                    details["retry_after_ms"] = wait.into();
                }
                refused(ErrorCode::RATE_LIMITED, details)
            }
            Refusal::Lapsed(lapsed) => refused(lapsed_code(*lapsed), Value::Null),
            _ => refused(ErrorCode::UNCLASSIFIED, Value::Null),
        },
        CallError::BrokenSchema(broken) => {
            refused(ErrorCode::INVALID_ARGUMENTS, places(&broken.errors))
        }
        CallError::InvalidArgs(errors) => refused(ErrorCode::INVALID_ARGUMENTS, places(errors)),
        CallError::CursorExpired { .. } => refused(ErrorCode::CURSOR_EXPIRED, Value::Null),
        CallError::CursorInvalid { .. } => refused(ErrorCode::CURSOR_INVALID, Value::Null),
        CallError::Broker { .. } => refused(ErrorCode::BROKER_FAILED, Value::Null),
        CallError::AuditUnavailable { .. } => refused(ErrorCode::AUDIT_UNAVAILABLE, Value::Null),
        CallError::Overloaded => refused(
            ErrorCode::OVERLOADED,
            json!({"retry_after_ms": OVERLOADED_RETRY_MS}),
        ),
        CallError::Failed { .. }
        | CallError::Internal { .. }
        | CallError::Panicked { .. }
        | CallError::DeadlineExceeded { .. }
        | CallError::OutputTooLarge { .. }
        | CallError::OutputMisfit(_)
        | CallError::PlaceTooLong { .. }
        | CallError::OutputTooDeep => {
            let (code, retryable) = failure(&error);
            failed(
                tool_id,
                dry_run,
                &ToolFailure {
                    code,
                    message,
                    retryable,
                },
            )
        }
    }
}

/// What the audit record says of a call. Nothing in it comes from the
/// arguments or the result.
pub(super) fn outcome(failed: Option<&CallError>) -> Outcome {
    let Some(error) = failed else {
        return Outcome::Success;
    };
    match error {
        CallError::NotFound { .. } => Outcome::ToolNotFound,
        CallError::Refused(Refusal::CapabilityDenied { missing, .. }) => {
            Outcome::CapabilityDenied {
                missing: missing.as_slice().to_vec(),
            }
        }
        CallError::Refused(refusal @ Refusal::RateLimited { .. }) => Outcome::RateLimited {
            retry_after_ms: refusal.retry_after_ms(),
        },
        CallError::BrokenSchema(broken) => Outcome::InvalidArgs {
            message: format!("they break the schema at {}", broken.rules.join(", ")),
        },
        CallError::InvalidArgs(errors) => Outcome::InvalidArgs {
            message: format!("the tool refused {} of them", errors.len()),
        },
        error => {
            let (code, retryable) = failure(error);
            Outcome::ExecutionFailed { code, retryable }
        }
    }
}

/// What the counters say of a call.
pub(super) fn ending(failed: Option<&CallError>) -> CallEnding {
    let Some(error) = failed else {
        return CallEnding::Success;
    };
    match error {
        CallError::NotFound { .. } => CallEnding::ToolNotFound,
        CallError::Refused(Refusal::CapabilityDenied { .. }) => CallEnding::CapabilityDenied,
        CallError::Refused(Refusal::RateLimited { .. }) => CallEnding::RateLimited,
        CallError::Refused(Refusal::Lapsed(_)) => CallEnding::CredentialsLapsed,
        CallError::BrokenSchema(_) | CallError::InvalidArgs(_) => CallEnding::InvalidArgs,
        CallError::Failed { .. } => CallEnding::ExecutionFailed,
        CallError::Panicked { .. } => CallEnding::Panicked,
        CallError::DeadlineExceeded { .. } => CallEnding::DeadlineExceeded,
        CallError::OutputTooLarge { .. }
        | CallError::OutputTooDeep
        | CallError::OutputMisfit(_)
        | CallError::PlaceTooLong { .. } => CallEnding::OutputRefused,
        CallError::Stopped { reason } => match reason {
            StopReason::Cancelled => CallEnding::Cancelled,
            StopReason::ClientGone => CallEnding::ClientGone,
            StopReason::ShutDown => CallEnding::ShutDown,
        },
        CallError::ShuttingDown => CallEnding::ShutDown,
        CallError::CursorExpired { .. } | CallError::CursorInvalid { .. } => {
            CallEnding::CursorRefused
        }
        CallError::Broker { .. } => CallEnding::BrokerFailed,
        CallError::AuditUnavailable { .. } => CallEnding::AuditUnavailable,
        CallError::Overloaded => CallEnding::Overloaded,
        CallError::Refused(_)
        | CallError::Stayed { .. }
        | CallError::DuplicateId
        | CallError::Internal { .. } => CallEnding::Other,
    }
}

/// The word for programs, and whether trying again may help.
fn failure(error: &CallError) -> (String, bool) {
    let (code, retryable) = match error {
        CallError::Failed {
            code, retryable, ..
        } => return (code.clone(), *retryable),
        CallError::Panicked { .. } => ("PANICKED", false),
        CallError::DeadlineExceeded { .. } => ("DEADLINE_EXCEEDED", true),
        CallError::OutputTooLarge { .. } => ("OUTPUT_TOO_LARGE", false),
        CallError::OutputTooDeep => ("OUTPUT_TOO_DEEP", false),
        CallError::OutputMisfit(_) => ("OUTPUT_INVALID", false),
        CallError::ShuttingDown => ("SHUTTING_DOWN", true),
        CallError::Stopped { reason } => match reason {
            StopReason::Cancelled => ("CANCELLED", false),
            StopReason::ClientGone => ("CLIENT_GONE", false),
            StopReason::ShutDown => ("SHUT_DOWN", true),
        },
        CallError::Stayed { .. } => ("REFUSED", false),
        CallError::DuplicateId => ("DUPLICATE_REQUEST_ID", false),
        CallError::CursorExpired { .. } => ("CURSOR_EXPIRED", false),
        CallError::CursorInvalid { .. } => ("CURSOR_INVALID", false),
        CallError::PlaceTooLong { .. } => ("PAGE_STATE_TOO_LONG", false),
        CallError::Broker { .. } => ("BROKER_FAILED", true),
        CallError::Refused(Refusal::Lapsed(_)) => ("CREDENTIALS_LAPSED", false),
        CallError::AuditUnavailable { .. } => ("AUDIT_UNAVAILABLE", true),
        CallError::Overloaded => ("OVERLOADED", true),
        _ => ("INTERNAL", false),
    };
    (code.to_owned(), retryable)
}

/// The answer to a hello that was refused.
pub(super) fn hello_refused(error: &HelloError) -> ErrorBody {
    let code = match error {
        HelloError::NoTrustedRoot => ErrorCode::UCAN_INVALID,
        HelloError::Token(token) => match token {
            TokenError::Expired { .. } => ErrorCode::UCAN_EXPIRED,
            TokenError::TooDeep { .. } => ErrorCode::DELEGATION_TOO_DEEP,
            TokenError::AudienceMismatch => ErrorCode::AUDIENCE_MISMATCH,
            _ => ErrorCode::UCAN_INVALID,
        },
        HelloError::Lapsed(lapsed) => lapsed_code(*lapsed),
        HelloError::Proof { problem, .. } => match problem {
            ProofError::NoKey => ErrorCode::AUDIENCE_MISMATCH,
            _ => ErrorCode::UCAN_INVALID,
        },
        HelloError::ClientIdTooLong { .. } => ErrorCode::BAD_REQUEST,
        _ => ErrorCode::UNCLASSIFIED,
    };
    let body = ErrorBody::new(code, error.to_string());
    match error {
        HelloError::Proof {
            challenge: Some(challenge),
            ..
        } => body.with_details(json!({CHALLENGE: challenge})),
        _ => body,
    }
}

/// A credential that holds no longer is told as it would be at hello.
fn lapsed_code(lapsed: Lapsed) -> ErrorCode {
    match lapsed {
        Lapsed::Expired => ErrorCode::UCAN_EXPIRED,
        _ => ErrorCode::UCAN_INVALID,
    }
}

/// The answer to a request for the definition of a tool that is not there.
pub(super) fn not_found(error: CallError) -> Response {
    let message = error.to_string();
    response(String::new(), false, Err((error, message)))
}

/// What a user who may not use the server is told.
pub(crate) fn peer_refused(refused: PeerRefused) -> ErrorBody {
    ErrorBody::new(ErrorCode::UNCLASSIFIED, refused.to_string())
}

fn failed(tool_id: String, dry_run: bool, failure: &ToolFailure) -> Response {
    match JsonText::from_value(failure) {
        Ok(result) => Response::ToolResult(ToolResult {
            tool_id,
            result,
            success: false,
            dry_run,
            next_cursor: None,
        }),
        Err(error) => Response::Error(ErrorBody::new(ErrorCode::UNCLASSIFIED, error.to_string())),
    }
}

fn places(errors: &[ArgumentError]) -> Value {
    let errors: Vec<Value> = errors
        .iter()
        .map(|error| {
            // A path is made of the caller's own keys.
            let path = cut(error.path.clone(), MAX_MESSAGE);
            json!({"path": path, "message": cut(error.message.clone(), MAX_MESSAGE)})
        })
        .collect();
    json!({"errors": errors})
}
