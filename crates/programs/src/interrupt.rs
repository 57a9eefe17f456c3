//! Ctrl-C as a flag, so that whoever started programs can end them before it ends itself.
//! In flows the signal, out flows a shared `bool`.

use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Once, PoisonError, Weak};

/// The flags that Ctrl-C sets; those of work that is over are gone.
static FLAGS: Mutex<Vec<Weak<AtomicBool>>> = Mutex::new(Vec::new());

/// A flag that Ctrl-C sets; the code that holds it then gives up and ends every program it has started.
/// Once no flag is held any more, Ctrl-C simply ends us, as it would have without all this.
pub fn cancelled_by_ctrl_c() -> Arc<AtomicBool> {
    static HANDLER: Once = Once::new();
    let cancelled = Arc::new(AtomicBool::new(false));
    let mut flags = FLAGS.lock().unwrap_or_else(PoisonError::into_inner);
    flags.retain(|flag| flag.strong_count() > 0);
    flags.push(Arc::downgrade(&cancelled));
    drop(flags);
    // Without a handler Ctrl-C ends us at once, and on Linux our programs with us.
    HANDLER.call_once(|| drop(ctrlc::set_handler(give_up)));
    cancelled
}

fn give_up() {
    let flags = FLAGS.lock().unwrap_or_else(PoisonError::into_inner);
    let held: Vec<_> = flags.iter().filter_map(Weak::upgrade).collect();
    if held.is_empty() {
        process::exit(130);
    }
    held.iter().for_each(|flag| flag.store(true, Ordering::Relaxed));
}
