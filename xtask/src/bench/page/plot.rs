//! A plot as SVG that takes its colours from the page.

use std::fmt::Write;

use super::escaped;

const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 320.0;
const LEFT: f64 = 74.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 46.0;

/// Lines over a common axis. The values go up a logarithmic axis, so that equal
/// ratios are equally far apart.
pub(super) struct Plot<'a> {
    pub(super) title: &'a str,
    /// What the axis at the bottom says.
    pub(super) across: &'a str,
    /// Where on the axis at the bottom, and what stands there.
    pub(super) ticks: Vec<(f64, String)>,
    pub(super) lines: Vec<Line>,
    /// How a value is written.
    pub(super) show: &'a dyn Fn(f64) -> String,
}

/// What one of those that are compared read.
pub(super) struct Line {
    pub(super) name: String,
    /// Which of the page's colours it has, the same in each plot.
    pub(super) colour: usize,
    pub(super) points: Vec<Point>,
}

/// A value, and between which it lay in all rounds.
pub(super) struct Point {
    pub(super) at: f64,
    pub(super) value: f64,
    pub(super) range: (f64, f64),
}

/// Which value is where.
struct Axes {
    across: (f64, f64),
    /// Powers of ten.
    up: (i32, i32),
}

impl Plot<'_> {
    /// The plot, or nothing where there is nothing to plot.
    pub(super) fn svg(&self) -> Option<String> {
        let axes = Axes::of(self)?;
        let mut svg = format!(
            "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">\n",
            escaped(self.title)
        );
        self.grid(&axes, &mut svg);
        // Ours comes first, and is drawn last: above the others.
        for line in self.lines.iter().rev() {
            line.draw(&axes, self.show, &mut svg);
        }
        svg.push_str("</svg>\n");
        Some(svg)
    }

    fn grid(&self, axes: &Axes, svg: &mut String) {
        let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        for power in axes.up.0..=axes.up.1 {
            let value = 10f64.powi(power);
            let y = axes.y(value);
            let label = escaped(&(self.show)(value));
            let _ = writeln!(
                svg,
                "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{right}\"/>\
                 <text class=\"end\" x=\"{}\" y=\"{:.1}\">{label}</text>",
                LEFT - 8.0,
                y + 4.0
            );
        }
        for (at, label) in &self.ticks {
            let (x, label) = (axes.x(*at), escaped(label));
            let _ = writeln!(
                svg,
                "<path class=\"grid\" d=\"M{x:.1} {TOP}V{bottom}\"/>\
                 <text class=\"middle\" x=\"{x:.1}\" y=\"{}\">{label}</text>",
                bottom + 17.0
            );
        }
        let _ = writeln!(
            svg,
            "<text class=\"middle\" x=\"{}\" y=\"{}\">{}</text>",
            f64::midpoint(LEFT, right),
            HEIGHT - 8.0,
            escaped(self.across)
        );
    }
}

impl Line {
    fn draw(&self, axes: &Axes, show: &dyn Fn(f64) -> String, svg: &mut String) {
        let colour = self.colour;
        let _ = write!(svg, "<g class=\"c{colour}\"><path class=\"line\" d=\"");
        for (index, point) in self.points.iter().enumerate() {
            let letter = if index == 0 { 'M' } else { 'L' };
            let (x, y) = (axes.x(point.at), axes.y(point.value));
            let _ = write!(svg, "{letter}{x:.1} {y:.1}");
        }
        svg.push_str("\"/>\n");
        for point in &self.points {
            let (x, y) = (axes.x(point.at), axes.y(point.value));
            let (low, high) = (axes.y(point.range.0), axes.y(point.range.1));
            let [value, least, most] =
                [point.value, point.range.0, point.range.1].map(|value| escaped(&show(value)));
            let _ = writeln!(
                svg,
                "<path class=\"spread\" d=\"M{x:.1} {low:.1}V{high:.1}\"/>\
                 <circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\">\
                 <title>{}: {value} [{least} – {most}]</title></circle>",
                escaped(&self.name)
            );
        }
        svg.push_str("</g>\n");
    }
}

impl Axes {
    fn of(plot: &Plot<'_>) -> Option<Self> {
        let points = || plot.lines.iter().flat_map(|line| &line.points);
        let least = points().map(|point| point.range.0).reduce(f64::min)?;
        let most = points().map(|point| point.range.1).reduce(f64::max)?;
        let ticks = || plot.ticks.iter().map(|tick| tick.0);
        let across = (ticks().reduce(f64::min)?, ticks().reduce(f64::max)?);
        // A logarithmic axis has no place for nothing, nor for less.
        if least <= 0.0 || !most.is_finite() {
            return None;
        }
        let (low, high) = (least.log10().floor() as i32, most.log10().ceil() as i32);
        Some(Self {
            across,
            up: (low, high.max(low + 1)),
        })
    }

    fn x(&self, at: f64) -> f64 {
        // Half a step of air on both sides.
        let air = (WIDTH - LEFT - RIGHT) * 0.06;
        let width = WIDTH - LEFT - RIGHT - 2.0 * air;
        let whole = (self.across.1 - self.across.0).max(f64::MIN_POSITIVE);
        LEFT + air + width * (at - self.across.0) / whole
    }

    fn y(&self, value: f64) -> f64 {
        let (low, high) = (f64::from(self.up.0), f64::from(self.up.1));
        let part = (value.log10() - low) / (high - low);
        (HEIGHT - BOTTOM) - part * (HEIGHT - BOTTOM - TOP)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(value: f64) -> Option<String> {
        let line = Line {
            name: "bare <echo>".to_owned(),
            colour: 2,
            points: vec![Point {
                at: 0.0,
                value,
                range: (value, value * 2.0),
            }],
        };
        let plot = Plot {
            title: "a & b",
            across: "connections",
            ticks: vec![(0.0, "1".to_owned()), (1.0, "10".to_owned())],
            lines: vec![line],
            show: &|value| format!("{value}"),
        };
        plot.svg()
    }

    #[test]
    fn a_value_at_a_power_of_ten_is_drawn_at_its_line() {
        let svg = plot(1.0).expect("one point is enough");
        // From 1 to 10 the plot has one step: 1 lies on the axis at the bottom.
        assert!(svg.contains(r#"cy="274.0""#), "{svg}");
        assert!(
            svg.contains("<title>bare &lt;echo&gt;: 1 [1 – 2]</title>"),
            "{svg}"
        );
        assert!(svg.contains("a &amp; b"), "{svg}");
    }

    #[test]
    fn what_a_logarithm_cannot_show_is_not_plotted() {
        assert_eq!(plot(0.0), None);
        assert_eq!(plot(f64::INFINITY), None);
    }
}
