//! What a server may understand beyond the protocol's first version. It says
//! so in `hello_ack`, and a client uses only what it saw there.

/// Requests may carry an id, and be answered out of order.
pub const REQUEST_ID: &str = "request_id";
/// A call with an id may be ended by `cancel`.
pub const CANCEL: &str = "cancel";
/// A call with an id may ask to hear how far it has come.
pub const PROGRESS: &str = "progress";
/// `tool_list` may ask for part of the catalog.
pub const TOOL_LIST_FILTER: &str = "tool_list_filter";

/// All of them, as this version's server has them.
pub const ALL: [&str; 4] = [REQUEST_ID, CANCEL, PROGRESS, TOOL_LIST_FILTER];
