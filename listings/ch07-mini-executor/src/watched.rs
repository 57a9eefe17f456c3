//! Eine Hülle um einen Future: sagt an, wann er gefragt wird und was er antwortet.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Instant;

use crate::cli::{decimal, say};

pub struct Watched {
    pub name: &'static str,
    pub future: Pin<Box<dyn Future<Output = ()>>>,
    pub start: Instant,
    /// Zählt mit, wie oft gefragt wird.
    pub polls: Rc<Cell<u32>>,
}

impl Future for Watched {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context) -> Poll<()> {
        let time = decimal(format!("{:.2}", self.start.elapsed().as_secs_f64()));
        self.polls.set(self.polls.get() + 1);
        let answer = self.future.as_mut().poll(context);
        let word = if answer.is_ready() {
            "fertig"
        } else {
            "noch nicht"
        };
        say(format!("{}: gefragt nach {time} s – {word}", self.name));
        answer
    }
}
