//! Programs, run as a server runs them.

mod ending;
mod support;
