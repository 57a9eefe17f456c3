//! Die Elephant Memory Cloud: woran Elefanten sich erinnern.

use std::time::Duration;

use tokio::time::sleep;

use crate::cli::say;

/// So lange braucht die Cloud für eine Antwort.
pub const DELAY: Duration = Duration::from_secs(2);

/// Drei Elefanten, die sie kennt.
pub const NAMES: [&str; 3] = ["Mia", "Benno", "Tonga"];

/// Was sie von allen anderen zu sagen weiß.
pub const UNKNOWN: &str = "Diesen Elefanten kennt die Cloud nicht.";

/// Woran dieser Elefant sich erinnert; `None`: Die Cloud kennt ihn nicht.
pub fn memory(name: &str) -> Option<&'static str> {
    match name {
        "Mia" => Some("Mia erinnert sich an das Wasserloch hinter dem dritten Hügel."),
        "Benno" => Some("Benno erinnert sich an den Pfleger, der bei Regen sang."),
        "Tonga" => Some("Tonga erinnert sich an jeden, der ihr je einen Apfel gab."),
        _ => None,
    }
}

// ANCHOR: fetch
/// Fragt die Cloud, woran ein Elefant sich erinnert.
pub async fn fetch_elephant_data(name: &str) -> String {
    say(format!("{name}: gefragt"));
    sleep(DELAY).await; // so lange sucht die Cloud
    say(format!("{name}: da"));
    memory(name).unwrap_or(UNKNOWN).into()
}
// ANCHOR_END: fetch

#[cfg(test)]
mod tests {
    use super::*;
    use futures::future::join_all;
    use tokio::time::Instant;

    #[test]
    fn the_cloud_knows_the_three_and_nobody_else() {
        for name in NAMES {
            assert!(memory(name).unwrap().starts_with(name));
        }
        assert_eq!(memory("mia"), None);
        assert_eq!(memory(""), None);
    }

    #[tokio::test(start_paused = true)]
    async fn three_questions_take_six_seconds_one_after_another() {
        let start = Instant::now();
        for name in NAMES {
            assert_eq!(fetch_elephant_data(name).await, memory(name).unwrap());
        }
        assert_eq!(start.elapsed(), 3 * DELAY);
    }

    #[tokio::test(start_paused = true)]
    async fn three_questions_take_two_seconds_at_once() {
        let start = Instant::now();
        let memories = join_all(NAMES.map(fetch_elephant_data)).await;
        assert_eq!(start.elapsed(), DELAY);
        assert_eq!(memories, NAMES.map(|name| memory(name).unwrap())); // in dieser Ordnung
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_asked_before_someone_waits() {
        let start = Instant::now();
        let futures = NAMES.map(fetch_elephant_data);
        sleep(3 * DELAY).await;
        for future in futures {
            future.await; // erst jetzt beginnt die Frage
        }
        assert_eq!(start.elapsed(), 6 * DELAY);
    }

    #[tokio::test(start_paused = true)]
    async fn an_unknown_elephant_takes_as_long() {
        let start = Instant::now();
        assert_eq!(fetch_elephant_data("Jumbo").await, UNKNOWN);
        assert_eq!(start.elapsed(), DELAY);
    }
}
