//! The book in the browser: pages over HTTP, and ▶ in them, for the reader of this machine and for nobody else.
//! `serve` shows the book and builds it anew after every change, `notebook` runs what a page asks for,
//! the folder `page` is the half of it that runs in the page.
//!
//! ▶ starts programs, so whoever is not the reader must get nothing. These are the rules; the tests name them by number.
//!
//! 1. The server binds the literal `127.0.0.1` and prints `http://127.0.0.1:PORT/#token=…`.
//! 2. Every request, for a static file too, has exactly one `Host`, equal to `127.0.0.1:PORT` or `localhost:PORT`;
//!    everything else gets 421.
//! 3. A WebSocket needs an `Origin` equal to one of the two `http://` origins that belong to them. A missing one, `null`,
//!    and anything longer or shorter gets 403: strings are compared, nothing is parsed.
//! 4. One function upgrades to a WebSocket. It demands a value that only the check of rules 2 and 3 can construct,
//!    so no route can get around the check. Half a handshake, or one with something behind it, gets 426.
//! 5. Each start has a fresh token of 128 bits. It travels in the fragment of the address, into the page's session
//!    storage, and from there in the first WebSocket message, within 2 s; it is compared in constant time. It is in
//!    no cookie (ports share cookies), no query, no log and no command line (other users can read the list of processes):
//!    a private file leads the browser to the address.
//! 6. There are no CORS headers, and no HTTP request changes anything. The CSP says `frame-ancestors 'none'` and
//!    `connect-src 'self'`; every answer says `nosniff`.
//! 7. A page asks for a scene or a cell by its name. Program, arguments, folder and environment come from our own tables,
//!    and no shell is involved.
//! 8. There are limits for the size of a message, the output of a run, the programs at a time, and the time. A page has one
//!    run; a new one ends the old one. Who connects and asks for nothing within 10 s goes.
//! 9. Programs run in process groups of their own. When the page closes, falls silent or leaves, and at Ctrl-C, they
//!    get the end of their input, then TERM, and after 2 s KILL. Nothing survives, on Unix not even a KILL of
//!    this program.
//! 10. What a program prints gets into the page as text, never as HTML.
//! 11. Each of these rules has a test.
//!
//! A reader may change a snippet and run it. That is running code from a page, and it is allowed because the token proves that
//! it is the reader's own.

mod notebook;
mod serve;

pub use notebook::{Limits, is_message};
pub use serve::{Options, Serving, run, start};
