//! ▶ in the page: runs the listings' scenes, the book's snippets and a measurement for the reader, and for nobody else.
//! In flow the messages of a page that knows the [`Token`], out flow what its programs print and how they end.
//! `session` speaks with one page, `scene` plays a scene, `cells` runs a snippet, `measure` measures, `workshop` has everything built
//! before it is asked for, and `contents` knows what that is; `limits` says how much there may be of it all.

mod cells;
mod compile;
mod contents;
mod limits;
mod measure;
mod messages;
mod place;
mod redirect;
mod run;
mod scene;
mod session;
mod token;
mod workshop;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub use limits::{LONGEST_MESSAGE, Limits};
pub use messages::{ToPage, is_message};
pub use redirect::Redirect;
pub use session::attend;
pub use token::Token;

use tokio::sync::watch;

use run::Groups;
use workshop::Workshop;

/// What all sessions share.
pub struct Notebook {
    root: PathBuf,
    token: Token,
    limits: Limits,
    workshop: Workshop,
    groups: Arc<Groups>,
    /// What open pages are told about the book.
    book: watch::Sender<Option<ToPage>>,
    /// Whoever measures holds it: two measurements at once would disturb each other.
    measuring: Mutex<()>,
}

impl Notebook {
    /// A notebook for the book in `root`. What its first page needs is built from now on, while others still build the
    /// pages.
    ///
    /// # Errors
    ///
    /// The operating system gives neither randomness nor a thread.
    pub fn open(root: PathBuf, limits: Limits) -> anyhow::Result<Notebook> {
        let notebook = Notebook {
            book: watch::Sender::default(),
            token: Token::new()?,
            workshop: Workshop::open(root.clone())?,
            groups: Arc::new(Groups::new(limits.groups)),
            measuring: Mutex::default(),
            root,
            limits,
        };
        notebook.workshop.renew();
        Ok(notebook)
    }

    /// The token whose owner is the reader.
    pub fn token(&self) -> &Token {
        &self.token
    }

    /// Tells every open page, and every later one, what state the book is in.
    pub fn tell(&self, book: ToPage) {
        self.book.send_replace(Some(book));
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
