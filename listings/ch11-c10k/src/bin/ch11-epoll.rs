//! Startet den Echo-Server aus Kapitel 11, der ohne Umweg auf `epoll` wartet (nur Linux).

use std::process::ExitCode;

use ch11_c10k::cli;

fn main() -> ExitCode {
    cli::finish(run())
}

#[cfg(target_os = "linux")]
fn run() -> Result<(), String> {
    use ch11_c10k::{echo, epoll::Server, net};

    let address = cli::parse("Echo-Server aus Kapitel 11: epoll ohne Umweg.");
    cli::end_on_ctrl_c();
    let listener = echo::listen(&address)?;
    net::announce(&listener);
    Server::new(listener)
        .and_then(|mut server| server.run())
        .map_err(|error| format!("Der Event Loop ist zu Ende: {}.", net::reason(&error)))
}

#[cfg(not(target_os = "linux"))]
fn run() -> Result<(), String> {
    cli::parse::<cli::Address>("Echo-Server aus Kapitel 11: epoll ohne Umweg.");
    Err("epoll gibt es nur unter Linux.".into())
}
