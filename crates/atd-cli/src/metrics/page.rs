//! What a page in Prometheus' text format says.

use std::collections::BTreeMap;

/// The samples of a page, by metric.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Page(BTreeMap<String, Vec<Sample>>);

/// The largest number that is believed: up to here each is told from the next.
/// Nothing that a server counts is below 0, or no number at all.
const LARGEST: f64 = (1_u64 << 53) as f64;

/// One number, and what it is of.
#[derive(Debug, PartialEq)]
pub(crate) struct Sample {
    labels: Vec<(String, String)>,
    pub(crate) value: f64,
}

impl Page {
    /// Reads a page. A line that is no sample says nothing to us.
    pub(crate) fn read(text: &str) -> Self {
        let mut page = Self::default();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            if let Some((metric, sample)) = sample(line) {
                page.0.entry(metric.to_owned()).or_default().push(sample);
            }
        }
        page
    }

    /// The samples of a metric, as the page has them.
    pub(crate) fn all(&self, metric: &str) -> &[Sample] {
        self.0.get(metric).map_or(&[], Vec::as_slice)
    }

    /// The number of a metric that has but one.
    pub(crate) fn one(&self, metric: &str) -> Option<f64> {
        self.all(metric).first().map(|sample| sample.value)
    }
}

impl Sample {
    /// The value of a label; nothing where there is none, which is the same.
    pub(crate) fn label(&self, name: &str) -> &str {
        let mut labels = self.labels.iter();
        let found = labels.find(|(label, _)| label == name);
        found.map_or("", |(_, value)| value)
    }
}

fn sample(line: &str) -> Option<(&str, Sample)> {
    let end = line.find(['{', ' '])?;
    let (metric, rest) = line.split_at(end);
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => (Vec::new(), rest),
    };
    // A time may follow.
    let value: f64 = rest.split_ascii_whitespace().next()?.parse().ok()?;
    let value = value.clamp(0.0, LARGEST);
    (!value.is_nan()).then_some((metric, Sample { labels, value }))
}

type Labels = Vec<(String, String)>;

/// The labels up to the brace that closes them, and what follows it.
fn labels(mut rest: &str) -> Option<(Labels, &str)> {
    let mut labels = Vec::new();
    loop {
        rest = rest.trim_start_matches([',', ' ']);
        if let Some(rest) = rest.strip_prefix('}') {
            return Some((labels, rest));
        }
        let (name, after) = rest.split_once("=\"")?;
        let (value, after) = quoted(after)?;
        labels.push((name.to_owned(), value));
        rest = after;
    }
}

/// The text up to the quote that closes it, and what follows that.
fn quoted(rest: &str) -> Option<(String, &str)> {
    let mut text = String::new();
    let mut chars = rest.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((text, &rest[at + 1..])),
            '\\' => text.push(match chars.next()?.1 {
                'n' => '\n',
                other => other,
            }),
            other => text.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_read_with_their_labels() {
        let page = Page::read(
            "# HELP a b\n# TYPE a counter\na{x=\"1\",y=\"a\\\"b\\\\c\\nd}\"} 2\na{x=\"2\",} 3e2 \
             1700000000\nb +Inf\nf NaN\ng -1\n\nnonsense\nc{x=\"1} 5\nd{x} 1\ne{} 4\n",
        );
        let [first, second] = page.all("a") else {
            panic!("{page:?}");
        };
        assert_eq!((first.label("y"), first.value), ("a\"b\\c\nd}", 2.0));
        assert_eq!(
            (second.label("x"), second.label("y"), second.value),
            ("2", "", 300.0)
        );
        assert_eq!(page.one("b"), Some(super::LARGEST));
        assert_eq!((page.one("f"), page.one("g")), (None, Some(0.0)));
        assert_eq!(page.one("e"), Some(4.0));
        for none in ["nonsense", "c", "d", ""] {
            assert_eq!(page.one(none), None, "{none}");
        }
    }
}
