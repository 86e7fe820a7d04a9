//! How often: each limit, all of them against a model, and what they keep.

mod callers;
mod crowd;
mod explain;
mod memory;
mod model;
mod server;
mod tool_rate;
mod turns;
mod world;
