//! Kapitel 2: ein Zeitserver – erst eine Verbindung nach der anderen, dann ein
//! Thread je Verbindung.
//!
//! [`protocol`] macht aus Bytes Anfragen und aus Anfragen Antworten, [`server`]
//! und [`client`] schicken sie hin und her, [`cli`] liest die Schalter.
//!
//! Ein Thread darf nichts von der Funktion borgen, die ihn startet. Ohne `move`
//! lehnt der Compiler ihn deshalb ab:
//!
//! ```compile_fail,E0373
//! let name = String::from("Ada");
//! let worker = std::thread::spawn(|| name.len());
//! ```

pub mod cli;
pub mod client;
pub mod net;
pub mod protocol;
pub mod server;
