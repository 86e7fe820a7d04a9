//! `target/bench/report.html`: one page that needs nothing else, with plots and
//! a table of what the comparison found.

mod plot;
mod plots;
mod ratios;

use super::comparison::{Comparison, OURS};

const STYLE: &str = include_str!("style.css");

/// How many colours the style has.
const COLOURS: usize = 8;

/// The page. `data` is the name of the JSON file beside it, `command` what was
/// typed.
pub(super) fn render(comparison: &Comparison, data: &str, command: &str) -> String {
    let machine = format!(
        "{}, {} cores, Linux {}, {} rounds of {} ms",
        minute(&comparison.date),
        comparison.cores,
        comparison.kernel,
        comparison.rounds,
        comparison.slice_ms
    );
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>atd beside what one would use instead</title>\n<style>\n{STYLE}</style>\n\
         <main>\n<h1>atd beside what one would use instead</h1>\n\
         <p><code>{}</code></p>\n<p>{} · <a href=\"{}\">all that was measured, as JSON</a></p>\n\
         <p>Each has a round in turn. A point is the median of its rounds, the line through it \
         goes from the least to the greatest. What each case is, the sources in \
         <code>benches/compare</code> say.</p>\n{}\n<div class=\"plots\">\n{}</div>\n\
         <h2>Ratios</h2>\n<p>Of ours to the other’s, each round by itself: the median, the least \
         and the greatest. A bar to the right says that ours does better, one to the left that it \
         does worse; each line stands for a factor of ten.</p>\n{}</main>\n</html>\n",
        escaped(command),
        escaped(&machine),
        escaped(data),
        legend(comparison),
        plots::all(comparison),
        ratios::table(comparison),
    )
}

/// The moment without its seconds.
fn minute(date: &str) -> String {
    let minute = date.get(..16).unwrap_or(date);
    minute.replace('T', " ") + " UTC"
}

fn legend(comparison: &Comparison) -> String {
    // Ours in another form is beside ours in one case, and in no plot.
    let names = comparison.names().into_iter();
    let names = names.filter(|name| *name == OURS || !name.starts_with(OURS));
    let items = names.map(|name| {
        let colour = colour(comparison, name);
        format!("<li class=\"c{colour}\"><i></i>{}</li>", escaped(name))
    });
    format!("<ul class=\"legend\">{}</ul>", items.collect::<String>())
}

/// Which of the style's colours stands for the one of that name.
fn colour(comparison: &Comparison, name: &str) -> usize {
    let names = comparison.names();
    debug_assert_eq!(names.first(), Some(&OURS), "ours has the first colour");
    let place = names.iter().position(|other| *other == name);
    place.unwrap_or(0) % COLOURS
}

/// The text as HTML shows it, between tags and in quotes.
fn escaped(text: &str) -> String {
    let replaced = text.replace('&', "&amp;").replace('<', "&lt;");
    replaced.replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::super::comparison::sample;
    use super::*;

    #[test]
    fn the_page_needs_no_other_file_but_the_data_that_it_offers() {
        let page = render(&sample(), "compare.json", "cargo xtask bench --compare");
        let links: Vec<_> = page.match_indices("href=").collect();
        assert_eq!(links.len(), 1, "{page}");
        assert!(page.contains("href=\"compare.json\""), "{page}");
        for other in ["src=", "url(", "@import", "<script", "<link"] {
            assert!(!page.contains(other), "{other} in {page}");
        }
    }

    #[test]
    fn the_page_has_a_plot_of_each_load_that_grows_and_a_line_for_each_ratio() {
        let page = render(&sample(), "compare.json", "cargo xtask bench --compare");
        assert!(page.contains("2026-01-02 03:04 UTC, 2 cores"), "{page}");
        // Over connections and over producers; a single point is no plot.
        assert_eq!(page.matches("<svg viewBox=\"0 0 560").count(), 2, "{page}");
        assert_eq!(page.matches("<tr>").count(), 1 + sample().rows.len());
    }

    #[test]
    fn a_name_cannot_break_the_page() {
        let page = render(&sample(), "compare.json", "--filter '<b>'");
        assert!(page.contains("--filter '&lt;b&gt;'"), "{page}");
        assert!(!page.contains("<echo>"), "{page}");
    }
}
