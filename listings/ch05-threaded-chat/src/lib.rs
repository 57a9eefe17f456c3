//! Kapitel 5: ein Chat mit einem Thread je Verbindung.
//!
//! [`locked`] ist der erste Versuch und falsch: Er schreibt, während er den Lock hält.
//! Richtig machen es [`room`] (wer ist da?), [`session`] (was sagt er?), [`outbox`] (was ist noch zuzustellen?) und
//! [`server`] (die Threads). [`wrong`] zeigt zwei weitere Fehler und ihre Abhilfe,
//! [`lines`] macht aus Bytes Zeilen, [`client`] ist die andere Seite, [`guests`] sind
//! schwierige Gäste, [`cli`] liest die Schalter.

pub mod cli;
pub mod client;
pub mod guests;
pub mod lines;
pub mod locked;
pub mod net;
pub mod outbox;
pub mod room;
pub mod server;
pub mod session;
pub mod wrong;
