//! What the two chat suites share: the servers under test, a client that speaks raw bytes, and the
//! check of what a client heard; for the hostile one also regulars who must not notice anything,
//! and what a server costs. A further server is one line in `chat_servers!`.

#![allow(dead_code, reason = "each suite needs its part of it")]

use std::sync::{Condvar, Mutex, PoisonError};

pub mod client;
pub mod footprint;
pub mod record;
pub mod regulars;
pub mod server;

/// Held by a test that opens 50 connections or more.
pub struct Crowd(usize);

/// As many crowds as there may be at a time: on macOS a process may have 256 descriptors.
const CROWDS: usize = if cfg!(target_os = "macos") { 1 } else { 2 };

static FREE: (Mutex<usize>, Condvar) = (Mutex::new(CROWDS), Condvar::new());

/// The place of one crowd.
pub fn crowd() -> Crowd {
    Crowd::of(1)
}

/// All places: there is no crowd as long as it is held.
pub fn no_crowd() -> Crowd {
    Crowd::of(CROWDS)
}

impl Crowd {
    fn of(places: usize) -> Crowd {
        let (free, more) = &FREE;
        let free = free.lock().unwrap_or_else(PoisonError::into_inner);
        let free = more.wait_while(free, |free| *free < places);
        *free.unwrap_or_else(PoisonError::into_inner) -= places;
        Crowd(places)
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        let (free, more) = &FREE;
        *free.lock().unwrap_or_else(PoisonError::into_inner) += self.0;
        more.notify_all();
    }
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
