//! Worin ein Executor wartet, und womit man ihn weckt.

use std::io;
use std::thread;
use std::time::Duration;

// ANCHOR: wait
/// Worin ein Executor wartet.
pub trait Wait {
    /// Wartet, bis es klingelt, höchstens so lange. Hat es seit dem letzten Mal schon
    /// geklingelt, wartet es nicht.
    fn wait(&mut self, patience: Option<Duration>) -> io::Result<()>;
    fn bell(&self) -> Bell;
}

/// Die Klingel. Läuten darf sie jeder Thread.
pub type Bell = Box<dyn Fn() + Send + Sync>;

/// Der Thread legt sich schlafen (*park*), bis ihn jemand weckt (*unpark*).
pub struct Parking;

impl Wait for Parking {
    fn wait(&mut self, patience: Option<Duration>) -> io::Result<()> {
        match patience {
            Some(patience) => thread::park_timeout(patience),
            None => thread::park(),
        }
        Ok(())
    }

    fn bell(&self) -> Bell {
        let thread = thread::current();
        Box::new(move || thread.unpark())
    }
}
// ANCHOR_END: wait
