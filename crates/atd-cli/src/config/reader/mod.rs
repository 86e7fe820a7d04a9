//! Reading TOML so that every mistake is told at once, each with its place.
//!
//! A [`Section`] is a table that is read key by key; what nobody asked for is
//! unknown in it. What cannot be read is kept as a problem, and reading goes
//! on. Nothing here knows what is configured.

mod document;
mod item;
mod kinds;
mod problem;
mod section;

pub(crate) use document::Document;
pub(crate) use item::{Item, Key};
pub(crate) use kinds::FromItem;
pub(crate) use problem::{Place, Problem, Problems};
pub(crate) use section::Section;
