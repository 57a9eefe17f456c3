//! Der Raum: wer da ist, und was alle erfahren. Alle Threads teilen ihn.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crate::cli::say;
use crate::lines::shown;
use crate::outbox::Outbox;

/// So lange wartet, wer redet, höchstens darauf, dass andere aufholen.
const PATIENCE: Duration = Duration::from_secs(1);

// ANCHOR: room
/// Wer da ist, unter seinem Namen.
#[derive(Default)]
pub struct Room {
    clients: Mutex<HashMap<String, Arc<Outbox>>>,
}

impl Room {
    /// Lässt jemanden herein und sagt es allen anderen; der Fehler ist ein deutscher Satz.
    pub fn join(&self, name: &str, outbox: &Arc<Outbox>) -> Result<(), String> {
        if name.is_empty() {
            return Err("Der Name ist leer: Wie heißen Sie?".into());
        }
        let mut clients = self.lock();
        if clients.contains_key(name) {
            return Err(format!("Der Name „{name}“ ist schon vergeben."));
        }
        clients.insert(name.into(), Arc::clone(outbox));
        let slow = tell_others(&mut clients, name, &format!("* {name} ist da\n"));
        drop(clients);
        report(&slow);
        Ok(())
    }

    /// Was `name` sagt, erfahren alle anderen; `false`, wenn er inzwischen getrennt ist.
    pub fn say(&self, name: &str, outbox: &Arc<Outbox>, lines: &str) -> bool {
        let mut clients = self.lock();
        if !is_here(&clients, name, outbox) {
            return false;
        }
        let slow = tell_others(&mut clients, name, lines);
        drop(clients);
        report(&slow);
        true
    }

    /// Bremst den Aufrufer: wartet ein wenig auf alle, deren Schlange mehr als halb voll ist.
    pub fn let_others_catch_up(&self) {
        let crowded = |outbox: &&Arc<Outbox>| outbox.is_crowded();
        let crowded: Vec<_> = self.lock().values().filter(crowded).cloned().collect();
        let until = Instant::now() + PATIENCE;
        for outbox in crowded {
            outbox.wait_for_space(until); // hier ist der Lock schon wieder frei
        }
    }

    /// Lässt jemanden gehen und sagt es allen anderen; `false`, wenn er schon getrennt ist.
    pub fn leave(&self, name: &str, outbox: &Arc<Outbox>) -> bool {
        let mut clients = self.lock();
        if !is_here(&clients, name, outbox) {
            return false;
        }
        clients.remove(name);
        let slow = tell_others(&mut clients, name, &format!("* {name} ist weg\n"));
        drop(clients);
        report(&slow);
        true
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Outbox>>> {
        self.clients.lock().expect("niemand stürzt mit dem Lock in der Hand ab")
    }
}

/// Ist er noch da? Wer getrennt wurde, ist fort, und sein Name gehört vielleicht jemand anderem.
fn is_here(
    clients: &HashMap<String, Arc<Outbox>>,
    name: &str,
    outbox: &Arc<Outbox>,
) -> bool {
    clients.get(name).is_some_and(|current| Arc::ptr_eq(current, outbox))
}

/// Reiht Zeilen bei allen außer `name` ein und wartet dabei nie. Wer zu langsam ist, ist damit
/// getrennt; das sind die Namen, die zurückkommen.
fn tell_others(
    clients: &mut HashMap<String, Arc<Outbox>>,
    name: &str,
    lines: &str,
) -> Vec<String> {
    let slow = clients.extract_if(|other, outbox| other != name && !outbox.push(lines));
    let mut slow: Vec<String> = slow.map(|(name, _)| name).collect();
    for name in slow.clone() {
        slow.extend(tell_others(clients, &name, &format!("* {name} ist weg\n")));
    }
    slow
}
// ANCHOR_END: room

/// Meldet auf dem Bildschirm, wer getrennt wurde. Auch der kann warten lassen: nie unter dem Lock.
fn report(slow: &[String]) {
    for name in slow {
        say(format!("{} ist weg (liest zu langsam)", shown(name)));
    }
}
