//! Names, connections, and HTTP over them.

mod body;
mod connect;
mod exchange;
mod resolve;

pub(super) use connect::Connector;
pub(super) use exchange::Exchange;
pub use resolve::{Resolver, SystemResolver};
