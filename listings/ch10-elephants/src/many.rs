//! Viele Elefanten auf einmal: wer nicht zu finden ist, wer zu lange braucht, und wie
//! man die Cloud nicht überläuft.

use std::time::Duration;

use futures::future::{join_all, try_join_all};
use futures::stream::{self, StreamExt};
use tokio::time::{sleep, timeout};

use crate::cli::say;
use crate::cloud::{DELAY, UNKNOWN, memory};

/// So schnell merkt die Cloud, dass sie einen Elefanten nicht kennt.
pub const LOOK_UP: Duration = Duration::from_millis(500);

/// Fragt nach einem Elefanten, dessen Erinnerungen so weit fort liegen.
pub async fn fetch_from_afar(name: &str, delay: Duration) -> &'static str {
    sleep(delay).await;
    memory(name).unwrap_or(UNKNOWN)
}

// ANCHOR: question
/// Eine gestellte Frage. Wird sie fallen gelassen, bevor sie beantwortet ist, sagt sie es.
struct Question<'a> {
    name: &'a str,
    answered: bool,
}

impl Drop for Question<'_> {
    fn drop(&mut self) {
        if !self.answered {
            say(format!("{}: Frage fallen gelassen", self.name));
        }
    }
}
// ANCHOR_END: question

/// Fragt die Cloud; dass es einen Elefanten nicht gibt, ist ein Fehler.
pub async fn find_elephant(name: &str) -> Result<&'static str, String> {
    say(format!("{name}: gefragt"));
    let mut question = Question {
        name,
        answered: false,
    };
    let found = memory(name).ok_or_else(|| format!("{name}: {UNKNOWN}"));
    sleep(if found.is_ok() { DELAY } else { LOOK_UP }).await;
    question.answered = true;
    found
}

/// Alle Erinnerungen – oder der erste Fehler, und dann werden die anderen Fragen im
/// selben Augenblick fallen gelassen.
pub async fn all_or_none(names: &[&str]) -> Result<Vec<&'static str>, String> {
    try_join_all(names.iter().map(|name| find_elephant(name))).await
}

// ANCHOR: late
/// Wartet auf keinen Elefanten länger als `limit`; wer zu spät kommt, fehlt.
pub async fn in_time(
    limit: Duration,
    elephants: &[(&str, Duration)],
) -> Vec<Option<&'static str>> {
    let questions = elephants
        .iter()
        .map(|(name, delay)| timeout(limit, fetch_from_afar(name, *delay)));
    let answers = join_all(questions).await;
    answers.into_iter().map(Result::ok).collect() // `Err`: die Zeit war um
}
// ANCHOR_END: late

// ANCHOR: bounded
/// Stellt alle Fragen, aber nie mehr als `limit` zugleich. Die Antworten kommen in der
/// Reihenfolge, in der sie eintreffen.
pub async fn at_most<Q: Future>(
    limit: usize,
    questions: impl IntoIterator<Item = Q>,
) -> Vec<Q::Output> {
    stream::iter(questions).buffer_unordered(limit).collect().await
}
// ANCHOR_END: bounded

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use tokio::time::Instant;

    const SECOND: Duration = Duration::from_secs(1);

    fn mia() -> &'static str {
        memory("Mia").unwrap()
    }

    fn benno() -> &'static str {
        memory("Benno").unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn one_error_ends_the_waiting_for_all() {
        let start = Instant::now();
        let error = Err("Jumbo: Diesen Elefanten kennt die Cloud nicht.".into());
        assert_eq!(all_or_none(&["Mia", "Jumbo", "Benno"]).await, error);
        assert_eq!(start.elapsed(), LOOK_UP);
    }

    #[tokio::test(start_paused = true)]
    async fn without_an_error_all_come_in_the_order_of_the_questions() {
        let start = Instant::now();
        assert_eq!(
            all_or_none(&["Mia", "Benno"]).await,
            Ok(vec![mia(), benno()])
        );
        assert_eq!(start.elapsed(), DELAY);
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_late_is_missing_and_delays_nobody() {
        let start = Instant::now();
        let elephants = [("Mia", SECOND), ("Benno", 9 * SECOND)];
        assert_eq!(in_time(3 * SECOND, &elephants).await, [Some(mia()), None]);
        assert_eq!(start.elapsed(), 3 * SECOND);
    }

    /// Zehn Fragen zu einer Sekunde; gezählt wird, wie viele zugleich offen sind.
    async fn ten_questions(limit: usize) -> (usize, Duration) {
        let (open, most) = (Cell::new(0), Cell::new(0));
        let question = |number: usize| {
            let (open, most) = (&open, &most);
            async move {
                open.set(open.get() + 1);
                most.set(most.get().max(open.get()));
                sleep(SECOND).await;
                open.set(open.get() - 1);
                number
            }
        };
        let start = Instant::now();
        let mut numbers = at_most(limit, (0..10).map(question)).await;
        let elapsed = start.elapsed();
        numbers.sort();
        assert!(numbers.into_iter().eq(0..10));
        (most.get(), elapsed)
    }

    #[tokio::test(start_paused = true)]
    async fn never_more_than_the_limit_are_open_at_once() {
        assert_eq!(ten_questions(1).await, (1, 10 * SECOND));
        assert_eq!(ten_questions(3).await, (3, 4 * SECOND));
        assert_eq!(ten_questions(50).await, (10, SECOND));
    }
}
