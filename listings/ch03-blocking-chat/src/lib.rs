//! Kapitel 3: ein Chat zwischen dem Menschen am Server und genau einem Client, Zeile um
//! Zeile.
//!
//! Der Kern steht in [`server`] und [`client`]; [`states`] zeigt, was das Betriebssystem
//! über einen wartenden Thread weiß, [`lines`] liest Zeilen, [`cli`] liest die Schalter.

pub mod cli;
pub mod client;
pub mod lines;
pub mod net;
pub mod server;
pub mod states;
