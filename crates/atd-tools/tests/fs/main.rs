//! Files below one directory, as a caller of the tools sees them.

mod budget;
mod definition;
mod edit;
mod killed;
mod kinds;
mod lines;
mod outside;
mod races;
mod seen;
mod support;
mod time;
mod write;
mod write_outside;
