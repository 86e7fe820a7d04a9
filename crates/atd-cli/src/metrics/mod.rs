//! The metrics page: where it is, who shows it and who reads it.

mod address;
mod exporter;
mod http;

pub(crate) use self::address::Address;
pub(crate) use self::exporter::Exporter;
