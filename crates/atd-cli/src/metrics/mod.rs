//! The metrics page: where it is, who shows it and who reads it.

mod address;
mod exporter;
mod fetch;
mod http;
mod page;

pub(crate) use self::address::Address;
pub(crate) use self::exporter::Exporter;
pub(crate) use self::fetch::{FetchError, fetch};
pub(crate) use self::page::Page;
