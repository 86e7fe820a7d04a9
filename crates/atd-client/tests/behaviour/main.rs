//! What a client does, seen from both ends of the wire.

mod closing;
mod connecting;
mod failing;
mod methods;
mod pages;
mod request_ids;
mod sharing;
mod support;
