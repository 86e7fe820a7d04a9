//! The table of ratios, each with a bar.

use super::super::comparison::{Comparison, Measure, Other, Ratio, Row, ratio};
use super::escaped;

/// Half the width of the picture of a ratio: so many factors of ten.
const DECADES: f64 = 2.0;

const WIDTH: f64 = 160.0;

/// A line for each number that a table should have.
pub(super) fn table(comparison: &Comparison) -> String {
    let mut table =
        "<table>\n<thead><tr><th>case<th>measured<th class=\"n\">ours<th class=\"n\">other<th>\
                     <th class=\"n\">ratio<th><th>bar<th></tr></thead>\n"
            .to_owned();
    let mut before = "";
    let shown = comparison.rows.iter().filter(|row| row.shown);
    for (row, other) in shown.filter_map(|row| Some((row, row.other.as_ref()?))) {
        if family(&row.case) != family(before) {
            table += "<tbody>\n";
        }
        let case = if row.case == before { "" } else { &row.case };
        table += &line(case, row, other);
        before = &row.case;
    }
    table + "</table>\n"
}

/// What a case is about.
fn family(case: &str) -> &str {
    case.split('/').next().unwrap_or(case)
}

fn line(case: &str, row: &Row, other: &Other) -> String {
    let Ratio {
        median,
        least,
        greatest,
    } = other.ratio;
    let met = match other.met {
        Some(true) => "<td class=\"met\">met",
        Some(false) => "<td class=\"missed\">not met",
        None => "<td>",
    };
    format!(
        "<tr><th scope=\"row\">{}<td>{}<td class=\"n\">{}<td class=\"n\">{}<td>{}\
         <td class=\"n\">{} <small>[{} – {}]</small><td>{}<td>{}{met}</tr>\n",
        escaped(case),
        row.measure.label(),
        row.measure.show(row.ours.median),
        row.measure.show(other.one.median),
        escaped(&other.one.name),
        ratio(median),
        ratio(least),
        ratio(greatest),
        picture(row.measure, other.ratio),
        escaped(other.bar.as_deref().unwrap_or_default()),
    )
}

/// How much better ours does, on a logarithmic scale, and the spread of it.
fn picture(
    measure: Measure,
    Ratio {
        median,
        least,
        greatest,
    }: Ratio,
) -> String {
    let better = |ratio: f64| {
        if measure.more_is_better() {
            ratio
        } else {
            ratio.recip()
        }
    };
    let x = |ratio: f64| {
        let decades = better(ratio).log10().clamp(-DECADES, DECADES);
        WIDTH / 2.0 + decades / DECADES * WIDTH / 2.0
    };
    let (middle, end) = (WIDTH / 2.0, x(median));
    let class = if end < middle { "worse" } else { "better" };
    let (left, wide) = (middle.min(end), (end - middle).abs());
    let grid: String = (-1..=1)
        .map(|decade| {
            let x = middle + f64::from(decade) / DECADES * WIDTH / 2.0;
            format!("M{x} 0V16")
        })
        .collect();
    let (from, to) = (x(least).min(x(greatest)), x(least).max(x(greatest)));
    format!(
        "<svg class=\"ratio\" viewBox=\"0 0 {WIDTH} 16\" aria-hidden=\"true\">\
         <path class=\"grid\" d=\"{grid}\"/>\
         <rect class=\"{class}\" x=\"{left:.1}\" y=\"3\" width=\"{wide:.1}\" height=\"10\"/>\
         <path class=\"spread\" d=\"M{from:.1} 8H{to:.1}\"/></svg>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ratio_of(median: f64) -> Ratio {
        Ratio {
            median,
            least: median,
            greatest: median,
        }
    }

    #[test]
    fn a_bar_goes_to_the_right_where_ours_is_better() {
        let faster = picture(Measure::Rate, ratio_of(10.0));
        assert!(
            faster.contains(r#"class="better" x="80.0" y="3" width="40.0""#),
            "{faster}"
        );
        let longer = picture(Measure::Time, ratio_of(10.0));
        assert!(
            longer.contains(r#"class="worse" x="40.0" y="3" width="40.0""#),
            "{longer}"
        );
    }

    #[test]
    fn a_bar_never_leaves_its_picture() {
        let far = picture(Measure::Rate, ratio_of(1e9));
        assert!(far.contains(r#"width="80.0""#), "{far}");
    }
}
