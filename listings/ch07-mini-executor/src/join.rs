//! Auf alle zugleich warten.

use std::pin::Pin;
use std::task::{Context, Poll};

// ANCHOR: join
/// Ein Future, der fertig ist, wenn alle es sind; die Ergebnisse in ihrer Reihenfolge.
pub fn join_all<F: Future>(futures: impl IntoIterator<Item = F>) -> JoinAll<F> {
    let pending: Vec<_> = futures.into_iter().map(Box::pin).enumerate().collect();
    let results = pending.iter().map(|_| None).collect();
    JoinAll { pending, results }
}

pub struct JoinAll<F: Future> {
    /// Was noch nicht fertig ist, und wohin das Ergebnis gehört.
    pending: Vec<(usize, Pin<Box<F>>)>,
    results: Vec<Option<F::Output>>,
}

impl<F: Future> Future for JoinAll<F>
where
    F::Output: Unpin,
{
    type Output = Vec<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context) -> Poll<Vec<F::Output>> {
        let JoinAll { pending, results } = &mut *self;
        pending.retain_mut(|(place, future)| match future.as_mut().poll(context) {
            Poll::Pending => true,
            Poll::Ready(result) => {
                results[*place] = Some(result);
                false
            }
        });
        if !pending.is_empty() {
            return Poll::Pending; // wer fertig wird, weckt die Task, und die fragt hier nach
        }
        Poll::Ready(results.drain(..).flatten().collect())
    }
}
// ANCHOR_END: join
