//! Bytes und Zeilen: anzeigen, was angekommen ist, und lesen, was getippt wurde.

use std::io::{self, BufRead};

// ANCHOR: show
/// Macht Bytes lesbar, ohne etwas zu verschweigen: Text bleibt Text,
/// Steuerzeichen und was kein gültiges UTF-8 ist, erscheinen als `\n`, `\xC3` …
pub fn show(bytes: &[u8]) -> String {
    let mut shown = String::new();
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if character.is_control() {
                shown.extend(character.escape_default());
            } else {
                shown.push(character);
            }
        }
        for byte in chunk.invalid() {
            shown.push_str(&format!("\\x{byte:02X}"));
        }
    }
    shown
}
// ANCHOR_END: show

/// `bye` beendet das Gespräch, ob mit Zeilenende oder ohne.
pub fn is_bye(message: &[u8]) -> bool {
    message.trim_ascii() == b"bye"
}

/// Liest eine getippte Zeile ohne ihr Zeilenende; `None` am Ende der Eingabe.
pub fn typed_line(input: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    if input.read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if line.ends_with(b"\n") {
        line.pop();
    }
    if line.ends_with(b"\r") {
        line.pop(); // Windows schreibt `\r\n`
    }
    Ok(Some(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text_and_everything_else_becomes_visible() {
        assert_eq!(show("Grüße".as_bytes()), "Grüße");
        assert_eq!(show(b"Hallo\r\n"), "Hallo\\r\\n");
        assert_eq!(show(&"ü".as_bytes()[..1]), "\\xC3");
        assert_eq!(show(b"\x1b[2J"), "\\u{1b}[2J");
    }

    #[test]
    fn bye_counts_with_and_without_line_end() {
        assert!(is_bye(b"bye") && is_bye(b"bye\n") && is_bye(b"bye\r\n"));
        assert!(!is_bye(b"goodbye") && !is_bye(b""));
    }

    #[test]
    fn a_typed_line_loses_its_end_and_nothing_else() {
        let mut input = &b"eins \r\n\nzwei\xFF"[..];
        assert_eq!(typed_line(&mut input).unwrap(), Some(b"eins ".to_vec()));
        assert_eq!(typed_line(&mut input).unwrap(), Some(b"".to_vec()));
        assert_eq!(typed_line(&mut input).unwrap(), Some(b"zwei\xFF".to_vec()));
        assert_eq!(typed_line(&mut input).unwrap(), None);
    }
}
