//! Where `ref:web.fetch` may go.

use std::num::NonZeroU16;

use atd_runtime::tools::{WebFetch, WebFetchBuilder};

use crate::config::reader::{FromItem, Item, Section};
use crate::failure::Failure;

/// What is opened and closed to `ref:web.fetch`, as the file says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct WebSettings {
    allow_networks: Vec<String>,
    allow_hosts: Vec<String>,
    only_hosts: Vec<String>,
    allow_ports: Vec<NonZeroU16>,
}

impl WebSettings {
    pub(super) fn read(&mut self, section: &mut Section<'_>) {
        let mut places = |key, to: &mut Vec<String>, set: Set| {
            section.set_with(key, to, |item| {
                item.list("an array of strings", |item| place(item, set))
            });
        };
        places(
            "allow_networks",
            &mut self.allow_networks,
            WebFetchBuilder::allow_network,
        );
        places(
            "allow_hosts",
            &mut self.allow_hosts,
            WebFetchBuilder::allow_host,
        );
        places(
            "only_hosts",
            &mut self.only_hosts,
            WebFetchBuilder::only_host,
        );
        section.set_with("allow_ports", &mut self.allow_ports, |item| {
            item.list("an array of ports, such as [8443]", NonZeroU16::from_item)
        });
    }

    /// The tool.
    pub(super) fn tool(&self) -> Result<WebFetch, Failure> {
        let set = |builder: WebFetchBuilder, places: &[String], set: Set| {
            places.iter().cloned().fold(builder, set)
        };
        let builder = WebFetch::builder();
        let builder = set(
            builder,
            &self.allow_networks,
            WebFetchBuilder::allow_network,
        );
        let builder = set(builder, &self.allow_hosts, WebFetchBuilder::allow_host);
        let builder = set(builder, &self.only_hosts, WebFetchBuilder::only_host);
        let ports = self.allow_ports.iter().map(|port| port.get());
        let tool = ports.fold(builder, WebFetchBuilder::allow_port).build();
        tool.map_err(|error| Failure::usage(format!("`ref:web.fetch` cannot be set up: {error}")))
    }
}

/// How a place is given to the builder.
type Set = fn(WebFetchBuilder, String) -> WebFetchBuilder;

/// A place that the builder takes.
fn place(item: &Item<'_>, set: Set) -> Option<String> {
    let place = String::from_item(item)?;
    let problems = |builder: WebFetchBuilder| {
        let built = builder.build();
        built.err().map_or_else(Vec::new, |error| error.problems)
    };
    // What is wrong without it is not its fault.
    let without = problems(WebFetch::builder());
    let with = problems(set(WebFetch::builder(), place.clone()));
    let its_own = with.iter().find(|problem| !without.contains(problem));
    its_own.map_or(Some(place), |problem| {
        item.problem(problem);
        None
    })
}
