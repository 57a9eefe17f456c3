//! Eine Task je Verbindung, die ruhend fast nichts behält: Gelesen wird in einen Puffer,
//! den alle Tasks eines Threads teilen.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;

use crate::connection::accepted;
use crate::echo::{BUFFER, TOO_LONG, whole_lines};

// ANCHOR: converse
thread_local! {
    /// Gehört einer Task nur, solange sie rechnet; über ein `await` hinweg bleibt nichts darin.
    static SHARED: RefCell<[u8; BUFFER]> = const { RefCell::new([0; BUFFER]) };
}

/// Schickt ganze Zeilen zurück, sobald sie da sind.
pub async fn converse(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    // Gelesen, aber noch nicht beantwortet; meist leer, und dann belegt es keinen Speicher.
    let mut kept = Vec::new();
    loop {
        let goes_on = poll_fn(|context| poll_echo(context, &mut stream, &mut kept)).await?;
        let unsent = whole_lines(&kept);
        if unsent > 0 {
            stream.write_all(&kept[..unsent]).await?; // wer nicht liest, dem wird nicht zugehört
            kept = kept[unsent..].to_vec();
        }
        if !goes_on {
            return Ok(());
        }
    }
}
// ANCHOR_END: converse

// ANCHOR: poll_echo
/// Liest, schickt ganze Zeilen zurück, soweit Platz ist, und behält, was übrig bleibt.
/// `false`: Hier ist Schluss.
fn poll_echo(
    context: &mut Context,
    stream: &mut TcpStream,
    kept: &mut Vec<u8>,
) -> Poll<io::Result<bool>> {
    SHARED.with_borrow_mut(|buffer| {
        let start = kept.len();
        buffer[..start].copy_from_slice(kept);
        let mut space = ReadBuf::new(&mut buffer[start..]);
        ready!(Pin::new(&mut *stream).poll_read(context, &mut space))?;
        let end = start + space.filled().len();
        if end == start {
            return Poll::Ready(Ok(false)); // der Client hat aufgelegt
        }
        let lines = whole_lines(&buffer[..end]);
        if lines == 0 && end == BUFFER {
            *kept = TOO_LONG.to_vec(); // mehr ist ihm nicht zu sagen
            return Poll::Ready(Ok(false));
        }
        let sent = match lines {
            0 => 0,
            lines => accepted(stream.try_write(&buffer[..lines]))?,
        };
        *kept = buffer[sent..end].to_vec();
        Poll::Ready(Ok(true))
    })
}
// ANCHOR_END: poll_echo
