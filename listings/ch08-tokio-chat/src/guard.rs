//! Ein Lock aus std, über ein `.await` hinweg gehalten: Die Task wartet, gibt den Thread ab und
//! nimmt den Lock mit. Will ihn eine andere Task desselben Threads, steht der Thread für immer.
//!
//! Als Task, die den Thread wechseln darf, ist das nicht übersetzbar, denn der Guard darf es
//! nicht. (Zwei Futures in *einer* Task, etwa mit `join!`, verhindert das nicht.)
//!
//! ```compile_fail
//! use ch08_tokio_chat::guard::{Visits, count_wrong};
//!
//! let visits = Visits::default();
//! let count = async move { count_wrong(&visits).await };
//! let task = async { tokio::spawn(count).await };
//! ```
//!
//! Dasselbe mit dem richtigen ist es:
//!
//! ```
//! use ch08_tokio_chat::guard::{Visits, count_right};
//!
//! let visits = Visits::default();
//! let count = async move { count_right(&visits).await };
//! let task = async { tokio::spawn(count).await };
//! ```
//!
//! So steht es im Buch, und auch das weist der Compiler zurück:
//!
//! ```compile_fail
#![doc = include_str!("../tests/compile-fail/guard.rs")]
//! ```
//!
//! Auch vorher fallen gelassen, hält der Future den Wächter in den Augen des Compilers fest:
//!
//! ```compile_fail
#![doc = include_str!("../tests/compile-fail/drop.rs")]
//! ```

use std::sync::Mutex;

use tokio::task::yield_now;

/// Wie oft jemand da war.
pub type Visits = Mutex<u32>;

// ANCHOR: wrong
/// FALSCH, und mit Absicht: wartet, während es den Lock hält.
#[expect(
    clippy::await_holding_lock,
    reason = "clippy hat recht; das ist der Fehler"
)]
pub async fn count_wrong(visits: &Visits) {
    let mut count = visits.lock().expect("hier stürzt niemand ab");
    write_down().await; // gibt den Thread ab, aber nicht den Lock
    *count += 1;
}
// ANCHOR_END: wrong

// ANCHOR: right
/// Richtig: erst warten, dann den Lock nehmen und vor dem nächsten `.await` wieder hergeben.
pub async fn count_right(visits: &Visits) {
    write_down().await;
    *visits.lock().expect("hier stürzt niemand ab") += 1;
}
// ANCHOR_END: right

// ANCHOR: tokio
/// Auch richtig, wenn der Lock gerade während des Wartens gebraucht wird: Auf diesen `Mutex`
/// wartet eine Task und nicht der Thread. Dafür kommt immer nur einer weiter.
pub async fn count_one_by_one(visits: &tokio::sync::Mutex<u32>) {
    let mut count = visits.lock().await;
    write_down().await;
    *count += 1;
}
// ANCHOR_END: tokio

/// Etwas, das dauert, wie das Schreiben in eine Datei.
async fn write_down() {
    yield_now().await;
}
