//! Der Raum: wer da ist, und was alle erfahren. Alle Threads teilen ihn.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::cli::say;
use crate::lines::shown;
use crate::outbox::Outbox;

// ANCHOR: room
/// Was für jeden bereitsteht, unter seinem Namen.
type Clients = HashMap<String, Arc<Outbox>>;

/// Wer da ist.
#[derive(Default)]
pub struct Room {
    clients: Mutex<Clients>,
}

impl Room {
    /// Lässt jemanden herein und sagt es allen anderen; der Fehler ist ein deutscher Satz.
    pub fn join(&self, name: &str, outbox: &Arc<Outbox>) -> Result<(), String> {
        if name.is_empty() {
            return Err("Der Name ist leer: Wie heißen Sie?".into());
        }
        let mut clients = self.lock_once_there_is_space(outbox);
        if clients.contains_key(name) {
            return Err(format!("Der Name „{name}“ ist schon vergeben."));
        }
        clients.insert(name.into(), Arc::clone(outbox));
        tell_others(clients, name, &format!("* {name} ist da\n"));
        Ok(())
    }

    /// Was `name` sagt, erfahren alle anderen; `false`, wenn er inzwischen getrennt ist.
    pub fn say(&self, name: &str, outbox: &Arc<Outbox>, lines: &str) -> bool {
        let clients = self.lock_once_there_is_space(outbox);
        let is_here = is_here(&clients, name, outbox);
        if is_here {
            tell_others(clients, name, lines);
        }
        is_here
    }

    /// Lässt jemanden gehen und sagt es allen anderen; `false`, wenn er schon getrennt ist.
    pub fn leave(&self, name: &str, outbox: &Arc<Outbox>) -> bool {
        let mut clients = self.lock_once_there_is_space(outbox);
        let is_here = is_here(&clients, name, outbox);
        if is_here {
            clients.remove(name);
            tell_others(clients, name, &format!("* {name} ist weg\n"));
        }
        is_here
    }

    /// Bremst den, dem `own` gehört: Solange die Schlange vor einem anderen mehr als halb voll
    /// ist, wartet er ein wenig, ehe er etwas einreiht.
    fn lock_once_there_is_space(&self, own: &Arc<Outbox>) -> MutexGuard<'_, Clients> {
        loop {
            let clients = self.clients.lock();
            let clients = clients.expect("niemand stürzt mit dem Lock in der Hand ab");
            let mut others = clients.values().filter(|outbox| !Arc::ptr_eq(outbox, own));
            let crowded = others.find(|outbox| outbox.patience().is_some());
            let Some(crowded) = crowded.cloned() else {
                return clients; // nun passt es bei jedem hinein, der liest
            };
            drop(clients); // gewartet wird ohne den Lock
            crowded.wait_for_space();
        }
    }
}

/// Ist er noch da? Wer getrennt wurde, ist fort, und sein Name gehört vielleicht jemand anderem.
fn is_here(clients: &Clients, name: &str, outbox: &Arc<Outbox>) -> bool {
    clients.get(name).is_some_and(|current| Arc::ptr_eq(current, outbox))
}

/// Reiht Zeilen bei allen außer `name` ein und wartet dabei nie. Wer zu langsam ist, ist damit
/// getrennt; das erfahren die übrigen.
fn tell_others(mut clients: MutexGuard<Clients>, name: &str, lines: &str) {
    let mut news = vec![(name.to_string(), lines.to_string())];
    let mut slow = Vec::new();
    while let Some((from, lines)) = news.pop() {
        let misses = |other: &String, outbox: &mut Arc<Outbox>| {
            *other != from && !outbox.push(&lines)
        };
        for (gone, _) in clients.extract_if(misses) {
            news.push((gone.clone(), format!("* {gone} ist weg\n")));
            slow.push(gone);
        }
    }
    drop(clients); // auch der Bildschirm kann warten lassen
    for name in slow {
        say(format!("{} ist weg (liest zu langsam)", shown(&name)));
    }
}
// ANCHOR_END: room
