//! Zwei schwierige Gäste, an denen sich zeigt, was ein Server aushält:
//! einer, der nie liest, und einer, der ohne Pause redet.

use std::io::{self, BufRead, ErrorKind, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::Duration;

/// Schickt, was getippt wird, und liest nie.
pub fn send_and_never_read(
    mut stream: TcpStream,
    keyboard: impl BufRead,
) -> io::Result<()> {
    for line in keyboard.lines() {
        stream.write_all(format!("{}\n", line?).as_bytes())?;
    }
    Ok(())
}

/// Sagt als `name` so viele Zeilen zu je `bytes` Bytes, so schnell es geht, und geht
/// dann. Kehrt erst zurück, wenn der Server alles gelesen hat; das zeigt er, indem er
/// auflegt. Nimmt er eine Sekunde lang nichts an, wird `stuck` gerufen.
pub fn talk_without_pause(
    stream: TcpStream,
    name: &str,
    lines: usize,
    bytes: usize,
    mut stuck: impl FnMut(),
) -> io::Result<()> {
    stream.set_write_timeout(Some(Duration::from_secs(1)))?;
    let mut receiver = stream.try_clone()?;
    let reading = thread::spawn(move || io::copy(&mut receiver, &mut io::sink()));
    write_patiently(&stream, format!("{name}\n").as_bytes(), &mut stuck)?;
    let line = "x".repeat(bytes) + "\n";
    for _ in 0..lines {
        write_patiently(&stream, line.as_bytes(), &mut stuck)?;
    }
    stream.shutdown(Shutdown::Write)?;
    reading.join().expect("der Thread stürzt nicht ab")?;
    Ok(())
}

/// Schreibt alles, wie lange es auch dauert.
fn write_patiently(
    mut stream: &TcpStream,
    mut bytes: &[u8],
    stuck: &mut impl FnMut(),
) -> io::Result<()> {
    while !bytes.is_empty() {
        match stream.write(bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
            {
                stuck();
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
