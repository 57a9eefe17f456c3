//! Ein Peer, wie in Kapitel 4: Auf der Verbindung, die er selbst aufbaut, spricht er; auf
//! der, die der andere aufbaut, hört er zu. Hier tut er beides zugleich, und auch das
//! Suchen und das Gefundenwerden.

use std::future;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt};
use tokio::select;
use tokio::sync::mpsc::Receiver;

use crate::args::Args;
use crate::calls::{Caller, Connection, Reception, address_of, call, read_line};
use crate::cli::say;
use crate::net::{printable, reason};

/// Zwei Peers, die sich gefunden haben.
pub struct Link {
    /// Hierhin wird gesprochen.
    pub(crate) outgoing: Connection,
    /// Von hier wird gehört.
    pub(crate) incoming: Connection,
    /// Wie der andere heißt.
    pub(crate) peer_name: String,
}

// ANCHOR: establish
impl Link {
    /// Ruft den anderen an und nimmt zugleich Anrufe an, bis beide Verbindungen stehen.
    pub async fn establish(args: &Args) -> Result<Link, String> {
        let peer = address_of(args).await?;
        let mut reception = Reception::open(args, peer)?;
        let (mut outgoing, mut caller) = (None, None::<Caller>);
        loop {
            select! {
                biased; // zuerst, was nicht mehr gilt
                () = hung_up(outgoing.as_mut()) => outgoing = None,
                () = hung_up(caller.as_mut().map(|it| &mut it.incoming)) => caller = None,
                // Wer anruft, lauscht auch: Es lohnt sich, ihn gleich wieder anzurufen.
                new = reception.next_caller() => caller = Some(new),
                new = call(peer, args), if outgoing.is_none() => outgoing = Some(new?),
            }
            (outgoing, caller) = match (outgoing, caller) {
                (Some(outgoing), Some(caller)) => return Ok(Link::new(outgoing, caller)),
                incomplete => incomplete,
            };
        }
    }
}

/// Wartet, bis die Gegenseite auflegt; für immer, wenn sie noch etwas zu sagen hat oder
/// es sie gar nicht gibt.
async fn hung_up(connection: Option<&mut Connection>) {
    if let Some(connection) = connection {
        match connection.fill_buf().await {
            Ok([]) | Err(_) => return,
            Ok(_) => {} // das Gesagte bleibt im Puffer, bis jemand zuhört
        }
    }
    future::pending().await
}
// ANCHOR_END: establish

impl Link {
    fn new(outgoing: Connection, caller: Caller) -> Link {
        let Caller { incoming, name } = caller;
        say(format!(
            "Verbunden mit {name}. Zeile tippen und Enter; bye beendet."
        ));
        Link {
            outgoing,
            incoming,
            peer_name: name,
        }
    }
}

// ANCHOR: converse
impl Link {
    /// Spricht und hört zu, bis einer von beiden geht.
    pub async fn converse(self, keyboard: Receiver<String>) {
        select! {
            () = speak(self.outgoing, keyboard) => {}
            () = hear(self.incoming, &self.peer_name) => {}
        }
    }
}

/// Jede getippte Zeile geht an den anderen, bis zum letzten Wort. Nimmt er gerade nichts
/// an, wartet diese Hälfte in `write_all` und liest so lange keine Tastatur.
async fn speak(mut outgoing: Connection, mut keyboard: Receiver<String>) {
    while let Some(line) = keyboard.recv().await {
        if let Err(error) = outgoing.write_all(format!("{line}\n").as_bytes()).await {
            // Kein Grund zu gehen: Was er zuletzt gesagt hat, wird vielleicht noch gehört.
            say(format!("Das kam nicht mehr an: {}.", reason(&error)));
        }
        if line == "bye" {
            return;
        }
    }
}

/// Jede Zeile vom anderen kommt auf den Bildschirm, bis zum letzten Wort.
async fn hear(mut incoming: Connection, name: &str) {
    loop {
        match read_line(&mut incoming).await {
            Ok(Some(line)) => {
                say(format!("{name}: {}", printable(&line)));
                if line == "bye" {
                    return;
                }
            }
            Ok(None) => return say(format!("{name} hat aufgelegt.")),
            Err(error) => {
                return say(format!("{name} ist nicht mehr da: {}.", reason(&error)));
            }
        }
    }
}
// ANCHOR_END: converse
