//! Was die Last selbst kostet: Ist sie selbst schon ausgelastet, misst sie sich und nicht
//! den Server.

use std::time::Duration;

/// Wie lange dieser Prozess bisher gerechnet hat, im eigenen Code und im Kernel.
#[cfg(unix)]
pub fn processor_time() -> Option<Duration> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::try_from(time).ok()
}

/// Anderswo sagt es kein Aufruf, der in diesem Buch vorkommt.
#[cfg(not(unix))]
pub fn processor_time() -> Option<Duration> {
    None
}
