//! Files below one directory, as a caller of the tools sees them.

mod budget;
mod definition;
mod kinds;
mod lines;
mod outside;
mod races;
mod support;
mod time;
