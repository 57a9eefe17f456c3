//! Kapitel 4: zwei gleichberechtigte Programme (Peers), die streng abwechselnd
//! miteinander reden.
//!
//! Der Kern steht in [`peer`]; [`args`] und [`cli`] lesen die Schalter, [`lines`] liest
//! Zeilen.

pub mod args;
pub mod cli;
pub mod lines;
pub mod net;
pub mod peer;
