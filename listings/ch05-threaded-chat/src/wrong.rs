//! Zwei Fehler, die kein Compiler findet, und ihre Abhilfe: eine Race Condition und ein
//! Deadlock. Beide sind FALSCH, und mit Absicht; `between` ist die Stelle, an der ein
//! anderer Thread dazwischenkommen kann – die Tests nutzen sie, damit er es jedes Mal
//! tut.

use std::collections::HashSet;
use std::sync::Mutex;

// ANCHOR: race
/// Die vergebenen Namen.
#[derive(Default)]
pub struct Names(Mutex<HashSet<String>>);

impl Names {
    /// FALSCH: Zwischen Prüfen und Eintragen ist der Lock frei.
    pub fn take_in_two_steps(&self, name: &str, between: impl FnOnce()) -> bool {
        if self.0.lock().unwrap().contains(name) {
            return false;
        }
        between();
        self.0.lock().unwrap().insert(name.into());
        true
    }

    /// Richtig: Prüfen und Eintragen sind ein Schritt.
    pub fn take(&self, name: &str) -> bool {
        self.0.lock().unwrap().insert(name.into())
    }
}
// ANCHOR_END: race

// ANCHOR: deadlock
/// Ein Raum mit den Namen derer, die darin sind.
pub type Room = Mutex<HashSet<String>>;

/// FALSCH: Der eine Thread hält Raum 0 und will Raum 1, der andere umgekehrt.
pub fn move_as_asked(
    rooms: &[Room],
    from: usize,
    to: usize,
    name: &str,
    between: impl FnOnce(),
) {
    let mut old = rooms[from].lock().unwrap();
    between();
    let mut new = rooms[to].lock().unwrap(); // kann für immer warten
    if old.remove(name) {
        new.insert(name.into());
    }
}

/// Richtig: Alle nehmen die Locks in derselben Reihenfolge, den kleineren Index zuerst.
pub fn move_in_order(rooms: &[Room], from: usize, to: usize, name: &str) {
    if from == to {
        return; // denselben Lock zweimal: Der Thread stünde für immer, oder bräche ab
    }
    let mut first = rooms[from.min(to)].lock().unwrap();
    let mut second = rooms[from.max(to)].lock().unwrap();
    let (old, new) = if from < to {
        (&mut first, &mut second)
    } else {
        (&mut second, &mut first)
    };
    if old.remove(name) {
        new.insert(name.into());
    }
}
// ANCHOR_END: deadlock
