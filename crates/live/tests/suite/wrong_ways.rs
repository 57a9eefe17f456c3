//! The wrong ways in, by the hundred. Each differs from the right one in a place or two, and leads to what is written beside it and
//! no further; after each the book is still there, and the right way still leads in.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};
use testing::reader::{Answer, Reader};

use crate::{TALK, real_book};

/// The lines of the right way in, each with a name for the tables.
const RIGHT: [(&str, &str); 8] = [
    ("START", "GET /-/live HTTP/1.1"),
    ("HOST", "Host: 127.0.0.1:PORT"),
    ("ORIGIN", "Origin: http://127.0.0.1:PORT"),
    ("CONNECTION", "Connection: Upgrade"),
    ("UPGRADE", "Upgrade: websocket"),
    ("VERSION", "Sec-WebSocket-Version: 13"),
    ("KEY", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
    ("MORE", ""),
];

/// Asked behind every wrong way, to see that nothing of it has stayed in the connection.
const AFTERWARDS: &str =
    "GET /-/danach HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nConnection: close\r\n\r\n";

/// Wrong for every request: what it is, the status of the answer, and which lines stand there instead (none if it is empty).
const HOSTS: &str = r"
a foreign name                   | 421 | HOST=Host: evil.example
a name that points here          | 421 | HOST=Host: evil.example:PORT
our address as a subdomain       | 421 | HOST=Host: 127.0.0.1.evil.example:PORT
our address and port in front    | 421 | HOST=Host: 127.0.0.1:PORT.evil.example
our name as a subdomain          | 421 | HOST=Host: localhost.evil.example:PORT
our name at the end              | 421 | HOST=Host: evil-localhost:PORT
below our name                   | 421 | HOST=Host: evil.localhost:PORT
our name with a domain           | 421 | HOST=Host: localhost.localdomain:PORT
our name with a dot              | 421 | HOST=Host: localhost.:PORT
our address with a dot           | 421 | HOST=Host: 127.0.0.1.:PORT
our name in capitals             | 421 | HOST=Host: LOCALHOST:PORT
our name in full width           | 421 | HOST=Host: ｌｏｃａｌｈｏｓｔ:PORT
IPv6                             | 421 | HOST=Host: [::1]:PORT
IPv4 within IPv6                 | 421 | HOST=Host: [::ffff:127.0.0.1]:PORT
a decimal number                 | 421 | HOST=Host: 2130706433:PORT
a hexadecimal number             | 421 | HOST=Host: 0x7f000001:PORT
an octal number                  | 421 | HOST=Host: 017700000001:PORT
an octal part                    | 421 | HOST=Host: 0177.0.0.1:PORT
leading zeros                    | 421 | HOST=Host: 127.000.000.001:PORT
two parts                        | 421 | HOST=Host: 127.1:PORT
another address of this machine  | 421 | HOST=Host: 127.0.0.2:PORT
any address                      | 421 | HOST=Host: 0.0.0.0:PORT
with a user                      | 421 | HOST=Host: evil@127.0.0.1:PORT
with a user and a password       | 421 | HOST=Host: evil:TOKEN@127.0.0.1:PORT
as a user                        | 421 | HOST=Host: 127.0.0.1:PORT@evil.example
another port                     | 421 | HOST=Host: 127.0.0.1:1
no port                          | 421 | HOST=Host: 127.0.0.1
no digits of the port            | 421 | HOST=Host: 127.0.0.1:
a longer port                    | 421 | HOST=Host: 127.0.0.1:PORT0
a port with a zero               | 421 | HOST=Host: 127.0.0.1:0PORT
a port alone                     | 421 | HOST=Host: :PORT
with a slash                     | 421 | HOST=Host: 127.0.0.1:PORT/
with a scheme                    | 421 | HOST=Host: http://127.0.0.1:PORT
empty                            | 421 | HOST=Host:
none                             | 421 | HOST=
the right one twice              | 421 | HOST=Host: 127.0.0.1:PORT\r\nHost: 127.0.0.1:PORT
right, then wrong                | 421 | HOST=Host: 127.0.0.1:PORT\r\nHost: evil.example
wrong, then right                | 421 | HOST=Host: evil.example\r\nHost: 127.0.0.1:PORT
both of our names                | 421 | HOST=Host: 127.0.0.1:PORT\r\nHost: localhost:PORT
a list                           | 421 | HOST=Host: 127.0.0.1:PORT, evil.example
a space inside                   | 421 | HOST=Host: 127.0.0.1 :PORT
a tab inside                     | 421 | HOST=Host: 127.0.0.1:\tPORT
right only for a proxy           | 421 | HOST=Host: evil.example\r\nX-Forwarded-Host: 127.0.0.1:PORT\r\nForwarded: host=127.0.0.1:PORT
folded                           | 400 | HOST=Host:\r\n 127.0.0.1:PORT
folded behind a wrong one        | 400 | HOST=Host: evil.example\r\n 127.0.0.1:PORT
a space before the colon         | 400 | HOST=Host : 127.0.0.1:PORT
a zero in it                     | 400 | HOST=Host: 127.0.0.1:PORT\0
a bare return behind a wrong one | 400 | HOST=Host: evil.example\rHost: 127.0.0.1:PORT
";

/// Wrong for the door.
const DOOR: &str = r"
another target                   | 421 | START=GET http://evil.example/-/live HTTP/1.1
another target on our port       | 421 | START=GET http://evil.example:PORT/-/live HTTP/1.1
our target with a user           | 421 | START=GET http://evil@127.0.0.1:PORT/-/live HTTP/1.1
our target without a port        | 421 | START=GET http://127.0.0.1/-/live HTTP/1.1
another host, our target         | 421 | START=GET http://127.0.0.1:PORT/-/live HTTP/1.1 | HOST=Host: evil.example
everything foreign               | 421 | HOST=Host: evil.example:PORT | ORIGIN=Origin: http://evil.example:PORT
no origin                        | 403 | ORIGIN=
an empty origin                  | 403 | ORIGIN=Origin:
null                             | 403 | ORIGIN=Origin: null
a foreign page                   | 403 | ORIGIN=Origin: http://evil.example
a foreign page on our port       | 403 | ORIGIN=Origin: http://evil.example:PORT
a page on another port           | 403 | ORIGIN=Origin: http://127.0.0.1:1
a page on the usual port         | 403 | ORIGIN=Origin: http://127.0.0.1
a page on a longer port          | 403 | ORIGIN=Origin: http://127.0.0.1:PORT0
https                            | 403 | ORIGIN=Origin: https://127.0.0.1:PORT
ws                               | 403 | ORIGIN=Origin: ws://127.0.0.1:PORT
no scheme                        | 403 | ORIGIN=Origin: 127.0.0.1:PORT
a file                           | 403 | ORIGIN=Origin: file://
an extension                     | 403 | ORIGIN=Origin: chrome-extension://127.0.0.1:PORT
a scheme in capitals             | 403 | ORIGIN=Origin: HTTP://127.0.0.1:PORT
a name in capitals               | 403 | ORIGIN=Origin: http://LOCALHOST:PORT
a name with a dot                | 403 | ORIGIN=Origin: http://localhost.:PORT
a page by IPv6                   | 403 | ORIGIN=Origin: http://[::1]:PORT
a slash behind                   | 403 | ORIGIN=Origin: http://127.0.0.1:PORT/
a path behind                    | 403 | ORIGIN=Origin: http://127.0.0.1:PORT/sockets.html
the token behind                 | 403 | ORIGIN=Origin: http://127.0.0.1:PORT/#token=TOKEN
a domain behind                  | 403 | ORIGIN=Origin: http://127.0.0.1:PORT.evil.example
our page as a user               | 403 | ORIGIN=Origin: http://127.0.0.1:PORT@evil.example
our page in a path               | 403 | ORIGIN=Origin: http://evil.example/http://127.0.0.1:PORT
our origin twice                 | 403 | ORIGIN=Origin: http://127.0.0.1:PORT\r\nOrigin: http://127.0.0.1:PORT
ours, then a foreign one         | 403 | ORIGIN=Origin: http://127.0.0.1:PORT\r\nOrigin: http://evil.example
a foreign one, then ours         | 403 | ORIGIN=Origin: http://evil.example\r\nOrigin: http://127.0.0.1:PORT
origins in a list                | 403 | ORIGIN=Origin: http://127.0.0.1:PORT, http://evil.example
origins in a row                 | 403 | ORIGIN=Origin: http://127.0.0.1:PORT http://evil.example
of an old draft                  | 403 | ORIGIN=Sec-WebSocket-Origin: http://127.0.0.1:PORT
only a referrer                  | 403 | ORIGIN=Referer: http://127.0.0.1:PORT/
an origin folded                 | 400 | ORIGIN=Origin:\r\n http://127.0.0.1:PORT
the first page                   | 200 | START=GET / HTTP/1.1
the script                       | 200 | START=GET /-/live.js HTTP/1.1
no page                          | 404 | START=GET /gibt-es-nicht HTTP/1.1
above the door                   | 404 | START=GET /-/ HTTP/1.1
a slash behind the door          | 404 | START=GET /-/live/ HTTP/1.1
behind the door                  | 404 | START=GET /-/live/x HTTP/1.1
two slashes                      | 404 | START=GET //-/live HTTP/1.1
two slashes and a name           | 404 | START=GET //evil.example/-/live HTTP/1.1
a dot                            | 404 | START=GET /-/./live HTTP/1.1
two dots                         | 404 | START=GET /x/../-/live HTTP/1.1
two dots at the root             | 404 | START=GET /../-/live HTTP/1.1
a letter in numbers              | 404 | START=GET /-/%6cive HTTP/1.1
a slash in numbers               | 404 | START=GET /-%2flive HTTP/1.1
a zero in numbers                | 404 | START=GET /-/live%00 HTTP/1.1
a backslash                      | 404 | START=GET /-\live HTTP/1.1
a parameter                      | 404 | START=GET /-/live;x HTTP/1.1
capitals                         | 404 | START=GET /-/LIVE HTTP/1.1
a long path                      | 404 | START=GET /-/live/LONG HTTP/1.1
no slash                         | 400 | START=GET -/live HTTP/1.1
a space in the path              | 400 | START=GET /-/li ve HTTP/1.1
POST                             | 405 | START=POST /-/live HTTP/1.1
HEAD                             | 426 | START=HEAD /-/live HTTP/1.1
OPTIONS                          | 405 | START=OPTIONS /-/live HTTP/1.1
OPTIONS for all                  | 405 | START=OPTIONS * HTTP/1.1
TRACE                            | 405 | START=TRACE /-/live HTTP/1.1
CONNECT to the door              | 405 | START=CONNECT /-/live HTTP/1.1
CONNECT to us                    | 405 | START=CONNECT 127.0.0.1:PORT HTTP/1.1
CONNECT to others                | 421 | START=CONNECT evil.example:443 HTTP/1.1
get                              | 405 | START=get /-/live HTTP/1.1
another method in a header       | 405 | START=POST /-/live HTTP/1.1 | MORE=X-HTTP-Method-Override: GET
HTTP/1.0                         | 426 | START=GET /-/live HTTP/1.0
HTTP/1.0 without a host          | 421 | START=GET /-/live HTTP/1.0 | HOST=
HTTP/0.9                         | 400 | START=GET /-/live
HTTP/1.2                         | 400 | START=GET /-/live HTTP/1.2
HTTP/2.0                         | 400 | START=GET /-/live HTTP/2.0
HTTP/3.0                         | 400 | START=GET /-/live HTTP/3.0
http/1.1                         | 400 | START=GET /-/live http/1.1
no upgrade                       | 426 | UPGRADE=
an empty upgrade                 | 426 | UPGRADE=Upgrade:
to HTTP/2                        | 426 | UPGRADE=Upgrade: h2c
to several                       | 426 | UPGRADE=Upgrade: h2c, websocket
upgraded twice                   | 426 | UPGRADE=Upgrade: websocket\r\nUpgrade: websocket
no connection                    | 426 | CONNECTION=
a connection to keep             | 426 | CONNECTION=Connection: keep-alive
a connection to close            | 426 | CONNECTION=Connection: close
no version                       | 426 | VERSION=
the version before               | 426 | VERSION=Sec-WebSocket-Version: 8
a version to come                | 426 | VERSION=Sec-WebSocket-Version: 14
a version with a zero            | 426 | VERSION=Sec-WebSocket-Version: 013
several versions                 | 426 | VERSION=Sec-WebSocket-Version: 13, 8
two versions                     | 426 | VERSION=Sec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 8
no key                           | 426 | KEY=
an empty key                     | 426 | KEY=Sec-WebSocket-Key:
a short key                      | 426 | KEY=Sec-WebSocket-Key: dGhlIHNhbXBsZQ==
a long key                       | 426 | KEY=Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZSBpcyBsb25n
a key of other signs             | 426 | KEY=Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j_-==
a key without its end            | 426 | KEY=Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ
two keys                         | 426 | KEY=Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==
keys of the first draft          | 426 | KEY=Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5\r\nSec-WebSocket-Key2: 12998 5 Y3 1  .P00 | VERSION=
nothing but the names            | 426 | CONNECTION= | UPGRADE= | VERSION= | KEY=
content behind it                | 426 | MORE=Content-Length: 5\r\n\r\nhallo
pieces behind it                 | 426 | MORE=Transfer-Encoding: chunked\r\n\r\n5\r\nhallo\r\n0
a request in the content         | 405 | START=POST / HTTP/1.1 | MORE=Content-Length: LENGTH\r\n\r\nSMUGGLED
a request in pieces              | 405 | START=POST / HTTP/1.1 | MORE=Transfer-Encoding: chunked\r\n\r\nHEXLENGTH\r\nSMUGGLED\r\n0
behind a length that is none     | 405 | START=POST / HTTP/1.1 | MORE=Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\nHEXLENGTH\r\nSMUGGLED\r\n0
behind pieces that are none      | 400 | START=POST / HTTP/1.1 | MORE=Content-Length: LENGTH\r\nTransfer-Encoding: identity\r\n\r\nSMUGGLED
behind two lengths               | 400 | START=POST / HTTP/1.1 | MORE=Content-Length: 0\r\nContent-Length: LENGTH\r\n\r\nSMUGGLED
behind a length below zero       | 400 | START=POST / HTTP/1.1 | MORE=Content-Length: -1\r\n\r\nSMUGGLED
behind a length with a sign      | 400 | START=POST / HTTP/1.1 | MORE=Content-Length: +LENGTH\r\n\r\nSMUGGLED
behind pieces without a number   | 405 | START=POST / HTTP/1.1 | MORE=Transfer-Encoding: chunked\r\n\r\nx\r\nSMUGGLED
a header without a name          | 400 | MORE=: x
a header without a colon         | 400 | MORE=x
a header with a zero             | 400 | MORE=X: a\0b
a header with a bare return      | 400 | MORE=X: a\rb
a header folded                  | 400 | MORE=X: a\r\n b
a header before the first        | 400 | START=GET /-/live HTTP/1.1\r\n X: a
a name with a zero               | 400 | MORE=X\0: a
many headers                     | 431 | MORE=MANY
a long header                    | 431 | MORE=X: HUGE
";

/// Strange, but right; all of them come in.
const DOOR_OPENS: &str = r"
as it is                         | 101 | MORE=
our other name                   | 101 | HOST=Host: localhost:PORT | ORIGIN=Origin: http://localhost:PORT
one name here, the other there   | 101 | HOST=Host: localhost:PORT
our target                       | 101 | START=GET http://127.0.0.1:PORT/-/live HTTP/1.1
a query                          | 101 | START=GET /-/live?token=x HTTP/1.1
capitals                         | 101 | UPGRADE=UPGRADE: WEBSOCKET | CONNECTION=connection: upgrade
a connection to keep as well     | 101 | CONNECTION=Connection: keep-alive, Upgrade
space around a value             | 101 | HOST=Host: \t 127.0.0.1:PORT \t
bare ends of lines               | 101 | HOST=Host: 127.0.0.1:PORT\nX: y
empty lines before               | 101 | START=\r\n\r\nGET /-/live HTTP/1.1
cookies of other servers         | 101 | MORE=Cookie: session=1; theme=ayu
packing is offered               | 101 | MORE=Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits
other languages are offered      | 101 | MORE=Sec-WebSocket-Protocol: chat, superchat
";

/// The rows of a table: what it is, the status, and the request.
fn ways(table: &str, reader: &Reader) -> Vec<(String, u16, String)> {
    let right = right_way(reader);
    let rows = table.lines().filter(|row| !row.is_empty()).map(|row| {
        let mut cells = row.split(" | ").map(str::trim_start);
        let mut next = || cells.next().expect("a name and a status");
        let (name, status) = (next().trim_end(), next().parse().expect("a status"));
        let changes: Vec<(&str, String)> = cells
            .map(|cell| {
                let (line, instead) =
                    cell.split_once('=').expect("a line and what is there");
                let instead = instead.replace("\\r", "\r").replace("\\n", "\n");
                let instead = instead.replace("\\t", "\t").replace("\\0", "\0");
                let instead = instead.replace("HEXLENGTH", &format!("{:x}", right.len()));
                let instead = instead.replace("LENGTH", &right.len().to_string());
                let instead = instead.replace("SMUGGLED", &right);
                let instead = instead.replace("MANY", &"X: x\r\n".repeat(100));
                let instead = instead.replace("LONG", &"x".repeat(60_000));
                (line, instead.replace("HUGE", &"x".repeat(1 << 17)))
            })
            .collect();
        (name.to_owned(), status, request(reader, &changes))
    });
    rows.collect()
}

/// The request with which a page of the book comes in.
pub fn right_way(reader: &Reader) -> String {
    request(reader, &[])
}

/// The right request with other lines.
fn request(reader: &Reader, changes: &[(&str, String)]) -> String {
    let known = |name: &str| RIGHT.iter().any(|(line, _)| *line == name);
    assert!(changes.iter().all(|(line, _)| known(line)), "{changes:?}");
    let mut request = String::new();
    for (name, line) in RIGHT {
        let change = changes.iter().find(|(changed, _)| *changed == name);
        let line = change.map_or(line, |(_, instead)| instead);
        if !line.is_empty() {
            request += &format!("{line}\r\n");
        }
    }
    (request + "\r\n")
        .replace("PORT", &reader.port.to_string())
        .replace("TOKEN", &reader.token)
}

/// The next answer; `None` if the server hangs up. What is answered to HEAD has no content.
fn answer(stream: &mut BufReader<TcpStream>, has_content: bool) -> Option<Answer> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        // Who hangs up on somebody who is still talking does it rudely.
        if stream.read_line(&mut head).unwrap_or(0) == 0 {
            assert_eq!(head, "", "half an answer");
            return None;
        }
    }
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let mut answer = Answer {
        status: status.expect("a status"),
        head: head.to_lowercase(),
        content: String::new(),
    };
    if has_content {
        let length = answer.header("content-length").parse().unwrap_or(0);
        let read = stream.take(length).read_to_string(&mut answer.content);
        assert_eq!(u64::try_from(read.expect("the content")).ok(), Some(length));
    }
    Some(answer)
}

/// All answers to these bytes, and to what is asked afterwards.
fn answers(reader: &Reader, way: &[u8]) -> Vec<Answer> {
    let mut stream = BufReader::new(reader.connect());
    // Whoever has heard enough may hang up before the end.
    let _ = stream.get_mut().write_all(way);
    let first = answer(&mut stream, !way.starts_with(b"HEAD"));
    let afterwards = AFTERWARDS.replace("PORT", &reader.port.to_string());
    let _ = stream.get_mut().write_all(afterwards.as_bytes());
    let mut answers: Vec<Answer> = first.into_iter().collect();
    while let Some(more) = answer(&mut stream, true) {
        answers.push(more);
    }
    answers
}

/// Comes in by the right way.
fn come_in(reader: &Reader, name: &str) -> BufReader<TcpStream> {
    let mut stream = BufReader::new(reader.connect());
    stream.get_mut().write_all(right_way(reader).as_bytes()).expect("the right way");
    let opened = answer(&mut stream, true).map(|answer| answer.status);
    assert_eq!(opened, Some(101), "{name}");
    stream
}

/// The book is there, and its pages come in.
fn assert_goes_on(reader: &Reader, after: &str) {
    // Of the pages this is the shortest.
    assert_eq!(reader.get("/toc.html").status, 200, "after {after}");
    come_in(reader, after);
}

/// A wrong way gets the one answer that is meant for it, which opens nothing either; returned is what it gets instead.
fn misled(reader: &Reader, name: &str, status: u16, way: &[u8]) -> Option<String> {
    let answers = answers(reader, way);
    for answer in &answers {
        assert_is_sealed(reader, name, answer);
    }
    assert_goes_on(reader, name);

    let heard: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    // The connection may go on after it or not. Who is cut short while still talking may miss the answer.
    let is_right =
        heard == [status] || heard == [status, 404] || status == 431 && heard.is_empty();
    (!is_right).then(|| format!("{name}: {heard:?} instead of {status}"))
}

/// No answer can be framed, leads elsewhere, widens what a service worker may do, lets others read it, or tells the token.
fn assert_is_sealed(reader: &Reader, name: &str, answer: &Answer) {
    let Answer { head, content, .. } = answer;
    for opening in [
        "access-control",
        "location",
        "service-worker-allowed",
        "set-cookie",
        "sec-websocket-extensions",
        "sec-websocket-protocol",
    ] {
        assert!(!head.contains(&format!("\n{opening}")), "{name}: {head}");
    }
    assert!(
        !head.contains(&reader.token) && !content.contains(&reader.token),
        "{name}"
    );
    // What the HTTP library itself refuses is empty.
    for seal in [
        "frame-ancestors 'none'\r\n",
        "\nx-content-type-options: nosniff\r\n",
        "\ncross-origin-resource-policy: same-origin\r\n",
    ] {
        assert!(content.is_empty() || head.contains(seal), "{name}: {head}");
    }
}

/// The threat model says of so many that they were tried.
fn assert_counted(ways: usize) {
    let model = include_str!("../../BEDROHUNGEN.md");
    assert!(
        model.contains(&format!(" | {ways} | ")),
        "{ways} is not said there"
    );
}

#[test]
fn rules_2_to_4_every_wrong_request_is_refused_and_the_right_ones_come_in() {
    let reader = &real_book().reader;
    assert_counted(ways(HOSTS, reader).len());
    assert_counted(ways(DOOR, reader).len());
    let mut wrong = Vec::new();
    for target in ["/-/live", "/", "/-/live.js", "/gibt-es-nicht"] {
        for (name, status, way) in ways(HOSTS, reader) {
            let way = way.replacen("/-/live", target, 1);
            let name = format!("{target}, {name}");
            wrong.extend(misled(reader, &name, status, way.as_bytes()));
        }
    }
    for (name, status, way) in ways(DOOR, reader) {
        wrong.extend(misled(reader, &name, status, way.as_bytes()));
    }
    assert_eq!(wrong, [""; 0]);
    for (name, status, way) in ways(DOOR_OPENS, reader) {
        let mut stream = BufReader::new(reader.connect());
        stream.get_mut().write_all(way.as_bytes()).expect("the way");
        let answer = answer(&mut stream, true).expect("an answer");
        assert_eq!(answer.status, status, "{name}");
        assert_is_sealed(reader, &name, &answer);
        stream.get_mut().write_all(&hello(reader)).expect("the greeting");
        let greeted = next_text(&mut stream).expect("an answer to the greeting");
        assert_eq!(greeted["type"], "book", "{name}");
    }
}

#[test]
fn rule_4_what_is_not_even_http_gets_no_further() {
    let reader = &real_book().reader;
    for (name, way) in [
        // The beginning of a handshake by TLS 1.3.
        (
            "TLS",
            &b"\x16\x03\x01\x00\xc4\x01\x00\x00\xc0\x03\x03\r\n\r\n"[..],
        ),
        (
            "HTTP/2",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
        ),
        ("SOCKS", b"\x05\x01\x00\r\n\r\n"),
        ("a WebSocket's frame", b"\x81\x80\0\0\0\0\r\n\r\n"),
        ("zeros", &[0; 4096]),
        (
            "a mail",
            b"EHLO evil.example\r\nMAIL FROM:<a@evil.example>\r\n\r\n",
        ),
    ] {
        let answers = answers(reader, way);
        let heard: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        assert!(heard.is_empty() || heard == [400], "{name}: {heard:?}");
        assert!(
            answers.iter().all(|answer| answer.content.is_empty()),
            "{name}"
        );
        assert_goes_on(reader, name);
    }
}

/// A masked frame as a page sends it; the mask changes nothing.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(length @ ..=125), _) => frame.push(0x80 | length),
        (_, Ok(length)) => {
            frame.push(0x80 | 126);
            frame.extend(length.to_be_bytes());
        }
        _ => panic!("no frame of these tests is so long"),
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

const WHOLE: u8 = 0x80;
const CONTINUED: u8 = 0x0;
const TEXT: u8 = 0x1;
const BYTES: u8 = 0x2;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;

fn greeting(reader: &Reader) -> Vec<u8> {
    json!({"type": "hello", "token": reader.token}).to_string().into_bytes()
}

fn hello(reader: &Reader) -> Vec<u8> {
    frame(WHOLE | TEXT, &greeting(reader))
}

fn play() -> Vec<u8> {
    json!({"type": "play", "scene": TALK, "mode": "self", "run": 1})
        .to_string()
        .into_bytes()
}

/// The next text the server says; `None` once it has closed.
fn next_text(stream: &mut BufReader<TcpStream>) -> Option<Value> {
    loop {
        let mut start = [0; 2];
        // A connection that is cut is closed as well, but not one that merely says nothing.
        if let Err(cause) = stream.read_exact(&mut start) {
            let waited = [std::io::ErrorKind::WouldBlock, std::io::ErrorKind::TimedOut];
            assert!(
                !waited.contains(&cause.kind()),
                "the server neither speaks nor closes"
            );
            return None;
        }
        let mut length = u64::from(start[1]);
        if length > 125 {
            let mut more = [0; 8];
            let from = if length == 126 { 6 } else { 0 };
            stream.read_exact(&mut more[from..]).expect("a length");
            length = u64::from_be_bytes(more);
        }
        let mut payload = Vec::new();
        stream.take(length).read_to_end(&mut payload).expect("a message");
        match start[0] & 0xf {
            TEXT => return Some(serde_json::from_slice(&payload).expect("JSON")),
            CLOSE => return None,
            _ => {}
        }
    }
}

#[test]
fn rule_5_who_comes_in_and_then_goes_wrong_is_shown_out_and_starts_nothing() {
    let reader = &real_book().reader;
    let (hello, greeting, play) = (hello(reader), greeting(reader), play());
    let bare = |first: u8, payload: &[u8]| {
        let length = u8::try_from(payload.len()).expect("a short one");
        [&[first, length], payload].concat()
    };
    let declared =
        |length: u64| [&[WHOLE | TEXT, 0xff][..], &length.to_be_bytes(), &[0; 4]].concat();
    let close = |payload: &[u8]| frame(WHOLE | CLOSE, payload);
    let much = "x".repeat(30_000);
    let fragments = [
        frame(TEXT, much.as_bytes()),
        frame(CONTINUED, much.as_bytes()),
        frame(WHOLE | CONTINUED, much.as_bytes()),
    ];
    let ways: Vec<(&str, Vec<u8>)> = vec![
        ("without a mask", bare(WHOLE | TEXT, &greeting)),
        (
            "the first reserved bit",
            frame(WHOLE | 0x40 | TEXT, &greeting),
        ),
        (
            "the second reserved bit",
            frame(WHOLE | 0x20 | TEXT, &greeting),
        ),
        (
            "the third reserved bit",
            frame(WHOLE | 0x10 | TEXT, &greeting),
        ),
        ("a reserved kind of message", frame(WHOLE | 0x3, &greeting)),
        ("a reserved kind of control", frame(WHOLE | 0xb, &greeting)),
        ("bytes instead of a text", frame(WHOLE | BYTES, &greeting)),
        (
            "a text that is none",
            frame(WHOLE | TEXT, b"{\"type\":\"hello\xc3\x28\"}"),
        ),
        (
            "a text cut within a letter",
            frame(WHOLE | TEXT, b"\xf0\x9f\x92"),
        ),
        ("longer than there are numbers", declared(1 << 63)),
        ("longer than anything", declared(u64::MAX >> 1)),
        ("a byte too long", declared(64 * 1024 + 1)),
        ("too long in fragments", fragments.concat()),
        (
            "a continuation of nothing",
            frame(WHOLE | CONTINUED, &greeting),
        ),
        (
            "a beginning within a message",
            [frame(TEXT, b"{"), frame(WHOLE | TEXT, &greeting)].concat(),
        ),
        ("a ping that is too long", frame(WHOLE | PING, &[b'x'; 126])),
        ("a ping in fragments", frame(PING, b"x")),
        (
            "a close in fragments",
            frame(CLOSE, &1000_u16.to_be_bytes()),
        ),
        ("a close of one byte", close(b"x")),
        (
            "a close with no code there is",
            close(&999_u16.to_be_bytes()),
        ),
        (
            "a close with a code nobody sends",
            close(&1005_u16.to_be_bytes()),
        ),
        (
            "a close with a code beyond all",
            close(&5000_u16.to_be_bytes()),
        ),
        (
            "a close with a reason that is no text",
            close(b"\x03\xe8\xc3\x28"),
        ),
        (
            "a close, then a greeting",
            [close(&1000_u16.to_be_bytes()), hello.clone()].concat(),
        ),
        ("another request", right_way(reader).into_bytes()),
        (
            "a request before the greeting",
            [frame(WHOLE | TEXT, &play), hello.clone()].concat(),
        ),
        (
            "a request in bytes",
            [hello.clone(), frame(WHOLE | BYTES, &play)].concat(),
        ),
        (
            "a request without a mask",
            [hello.clone(), bare(WHOLE | TEXT, &play)].concat(),
        ),
        (
            "a request with a reserved bit",
            [hello.clone(), frame(WHOLE | 0x40 | TEXT, &play)].concat(),
        ),
        (
            "a request that continues nothing",
            [hello.clone(), frame(WHOLE | CONTINUED, &play)].concat(),
        ),
        (
            "a request after the close",
            [hello.clone(), close(b""), frame(WHOLE | TEXT, &play)].concat(),
        ),
        (
            "too much after the greeting",
            [hello.clone(), fragments.concat()].concat(),
        ),
        (
            "the greeting twice",
            [hello.clone(), hello.clone()].concat(),
        ),
    ];
    assert_counted(ways.len());
    for (name, way) in ways {
        let mut stream = come_in(reader, name);
        stream.get_mut().write_all(&way).expect("the wrong way");
        let greeted = way.starts_with(&hello);
        while let Some(text) = next_text(&mut stream) {
            let kind = text["type"].as_str().expect("a type");
            let harmless = ["book", "ready", "cells"].contains(&kind);
            assert!(kind == "refused" || greeted && harmless, "{name}: {text}");
        }
        assert_goes_on(reader, name);
    }
    // In fragments, and with a ping between them, the right greeting is heard.
    let (one, other) = greeting.split_at(9);
    let pieces = [
        frame(TEXT, one),
        frame(WHOLE | PING, b"?"),
        frame(WHOLE | CONTINUED, other),
    ];
    let mut stream = come_in(reader, "in fragments");
    stream.get_mut().write_all(&pieces.concat()).expect("the right greeting");
    assert_eq!(next_text(&mut stream).expect("a text")["type"], "book");
}
