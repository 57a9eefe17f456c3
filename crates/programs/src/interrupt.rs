//! Ctrl-C as a flag, so that whoever started programs can end them before it ends itself.
//! In flows the signal, out flows a shared `bool`.

use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// A flag that Ctrl-C sets. Whoever looks at it gives up, and giving up ends every program it started.
/// Once nobody holds the flag any more, Ctrl-C simply ends us, as it would have without all this.
pub fn cancelled_by_ctrl_c() -> Arc<AtomicBool> {
    let cancelled = Arc::new(AtomicBool::new(false));
    let flag = Arc::downgrade(&cancelled);
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let Ok(runtime) = runtime else { return };
        while runtime.block_on(tokio::signal::ctrl_c()).is_ok() {
            match flag.upgrade() {
                Some(flag) => flag.store(true, Ordering::Relaxed),
                None => process::exit(130),
            }
        }
    });
    cancelled
}
