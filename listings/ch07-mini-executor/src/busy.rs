//! FALSCH, und mit Absicht: ein Executor, der nie wartet. Er fragt „Fertig?“, wieder und
//! wieder, und lastet damit einen Kern aus.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

// ANCHOR: busy
/// Führt einen einzigen Future aus.
pub fn run<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop()); // Wecken bewirkt nichts
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}
// ANCHOR_END: busy
