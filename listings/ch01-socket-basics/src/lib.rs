//! Kapitel 1: ein Server und ein Client, die im Wechsel rohe Bytes schicken.
//!
//! Der Kern steht in [`server`] und [`client`]; [`text`] macht Bytes lesbar,
//! [`cli`] liest die Schalter, [`net`] lauscht, verbindet und sagt auf Deutsch, woran es scheitert.

pub mod cli;
pub mod client;
pub mod net;
pub mod server;
pub mod text;
