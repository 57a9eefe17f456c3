//! Kapitel 10: die Elephant Memory Cloud. Sie bewahrt auf, woran Elefanten sich
//! erinnern, und braucht für jede Antwort zwei Sekunden.
//!
//! [`cloud`] ist die Cloud, [`timed`](mod@timed) misst, wie lange eine asynchrone
//! Funktion braucht, [`many`] fragt nach vielen Elefanten auf einmal. [`service`] gibt
//! die Erinnerungen über TCP heraus, [`visitor`] holt sie dort ab. [`herd`] lässt eine
//! ganze Herde zugleich schlafen und misst, was das kostet. [`lines`] macht aus Bytes
//! Zeilen, [`cli`] liest die Schalter.

pub mod cli;
pub mod cloud;
pub mod herd;
pub mod lines;
pub mod many;
pub mod net;
pub mod service;
pub mod timed;
pub mod visitor;
