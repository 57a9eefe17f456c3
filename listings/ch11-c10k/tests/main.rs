//! Alle Prüfungen dieses Listings, in einem einzigen Programm: Das baut schneller als mehrere.

mod common;
mod load;
mod servers;
#[cfg(target_os = "linux")]
mod stack;
