//! The catalog, kept as the bytes that go out.

use std::sync::{Arc, PoisonError, RwLock};

use atd_proto::ToolFilter;
use bytes::Bytes;

use super::RegisteredTool;

/// What a `tool_list` is answered from, until the next change.
#[derive(Debug, Default)]
pub(super) struct Catalog(RwLock<Option<Listing>>);

/// The tools that are listed, by id.
#[derive(Clone, Debug)]
pub(super) struct Listing {
    tools: Arc<[Arc<RegisteredTool>]>,
    encoded: Bytes,
}

impl Catalog {
    /// The listing, made from what `tools` returns where there is none. Its
    /// second part is a guard under which the tools do not change.
    pub(super) fn get_or_make<G>(
        &self,
        tools: impl FnOnce() -> (Vec<Arc<RegisteredTool>>, G),
    ) -> Listing {
        let kept = || {
            let kept = self.0.read().unwrap_or_else(PoisonError::into_inner);
            kept.clone()
        };
        kept().unwrap_or_else(|| {
            let (tools, _unchanged) = tools();
            // Who waited for the guard may find that another has done it.
            if let Some(done) = kept() {
                return done;
            }
            let listing = Listing::of(tools);
            *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(listing.clone());
            listing
        })
    }

    pub(super) fn forget(&self) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Listing {
    fn of(mut tools: Vec<Arc<RegisteredTool>>) -> Self {
        tools.retain(|tool| !tool.is_hidden());
        tools.sort_unstable_by(|a, b| a.id().cmp(b.id()));
        Self {
            encoded: encode(tools.iter().map(|tool| tool.summary())),
            tools: tools.into(),
        }
    }

    /// All of it.
    pub(super) fn whole(self) -> Bytes {
        self.encoded
    }

    /// The part of it that is asked for.
    pub(super) fn part(self, filter: &ToolFilter) -> Bytes {
        if filter.is_everything() {
            return self.encoded;
        }
        let matcher = filter.matcher();
        let limit = filter.limit.and_then(|limit| usize::try_from(limit).ok());
        let matching = self.tools.iter().filter(|tool| tool.matches(&matcher));
        encode(matching.take(limit.unwrap_or(usize::MAX)).map(|tool| {
            if filter.omit_schemas {
                tool.bare_summary()
            } else {
                tool.summary()
            }
        }))
    }
}

fn encode<'a>(summaries: impl Iterator<Item = &'a Bytes> + Clone) -> Bytes {
    let length: usize = summaries.clone().map(|summary| summary.len() + 1).sum();
    let mut out = Vec::with_capacity(length + 40);
    out.extend_from_slice(br#"{"type":"tool_list","tools":["#);
    for (n, summary) in summaries.enumerate() {
        if n > 0 {
            out.push(b',');
        }
        out.extend_from_slice(summary);
    }
    out.extend_from_slice(b"]}");
    out.into()
}
