//! `ref:web.fetch`, as its callers and its operator see it. All servers are on
//! loopback, opened by the operator's own list.

mod addresses;
mod charsets;
mod definition;
mod hostile_pages;
mod limits;
mod markdown;
mod parts;
mod policy;
mod rebinding;
mod redirects;
mod requests;
mod support;
mod tls;
mod types;
