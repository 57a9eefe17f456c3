//! Kapitel 7: was hinter `async` und `await` steckt.
//!
//! [`executor`] führt Tasks aus, [`wait`] ist das Bett, in dem er schläft,
//! [`timer`] weckt die Tasks, [`join`] wartet auf mehrere.
//! [`busy`] ist ein Executor, der ohne Pause fragt. [`by_hand`] stellt eine `async fn`
//! neben ihren Zwilling von Hand. [`reactor`] lässt denselben Executor auf Sockets warten,
//! [`server`] ist ein Echo-Server darauf; [`yielding`] hält ihn gerecht. [`watched`] sagt
//! an, wann ein Future gefragt wird, [`states`] liest ab, wie viel ein Thread gerechnet
//! hat, [`cli`] liest die Schalter.

pub mod busy;
pub mod by_hand;
pub mod cli;
pub mod executor;
pub mod join;
pub mod net;
pub mod reactor;
pub mod server;
pub mod states;
pub mod timer;
pub mod wait;
pub mod watched;
pub mod yielding;
