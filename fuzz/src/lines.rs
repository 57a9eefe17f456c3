//! Lines and requests from a stream: it makes no difference in which pieces their bytes arrive.

use std::io::{self, BufReader, Read};

use ch02_time_server::protocol;
use ch03_blocking_chat::lines::{MAX_LINE as LONGEST_PIECE, MAX_TYPED, read_line};
use ch05_threaded_chat::lines::{Inbox, Line, MAX_LINE, shown};
use ch05_threaded_chat::net::printable;

/// Ends a piece; in a text it has no place.
const CUT: u8 = 0xFF;
/// Repeats the byte before it so often, so that a short input can be a long line.
const MANY: u8 = 0xFE;
const SO_MANY: usize = 1024;
/// More does not tell more.
const LONGEST_STREAM: usize = 24 * 1024;

/// Any pieces give the lines of the whole.
pub fn lines(data: &[u8]) {
    let pieces = pieces(data);
    let whole = pieces.concat();
    let collected = collected(&pieces);
    assert_eq!(collected, collected_at_once(&whole));
    for line in &collected {
        if let Line::Text(text) = line {
            assert_printable(text);
        }
    }
    let most = usize::try_from(LONGEST_PIECE).expect("a small number");
    assert_eq!(read(&pieces, LONGEST_PIECE), read_at_once(&whole, most));
    for typed in read(&pieces, MAX_TYPED) {
        let sent = format!("{typed}\n").into_bytes();
        assert_eq!(
            read(std::slice::from_ref(&sent), LONGEST_PIECE),
            [typed.as_str()]
        );
        assert_eq!(self::collected(&[sent]), [Line::Text(typed)]);
    }
    ask(&pieces);
}

fn pieces(data: &[u8]) -> Vec<Vec<u8>> {
    let mut pieces = vec![Vec::new()];
    let mut length = 0;
    let mut before = b'x';
    for byte in data {
        let piece = pieces.last_mut().expect("there is always one");
        let more = if *byte == MANY { SO_MANY } else { 1 };
        match *byte {
            CUT => pieces.push(Vec::new()),
            _ if length + more > LONGEST_STREAM => break,
            MANY => piece.resize(piece.len() + SO_MANY, before),
            byte => piece.push(byte),
        }
        if *byte < MANY {
            before = *byte;
        }
        length += more;
    }
    pieces
}

/// As the chat servers do it.
fn collected(pieces: &[Vec<u8>]) -> Vec<Line> {
    let mut inbox = Inbox::default();
    let mut lines = Vec::new();
    for piece in pieces {
        inbox.push(piece);
        lines.extend(std::iter::from_fn(|| inbox.next_line()));
    }
    lines
}

/// As somebody would do it who has everything.
fn collected_at_once(whole: &[u8]) -> Vec<Line> {
    let mut lines: Vec<&[u8]> = whole.split(|byte| *byte == b'\n').collect();
    let rest = lines.pop().unwrap_or_default();
    let line = |line: &[u8]| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match std::str::from_utf8(line) {
            _ if line.len() > MAX_LINE => Line::TooLong,
            Ok(text) => Line::Text(text.into()),
            Err(_) => Line::NotUtf8,
        }
    };
    let mut read: Vec<Line> = lines.into_iter().map(line).collect();
    read.extend(Some(line(rest)).filter(|line| *line == Line::TooLong));
    read
}

/// Gives one piece after the other.
struct Stream<'a>(&'a [Vec<u8>]);

impl Read for Stream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // A piece without bytes would be the end.
        while let Some((piece, rest)) = self.0.split_first() {
            self.0 = rest;
            if !piece.is_empty() {
                // The buffer is larger than any piece.
                buffer[..piece.len()].copy_from_slice(piece);
                return Ok(piece.len());
            }
        }
        Ok(0)
    }
}

/// As the blocking chat does it.
fn read(pieces: &[Vec<u8>], most: u64) -> Vec<String> {
    let mut stream = BufReader::with_capacity(LONGEST_STREAM, Stream(pieces));
    let line = || read_line(&mut stream, most).expect("no such stream fails");
    std::iter::from_fn(line).collect()
}

fn read_at_once(whole: &[u8], most: usize) -> Vec<String> {
    let lines = whole.split_inclusive(|byte| *byte == b'\n');
    let pieces = lines.flat_map(|line| line.chunks(most));
    let text = |piece| String::from_utf8_lossy(piece).trim_end_matches(['\r', '\n']).into();
    pieces.map(text).collect()
}

/// On a screen, text moves nothing and hides nothing.
fn assert_printable(text: &str) {
    let printed = printable(text);
    assert!(
        !printed.contains(char::is_control) && !printed.contains(['\u{202e}', '\u{200b}'])
    );
    assert_eq!(printable(&printed), printed);
    assert!(shown(text).chars().count() <= 41 * "\\u{10ffff}".len());
}

/// The time server has to guess where a request ends, so pieces make a difference; but nothing is lost, nothing is
/// invented, and where every piece is a line, every line is a request.
fn ask(pieces: &[Vec<u8>]) {
    let mut inbox = protocol::Inbox::default();
    let mut requests = Vec::new();
    for piece in pieces {
        inbox.push(piece);
        requests.extend(std::iter::from_fn(|| inbox.next_request(false)));
    }
    requests.extend(std::iter::from_fn(|| inbox.next_request(true)));
    assert!(requests.iter().all(|request| !request.contains('\n')));
    let whole = pieces.concat();
    if whole.is_ascii() {
        let said = |bytes: &[u8]| -> Vec<u8> {
            bytes.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect()
        };
        assert_eq!(said(requests.concat().as_bytes()), said(&whole));
    }
    let is_line = |piece: &Vec<u8>| {
        piece
            .iter()
            .position(|byte| *byte == b'\n')
            .is_some_and(|end| end + 1 == piece.len())
    };
    if pieces.iter().all(is_line) {
        let lines: Vec<String> = pieces
            .iter()
            .map(|line| String::from_utf8_lossy(line.trim_ascii()).into())
            .collect();
        assert_eq!(requests, lines);
    }
}
