//! Der Raum: wer da ist, und was alle erfahren. Alle Tasks teilen ihn.

use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::cli::say;
use crate::lines::shown;
use crate::outbox::Outbox;

/// So lange wartet, wer redet, höchstens darauf, dass andere aufholen.
const PATIENCE: Duration = Duration::from_secs(1);

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
    pub fn join(&self, name: &str, outbox: &Arc<Outbox>) -> Result<(), String> {
        if name.is_empty() {
            return Err("Der Name ist leer: Wie heißen Sie?".into());
        }
        let mut clients = self.lock();
        if *self.closing.borrow() {
            return Err("Der Server schließt.".into());
        }
        if clients.contains_key(name) {
            return Err(format!("Der Name „{name}“ ist schon vergeben."));
        }
        clients.insert(name.into(), Arc::clone(outbox));
        tell_others(clients, name, &format!("* {name} ist da\n"));
        Ok(())
    }

    /// Was `name` sagt, erfahren alle anderen – außer, er ist inzwischen getrennt.
    pub fn say(&self, name: &str, outbox: &Arc<Outbox>, lines: &str) {
        let clients = self.lock();
        if is_here(&clients, name, outbox) {
            tell_others(clients, name, lines);
        }
    }

    /// Lässt jemanden gehen und sagt es allen anderen; `false`, wenn er schon getrennt ist.
    pub fn leave(&self, name: &str, outbox: &Arc<Outbox>) -> bool {
        let mut clients = self.lock();
        let is_here = is_here(&clients, name, outbox);
        if is_here {
            clients.remove(name);
            tell_others(clients, name, &format!("* {name} ist weg\n"));
        }
        is_here
    }

    /// Bremst den, dem `own` gehört: Er wartet ein wenig auf alle anderen, deren Schlange mehr
    /// als halb voll ist.
    pub async fn let_others_catch_up(&self, own: &Arc<Outbox>) {
        let crowded =
            |outbox: &&Arc<Outbox>| !Arc::ptr_eq(outbox, own) && outbox.is_crowded();
        let crowded: Vec<_> = self.lock().values().filter(crowded).cloned().collect();
        let until = Instant::now() + PATIENCE;
        for outbox in crowded {
            outbox.wait_for_space(until).await; // hier ist der Lock schon wieder frei
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

/// Ist er noch da? Wer getrennt wurde, ist fort, und sein Name gehört vielleicht jemand anderem.
fn is_here(clients: &Clients, name: &str, outbox: &Arc<Outbox>) -> bool {
    clients.get(name).is_some_and(|current| Arc::ptr_eq(current, outbox))
}

/// Der letzte Satz des Servers.
pub const CLOSING: &str = "* Der Server schließt\n";

/// Sagt es allen außer `name`, und auf dem Bildschirm, wer dabei getrennt wurde. Der Bildschirm
/// könnte warten lassen: nie unter dem Lock.
fn tell_others(mut clients: MutexGuard<Clients>, name: &str, lines: &str) {
    let slow = push_to_others(&mut clients, name, lines);
    drop(clients);
    for name in slow {
        say(format!("{} ist weg (liest zu langsam)", shown(&name)));
    }
}

/// Reiht Zeilen bei allen außer `name` ein und wartet dabei nie. Wer zu langsam ist, ist damit
/// getrennt; das sind die Namen, die zurückkommen.
fn push_to_others(clients: &mut Clients, name: &str, lines: &str) -> Vec<String> {
    let mut news = vec![(name.to_string(), lines.to_string())];
    let mut slow = Vec::new();
    while let Some((from, lines)) = news.pop() {
        let misses = |other: &String, outbox: &mut Arc<Outbox>| {
            *other != from && !outbox.push(&lines)
        };
        for (gone, _) in clients.extract_if(misses) {
            news.push((gone.clone(), format!("* {gone} ist weg\n"))); // das erfahren die übrigen
            slow.push(gone);
        }
    }
    slow
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn once_it_is_closing_nobody_comes_in() {
        let room = Room::default();
        let outbox = || Arc::new(Outbox::new(1000));
        assert_eq!(room.join("Anna", &outbox()), Ok(()));
        assert_eq!(room.close(), 1);
        assert_eq!(
            room.join("Ben", &outbox()),
            Err("Der Server schließt.".into())
        );
    }
}
