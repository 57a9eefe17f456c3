use std::sync::{Arc, Mutex};

#[tokio::main]
async fn main() {
    let count = Arc::new(Mutex::new(0));
    tokio::spawn(async move {
        let mut guard = count.lock().unwrap();
        *guard += 1;
        drop(guard);
        tokio::task::yield_now().await;
    });
}
