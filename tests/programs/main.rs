//! What the book's programs do: the chat protocol, hostile clients, peers, other languages, and every recorded scene.

#[macro_use]
mod chat;
mod chat_conformance;
mod hostile_clients;
mod interop;
mod peers;
mod scenes_of_the_book;
