//! Kapitel 11: derselbe Server, von der einfachsten bis zur sparsamsten Bauart. Jeder
//! schickt jede ganze Zeile zurück; verglichen wird, was eine Verbindung dabei kostet.
//!
//! [`threads`]: ein Thread je Verbindung. [`event_loop`]: ein Thread für alle, von Hand auf
//! `mio`. [`tokio_buffered`] und [`tokio_lean`]: eine Task je Verbindung, mit und ohne
//! eigenen Puffer; beide laufen in [`tokio_server`]. `epoll`: dasselbe wie der Event Loop
//! ohne jede Bibliothek dazwischen, nur unter Linux. [`connection`] ist der Zustand einer
//! Verbindung in den Servern ohne Threads und Tasks, [`echo`] ist allen gemeinsam, [`cli`]
//! liest die Schalter.
//!
//! [`load`] ist die andere Seite: viele Clients in einem Thread, die messen, wie schnell sie
//! Antwort bekommen.

pub mod cli;
pub mod connection;
pub mod echo;
#[cfg(target_os = "linux")]
pub mod epoll;
pub mod event_loop;
pub mod load;
pub mod net;
pub mod threads;
pub mod tokio_buffered;
pub mod tokio_lean;
pub mod tokio_server;
