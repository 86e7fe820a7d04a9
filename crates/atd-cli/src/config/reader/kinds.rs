//! What values may be read as.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::num::{NonZeroU16, NonZeroU32, NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use toml::de::DeValue;

use super::Item;

/// The longest time that a server takes: beyond it clocks overflow.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Something that a value in a file can be read as.
pub(crate) trait FromItem: Sized {
    /// The value, or `None` after it was said what is wrong with it.
    fn from_item(item: &Item<'_>) -> Option<Self>;
}

impl<T: FromItem> FromItem for Option<T> {
    fn from_item(item: &Item<'_>) -> Option<Self> {
        T::from_item(item).map(Some)
    }
}

impl<T: FromItem> FromItem for Vec<T> {
    /// Every item that is as it should be.
    fn from_item(item: &Item<'_>) -> Option<Self> {
        item.list("an array, such as [\"a\", \"b\"]", T::from_item)
    }
}

impl<T: FromItem> FromItem for BTreeMap<String, T> {
    fn from_item(item: &Item<'_>) -> Option<Self> {
        item.each(|key, value| Some((key.text.to_owned(), T::from_item(value)?)))
    }
}

impl FromItem for bool {
    fn from_item(item: &Item<'_>) -> Option<Self> {
        let value = item.value().as_bool();
        if value.is_none() {
            item.expected("true or false");
        }
        value
    }
}

impl FromItem for String {
    fn from_item(item: &Item<'_>) -> Option<Self> {
        item.text().map(str::to_owned)
    }
}

impl FromItem for PathBuf {
    fn from_item(item: &Item<'_>) -> Option<Self> {
        item.path()
    }
}

impl FromItem for Duration {
    fn from_item(item: &Item<'_>) -> Option<Self> {
        item.meaning("a time of a year at most, such as \"30s\"", |text| {
            let time = humantime::parse_duration(text).ok();
            time.filter(|time| *time <= LONGEST)
        })
    }
}

/// A whole number from `least` to `most`, which are those of its type.
fn number<T>(
    item: &Item<'_>,
    (least, most): (impl Display, impl Display),
    of: impl FnOnce(i128) -> Option<T>,
) -> Option<T> {
    let number = match item.value() {
        DeValue::Integer(number) => i128::from_str_radix(number.as_str(), number.radix()).ok(),
        _ => None,
    };
    let number = number.and_then(of);
    if number.is_none() {
        item.expected(&format!("a whole number from {least} to {most}"));
    }
    number
}

macro_rules! numbers {
    ($($number:ty, $of:expr;)*) => {$(
        impl FromItem for $number {
            fn from_item(item: &Item<'_>) -> Option<Self> {
                number(item, (<$number>::MIN, <$number>::MAX), $of)
            }
        }
    )*};
}

numbers! {
    u32, |number| number.try_into().ok();
    u64, |number| number.try_into().ok();
    usize, |number| number.try_into().ok();
    NonZeroU16, |number| Self::new(number.try_into().ok()?);
    NonZeroU32, |number| Self::new(number.try_into().ok()?);
    NonZeroU64, |number| Self::new(number.try_into().ok()?);
    NonZeroUsize, |number| Self::new(number.try_into().ok()?);
}
