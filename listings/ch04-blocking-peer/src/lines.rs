//! Zeilen aus einem Strom oder von der Tastatur. Diese Datei ist in den Kapiteln 3, 4
//! und 9 gleich.

use std::io::{self, BufRead, Read};

/// Mehr Bytes hat eine Zeile aus dem Socket nicht; eine längere kommt in Stücken an.
pub const MAX_LINE: u64 = 8192;

/// Mehr Bytes hat eine getippte Zeile nicht. So passt sie drüben immer in eine einzige, auch
/// wenn aus jedem ungültigen Byte ein Ersatzzeichen von drei Bytes wird.
pub const MAX_TYPED: u64 = 2048;

// ANCHOR: read_line
/// Die nächste Zeile, ohne ihr Ende; `None` am Ende des Stroms.
pub fn read_line(input: &mut impl BufRead, most: u64) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    input.by_ref().take(most).read_until(b'\n', &mut line)?; // blockiert
    if line.is_empty() {
        return Ok(None);
    }
    let line = String::from_utf8_lossy(&line);
    Ok(Some(line.trim_end_matches(['\r', '\n']).into()))
}
// ANCHOR_END: read_line

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(mut bytes: &[u8]) -> Vec<String> {
        std::iter::from_fn(|| read_line(&mut bytes, MAX_LINE).unwrap()).collect()
    }

    #[test]
    fn lines_lose_their_end_and_nothing_else() {
        assert_eq!(
            lines("Grüße\r\n\n a \nRest".as_bytes()),
            ["Grüße", "", " a ", "Rest"]
        );
        assert!(lines(b"").is_empty());
    }

    #[test]
    fn a_very_long_line_comes_in_pieces() {
        let long = "x".repeat(20_000) + "\nkurz\n";
        let lengths: Vec<_> = lines(long.as_bytes()).iter().map(String::len).collect();
        assert_eq!(lengths, [8192, 8192, 20_000 - 2 * 8192, 4]);
    }

    #[test]
    fn broken_text_becomes_readable() {
        assert_eq!(lines(b"\xC3(\n"), ["\u{FFFD}("]);
    }

    #[test]
    fn a_piece_of_a_typed_line_is_one_line_at_the_other_end() {
        let typed = [b'\xFF'; 3000];
        let piece = read_line(&mut &typed[..], MAX_TYPED).unwrap().unwrap();
        assert_eq!(lines(format!("{piece}\n").as_bytes()), [piece]);
    }
}
