//! The catalog, kept as the bytes that go out.

use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;

use super::RegisteredTool;

/// The encoded `tool_list` response, until the next change.
#[derive(Debug, Default)]
pub(super) struct Catalog(RwLock<Option<Bytes>>);

impl Catalog {
    /// The bytes, made from what `tools` returns where there are none. Its
    /// second part is a guard under which the tools do not change.
    pub(super) fn get_or_encode<G>(
        &self,
        tools: impl FnOnce() -> (Vec<Arc<RegisteredTool>>, G),
    ) -> Bytes {
        let kept = self
            .0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        kept.unwrap_or_else(|| {
            let (tools, _unchanged) = tools();
            // Who waited for the guard may find that another has done it.
            let done = self
                .0
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .clone();
            if let Some(done) = done {
                return done;
            }
            let encoded = encode(tools);
            *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(encoded.clone());
            encoded
        })
    }

    pub(super) fn forget(&self) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

fn encode(mut tools: Vec<Arc<RegisteredTool>>) -> Bytes {
    tools.retain(|tool| !tool.is_hidden());
    tools.sort_unstable_by(|a, b| a.id().cmp(b.id()));
    let length: usize = tools.iter().map(|tool| tool.summary().len() + 1).sum();
    let mut out = Vec::with_capacity(length + 40);
    out.extend_from_slice(br#"{"type":"tool_list","tools":["#);
    for (n, tool) in tools.iter().enumerate() {
        if n > 0 {
            out.push(b',');
        }
        out.extend_from_slice(tool.summary());
    }
    out.extend_from_slice(b"]}");
    out.into()
}
