//! Eine Hülle um jeden Aufruf einer asynchronen Funktion: Sie misst, wie lange er dauert.

use tokio::time::Instant;

use crate::cli::{decimal, say};

// ANCHOR: timed
/// Wartet auf `future`, druckt, wie lange das gedauert hat, und gibt das Ergebnis weiter.
pub async fn timed<F: Future>(title: &str, future: F) -> F::Output {
    let start = Instant::now();
    let output = future.await;
    let seconds = decimal(format!("{:.1}", start.elapsed().as_secs_f64()));
    say(format!("{title}: {seconds} s"));
    output
}
// ANCHOR_END: timed

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time::sleep;

    #[tokio::test(start_paused = true)]
    async fn the_wrapper_passes_the_result_on_and_takes_no_longer() {
        let start = Instant::now();
        let future = async {
            sleep(Duration::from_millis(1234)).await;
            "da"
        };
        assert_eq!(timed("Probe", future).await, "da");
        assert_eq!(start.elapsed(), Duration::from_millis(1234));
    }

    #[tokio::test(start_paused = true)]
    async fn the_clock_starts_with_the_first_await() {
        let start = Instant::now();
        let late = timed("Probe", sleep(Duration::from_secs(1)));
        sleep(Duration::from_secs(5)).await;
        late.await;
        // Die Schlafenszeit lief schon, gemessen wurde noch nicht.
        assert_eq!(start.elapsed(), Duration::from_secs(5));
    }
}
