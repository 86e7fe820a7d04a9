//! Results as a table that is read at a glance.

use super::estimates::{Row, Throughput};

/// One line a row, in columns; with a column of changes if there was a baseline
/// to compare with.
pub(crate) fn render(rows: &[Row], compared: bool) -> String {
    if rows.is_empty() {
        return "nothing was measured: does the filter match a benchmark?\n".to_owned();
    }
    let mut header = vec!["benchmark", "median", "±", "throughput"];
    if compared {
        header.push("change");
    }
    let mut lines = vec![header.into_iter().map(str::to_owned).collect::<Vec<_>>()];
    for row in rows {
        let throughput = row.throughput.map(|it| rate(it, row.median));
        let mut line = vec![
            row.name.clone(),
            time(row.median),
            row.deviation.map(time).unwrap_or_default(),
            throughput.unwrap_or_default(),
        ];
        if compared {
            let change = row.change.map(|it| format!("{:+.1} %", it * 100.0));
            line.push(change.unwrap_or_default());
        }
        lines.push(line);
    }
    aligned(&lines)
}

/// The first column to the left, the others, being numbers, to the right.
pub(super) fn aligned(lines: &[Vec<String>]) -> String {
    let columns = lines.first().map_or(0, Vec::len);
    let width = |column: usize| {
        lines
            .iter()
            .map(move |line| line[column].chars().count())
            .max()
    };
    let widths: Vec<_> = (0..columns)
        .map(|column| width(column).unwrap_or(0))
        .collect();
    let mut table = String::new();
    for line in lines {
        let mut text = format!("{:width$}", line[0], width = widths[0]);
        for (cell, width) in line.iter().zip(&widths).skip(1) {
            text += &format!("  {cell:>width$}");
        }
        table += text.trim_end();
        table.push('\n');
    }
    table
}

fn time(nanoseconds: f64) -> String {
    scaled(
        nanoseconds,
        &[(1.0, "ns"), (1e3, "µs"), (1e6, "ms"), (1e9, "s")],
    )
}

/// What is done in a second, where one iteration of so many nanoseconds does
/// that much.
fn rate(throughput: Throughput, nanoseconds: f64) -> String {
    const KIB: f64 = 1024.0;
    let per_second = |amount: f64| amount * 1e9 / nanoseconds;
    match throughput {
        Throughput::Elements(count) => scaled(
            per_second(count),
            &[
                (1.0, "elem/s"),
                (1e3, "Kelem/s"),
                (1e6, "Melem/s"),
                (1e9, "Gelem/s"),
            ],
        ),
        Throughput::Bytes(bytes) => {
            let units = [
                (KIB, "KiB/s"),
                (KIB * KIB, "MiB/s"),
                (KIB * KIB * KIB, "GiB/s"),
            ];
            scaled(per_second(bytes), &units)
        }
    }
}

/// A value in the largest unit it reaches, or in the smallest.
fn scaled(value: f64, units: &[(f64, &str)]) -> String {
    let reached = units.iter().rev().find(|(size, _)| value >= *size);
    let Some((size, unit)) = reached.or(units.first()) else {
        return value.to_string();
    };
    format!("{:.2} {unit}", value / size)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, median: f64, throughput: Option<Throughput>) -> Row {
        Row {
            name: name.into(),
            median,
            deviation: Some(median / 100.0),
            throughput,
            change: Some(0.05),
        }
    }

    #[test]
    fn columns_line_up_and_units_fit_the_numbers() {
        let rows = [
            row("frame/decode", 180.0, Some(Throughput::Bytes(1024.0))),
            row("echo", 25_000.0, Some(Throughput::Elements(100.0))),
            row("start", 1.5e9, None),
        ];
        assert_eq!(
            render(&rows, false),
            "\
benchmark        median          ±    throughput
frame/decode  180.00 ns    1.80 ns    5.30 GiB/s
echo           25.00 µs  250.00 ns  4.00 Melem/s
start            1.50 s   15.00 ms
"
        );
    }

    #[test]
    fn a_comparison_adds_its_column() {
        let table = render(&[row("echo", 1.0, None)], true);
        assert!(table.contains("change"), "{table}");
        assert!(table.contains("+5.0 %"), "{table}");
    }

    #[test]
    fn an_empty_table_says_so() {
        assert!(render(&[], false).starts_with("nothing was measured"));
    }
}
