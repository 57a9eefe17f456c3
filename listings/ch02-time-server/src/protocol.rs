//! Das Protokoll des Zeitservers: `time` und `send time` fragen nach Datum und
//! Uhrzeit, alles andere ist eine unbekannte Anfrage. Ein Zeilenende nach der
//! Anfrage ist erlaubt, aber nicht nötig; die Antwort hat eins, wenn die Anfrage eins hat.

use chrono::NaiveDateTime;

const TIME_REQUESTS: [&[u8]; 2] = [b"time", b"send time"];

/// Länger ist keine Anfrage: So viele Bytes ohne Zeilenende werden höchstens aufgehoben.
const MAX_REQUEST: usize = 1024;

/// Eine vollständige Anfrage, ohne ihr Zeilenende.
#[derive(Debug, PartialEq)]
pub struct Request {
    pub text: String,
    pub has_line_end: bool,
}

impl Request {
    // ANCHOR: answer
    /// Die Antwort auf diese Anfrage, wenn es gerade `now` ist.
    pub fn answer(&self, now: NaiveDateTime) -> String {
        let answer = if TIME_REQUESTS.contains(&self.text.as_bytes()) {
            now.format("%Y-%m-%d %H:%M:%S").to_string()
        } else {
            "Unbekannte Anfrage".to_string()
        };
        if self.has_line_end {
            answer + "\n"
        } else {
            answer
        }
    }
    // ANCHOR_END: answer
}

/// Sammelt, was angekommen ist, und gibt heraus, was eine vollständige Anfrage ist.
#[derive(Default)]
pub struct Inbox {
    bytes: Vec<u8>,
    /// Die letzte Anfrage wurde ohne Zeilenende beantwortet; kommt es noch nach, gehört es zu ihr.
    line_end_may_follow: bool,
}

impl Inbox {
    /// Legt frisch gelesene Bytes ab.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    // ANCHOR: next
    /// Die nächste vollständige Anfrage; `None`, solange noch Bytes fehlen.
    /// Ist der Strom zu Ende (`ended`), fehlt nichts mehr: Der Rest ist die letzte Anfrage.
    pub fn next_request(&mut self, ended: bool) -> Option<Request> {
        if self.line_end_may_follow && !self.bytes.is_empty() {
            match self.bytes.as_slice() {
                [b'\r'] => return None, // das `\n` dazu ist noch unterwegs
                [b'\r', b'\n', ..] => drop(self.bytes.drain(..2)),
                [b'\n', ..] => drop(self.bytes.drain(..1)),
                _ => {}
            }
            self.line_end_may_follow = false;
        }
        if let Some(end) = self.bytes.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = self.bytes.drain(..=end).collect();
            return Some(request(&line, true));
        }
        // Kein Zeilenende in Sicht: Ist das schon alles? Der Server muss raten.
        let rest = self.bytes.trim_ascii();
        let is_request = TIME_REQUESTS.contains(&rest);
        let may_become_one = self.bytes.len() < MAX_REQUEST
            && TIME_REQUESTS.iter().any(|known| known.starts_with(rest));
        if self.bytes.is_empty() || (may_become_one && !is_request && !ended) {
            return None;
        }
        self.line_end_may_follow = true;
        Some(request(&std::mem::take(&mut self.bytes), false))
    }
    // ANCHOR_END: next
}

fn request(bytes: &[u8], has_line_end: bool) -> Request {
    let text = String::from_utf8_lossy(bytes.trim_ascii()).into_owned();
    Request { text, has_line_end }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Die Anfragen, die aus den nacheinander gelesenen `reads` werden.
    fn requests(reads: &[&str]) -> Vec<(String, bool)> {
        let mut inbox = Inbox::default();
        let mut found = Vec::new();
        for read in reads {
            inbox.push(read.as_bytes());
            found.extend(std::iter::from_fn(|| inbox.next_request(false)));
        }
        found.extend(inbox.next_request(true));
        found
            .into_iter()
            .map(|request| (request.text, request.has_line_end))
            .collect()
    }

    fn expect(reads: &[&str], expected: &[(&str, bool)]) {
        let expected: Vec<_> = expected
            .iter()
            .map(|&(text, end)| (text.to_string(), end))
            .collect();
        assert_eq!(requests(reads), expected, "gelesen: {reads:?}");
    }

    #[test]
    fn a_request_counts_with_and_without_line_end() {
        expect(&["time"], &[("time", false)]);
        expect(&["send time\n"], &[("send time", true)]);
        expect(&["time\r\n"], &[("time", true)]);
    }

    #[test]
    fn a_request_may_arrive_in_pieces() {
        expect(&["se", "nd ti", "me"], &[("send time", false)]);
        expect(&["s", "e", "n", "d\n"], &[("send", true)]);
    }

    #[test]
    fn several_requests_may_arrive_at_once() {
        expect(
            &["time\nsend time\nquatsch\n"],
            &[("time", true), ("send time", true), ("quatsch", true)],
        );
    }

    #[test]
    fn a_late_line_end_is_no_request_of_its_own() {
        expect(
            &["time", "\n", "time\n"],
            &[("time", false), ("time", true)],
        );
        expect(&["time", "\r", "\n"], &[("time", false)]);
        expect(&["time", "time"], &[("time", false), ("time", false)]);
    }

    #[test]
    fn what_can_never_become_a_request_is_answered_at_once() {
        let mut inbox = Inbox::default();
        inbox.push(b"Wie sp\xC3");
        assert!(inbox.next_request(false).is_some());
        assert!(inbox.next_request(false).is_none());
        let two_answers = [("Wie spät", false), ("ist es?", false)];
        expect(&["Wie spät ", "ist es?"], &two_answers);
    }

    #[test]
    fn endless_blanks_are_not_hoarded() {
        let mut inbox = Inbox::default();
        inbox.push(&[b' '; MAX_REQUEST - 1]);
        assert_eq!(inbox.next_request(false), None);
        inbox.push(b" ");
        assert!(inbox.next_request(false).is_some());
    }

    #[test]
    fn half_a_request_at_the_end_of_the_stream_is_unknown() {
        expect(&["send"], &[("send", false)]);
        expect(&[""], &[]);
    }

    #[test]
    fn the_answer_ends_as_the_request_did() {
        let now = chrono::NaiveDate::from_ymd_opt(2026, 11, 21)
            .and_then(|day| day.and_hms_opt(9, 5, 0))
            .expect("ein gültiges Datum");
        let answer = |text: &str, has_line_end| {
            Request {
                text: text.into(),
                has_line_end,
            }
            .answer(now)
        };
        assert_eq!(answer("time", false), "2026-11-21 09:05:00");
        assert_eq!(answer("send time", true), "2026-11-21 09:05:00\n");
        assert_eq!(answer("TIME", true), "Unbekannte Anfrage\n");
    }
}
