//! All pages of a result as one.

use std::{fmt, num::NonZeroU32};

use atd_proto::JsonText;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::{
    call::{CallOptions, CallOutcome},
    error::ClientError,
};

/// How the pages of a result become one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MergePolicy {
    /// Each page is an array: one array of all their elements.
    ConcatArray,
    /// Each page is an object with an array in this field: the first page, with
    /// the elements of all in that field.
    ConcatField(String),
    /// The first page alone; no other is asked for.
    FirstPageOnly,
}

/// How [`Client::call_all`](crate::Client::call_all) fetches pages: as calls of
/// these options, at most 1,000 of them and 64 MiB together.
#[derive(Clone, Debug)]
pub struct CallAllOptions {
    pub(crate) call: CallOptions,
    pub(crate) merge: MergePolicy,
    pub(crate) max_pages: NonZeroU32,
    pub(crate) max_total_bytes: usize,
}

impl CallAllOptions {
    /// Pages that are merged so.
    pub fn new(merge: MergePolicy) -> Self {
        const PAGES: NonZeroU32 = NonZeroU32::MIN.saturating_add(999);
        Self {
            call: CallOptions::new(),
            merge,
            max_pages: PAGES,
            max_total_bytes: 64 << 20,
        }
    }

    /// How each page is called for. A dry run has one page.
    #[must_use]
    pub fn call(mut self, options: CallOptions) -> Self {
        self.call = options;
        self
    }

    /// The most pages that are fetched.
    #[must_use]
    pub fn max_pages(mut self, pages: NonZeroU32) -> Self {
        self.max_pages = pages;
        self
    }

    /// How long the pages may be together, in bytes of JSON.
    #[must_use]
    pub fn max_total_bytes(mut self, bytes: usize) -> Self {
        self.max_total_bytes = bytes;
        self
    }
}

/// The pages that have come, put together as they come.
pub(crate) struct Merging<'a> {
    tool_id: &'a str,
    options: &'a CallAllOptions,
    pages: u32,
    bytes: usize,
    merged: Vec<u8>,
    /// What stands behind the array in the first page.
    tail: Vec<u8>,
    empty: bool,
}

impl<'a> Merging<'a> {
    pub(crate) fn new(tool_id: &'a str, options: &'a CallAllOptions) -> Self {
        Self {
            tool_id,
            options,
            pages: 0,
            bytes: 0,
            merged: Vec::new(),
            tail: Vec::new(),
            empty: true,
        }
    }

    /// Adds a page. Says which is next, if one is.
    pub(crate) fn add(&mut self, page: &CallOutcome) -> Result<Option<String>, ClientError> {
        let text = page.result().as_bytes();
        self.pages += 1;
        self.bytes = self.bytes.saturating_add(text.len());
        if self.bytes > self.options.max_total_bytes {
            return Err(self.too_much(page.next_cursor()));
        }
        match &self.options.merge {
            MergePolicy::FirstPageOnly => {
                self.merged.extend_from_slice(text);
                return Ok(None);
            }
            MergePolicy::ConcatArray => {
                if self.pages == 1 {
                    self.merged.push(b'[');
                    self.tail.push(b']');
                }
                self.append(text)?;
            }
            MergePolicy::ConcatField(field) => self.add_field(text, field)?,
        }
        let next = page.next_cursor();
        if next.is_some() && self.pages >= self.options.max_pages.get() {
            return Err(self.too_much(next));
        }
        Ok(next.map(str::to_owned))
    }

    fn add_field(&mut self, text: &[u8], field: &str) -> Result<(), ClientError> {
        let Object(fields) = serde_json::from_slice(text).map_err(|_| self.misfit())?;
        let at = fields.iter().position(|(name, _)| name == field);
        let at = at.ok_or_else(|| self.misfit())?;
        if self.pages == 1 {
            let mut out = Vec::with_capacity(text.len());
            out.push(b'{');
            for (n, (name, value)) in fields.iter().enumerate() {
                if n > 0 {
                    out.push(b',');
                }
                // A text has a JSON form, and a vector takes it.
                let _ = serde_json::to_writer(&mut out, name);
                out.push(b':');
                if n == at {
                    out.push(b'[');
                    self.merged = std::mem::take(&mut out);
                    out.push(b']');
                } else {
                    out.extend_from_slice(value.get().as_bytes());
                }
            }
            out.push(b'}');
            self.tail = out;
        }
        self.append(fields[at].1.get().as_bytes())
    }

    /// Adds the elements of this array.
    fn append(&mut self, array: &[u8]) -> Result<(), ClientError> {
        let elements: Vec<&RawValue> = serde_json::from_slice(array).map_err(|_| self.misfit())?;
        for element in elements {
            if !std::mem::take(&mut self.empty) {
                self.merged.push(b',');
            }
            self.merged.extend_from_slice(element.get().as_bytes());
        }
        Ok(())
    }

    fn misfit(&self) -> ClientError {
        let expected = match &self.options.merge {
            MergePolicy::ConcatField(field) => format!("an object with an array in `{field}`"),
            _ => "an array".to_owned(),
        };
        ClientError::PageShape {
            tool_id: self.tool_id.to_owned(),
            page: self.pages,
            expected,
        }
    }

    fn too_much(&self, next: Option<&str>) -> ClientError {
        ClientError::TooManyPages {
            tool_id: self.tool_id.to_owned(),
            pages: self.pages,
            bytes: self.bytes,
            next_cursor: next.map(str::to_owned),
        }
    }

    /// All that has come, as one result.
    pub(crate) fn whole(mut self) -> Result<JsonText, ClientError> {
        self.merged.extend_from_slice(&self.tail);
        JsonText::parse(self.merged).map_err(|source| ClientError::ResultShape {
            tool_id: self.tool_id.to_owned(),
            source,
        })
    }
}

/// An object's fields in their order, unread.
struct Object<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Fields)
    }
}

struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = Object<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Object(fields))
    }
}
