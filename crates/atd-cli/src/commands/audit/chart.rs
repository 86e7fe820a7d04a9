//! Numbers drawn as blocks.

const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// One character a number, as high as it is next to the highest. Nothing is
/// drawn for 0, and something for whatever is not.
pub(super) fn sparkline(counts: &[u64]) -> String {
    let highest = counts.iter().copied().max().unwrap_or(0).max(1);
    let level = |count: u64| {
        let scaled = (u128::from(count) * LEVELS.len() as u128).div_ceil(u128::from(highest));
        match scaled {
            0 => ' ',
            scaled => LEVELS[scaled as usize - 1],
        }
    };
    counts.iter().map(|count| level(*count)).collect()
}

/// How many of `width` cells each part of a bar gets: all of them together,
/// and one at least for each part that is not 0, if there are as many.
pub(super) fn shares(parts: &[u64], width: usize) -> Vec<usize> {
    let total: u128 = parts.iter().map(|part| u128::from(*part)).sum();
    if total == 0 {
        return vec![0; parts.len()];
    }
    let share = |part: &u64| {
        let exact = u128::from(*part) * width as u128 / total;
        (exact as usize).max(usize::from(*part > 0))
    };
    let mut shares: Vec<usize> = parts.iter().map(share).collect();
    // What rounding took or gave is the largest part's.
    if let Some(largest) = (0..parts.len()).max_by_key(|index| parts[*index]) {
        let others: usize = shares.iter().sum::<usize>() - shares[largest];
        shares[largest] = width.saturating_sub(others).max(1);
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sparkline_is_as_high_as_its_numbers() {
        assert_eq!(sparkline(&[0, 1, 50, 100]), " ▁▄█");
        assert_eq!(sparkline(&[3, 3]), "██");
        assert_eq!(sparkline(&[0]), " ");
        assert_eq!(sparkline(&[]), "");
        assert_eq!(sparkline(&[u64::MAX, 1]), "█▁");
    }

    #[test]
    fn a_bar_is_full_and_shows_every_part() {
        assert_eq!(shares(&[50, 50], 10), [5, 5]);
        assert_eq!(shares(&[999, 1, 0], 10), [9, 1, 0]);
        assert_eq!(shares(&[1, 1, 1], 10), [3, 3, 4]);
        assert_eq!(shares(&[0, 0], 10), [0, 0]);
        assert_eq!(shares(&[u64::MAX, u64::MAX], 4), [2, 2]);
    }
}
