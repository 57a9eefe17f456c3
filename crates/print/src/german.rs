//! Numbers as German prose writes them: `1.234.567`, `3,4`, and with their units: `8,1 ms`, `20,5 GiB`. And what the operating
//! system reports, in German.
//! In flow numbers and messages, out flows text.

use std::fmt::Display;
use std::io::{self, ErrorKind};

/// Between a number and its unit.
pub const NARROW: char = '\u{202f}';

/// The message, with what the operating system reported in it said in German. Rust ends each such report with
/// `(os error NUMBER)`; a number without a sentence of its own stays a number.
pub fn spoken(message: impl Display) -> String {
    let mut message = message.to_string();
    let mut numbers: Vec<i32> = message
        .split("(os error ")
        .skip(1)
        .filter_map(|rest| rest.split(')').next()?.parse().ok())
        .collect();
    numbers.dedup();
    for number in numbers {
        let error = io::Error::from_raw_os_error(number);
        message = message.replace(&error.to_string(), &reason(&error));
    }
    message
}

fn reason(error: &io::Error) -> String {
    let known = match error.kind() {
        ErrorKind::NotFound => "das gibt es nicht",
        ErrorKind::PermissionDenied => "dafür fehlt die Berechtigung",
        ErrorKind::AlreadyExists => "das gibt es schon",
        ErrorKind::StorageFull => "auf dem Datenträger ist kein Platz mehr",
        ErrorKind::QuotaExceeded => "der erlaubte Speicherplatz ist verbraucht",
        ErrorKind::ReadOnlyFilesystem => "der Datenträger lässt sich nur lesen",
        ErrorKind::NotADirectory => "das ist kein Ordner",
        ErrorKind::IsADirectory => "das ist ein Ordner",
        ErrorKind::AddrInUse => "der Port ist schon vergeben",
        ErrorKind::AddrNotAvailable => "diese Adresse ist hier nicht zu haben",
        ErrorKind::ConnectionRefused => "dort lauscht niemand",
        ErrorKind::ConnectionReset => "die Gegenseite hat die Verbindung zurückgesetzt",
        ErrorKind::BrokenPipe => "die Gegenseite nimmt nichts mehr an",
        ErrorKind::OutOfMemory => "der Speicher ist aufgebraucht",
        ErrorKind::TimedOut => "die Wartezeit ist abgelaufen",
        _ if matches!(error.raw_os_error(), Some(23 | 24)) && cfg!(unix) => {
            "alle Dateideskriptoren sind vergeben"
        }
        _ => {
            return format!(
                "Fehler {} des Betriebssystems",
                error.raw_os_error().unwrap_or(0)
            );
        }
    };
    known.to_owned()
}

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

/// Seconds with so many digits behind the comma: `2,5 s`.
pub fn seconds(seconds: f64, places: usize) -> String {
    format!("{}{NARROW}s", decimal(seconds, places))
}

/// A time given in microseconds, in the unit that fits.
pub fn time(micros: f64) -> String {
    let (number, unit) = match micros {
        seconds if seconds >= 999_500.0 => (seconds / 1e6, "s"),
        millis if millis >= 999.5 => (millis / 1e3, "ms"),
        micros => (micros, "µs"),
    };
    let places = if number < 9.95 { 1 } else { 0 };
    format!("{}{NARROW}{unit}", decimal(number, places))
}

/// An amount of memory in the unit that fits; one that has shrunk is below zero.
pub fn bytes(bytes: f64) -> String {
    let size = bytes.abs();
    const KIB: f64 = 1024.0;
    let (number, unit) = match size {
        huge if huge >= KIB * KIB * KIB => (huge / KIB / KIB / KIB, "GiB"),
        big if big >= KIB * KIB => (big / KIB / KIB, "MiB"),
        middle if middle >= KIB => (middle / KIB, "KiB"),
        small => (small, "B"),
    };
    // Tenths of a byte do not exist, and beyond a hundred nobody asks for tenths.
    let places = if unit == "B" || number >= 99.95 { 0 } else { 1 };
    let sign = if bytes <= -0.5 { "−" } else { "" };
    format!("{sign}{}{NARROW}{unit}", decimal(number, places))
}

/// A share of a whole: `50 %`.
pub fn percent(share: f64) -> String {
    format!("{}{NARROW}%", decimal(share * 100.0, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_operating_system_reports_is_said_in_german() {
        let error = std::fs::read("gibt/es/nicht").expect_err("no such file");
        let message = format!("„x“ lässt sich nicht lesen: {error}.");
        assert_eq!(
            spoken(message),
            "„x“ lässt sich nicht lesen: das gibt es nicht."
        );
        assert_eq!(spoken("alles gut"), "alles gut");
        assert_eq!(spoken("(os error x) (os error"), "(os error x) (os error");
    }

    #[cfg(unix)]
    #[test]
    fn a_full_disk_and_an_unknown_number_are_told_too() {
        let told = |number| spoken(io::Error::from_raw_os_error(number));
        assert_eq!(told(28), "auf dem Datenträger ist kein Platz mehr");
        assert_eq!(told(99_999), "Fehler 99999 des Betriebssystems");
    }

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

    #[test]
    fn times_have_the_unit_that_fits() {
        for (micros, text) in [
            (3.12, "3,1\u{202f}µs"),
            (870.0, "870\u{202f}µs"),
            (8100.0, "8,1\u{202f}ms"),
            (82_000.0, "82\u{202f}ms"),
            (2_300_000.0, "2,3\u{202f}s"),
        ] {
            assert_eq!(time(micros), text);
        }
        assert_eq!(seconds(2.5, 1), "2,5\u{202f}s");
        assert_eq!(seconds(3.0, 0), "3\u{202f}s");
    }

    #[test]
    fn memory_has_the_unit_that_fits() {
        for (number, text) in [
            (139.6, "140\u{202f}B"),
            (-0.2, "0\u{202f}B"),
            (-4000.0, "−3,9\u{202f}KiB"),
            (2_097_152.0, "2,0\u{202f}MiB"),
            (163_000.0, "159\u{202f}KiB"),
            (22e9, "20,5\u{202f}GiB"),
        ] {
            assert_eq!(bytes(number), text);
        }
    }
}
