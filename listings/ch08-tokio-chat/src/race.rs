//! Eine Race Condition ohne Threads: Zwischen Prüfen und Handeln steht ein `.await`, und dort
//! kommen andere an die Reihe.

use std::cell::RefCell;
use std::collections::HashSet;

use tokio::task::yield_now;

// ANCHOR: race
/// Die vergebenen Namen. Nur Tasks desselben Threads teilen sie.
#[derive(Default)]
pub struct Names {
    taken: RefCell<HashSet<String>>,
}

impl Names {
    /// FALSCH, und mit Absicht: Was geprüft ist, gilt nach dem `.await` vielleicht nicht mehr.
    pub async fn take_in_two_steps(&self, name: &str) -> bool {
        if self.taken.borrow().contains(name) {
            return false;
        }
        if !is_decent(name).await {
            return false;
        }
        self.taken.borrow_mut().insert(name.into());
        true
    }

    /// Richtig: Prüfen und Nehmen sind ein Schritt, und in ihm steht kein `.await`.
    pub async fn take(&self, name: &str) -> bool {
        is_decent(name).await && self.taken.borrow_mut().insert(name.into())
    }
}
// ANCHOR_END: race

/// Ist der Name anständig? Ein richtiger Server fragte vielleicht einen anderen.
async fn is_decent(name: &str) -> bool {
    yield_now().await; // die Antwort lässt auf sich warten
    !name.contains("Mist")
}
