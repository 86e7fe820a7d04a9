//! What a client does, seen from both ends of the wire.

mod closing;
mod connecting;
mod failing;
mod methods;
mod sharing;
mod support;
