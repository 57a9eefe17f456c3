//! Viele Zeiten auf kleinem Raum: Statt jede aufzuheben, zählt man, wie viele in welchen
//! Eimer fallen.

/// Jede Verdopplung der Zeit ist in so viele gleich breite Eimer geteilt, in `2^PRECISION`:
/// Ein Eimer ist damit höchstens 1/128 so breit wie die Zeiten, die hineinfallen.
const PRECISION: u32 = 7;
const PER_DOUBLING: usize = 1 << PRECISION;

/// Auch die größte Zahl hat ihren Eimer.
const BUCKETS: usize = (u64::BITS - PRECISION + 1) as usize * PER_DOUBLING;

// ANCHOR: histogram
/// Zählt Zeiten in Nanosekunden, auf 0,8 % genau.
pub struct Histogram {
    counts: Box<[u64]>,
    total: u64,
}

impl Histogram {
    pub fn new() -> Histogram {
        Histogram {
            counts: vec![0; BUCKETS].into(),
            total: 0,
        }
    }

    pub fn record(&mut self, nanos: u64) {
        self.counts[bucket(nanos)] += 1;
        self.total += 1;
    }

    /// So lange dauerten höchstens `percent` von hundert. Ohne eine einzige Zeit: 0.
    pub fn percentile(&self, percent: u64) -> u64 {
        let mut missing = (self.total * percent).div_ceil(100);
        for (index, count) in self.counts.iter().enumerate() {
            missing = missing.saturating_sub(*count);
            if missing == 0 {
                return if self.total == 0 {
                    0
                } else {
                    longest_in(index)
                };
            }
        }
        unreachable!("zusammen sind die Eimer so voll wie die Summe")
    }
}

/// Bis 255 hat jede Zahl ihren Eimer. Größere verlieren unten so viele Bits, dass acht
/// übrig bleiben.
fn bucket(nanos: u64) -> usize {
    let shift = (u64::BITS - nanos.leading_zeros()).saturating_sub(PRECISION + 1);
    shift as usize * PER_DOUBLING + (nanos >> shift) as usize
}

/// Die größte Zahl, die in diesen Eimer fällt.
fn longest_in(bucket: usize) -> u64 {
    let shift = (bucket / PER_DOUBLING).saturating_sub(1);
    let first = ((bucket - shift * PER_DOUBLING) as u64) << shift;
    first + ((1 << shift) - 1)
}
// ANCHOR_END: histogram

impl Default for Histogram {
    fn default() -> Self {
        Histogram::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Die Zahlen von 1 bis 1000, mit `unit` malgenommen.
    fn thousand(unit: u64) -> Histogram {
        let mut histogram = Histogram::new();
        (1..=1000).for_each(|number| histogram.record(number * unit));
        histogram
    }

    #[test]
    fn percentiles_of_known_times_are_right_to_one_percent() {
        for unit in [1, 1_000, 999_983, 3_000_000_000] {
            let histogram = thousand(unit);
            for (percent, truth) in [(1, 10), (50, 500), (99, 990), (100, 1000)] {
                let (truth, said) = (truth * unit, histogram.percentile(percent));
                assert!(
                    (truth..=truth + truth / 100).contains(&said),
                    "{truth}: {said}"
                );
            }
        }
    }

    #[test]
    fn one_slow_answer_in_a_hundred_is_beyond_p99_and_two_are_not() {
        let mut histogram = Histogram::new();
        (0..99).for_each(|_| histogram.record(100));
        histogram.record(5_000);
        assert_eq!(
            (histogram.percentile(50), histogram.percentile(99)),
            (100, 100)
        );
        histogram.record(5_000);
        assert!(histogram.percentile(99) >= 5_000);
    }

    #[test]
    fn every_bucket_ends_where_the_next_begins() {
        for index in 0..BUCKETS {
            let longest = longest_in(index);
            assert_eq!(bucket(longest), index);
            match longest.checked_add(1) {
                Some(next) => assert_eq!(bucket(next), index + 1),
                None => assert_eq!(index, BUCKETS - 1),
            }
        }
    }

    #[test]
    fn without_times_there_is_no_percentile() {
        assert_eq!(Histogram::new().percentile(99), 0);
    }
}
