//! What a schema asks for, in the form of which [`quick`](super::quick) makes
//! its look at arguments.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

/// What a schema asks for, as far as that can be seen in a text.
#[derive(Debug)]
pub(super) enum Shape {
    Anything,
    /// It asks for something that only the validator knows.
    Unsure,
    Typed(Box<Typed>),
}

/// What each type of value has to be, of those that are allowed.
#[derive(Debug)]
pub(super) struct Typed {
    pub(super) types: Types,
    /// Of strings, in characters.
    pub(super) length: RangeInclusive<usize>,
    /// The strings that are allowed, where not all are.
    pub(super) one_of: Option<Vec<String>>,
    /// Of numbers, where there are bounds.
    pub(super) bounds: Option<RangeInclusive<i64>>,
    pub(super) items: Shape,
    pub(super) count: RangeInclusive<usize>,
    pub(super) object: Object,
}

#[derive(Debug, Default)]
pub(super) struct Object {
    /// Those that are described or required.
    pub(super) properties: Vec<(String, Shape)>,
    /// A bit for each of them, the first the lowest.
    pub(super) required: u64,
    /// Whether there may be no others.
    pub(super) is_closed: bool,
}

/// A set of types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Types(u8);

impl Types {
    pub(super) const OBJECT: Self = Self(1);
    pub(super) const ARRAY: Self = Self(2);
    pub(super) const STRING: Self = Self(4);
    /// Whole numbers are numbers too.
    pub(super) const INTEGER: Self = Self(8);
    pub(super) const NUMBER: Self = Self(16 | 8);
    pub(super) const BOOLEAN: Self = Self(32);
    pub(super) const NULL: Self = Self(64);
    const NONE: Self = Self(0);
    const ALL: Self = Self(127);

    pub(super) fn has(self, all: Self) -> bool {
        self.0 & all.0 == all.0
    }

    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "object" => Self::OBJECT,
            "array" => Self::ARRAY,
            "string" => Self::STRING,
            "integer" => Self::INTEGER,
            "number" => Self::NUMBER,
            "boolean" => Self::BOOLEAN,
            "null" => Self::NULL,
            _ => return None,
        })
    }

    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::String(name) => Self::named(name),
            Value::Array(names) => names.iter().try_fold(Self::NONE, |all, name| {
                Some(Self(all.0 | Self::named(name.as_str()?)?.0))
            }),
            _ => None,
        }
    }
}

/// The only dialect whose `format` is known to check nothing.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// As many as there are bits to tell which were there.
const MOST_PROPERTIES: usize = 64;

/// Whole numbers up to here are the same in a text, as an `i64` and as a double.
const EXACT: i64 = 1 << 53;

impl Shape {
    pub(super) fn of(schema: &Value) -> Self {
        match schema {
            Value::Bool(true) => Self::Anything,
            Value::Object(rules) => match Typed::read(rules) {
                Some(typed) if typed.asks_for_nothing() => Self::Anything,
                Some(typed) => Self::Typed(Box::new(typed)),
                None => Self::Unsure,
            },
            _ => Self::Unsure,
        }
    }
}

impl Typed {
    fn anything() -> Self {
        Self {
            types: Types::ALL,
            length: 0..=usize::MAX,
            one_of: None,
            bounds: None,
            items: Shape::Anything,
            count: 0..=usize::MAX,
            object: Object::default(),
        }
    }

    fn asks_for_nothing(&self) -> bool {
        self.types == Types::ALL
            && self.length == (0..=usize::MAX)
            && self.one_of.is_none()
            && self.bounds.is_none()
            && matches!(self.items, Shape::Anything)
            && self.count == (0..=usize::MAX)
            && self.object.properties.is_empty()
            && !self.object.is_closed
    }

    /// `None` where a rule is not known here.
    fn read(rules: &Map<String, Value>) -> Option<Self> {
        let mut typed = Self::anything();
        let (mut least, mut most) = (i64::MIN, i64::MAX);
        let mut required = Vec::new();
        for (keyword, value) in rules {
            match keyword.as_str() {
                "$schema" => (value == DIALECT).then_some(())?,
                "title" | "description" | "default" | "examples" | "$comment" | "$defs"
                | "deprecated" | "readOnly" | "writeOnly" | "format" => {}
                "type" => typed.types = Types::read(value)?,
                "minLength" => typed.length = size(value)?..=*typed.length.end(),
                "maxLength" => typed.length = *typed.length.start()..=size(value)?,
                "enum" => typed.one_of = Some(strings(value)?),
                "minimum" => least = least.max(whole(value)?),
                "maximum" => most = most.min(whole(value)?),
                "exclusiveMinimum" => least = least.max(whole(value)? + 1),
                "exclusiveMaximum" => most = most.min(whole(value)? - 1),
                "items" => typed.items = Shape::of(value),
                "minItems" => typed.count = size(value)?..=*typed.count.end(),
                "maxItems" => typed.count = *typed.count.start()..=size(value)?,
                "properties" => typed.object.describe(value)?,
                "required" => required = strings(value)?,
                "additionalProperties" => typed.object.is_closed = !value.as_bool()?,
                _ => return None,
            }
        }
        if (least, most) != (i64::MIN, i64::MAX) {
            typed.bounds = Some(least..=most);
        }
        typed.object.require(required)?;
        // Values of other types could be among those that are allowed.
        let only_strings = typed.one_of.is_none() || typed.types == Types::STRING;
        only_strings.then_some(typed)
    }
}

impl Object {
    fn describe(&mut self, properties: &Value) -> Option<()> {
        let properties = properties.as_object()?.iter();
        let described = properties.map(|(name, schema)| (name.clone(), Shape::of(schema)));
        self.properties = described.collect();
        Some(())
    }

    fn require(&mut self, names: Vec<String>) -> Option<()> {
        for name in names {
            let at = self.properties.iter().position(|known| known.0 == name);
            let at = match at {
                Some(at) => at,
                None if self.is_closed => return None,
                None => {
                    self.properties.push((name, Shape::Anything));
                    self.properties.len() - 1
                }
            };
            self.required |= 1_u64.checked_shl(u32::try_from(at).ok()?)?;
        }
        (self.properties.len() <= MOST_PROPERTIES).then_some(())
    }
}

fn size(value: &Value) -> Option<usize> {
    usize::try_from(value.as_u64()?).ok()
}

/// A whole number, however it is written, that is the same everywhere.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a double of that size and without a fraction is an `i64`"
)]
fn whole(value: &Value) -> Option<i64> {
    let number = value.as_i64().or_else(|| {
        let double = value.as_f64().filter(|double| double.fract() == 0.0)?;
        (double.abs() <= EXACT as f64).then_some(double as i64)
    })?;
    (-EXACT..=EXACT).contains(&number).then_some(number)
}

fn strings(value: &Value) -> Option<Vec<String>> {
    let values = value.as_array()?.iter();
    let strings = values.map(|value| value.as_str().map(str::to_owned));
    strings.collect()
}
