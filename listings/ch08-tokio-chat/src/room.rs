//! Der Raum: wer da ist, und was alle erfahren. Alle Tasks teilen ihn.

use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::watch;

use crate::outbox::Outbox;

/// Was für jeden bereitsteht, unter seinem Namen.
type Clients = HashMap<String, Arc<Outbox>>;

// ANCHOR: room
/// Wer da ist. Nichts hier wartet, solange es den Lock hält.
#[derive(Default)]
pub struct Room {
    clients: Mutex<Clients>,
    /// `true`, sobald der Server schließt.
    closing: watch::Sender<bool>,
}

impl Room {
    /// Lässt jemanden herein und sagt es allen anderen; der Fehler ist ein deutscher Satz.
    pub async fn join(&self, name: &str, outbox: &Arc<Outbox>) -> Result<(), String> {
        if name.is_empty() {
            return Err("Der Name ist leer: Wie heißen Sie?".into());
        }
        let mut clients = self.lock_once_there_is_space(outbox).await;
        if *self.closing.borrow() {
            return Err("Der Server schließt.".into());
        }
        if clients.contains_key(name) {
            return Err(format!("Der Name „{name}“ ist schon vergeben."));
        }
        clients.insert(name.into(), Arc::clone(outbox));
        tell_others(&clients, outbox, &format!("* {name} ist da\n"));
        Ok(())
    }

    /// Was jemand sagt, erfahren alle anderen – außer, er ist inzwischen getrennt.
    pub async fn say(&self, outbox: &Arc<Outbox>, lines: &str) {
        let clients = self.lock_once_there_is_space(outbox).await;
        if !outbox.is_closed() {
            tell_others(&clients, outbox, lines);
        }
    }

    /// Lässt jemanden gehen und sagt es allen anderen; `false`, wenn ihn der Server schon
    /// verabschiedet hat.
    pub async fn leave(&self, name: &str, outbox: &Arc<Outbox>) -> bool {
        let mut clients = self.lock_once_there_is_space(outbox).await;
        let was_here = clients.remove(name).is_some();
        if was_here {
            tell_others(&clients, outbox, &format!("* {name} ist weg\n"));
        }
        was_here
    }

    /// Bremst den, dem `own` gehört: Solange die Schlange vor einem anderen mehr als halb voll
    /// ist, wartet er ein wenig, ehe er etwas einreiht.
    async fn lock_once_there_is_space(&self, own: &Arc<Outbox>) -> MutexGuard<'_, Clients> {
        loop {
            let crowded = {
                let clients = self.lock();
                let mut others =
                    clients.values().filter(|outbox| !Arc::ptr_eq(outbox, own));
                match others.find(|outbox| outbox.worth_waiting_until().is_some()) {
                    Some(crowded) => Arc::clone(crowded),
                    None => return clients, // nun passt es bei jedem hinein, der liest
                }
            }; // gewartet wird ohne den Lock
            crowded.wait_for_space().await;
        }
    }
    // ANCHOR_END: room

    // ANCHOR: close
    /// Schließt: Alle erfahren es, und keiner sagt oder hört danach noch etwas. Gibt zurück,
    /// wie viele da waren.
    pub fn close(&self) -> usize {
        let mut clients = self.lock();
        for outbox in clients.values() {
            outbox.push(CLOSING);
            outbox.close();
        }
        self.closing.send_replace(true); // noch unter dem Lock: Niemand kommt mehr herein
        mem::take(&mut *clients).len()
    }

    /// Wartet, bis der Server schließt.
    pub async fn closed(&self) {
        let mut closing = self.closing.subscribe();
        let _ = closing.wait_for(|closing| *closing).await; // der Sender lebt so lange wie wir
    }
    // ANCHOR_END: close

    fn lock(&self) -> MutexGuard<'_, Clients> {
        self.clients.lock().expect("niemand stürzt mit dem Lock in der Hand ab")
    }
}

/// Der letzte Satz des Servers.
pub const CLOSING: &str = "* Der Server schließt\n";

/// Reiht Zeilen bei allen anderen ein und wartet dabei nie. Wer zu langsam ist, ist damit
/// getrennt; dass er weg ist, sagt seine eigene Task.
fn tell_others(clients: &Clients, own: &Arc<Outbox>, lines: &str) {
    for outbox in clients.values().filter(|outbox| !Arc::ptr_eq(outbox, own)) {
        outbox.push(lines);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn once_it_is_closing_nobody_comes_in() {
        let room = Room::default();
        let outbox = || Arc::new(Outbox::new(1000));
        assert_eq!(room.join("Anna", &outbox()).await, Ok(()));
        assert_eq!(room.close(), 1);
        assert_eq!(
            room.join("Ben", &outbox()).await,
            Err("Der Server schließt.".into())
        );
    }
}
