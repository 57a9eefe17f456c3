//! Ports for scenes: the wanted ones where they are free, else some that nobody else uses, and each for one scene at a time.
//! In flow wanted numbers, out flow these or others from 20000 to 29999, below the ephemeral ports.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

const FIRST: u16 = 20_000;
const COUNT: u32 = 10_000;

/// So often a port is looked at that seems to be taken.
const LOOKS: u32 = 5;
const BETWEEN_LOOKS: Duration = Duration::from_millis(5);
/// Far longer than a listener on this machine takes to answer. Windows says no only after two seconds.
const ANSWER: Duration = Duration::from_millis(100);

static HANDED_OUT: AtomicU32 = AtomicU32::new(0);

/// Those of running scenes: between the choice and the moment a program binds its port, it looks free.
static RESERVED: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());

/// The ports of a running scene; until it is dropped, nothing else in this process gets one of them.
#[derive(Debug)]
pub struct Reserved(BTreeMap<String, u16>);

impl Reserved {
    /// Under their names.
    pub fn ports(&self) -> &BTreeMap<String, u16> {
        &self.0
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        let mut reserved = reserved();
        for port in self.0.values() {
            reserved.remove(port);
        }
    }
}

fn reserved() -> MutexGuard<'static, BTreeSet<u16>> {
    RESERVED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The wanted ports where they are free, and others where they are not, as [`choose`] does.
///
/// # Errors
///
/// No port is free.
pub fn reserve(wanted: &BTreeMap<String, u16>) -> io::Result<Reserved> {
    let mut reserved = reserved();
    let chosen = choose(wanted, |port| !reserved.contains(&port) && is_free(port))?;
    reserved.extend(chosen.values());
    Ok(Reserved(chosen))
}

/// A port on 127.0.0.1 that nobody listens on and that this process has not handed out before.
pub fn free() -> io::Result<u16> {
    // Test binaries that run side by side start far apart from each other.
    let start = process::id().wrapping_mul(97);
    for _ in 0..COUNT {
        let next = HANDED_OUT.fetch_add(1, Ordering::Relaxed);
        let offset = start.wrapping_add(next) % COUNT;
        let port = FIRST + u16::try_from(offset).expect("the offset is below 10,000");
        if is_free(port) {
            return Ok(port);
        }
    }
    Err(io::Error::new(
        io::ErrorKind::AddrInUse,
        "Zwischen 20000 und 29999 ist kein Port frei.",
    ))
}

/// Whether a server could bind this port on 127.0.0.1 right now, and whoever connects there would meet nobody else.
pub fn is_free(port: u16) -> bool {
    let here = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    // A program that another thread is just starting holds, until it has begun, a copy of every socket of ours, of the one below
    // too: the port looks bound then, or listened on. So it is taken only if it stays so.
    (0..LOOKS).any(|look| {
        if look > 0 {
            thread::sleep(BETWEEN_LOOKS);
        }
        // On macOS and Windows it can be bound even if somebody listens on all addresses of this port, as AirPlay does on 5000.
        TcpListener::bind(here).is_ok()
            && TcpStream::connect_timeout(&here, ANSWER).is_err()
    })
}

/// The wanted ports where they are usable, and free ones where they are not, in the order the wanted ones have: which of
/// two peers begins depends on whose number is smaller.
///
/// # Errors
///
/// No port is free.
pub fn choose(
    wanted: &BTreeMap<String, u16>,
    usable: impl Fn(u16) -> bool,
) -> io::Result<BTreeMap<String, u16>> {
    let mut ports = Vec::new();
    for port in wanted.values() {
        let mut port = *port;
        while !usable(port) {
            port = free()?;
        }
        ports.push(port);
    }
    ports.sort_unstable();
    let mut names: Vec<&String> = wanted.keys().collect();
    names.sort_by_key(|name| wanted[*name]);
    Ok(names.into_iter().cloned().zip(ports).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_ports_have_the_order_of_those_that_were_wanted() {
        let wanted = [("anna", 5003), ("ben", 5002), ("carla", 5004)];
        let wanted = wanted.map(|(name, port)| (name.to_owned(), port)).into();
        let chosen = choose(&wanted, |port| port > 5003).unwrap();
        assert_eq!(chosen["ben"], 5004);
        assert!(chosen["ben"] < chosen["anna"] && chosen["anna"] < chosen["carla"]);
        assert_eq!(choose(&wanted, |_| true).unwrap(), wanted);
    }

    #[test]
    fn what_is_reserved_is_given_to_nobody_else_until_it_is_free_again() {
        let wanted = BTreeMap::from([("server".to_owned(), free().unwrap())]);
        let first = reserve(&wanted).unwrap();
        let second = reserve(&wanted).unwrap();
        assert_eq!(*first.ports(), wanted);
        assert_ne!(*second.ports(), wanted);
        drop(first);
        assert_eq!(*reserve(&wanted).unwrap().ports(), wanted);
    }

    #[test]
    fn no_port_is_handed_out_twice_and_a_taken_one_never() {
        let first = free().unwrap();
        let second = free().unwrap();
        assert_ne!(first, second);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        assert!(!is_free(listener.local_addr().unwrap().port()));
        let everywhere = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
        assert!(!is_free(everywhere.local_addr().unwrap().port()));
    }
}
