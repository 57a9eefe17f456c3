//! Bytes und Zeilen: anzeigen, was angekommen ist, und lesen, was getippt wurde.

use std::io::{self, BufRead};

// ANCHOR: show
/// Macht Bytes lesbar, ohne etwas zu verschweigen: Text bleibt Text, Steuerzeichen
/// und was kein gültiges UTF-8 ist, erscheinen als `\n`, `\xC3` …
pub fn show(bytes: &[u8]) -> String {
    let mut shown = String::new();
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '"' | '\'' => shown.push(character),
                other => shown.extend(other.escape_debug()),
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

/// Die getippten Zeilen ohne ihr Zeilenende. Nach dem Ende der Eingabe bleibt es beim Ende,
/// auch wenn ein Terminal danach wieder etwas hergäbe.
pub fn typed_lines(input: impl BufRead) -> impl Iterator<Item = io::Result<Vec<u8>>> {
    let without_cr = |mut line: Vec<u8>| {
        if line.ends_with(b"\r") {
            line.pop(); // Windows beendet Zeilen mit `\r\n`
        }
        line
    };
    input.split(b'\n').map(move |line| line.map(without_cr)).fuse()
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
        assert_eq!(show(br"a\n"), r"a\\n");
        assert_eq!(show(b"\"so\""), "\"so\"");
    }

    #[test]
    fn bye_counts_with_and_without_line_end() {
        assert!(is_bye(b"bye") && is_bye(b"bye\n") && is_bye(b"bye\r\n"));
        assert!(!is_bye(b"goodbye") && !is_bye(b""));
    }

    #[test]
    fn a_typed_line_loses_its_end_and_nothing_else() {
        let lines: Vec<_> =
            typed_lines(&b"eins \r\n\nzwei\xFF"[..]).map(Result::unwrap).collect();
        assert_eq!(lines, [&b"eins "[..], b"", b"zwei\xFF"]);
    }
}
