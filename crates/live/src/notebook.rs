//! ▶ in the page: runs the listings' scenes, the book's snippets and a measurement for the reader, and for nobody else.
//! In flow the messages of a page that knows the [`Token`], out flow what its programs print and how they end.
//! `session` speaks with one page, `stage` plays a scene, `cells` runs a snippet, `laboratory` measures, `workshop` has everything built
//! before it is asked for; `limits` says how much there may be of it all.

mod cells;
mod limits;
mod measure;
mod messages;
mod redirect;
mod run;
mod scene;
mod session;
mod token;
mod toolbox;
mod workshop;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub use limits::{LONGEST_MESSAGE, Limits};
pub use messages::ToPage;
pub use redirect::Redirect;
pub use session::attend;
pub use token::Token;

use run::Groups;
use workshop::Workshop;

/// What all sessions share.
pub struct Notebook {
    root: PathBuf,
    token: Token,
    limits: Limits,
    workshop: Workshop,
    groups: Arc<Groups>,
    /// Whoever measures holds it: two measurements at once would disturb each other.
    measuring: Mutex<()>,
}

impl Notebook {
    /// A notebook for the book in `root`; it begins to build what the book needs at the first [`Notebook::renew`].
    ///
    /// # Errors
    ///
    /// The operating system gives neither randomness nor a thread.
    pub fn open(root: PathBuf, limits: Limits) -> anyhow::Result<Notebook> {
        Ok(Notebook {
            token: Token::new()?,
            workshop: Workshop::open(root.clone())?,
            groups: Arc::new(Groups::new(limits.groups)),
            measuring: Mutex::default(),
            root,
            limits,
        })
    }

    /// The token whose owner is the reader.
    pub fn token(&self) -> &Token {
        &self.token
    }

    /// The source has changed: programs and cells are built anew in the background.
    pub fn renew(&self) {
        self.workshop.renew();
    }

    /// Ends every program and waits until all are gone, but at most `patience`.
    pub fn close(&self, patience: Duration) {
        self.workshop.close();
        self.groups.close(patience);
    }
}
