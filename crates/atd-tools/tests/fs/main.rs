//! Files below one directory, as a caller of the tools sees them.

mod budget;
mod definition;
mod edit;
mod glob;
mod grep;
mod killed;
mod kinds;
mod lines;
mod outside;
mod races;
mod search;
mod search_outside;
mod search_time;
mod seen;
mod support;
mod time;
mod write;
mod write_outside;
