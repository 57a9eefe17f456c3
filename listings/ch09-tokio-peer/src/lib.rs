//! Kapitel 9: der Peer aus Kapitel 4, asynchron. Beide reden, wann sie wollen.
//!
//! Der Kern steht in [`peer`]: suchen, sprechen, zuhören. [`calls`] ruft an und nimmt
//! Anrufe entgegen, [`keyboard`] liest die Tastatur; [`args`], [`cli`] und [`lines`] sind
//! die aus Kapitel 4. [`wrong`] ist das Gespräch, wie man es zuerst schriebe: falsch.

pub mod args;
pub mod calls;
pub mod cli;
pub mod keyboard;
pub mod lines;
pub mod net;
pub mod peer;
pub mod wrong;
