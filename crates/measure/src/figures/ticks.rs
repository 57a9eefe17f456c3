//! The numbers of an axis: round ones, and an axis that has just these.
//! In flow the values to be shown, out flow numbers that enclose them, and a place for each value.

use std::ops::Range;

/// An even axis with its numbers and how these are written.
pub struct Ruler {
    ends: Range<f64>,
    pub ticks: Vec<(f64, String)>,
}

impl Ruler {
    /// `ends` must not be empty.
    pub fn new(ends: Range<f64>, ticks: &[f64], format: impl Fn(f64) -> String) -> Ruler {
        let ticks = ticks.iter().map(|tick| (*tick, format(*tick))).collect();
        Ruler { ends, ticks }
    }

    /// Where a value lies if the ends of the axis lie there; it may lie beyond them.
    pub fn place(&self, value: f64, (start, end): (i32, i32)) -> i32 {
        let share = (value - self.ends.start) / (self.ends.end - self.ends.start);
        start + (f64::from(end - start) * share).round() as i32
    }
}

/// From 0 to beyond `most` in at most seven even steps.
pub fn even(most: f64) -> Vec<f64> {
    let most = if most > 0.0 && most.is_finite() {
        most
    } else {
        1.0
    };
    let power = power_of_ten(most.log10().floor() as i32 - 1);
    let steps = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0].map(|step| step * power);
    let step = steps.into_iter().find(|step| most / step <= 6.0);
    let step = step.unwrap_or(most);
    let count = (most / step).ceil() as u32;
    (0..=count.max(1)).map(|index| f64::from(index) * step).collect()
}

/// The ends of a logarithmic axis, and its numbers from end to end: 1, 2 and 5 of every power of ten while these are
/// few, else powers of ten.
pub fn round(least: f64, most: f64) -> (Range<f64>, Vec<f64>) {
    let is_sound = least > 0.0 && most.is_finite();
    let (least, most) = if is_sound { (least, most) } else { (1.0, 10.0) };
    let digits: &[f64] = if most / least <= 30.0 {
        &[1.0, 2.0, 5.0]
    } else {
        &[1.0]
    };
    let powers = (least.log10().floor() as i32 - 1)..=(most.log10().ceil() as i32 + 1);
    let all: Vec<f64> = powers
        .flat_map(|power| digits.iter().map(move |digit| digit * power_of_ten(power)))
        .collect();
    let first = all.iter().rposition(|tick| *tick <= least).unwrap_or(0);
    let last = all.iter().position(|tick| *tick >= most).unwrap_or(all.len() - 1);
    let last = last.max(first + 1);
    (all[first]..all[last], all[first..=last].to_vec())
}

/// The number next to it that there is; `powf` and `powi` may come out differently on another system.
fn power_of_ten(exponent: i32) -> f64 {
    format!("1e{exponent}").parse().expect("a number")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_have_round_numbers_that_enclose_what_is_drawn() {
        assert_eq!(even(0.5), [0.0, 0.1, 0.2, 0.30000000000000004, 0.4, 0.5]);
        for most in [0.0, 0.3, 1.0, 9.9, 64.0, 128_000.0, 1e9] {
            let ticks = even(most);
            assert!(
                ticks[0] == 0.0 && ticks[ticks.len() - 1] >= most,
                "{most}: {ticks:?}"
            );
            assert!((2..=8).contains(&ticks.len()), "{most}: {ticks:?}");
        }
        assert_eq!(round(30.0, 80.0), (20.0..100.0, vec![20.0, 50.0, 100.0]));
        assert_eq!(round(100.0, 100.0), (100.0..200.0, vec![100.0, 200.0]));
        // Whoever reaches further than the last number of an axis cannot be read.
        for (least, most) in [(30.0, 80.0), (1_100.0, 5_600_000.0), (0.3, 10.0)] {
            let (ends, ticks) = round(least, most);
            assert!(ends.start <= least && most <= ends.end, "{ends:?}");
            assert_eq!(
                (Some(&ends.start), Some(&ends.end)),
                (ticks.first(), ticks.last())
            );
        }
        assert_eq!(
            round(30.0, 4_000.0),
            (10.0..10_000.0, vec![10.0, 100.0, 1_000.0, 10_000.0])
        );
    }

    #[test]
    fn an_axis_goes_evenly_from_end_to_end_and_beyond() {
        let axis = Ruler::new(10.0..20.0, &[10.0, 20.0], |value| value.to_string());
        let places = [10.0, 15.0, 20.0, 30.0].map(|value| axis.place(value, (100, 0)));
        assert_eq!(places, [100, 50, 0, -100]);
    }
}
