//! Derselbe Future zweimal: von Hand als Zustandsautomat, und was der Compiler aus einer
//! `async fn` macht.

use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Ein Gericht: sagt ein paarmal „noch nicht“, dann seinen Preis.
#[derive(Default)]
pub struct Dish {
    pub polls_left: u32,
    pub price: u32,
}

impl Future for Dish {
    type Output = u32;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context) -> Poll<u32> {
        if self.polls_left == 0 {
            return Poll::Ready(self.price);
        }
        self.polls_left -= 1;
        context.waker().wake_by_ref(); // „frag mich gleich wieder“
        Poll::Pending
    }
}

// ANCHOR: async_fn
/// Erst die Suppe, dann der Braten, dann die Rechnung.
pub async fn bill(soup: Dish, roast: Dish) -> u32 {
    let first = soup.await;
    let second = roast.await;
    first + second
}
// ANCHOR_END: async_fn

// ANCHOR: by_hand
/// Dasselbe von Hand: an jedem `await` ein Zustand, und darin, was man dort noch braucht.
pub enum Bill {
    AwaitsSoup { soup: Dish, roast: Dish },
    AwaitsRoast { first: u32, roast: Dish },
    Done,
}

impl Future for Bill {
    type Output = u32;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context) -> Poll<u32> {
        loop {
            match &mut *self {
                Bill::AwaitsSoup { soup, roast } => {
                    let first = ready!(Pin::new(soup).poll(context));
                    let roast = mem::take(roast);
                    *self = Bill::AwaitsRoast { first, roast };
                }
                Bill::AwaitsRoast { first, roast } => {
                    let second = ready!(Pin::new(roast).poll(context));
                    let sum = *first + second;
                    *self = Bill::Done;
                    return Poll::Ready(sum);
                }
                Bill::Done => panic!("nach dem Ende noch einmal gefragt"),
            }
        }
    }
}
// ANCHOR_END: by_hand
