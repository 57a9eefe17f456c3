//! Alle Prüfungen dieses Listings, in einem einzigen Programm: Das baut schneller als mehrere.

mod common;
mod executor;
mod programs;
