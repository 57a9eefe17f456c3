//! Kapitel 2: ein Zeitserver – erst eine Verbindung nach der anderen, dann ein
//! Thread je Verbindung.
//!
//! [`protocol`] macht aus Bytes Anfragen und aus Anfragen Antworten, [`server`]
//! und [`client`] schicken sie hin und her, [`cli`] liest die Schalter.

pub mod cli;
pub mod client;
pub mod protocol;
pub mod server;
