//! What the two chat suites share: the servers under test, a client that speaks raw bytes, and the
//! check of what a client heard; for the hostile one also regulars who must not notice anything,
//! and what a server costs. A further server is one line in `chat_servers!`.

#![allow(dead_code, reason = "each suite needs its part of it")]

use std::sync::{Mutex, MutexGuard, PoisonError};

pub mod client;
pub mod footprint;
pub mod record;
pub mod regulars;
pub mod server;

/// Held by a test that opens 50 connections or more: one such test at a time stays within the 256
/// descriptors a process may have on macOS.
pub fn crowd() -> MutexGuard<'static, ()> {
    static CROWD: Mutex<()> = Mutex::new(());
    CROWD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The servers, as `name of a module => name of the program`, perhaps with switches, for the macro named first.
macro_rules! chat_servers {
    ($macro:ident $arguments:tt) => {
        $macro! {
            $arguments
            ch05_server => "ch05-server",
            ch06_server => "ch06-server",
            ch08_server => "ch08-server",
            ch08_server_on_two_threads => "ch08-server --threads 2",
        }
    };
}

/// Makes each of these functions a test for every server: `ch05_server::name_of_the_function`.
macro_rules! for_every_server {
    ($($tests:tt)+) => {
        chat_servers!(test_servers [$($tests)+]);
    };
}

macro_rules! test_servers {
    ($tests:tt $($module:ident => $program:literal,)+) => {
        $(mod $module {
            test_server!($program, $tests);
        })+
    };
}

macro_rules! test_server {
    ($program:literal, [$($(#[$attribute:meta])* $test:ident,)+]) => {
        $(
            $(#[$attribute])*
            #[test]
            fn $test() {
                super::$test($program)
            }
        )+
    };
}

macro_rules! programs {
    ([] $($module:ident => $program:literal,)+) => {
        &[$($program),+]
    };
}

/// The names of the servers' programs.
pub const SERVERS: &[&str] = chat_servers!(programs []);
