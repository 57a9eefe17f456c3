//! Aus dem Bytestrom werden Zeilen: Was ankommt, wird gesammelt, ganze Zeilen werden
//! herausgegeben. Diese Datei ist in mehreren Kapiteln gleich.

use crate::net::printable;

/// So viele Bytes darf eine Zeile haben, ihr Ende nicht mitgezählt.
pub const MAX_LINE: usize = 8192;

// ANCHOR: inbox
/// Eine Zeile, wie sie angekommen ist.
#[derive(Debug, PartialEq)]
pub enum Line {
    Text(String),
    TooLong,
    NotUtf8,
}

/// Was angekommen, aber noch keine ganze Zeile ist.
#[derive(Default)]
pub struct Inbox {
    bytes: Vec<u8>,
    /// Bis hierher ist `bytes` schon herausgegeben.
    start: usize,
    /// Der Anfang dieser Zeile ist verworfen, sie war zu lang; ihr Ende kommt noch.
    skipping: bool,
}

impl Inbox {
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.start);
        self.start = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// Die nächste Zeile; `None`, solange ihr Ende fehlt.
    pub fn next_line(&mut self) -> Option<Line> {
        loop {
            let rest = &self.bytes[self.start..];
            let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
                let length = rest.strip_suffix(b"\r").unwrap_or(rest).len();
                if !self.skipping && length <= MAX_LINE {
                    return None;
                }
                // Wer nie ein Zeilenende schickt, soll nicht den Speicher füllen.
                self.start = self.bytes.len();
                return (!std::mem::replace(&mut self.skipping, true))
                    .then_some(Line::TooLong);
            };
            let line = &rest[..end];
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            self.start += end + 1;
            if !std::mem::replace(&mut self.skipping, false) {
                return Some(Line::from(line));
            }
        }
    }
}
// ANCHOR_END: inbox

impl From<&[u8]> for Line {
    fn from(bytes: &[u8]) -> Line {
        if bytes.len() > MAX_LINE {
            return Line::TooLong;
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => Line::Text(text.into()),
            Err(_) => Line::NotUtf8,
        }
    }
}

/// Ein Name, wie er auf dem Bildschirm des Servers erscheint: kurz und ohne Zeichen, die ihn
/// verstellen könnten.
pub fn shown(name: &str) -> String {
    let short: String = name.chars().take(40).collect();
    let more = if name.chars().nth(40).is_some() {
        "…"
    } else {
        ""
    };
    printable(&short) + more
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Die Zeilen, die aus diesen Stücken werden.
    fn lines(pieces: &[&[u8]]) -> Vec<Line> {
        let mut inbox = Inbox::default();
        let mut lines = Vec::new();
        for piece in pieces {
            inbox.push(piece);
            lines.extend(std::iter::from_fn(|| inbox.next_line()));
        }
        lines
    }

    fn text(text: &str) -> Line {
        Line::Text(text.into())
    }

    #[test]
    fn a_line_may_come_in_pieces_and_several_in_one() {
        let umlaut = "ü\n".as_bytes();
        assert_eq!(
            lines(&[b"Hal", b"lo\n\nWelt\r\nRe", b"st"]),
            ["Hallo", "", "Welt"].map(text)
        );
        assert_eq!(lines(&[&umlaut[..1], &umlaut[1..]]), [text("ü")]);
    }

    #[test]
    fn a_line_has_at_most_8192_bytes_without_its_end() {
        let longest = "x".repeat(MAX_LINE);
        for end in ["\n", "\r\n"] {
            assert_eq!(
                lines(&[longest.as_bytes(), end.as_bytes()]),
                [text(&longest)]
            );
            let too_long = format!("{longest}x{end}gut\n");
            assert_eq!(lines(&[too_long.as_bytes()]), [Line::TooLong, text("gut")]);
        }
    }

    #[test]
    fn a_line_without_end_is_refused_once_and_takes_no_memory() {
        let mut inbox = Inbox::default();
        let mut refused = 0;
        for _ in 0..1000 {
            inbox.push(&[b'x'; 4096]);
            refused += std::iter::from_fn(|| inbox.next_line()).count();
            assert!(inbox.bytes.len() <= MAX_LINE + 4096);
        }
        assert_eq!(refused, 1);
        inbox.push(b"Schluss\ngut\n");
        assert_eq!(inbox.next_line(), Some(text("gut")));
    }

    #[test]
    fn what_is_no_text_is_refused_alone() {
        assert_eq!(lines(&[b"\xC3\x28\ngut\n"]), [Line::NotUtf8, text("gut")]);
    }

    #[test]
    fn a_name_is_shown_short_and_without_control_characters() {
        assert_eq!(shown("Änne „Ä“"), "Änne „Ä“");
        assert_eq!(shown("\x1b[2JAnna"), "\\u{1b}[2JAnna");
        assert_eq!(shown("\u{202e}annA\u{200b}"), "\\u{202e}annA\\u{200b}");
        assert_eq!(shown(&"ü".repeat(41)), "ü".repeat(40) + "…");
    }
}
