//! Kapitel 1: ein Server und ein Client, die im Wechsel rohe Bytes schicken.
//!
//! Der Kern steht in [`server`] und [`client`]; [`text`] macht Bytes lesbar,
//! [`cli`] liest die Schalter und übersetzt Fehler in deutsche Sätze.

pub mod cli;
pub mod client;
pub mod server;
pub mod text;
