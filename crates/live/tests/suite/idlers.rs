//! Rules 5 and 8: whoever connects and then says too little, too slowly or nothing. They wait beside the reader, who notices nothing of
//! it, and each is shown out when its time is over.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use live::Limits;
use serde_json::json;
use testing::DEADLINE;
use testing::reader::Reader;

use crate::wrong_ways::right_way;
use crate::{serve, small_book};

/// So much time they get; a real reader's are longer.
const PATIENCE: Duration = Duration::from_millis(700);
/// So many there are of each kind.
const CROWD: usize = 30;
/// So many come in by the right way and never show a token.
const UNPROVEN: usize = 200;
/// How slowly bytes drip.
const DRIP: Duration = Duration::from_millis(20);

/// A connection that has said this much.
fn idler(reader: &Reader, said: &str) -> TcpStream {
    let mut stream = reader.connect();
    stream.write_all(said.as_bytes()).expect("it is sent");
    stream
}

/// Waits until the server has hung up.
fn hear_out(stream: &mut TcpStream, what: &str) {
    stream.set_read_timeout(Some(DEADLINE)).expect("a timeout");
    let mut heard = Vec::new();
    match stream.read_to_end(&mut heard) {
        Ok(_) => {}
        Err(cause) => assert_eq!(cause.kind(), ErrorKind::ConnectionReset, "{what}"),
    }
}

/// Goes on sending one piece after the other and takes what comes, until the server hangs up. For how long it could.
fn drip(stream: &mut TcpStream, mut piece: impl FnMut(usize) -> Vec<u8>) -> Duration {
    let began = Instant::now();
    stream.set_read_timeout(Some(DRIP)).expect("a timeout");
    let mut buffer = [0; 1024];
    for number in 0.. {
        if stream.write_all(&piece(number)).is_err() {
            break;
        }
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(_) => {}
            Err(cause)
                if matches!(cause.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => break,
        }
        assert!(began.elapsed() < DEADLINE, "who drips is shown out");
    }
    began.elapsed()
}

#[test]
fn who_says_too_little_is_shown_out_in_time_and_the_reader_notices_nothing() {
    let limits = Limits {
        request: PATIENCE,
        hello: PATIENCE,
        silence: Duration::from_secs(30),
        ..Limits::default()
    };
    let server = serve(small_book(), limits);
    let reader = &server.reader;
    let mut page = reader.page();
    page.wait_for("book");

    let right = right_way(reader);
    let asked = format!(
        "GET /-/nichts HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n",
        reader.port
    );
    let kinds = [
        ("silent", ""),
        ("half a word", "GE"),
        ("half a line", "GET /-/li"),
        ("half a request", &right[..right.len() / 2]),
        ("all but the last byte", &right[..right.len() - 1]),
        ("an empty line", "\r\n"),
        ("a request, then nothing", &asked),
        ("a request, then half of one", &format!("{asked}GET /")),
    ];
    let began = Instant::now();
    let mut idlers = Vec::new();
    for (what, said) in kinds {
        idlers.extend((0..CROWD).map(|_| (what, idler(reader, said))));
    }
    idlers.extend((0..UNPROVEN).map(|_| ("no token", idler(reader, &right))));

    thread::scope(|scope| {
        let dripping = scope.spawn(|| {
            let byte = |number| vec![right.as_bytes().get(number).copied().unwrap_or(b'x')];
            drip(&mut reader.connect(), byte)
        });
        // A ping is a sign of life, but no token.
        let pinging = scope.spawn(|| {
            drip(&mut idler(reader, &right), |_| {
                b"\x89\x80\0\0\0\0".repeat(50)
            })
        });

        // They are all there, and so is the reader.
        assert_eq!(reader.get("/-/live.js").status, 200);
        reader.page().wait_for("book");
        for (what, stream) in &mut idlers {
            hear_out(stream, what);
        }
        assert!(began.elapsed() >= PATIENCE, "nobody is hurried");
        for lasted in [dripping, pinging] {
            let lasted = lasted.join().expect("it has come to an end");
            assert!(lasted >= PATIENCE, "{lasted:?}");
        }
    });
    // Who has shown the token may say nothing as long as it likes.
    page.send(json!({"type": "stop", "run": 1}));
    page.send(json!({"type": "hello", "token": reader.token}));
    assert!(
        page.wait_for("refused")["reason"]
            .as_str()
            .is_some_and(|why| why.contains("Gruß"))
    );
}
