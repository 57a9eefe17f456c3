//! Die Zeile, die hin- und hergeht: 32 Bytes, jede nur einmal vergeben.

/// So viele Bytes hat jede Zeile, ihr Ende mitgezählt.
pub const LENGTH: usize = 32;

/// Mehr Verbindungen haben keine eigene Nummer.
pub const MAX_CONNECTIONS: usize = 999_999;

/// Wo die laufende Nummer aufhört.
const RUNNING_END: usize = 20;

/// Die Nummer der Verbindung, dahinter eine laufende Nummer: Keine zwei Zeilen sind
/// gleich. Eine verlorene, verdoppelte oder vertauschte Antwort fällt so immer auf.
pub struct Line([u8; LENGTH]);

impl Line {
    /// Die Zeile vor der ersten.
    pub fn of_connection(number: usize) -> Line {
        let text = format!("{number:06} {:013} Hörst du?\n", 0);
        Line(text.into_bytes().try_into().expect("die Nummer hat höchstens sechs Stellen"))
    }

    /// Zählt die laufende Nummer weiter, gleich in den Ziffern: Das kostet fast nichts
    /// und braucht keinen Speicher.
    pub fn advance(&mut self) {
        for digit in self.0[..RUNNING_END].iter_mut().rev() {
            match digit {
                b'9' => *digit = b'0', // und eins im Sinn
                _ => return *digit += 1,
            }
        }
    }

    /// Die Nummer der Verbindung.
    pub fn connection(&self) -> usize {
        self.0[..6]
            .iter()
            .fold(0, |number, digit| number * 10 + usize::from(digit - b'0'))
    }

    pub fn bytes(&self) -> &[u8; LENGTH] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(number: usize, steps: usize) -> String {
        let mut line = Line::of_connection(number);
        (0..steps).for_each(|_| line.advance());
        String::from_utf8(line.bytes().to_vec()).unwrap()
    }

    #[test]
    fn the_running_number_counts_and_carries() {
        assert_eq!(after(17, 0), "000017 0000000000000 Hörst du?\n");
        assert_eq!(after(17, 9), "000017 0000000000009 Hörst du?\n");
        assert_eq!(after(17, 10), "000017 0000000000010 Hörst du?\n");
        assert_eq!(after(999_999, 2000), "999999 0000000002000 Hörst du?\n");
    }
}
