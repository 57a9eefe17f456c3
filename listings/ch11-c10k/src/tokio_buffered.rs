//! Eine Task je Verbindung, geschrieben wie der Thread: mit einem Puffer von 8 KiB.

use std::io;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::echo::{BUFFER, TOO_LONG};

// ANCHOR: converse
/// Liest eine Zeile nach der anderen und schickt sie zurück.
pub async fn converse(stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream); // 8 KiB
    let mut line = Vec::new();
    loop {
        line.clear();
        (&mut reader).take(BUFFER as u64).read_until(b'\n', &mut line).await?;
        let stream = reader.get_mut();
        if line.ends_with(b"\n") {
            stream.write_all(&line).await?;
        } else if line.len() == BUFFER {
            return stream.write_all(TOO_LONG).await;
        } else {
            return Ok(()); // der Client hat aufgelegt; eine halbe Zeile zählt nicht
        }
    }
}
// ANCHOR_END: converse
