//! Alle Prüfungen dieses Listings, in einem einzigen Programm: Das baut schneller als mehrere.

mod backlog;
mod common;
mod ending;
mod programs;
mod reset;
