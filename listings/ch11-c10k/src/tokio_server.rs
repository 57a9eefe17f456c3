//! Eine Task je Verbindung. Was sie tut, bringt jedes der beiden Programme selbst mit.

use std::io;
use std::net;

use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::time::sleep;

use crate::echo::{PAUSE, report_failed_accept};

/// Läuft auf `threads` Threads, für immer; `converse` bedient eine Verbindung.
pub fn run<Conversation>(
    listener: net::TcpListener,
    threads: usize,
    converse: fn(TcpStream) -> Conversation,
) -> io::Result<()>
where
    Conversation: Future<Output = io::Result<()>> + Send + 'static,
{
    listener.set_nonblocking(true)?;
    runtime(threads)?.block_on(async {
        let listener = TcpListener::from_std(listener)?;
        serve(&listener, converse).await
    })
}

/// Ein Thread bedient alle Tasks selbst; mehrere teilen sie unter sich auf.
fn runtime(threads: usize) -> io::Result<Runtime> {
    let mut builder = match threads {
        1 => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    if threads > 1 {
        builder.worker_threads(threads);
    }
    builder.enable_io().enable_time().build()
}

/// Startet für jede Verbindung eine Task, für immer.
async fn serve<Conversation>(
    listener: &TcpListener,
    converse: fn(TcpStream) -> Conversation,
) -> !
where
    Conversation: Future<Output = io::Result<()>> + Send + 'static,
{
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(converse(stream))),
            Err(error) => {
                report_failed_accept(&error);
                sleep(PAUSE).await; // sonst käme derselbe Fehler sofort wieder
            }
        }
    }
}
