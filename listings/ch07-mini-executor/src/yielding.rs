//! Die anderen vorlassen.

use std::future::poll_fn;
use std::mem;
use std::task::Poll;

// ANCHOR: yield
/// Gibt ab und kommt erst in der nächsten Runde wieder an die Reihe.
pub async fn yield_now() {
    let mut yielded = false;
    poll_fn(|context| {
        if mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref(); // „noch nicht, aber frag mich gleich wieder“
        Poll::Pending
    })
    .await
}
// ANCHOR_END: yield
