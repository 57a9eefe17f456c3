//! Timelines: who worked and who waited when, one lane for each process or thread.
//! In flow lanes from whatever observed them (a trace, a scene's recording), out flows a picture;
//! all times are microseconds since the beginning of what is shown.

mod svg;

use serde::{Deserialize, Serialize};

use crate::recording::moment;

pub use svg::draw;

/// Between the name of a process and that of its thread: `Server · Thread für Anna`.
pub const OF: &str = " · ";

/// What several processes and threads did at the same time.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timeline {
    /// From top to bottom.
    pub lanes: Vec<Lane>,
}

/// The life of one process or thread.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lane {
    /// `Anna`, or `Server · Thread für Anna` for a thread.
    pub name: String,
    /// Number of its colour, from 1; the lanes of a process share one, which is also that of its column.
    pub colour: usize,
    /// When it began.
    #[serde(deserialize_with = "moment::<1_000_000, _>")]
    pub from: u64,
    /// When it ended.
    #[serde(deserialize_with = "moment::<1_000_000, _>")]
    pub to: u64,
    /// Whether between its spans it is not there at all; else it is, and nobody looked.
    #[serde(default, skip)]
    pub comes_and_goes: bool,
    /// Moments worth a word.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<Remark>,
    /// What it did, in order of time and without overlap.
    pub spans: Vec<Span>,
}

/// A stretch of time in which a lane did one thing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// Its beginning.
    #[serde(deserialize_with = "moment::<1_000_000, _>")]
    pub from: u64,
    /// Its end; the beginning itself where only a moment is known.
    #[serde(deserialize_with = "moment::<1_000_000, _>")]
    pub to: u64,
    /// Whether it worked or waited.
    pub kind: Activity,
    /// What exactly: „wartet in read auf Anna“.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The same in a word, for where there is little room: „read“.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub short: Option<String>,
}

/// What one can do with time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activity {
    /// It had something to do.
    Working,
    /// It could not go on until something happened.
    Waiting,
    /// It waited too, and nothing else on its thread could go on meanwhile.
    Holding,
}

/// A moment worth a word.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remark {
    /// When.
    #[serde(deserialize_with = "moment::<1_000_000, _>")]
    pub t: u64,
    /// The word: „Strg+C“.
    pub text: String,
}

/// What stands around a picture, and which part of the time it shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Caption {
    /// What its ids begin with, unique in the book: ASCII letters, digits and `-`.
    pub id: String,
    /// Its name for those who do not see it.
    pub title: String,
    /// What it shows, for those who do not see it.
    pub desc: String,
    /// Where it begins; without, at 0.
    pub from: Option<u64>,
    /// Where it ends; without, with the last lane.
    pub to: Option<u64>,
}

impl Timeline {
    /// The lanes of these names, in this order. The name of a process stands for all its threads.
    /// The error, one German sentence, names what there is instead.
    pub fn select(&self, names: &[String]) -> Result<Timeline, String> {
        let mut lanes = Vec::new();
        for name in names {
            let threads = format!("{name}{OF}");
            let meant =
                |lane: &&Lane| lane.name == *name || lane.name.starts_with(&threads);
            let before = lanes.len();
            lanes.extend(self.lanes.iter().filter(meant).cloned());
            if lanes.len() == before {
                let known: Vec<_> =
                    self.lanes.iter().map(|lane| lane.name.as_str()).collect();
                return Err(format!(
                    "Eine Bahn „{name}“ gibt es nicht, nur „{}“.",
                    known.join("“, „")
                ));
            }
        }
        Ok(Timeline { lanes })
    }
}

impl Span {
    /// How long it lasted.
    pub fn duration(&self) -> u64 {
        self.to.saturating_sub(self.from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(name: &str) -> Lane {
        Lane {
            name: name.into(),
            colour: 1,
            from: 0,
            to: 1,
            comes_and_goes: false,
            marks: Vec::new(),
            spans: Vec::new(),
        }
    }

    #[test]
    fn lanes_are_chosen_by_name_and_a_process_stands_for_its_threads() {
        let names = ["Server · main", "Server · Thread 2", "Anna", "Serverin"];
        let timeline = Timeline {
            lanes: names.map(lane).into(),
        };
        let chosen = |names: &[&str]| {
            let names: Vec<_> = names.iter().map(|name| name.to_string()).collect();
            let chosen = timeline.select(&names)?;
            Ok(chosen.lanes.into_iter().map(|lane| lane.name).collect::<Vec<_>>())
        };
        assert_eq!(
            chosen(&["Anna", "Server"]),
            Ok(["Anna", "Server · main", "Server · Thread 2"].map(String::from).into())
        );
        assert_eq!(chosen(&["Server · main"]), Ok(vec!["Server · main".into()]));
        let refusal: Result<_, String> = chosen(&["Ben"]);
        assert_eq!(
            refusal,
            Err("Eine Bahn „Ben“ gibt es nicht, nur „Server · main“, „Server · Thread 2“, „Anna“, „Serverin“.".into())
        );
    }
}
