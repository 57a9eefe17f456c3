//! Alle Prüfungen dieses Listings, in einem einzigen Programm: Das baut schneller als mehrere.

mod common;
mod compile_fail;
mod programs;
mod wrong;
