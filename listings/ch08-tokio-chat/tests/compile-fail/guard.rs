use std::sync::Mutex;
use std::time::Duration;

use tokio::time::sleep;

static VISITS: Mutex<u32> = Mutex::new(0);

async fn count() {
    let mut visits = VISITS.lock().unwrap();
    sleep(Duration::from_secs(1)).await;
    *visits += 1;
}

#[tokio::main]
async fn main() {
    tokio::spawn(count()).await.unwrap();
}
