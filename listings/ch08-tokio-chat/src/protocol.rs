//! Das Protokoll des Zeitservers: `time` und `send time` fragen nach Datum und
//! Uhrzeit, alles andere ist eine unbekannte Anfrage. Ein Zeilenende nach der
//! Anfrage ist erlaubt, aber nicht nötig; jede Antwort hat eins.

use chrono::NaiveDateTime;

const TIME_REQUESTS: [&str; 2] = ["time", "send time"];

/// So viele Bytes darf eine Anfrage höchstens haben.
pub const MAX_REQUEST: usize = 1024;

// ANCHOR: answer
/// Die Antwort auf eine Anfrage, wenn es gerade `now` ist.
pub fn answer(request: &str, now: NaiveDateTime) -> String {
    if TIME_REQUESTS.contains(&request) {
        now.format("%Y-%m-%d %H:%M:%S\n").to_string()
    } else {
        "Unbekannte Anfrage\n".to_string()
    }
}
// ANCHOR_END: answer

/// Sammelt, was angekommen ist, und gibt heraus, was eine vollständige Anfrage ist.
#[derive(Default)]
pub struct Inbox {
    bytes: Vec<u8>,
    /// Die letzte Anfrage kam ohne Zeilenende; folgt es noch, gehört es zu ihr.
    line_end_may_follow: bool,
    /// So viele Bytes hatten unbekannte Anfragen seit dem letzten Zeilenende.
    unknown: usize,
}

impl Inbox {
    /// Legt frisch gelesene Bytes ab.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        if self.line_end_may_follow {
            let is_line_end = |byte: &&u8| matches!(byte, b'\r' | b'\n');
            let line_ends = self.bytes.iter().take_while(is_line_end).count();
            self.bytes.drain(..line_ends);
            self.line_end_may_follow = self.bytes.is_empty();
        }
    }

    // ANCHOR: next
    /// Die nächste vollständige Anfrage; `None`, solange noch Bytes fehlen.
    /// Ist der Strom zu Ende (`ended`), fehlt nichts mehr: Der Rest ist die letzte.
    pub fn next_request(&mut self, ended: bool) -> Option<String> {
        if let Some(end) = self.bytes.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = self.bytes.drain(..=end).collect();
            self.unknown = 0;
            return Some(text(&line));
        }
        // Kein Zeilenende in Sicht: Ist das schon alles? Der Server muss raten.
        let guess = text(&self.bytes);
        let is_request = TIME_REQUESTS.contains(&guess.as_str());
        let may_become_one = TIME_REQUESTS.iter().any(|known| known.starts_with(&guess));
        if self.bytes.is_empty() || (may_become_one && !is_request && !ended) {
            return None;
        }
        self.unknown = if is_request {
            0
        } else {
            self.unknown + self.bytes.len()
        };
        self.bytes.clear();
        self.line_end_may_follow = true;
        Some(guess)
    }
    // ANCHOR_END: next

    /// Ist, auch in Stücken, mehr angekommen, als eine Anfrage haben darf, ohne dass ein
    /// Zeilenende zu sehen wäre?
    pub fn is_overfull(&self) -> bool {
        self.unknown + self.bytes.len() >= MAX_REQUEST && !self.bytes.contains(&b'\n')
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.trim_ascii()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Erwartet, dass aus den nacheinander gelesenen `reads` diese Anfragen werden.
    fn expect(reads: &[&str], expected: &[&str]) {
        let mut inbox = Inbox::default();
        let mut found = Vec::new();
        for read in reads {
            inbox.push(read.as_bytes());
            found.extend(std::iter::from_fn(|| inbox.next_request(false)));
        }
        found.extend(inbox.next_request(true));
        assert_eq!(found, expected, "gelesen: {reads:?}");
    }

    #[test]
    fn a_request_counts_with_and_without_line_end() {
        expect(&["time"], &["time"]);
        expect(&["send time\n"], &["send time"]);
        expect(&["time\r\n"], &["time"]);
    }

    #[test]
    fn a_request_may_arrive_in_pieces() {
        expect(&["se", "nd ti", "me"], &["send time"]);
        expect(&["s", "e", "n", "d\n"], &["send"]);
    }

    #[test]
    fn several_requests_may_arrive_at_once() {
        expect(
            &["time\nsend time\nquatsch\n"],
            &["time", "send time", "quatsch"],
        );
    }

    #[test]
    fn a_late_line_end_is_no_request_of_its_own() {
        expect(&["time", "\n", "time\n"], &["time", "time"]);
        expect(&["time", "\r", "\n"], &["time"]);
        expect(&["time", "time"], &["time", "time"]);
    }

    // ANCHOR: guessing
    #[test]
    fn what_can_never_become_a_request_is_answered_at_once() {
        expect(&["Wie spät ", "ist es?"], &["Wie spät", "ist es?"]);
        expect(&["time", "out\n"], &["time", "out"]);
    }
    // ANCHOR_END: guessing

    #[test]
    fn half_a_request_at_the_end_of_the_stream_is_unknown() {
        expect(&["send"], &["send"]);
        expect(&[""], &[]);
    }

    #[test]
    fn too_much_without_line_end_is_noticed() {
        let mut inbox = Inbox::default();
        inbox.push(&[b' '; MAX_REQUEST - 1]);
        assert!(!inbox.is_overfull());
        inbox.push(b" ");
        assert!(inbox.is_overfull());
        inbox.push(b"\n");
        assert!(!inbox.is_overfull());
    }

    #[test]
    fn too_much_without_line_end_is_too_much_in_pieces_as_well() {
        let mut inbox = Inbox::default();
        let mut answers = 0;
        while !inbox.is_overfull() {
            inbox.push(&[b'x'; 100]);
            answers += usize::from(inbox.next_request(false).is_some());
        }
        assert_eq!(answers, MAX_REQUEST.div_ceil(100));
        // Wer bekannte Anfragen ohne Zeilenende schickt, darf das, so oft er will.
        let mut inbox = Inbox::default();
        for _ in 0..2 * MAX_REQUEST {
            inbox.push(b"time");
            assert!(inbox.next_request(false).is_some() && !inbox.is_overfull());
        }
    }

    #[test]
    fn only_the_two_known_requests_are_told_the_time() {
        let now = chrono::NaiveDate::from_ymd_opt(2026, 11, 21)
            .and_then(|day| day.and_hms_opt(9, 5, 0))
            .expect("ein gültiges Datum");
        assert_eq!(answer("time", now), "2026-11-21 09:05:00\n");
        assert_eq!(answer("send time", now), "2026-11-21 09:05:00\n");
        assert_eq!(answer("TIME", now), "Unbekannte Anfrage\n");
    }
}
