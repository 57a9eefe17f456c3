//! What the book's programs do: the chat protocol, hostile clients, peers, other languages, every recorded scene,
//! and what the fuzzer has found.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a test that panics has failed"
)]

mod all_scenes;
#[macro_use]
mod chat;
mod chat_conformance;
mod foreign;
mod hostile_clients;
mod hostile_servers;
mod peers;
mod seeds;
