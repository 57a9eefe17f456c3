//! Numbers as German prose writes them: `1.234.567`, `3,4`.
//! In flow numbers, out flows text.

/// A whole number with a point between thousands.
pub fn whole(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('.');
        }
        text.push(digit);
    }
    text
}

/// A number that is not negative, with `places` digits behind the comma.
pub fn decimal(number: f64, places: usize) -> String {
    let text = format!("{number:.places$}");
    let (digits, fraction) = text.split_once('.').unwrap_or((&text, ""));
    match (digits.parse(), fraction) {
        (Ok(digits), "") => whole(digits),
        (Ok(digits), fraction) => format!("{},{fraction}", whole(digits)),
        // Infinite, or no number at all: nothing was measured.
        (Err(_), _) => "–".to_owned(),
    }
}

/// Rounded to three significant digits: a measurement that varies by a tenth has no more to say.
pub fn rounded(number: f64) -> String {
    let mut unit = 1.0;
    while number / unit >= 1000.0 && number.is_finite() {
        unit *= 10.0;
    }
    decimal((number / unit).round() * unit, 0)
}

/// How many times as much: `3,4×`, from 10 on without digits behind the comma.
pub fn times(ratio: f64) -> String {
    let places = if ratio < 9.95 { 1 } else { 0 };
    format!("{}×", decimal(ratio, places))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_divided_by_points() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1.000"),
            (12_345, "12.345"),
            (1_234_567, "1.234.567"),
        ] {
            assert_eq!(whole(number), text);
        }
    }

    #[test]
    fn decimals_have_a_comma() {
        assert_eq!(decimal(3.44, 1), "3,4");
        assert_eq!(decimal(0.96, 1), "1,0");
        assert_eq!(decimal(1234.5, 2), "1.234,50");
        assert_eq!(decimal(1999.6, 0), "2.000");
        assert_eq!(decimal(f64::INFINITY, 1), "–");
        assert_eq!(decimal(f64::NAN, 1), "–");
    }

    #[test]
    fn rates_are_rounded_to_three_digits() {
        for (number, text) in [
            (0.0, "0"),
            (87.4, "87"),
            (1234.0, "1.230"),
            (345_678.0, "346.000"),
            (999_600.0, "1.000.000"),
            (f64::INFINITY, "–"),
        ] {
            assert_eq!(rounded(number), text);
        }
    }

    #[test]
    fn ratios_say_how_many_times() {
        assert_eq!(times(3.44), "3,4×");
        assert_eq!(times(9.96), "10×");
        assert_eq!(times(23.6), "24×");
    }
}
