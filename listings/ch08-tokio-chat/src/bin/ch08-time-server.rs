//! Startet den Zeitserver aus Kapitel 8: eine Task je Verbindung, alle auf einem Thread.

use std::io;
use std::process::ExitCode;

use ch08_tokio_chat::{cli, net, time_server};
use tokio::net::TcpListener;

fn main() -> ExitCode {
    cli::finish(run())
}

fn run() -> Result<(), String> {
    let address = cli::parse("Zeitserver aus Kapitel 8: eine Task je Verbindung.");
    cli::end_on_ctrl_c();
    let listener = net::listen(&address)?;
    net::announce(&listener);
    serve(listener).map_err(|error| {
        format!("Der Server kann nicht beginnen: {}.", net::reason(&error))
    })
}

#[tokio::main(flavor = "current_thread")]
async fn serve(listener: std::net::TcpListener) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    time_server::serve(listener, time_server::PATIENCE).await
}
