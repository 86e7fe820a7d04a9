//! Programs, run as a server runs them.

mod binding;
mod configuration;
mod ending;
mod given;
mod not_run;
mod output;
mod secrets;
mod support;
