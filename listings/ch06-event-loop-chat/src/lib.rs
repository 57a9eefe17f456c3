//! Kapitel 6: derselbe Chat in einem einzigen Thread.
//!
//! [`hot_loop`] fragt ohne Pause alle Verbindungen ab und verbraucht dabei einen ganzen
//! Kern. [`server`] lässt sich vom Betriebssystem wecken: der ganze Chat als
//! Zustandsautomat; [`connection`] ist der Zustand einer Verbindung. [`lines`] macht aus
//! Bytes Zeilen, [`states`] liest ab, wie viel ein Thread gerechnet hat, [`cli`] liest
//! die Schalter.

pub mod cli;
pub mod connection;
pub mod hot_loop;
pub mod lines;
pub mod net;
pub mod server;
pub mod states;
