//! Der Wecker: eine Tabelle von Terminen, in die der Executor sieht. Kein Thread schläft.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

// ANCHOR: timer
/// Wann, und eine laufende Nummer: Zwei dürfen denselben Augenblick meinen.
type Appointment = (Instant, u64);

thread_local! {
    /// Wer in diesem Thread wann geweckt werden will, das Nächste zuerst.
    static ALARMS: RefCell<BTreeMap<Appointment, Waker>> =
        const { RefCell::new(BTreeMap::new()) };
    static LAST_NUMBER: Cell<u64> = const { Cell::new(0) };
}

/// Ein Future, der so lange „noch nicht“ sagt.
pub fn sleep(duration: Duration) -> Sleep {
    let number = LAST_NUMBER.get() + 1;
    LAST_NUMBER.set(number);
    Sleep {
        appointment: (Instant::now() + duration, number),
    }
}

pub struct Sleep {
    appointment: Appointment,
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context) -> Poll<()> {
        let (time, _) = self.appointment;
        if time <= Instant::now() {
            return Poll::Ready(());
        }
        let waker = context.waker().clone();
        ALARMS.with_borrow_mut(|alarms| alarms.insert(self.appointment, waker));
        Poll::Pending
    }
}

impl Drop for Sleep {
    /// Wer nicht mehr wartet, wird nicht mehr geweckt.
    fn drop(&mut self) {
        // Endet gerade der Thread, ist die Tabelle vielleicht schon fort.
        let _ = ALARMS.try_with(|alarms| alarms.borrow_mut().remove(&self.appointment));
    }
}

/// Weckt alle, deren Zeit gekommen ist.
pub fn wake_due() {
    let due = ALARMS.with_borrow_mut(|alarms| {
        let later = alarms.split_off(&(Instant::now(), u64::MAX));
        mem::replace(alarms, later)
    });
    due.into_values().for_each(Waker::wake);
}

/// So lange ist es noch bis zum nächsten Termin; `None`, wenn keiner ansteht.
pub fn until_next() -> Option<Duration> {
    let next = ALARMS.with_borrow(|alarms| alarms.keys().next().copied());
    next.map(|(time, _)| time.saturating_duration_since(Instant::now()))
}
// ANCHOR_END: timer
