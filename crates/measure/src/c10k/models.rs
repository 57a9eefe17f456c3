//! What is compared: the ten ways of building the same line-echo server.
//! In flow ids, out flow those that run here.

use std::path::Path;

use anyhow::bail;

use crate::subject::{self, Recipe, Runnable, Subject};
use programs::listings::Programs;

/// The listing whose programs are measured.
pub const LISTING: &str = "ch11-c10k";

/// In the order of tables.
const SUBJECTS: [Subject; 10] = [
    Subject {
        id: "epoll-c",
        name: "epoll in C",
        recipe: Recipe::C("c/epoll.c"),
    },
    Subject {
        id: "epoll",
        name: "epoll, so wenig wie möglich",
        recipe: Recipe::Linux("ch11-epoll"),
    },
    Subject {
        id: "event-loop",
        name: "Event Loop von Hand (mio)",
        recipe: Recipe::Listing("ch11-event-loop", &[]),
    },
    Subject {
        id: "tokio-lean",
        name: "tokio, ohne eigenen Puffer",
        recipe: Recipe::Listing("ch11-tokio-lean", &[]),
    },
    Subject {
        id: "tokio",
        name: "tokio, 8 KiB Puffer",
        recipe: Recipe::Listing("ch11-tokio", &[]),
    },
    Subject {
        id: "tokio-cores",
        name: "tokio, alle Kerne",
        recipe: Recipe::OnAllCores("ch11-tokio"),
    },
    Subject {
        id: "threads",
        name: "Thread je Verbindung",
        recipe: Recipe::Listing("ch11-threads", &[]),
    },
    Subject {
        id: "threads-small",
        name: "Thread, Stapel 64 KiB",
        recipe: Recipe::Listing("ch11-threads", &["--stack", "65536"]),
    },
    Subject {
        id: "asyncio",
        name: "Python asyncio",
        recipe: Recipe::Python("python/streams.py"),
    },
    Subject {
        id: "python-threads",
        name: "Python-Threads",
        recipe: Recipe::Python("python/threads.py"),
    },
];

/// The ids of all models, whether they run here or not, in the order of tables.
pub fn ids() -> [&'static str; SUBJECTS.len()] {
    SUBJECTS.map(|subject| subject.id)
}

/// The German sentence about an id that no model has.
pub fn unknown(id: &str) -> String {
    format!(
        "Ein Modell „{id}“ gibt es nicht; es gibt {}.",
        ids().join(", ")
    )
}

/// The models of these ids that run here, in the order of tables; all that run here if there are no ids. Which ones do
/// not, and why not, is told in German sentences.
///
/// # Errors
///
/// A German sentence: no model has that id.
pub fn runnable(
    root: &Path,
    programs: &Programs,
    wanted: &[String],
    left_out: &mut dyn FnMut(String),
) -> anyhow::Result<Vec<Runnable>> {
    if let Some(id) = wanted.iter().find(|id| !ids().contains(&id.as_str())) {
        bail!(unknown(id));
    }
    let is_wanted =
        |subject: &&Subject| wanted.is_empty() || wanted.iter().any(|id| id == subject.id);
    let subjects = SUBJECTS.iter().filter(is_wanted);
    Ok(subject::runnable(
        root, LISTING, subjects, programs, left_out,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_model_has_an_id_and_a_name_of_its_own_and_one_is_the_reference() {
        let ids: BTreeSet<&str> = ids().into();
        let names: BTreeSet<&str> = SUBJECTS.map(|subject| subject.name).into();
        assert_eq!((ids.len(), names.len()), (SUBJECTS.len(), SUBJECTS.len()));
        assert!(ids.contains(super::super::summary::REFERENCE));
    }

    #[test]
    fn an_unknown_model_is_told_with_the_known_ones() {
        let wanted = ["tokio".to_owned(), "node".to_owned()];
        let nothing = Programs::default();
        let refused = runnable(Path::new("."), &nothing, &wanted, &mut |_| {});
        assert_eq!(
            refused.err().expect("it is refused").to_string(),
            "Ein Modell „node“ gibt es nicht; es gibt epoll-c, epoll, event-loop, tokio-lean, tokio, tokio-cores, threads, \
             threads-small, asyncio, python-threads."
        );
    }

    #[test]
    fn a_model_that_does_not_run_here_is_left_out_with_its_reason() {
        let mut told = Vec::new();
        let wanted = ["tokio".to_owned()];
        let mut tell = |reason| told.push(reason);
        let models = runnable(Path::new("."), &Programs::default(), &wanted, &mut tell);
        assert!(models.expect("it is known").is_empty());
        assert_eq!(
            told,
            [
                "Kein Listing hat ein Programm namens „ch11-tokio“. „tokio, 8 KiB Puffer“ entfällt."
            ]
        );
    }
}
