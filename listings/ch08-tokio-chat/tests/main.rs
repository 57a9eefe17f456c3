//! Alle Prüfungen dieses Listings, in einem einzigen Programm: Das baut schneller als mehrere.

mod common;
mod patience;
mod programs;
mod send;
mod wrong;
