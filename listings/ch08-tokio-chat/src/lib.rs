//! Kapitel 8: derselbe Chat mit tokio.
//!
//! [`room`] (wer ist da?), [`session`] (was sagt er?), [`outbox`] (was ist noch zuzustellen?)
//! und [`server`] (die Tasks, und das geordnete Ende) sind der Server, [`client`] ist die
//! andere Seite, [`time_server`] ist der Zeitserver aus Kapitel 2. [`cancel`], [`guard`]
//! und [`race`] zeigen drei Fehler und ihre Abhilfe. [`lines`] macht aus Bytes Zeilen,
//! [`protocol`] aus Bytes Anfragen, [`cli`] liest die Schalter.

pub mod cancel;
pub mod cli;
pub mod client;
pub mod guard;
pub mod lines;
pub mod net;
pub mod outbox;
pub mod protocol;
pub mod race;
pub mod room;
pub mod server;
pub mod session;
pub mod time_server;
