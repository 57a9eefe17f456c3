//! A recorded run of a scene: what happened when, as it is kept in `NAME.json`.
//! In flow a script and the player's events, out flow JSON, and the differences between two runs.

use std::fmt::Write;
use std::mem;
use std::sync::LazyLock;

use regex::Regex;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

use crate::SceneId;
use crate::script::{LONGEST_SCENE, Process, Script};

/// One run of a scene; the source of its transcript.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recording {
    /// Scene id, `LISTING/NAME`.
    pub scene: String,
    /// Caption.
    pub title: String,
    /// One sentence under the transcript.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Day of the run, `YYYY-MM-DD`.
    pub recorded: String,
    /// [`Script::digest`] of the script that was played.
    pub script: String,
    /// Those who took part, in the order of their columns.
    pub processes: Vec<Role>,
    /// What happened, in order of time.
    pub events: Vec<Event>,
}

/// One who took part in a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// Name of the column.
    pub name: String,
    /// Name of the listing's program.
    pub program: String,
    /// What a reader types to start it.
    pub command: String,
    /// Whether its lines come in the same order in every run.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub ordered: bool,
}

fn yes() -> bool {
    true
}

fn is_true(value: &bool) -> bool {
    *value
}

/// Something that happened to one process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// Milliseconds since the scene began.
    #[serde(deserialize_with = "moment::<1_000, _>")]
    pub t: u64,
    /// Name of the process.
    pub process: String,
    /// What kind of thing happened.
    pub kind: EventKind,
    /// The line printed or typed; for [`EventKind::Quiet`] what the process is doing meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Exit status of an [`EventKind::Exit`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<i32>,
    /// Lines with the same number may come in any order among themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub free: Option<usize>,
}

/// Reads a time of so many units a second. One beyond the longest scene is a slip, and drawing it would be a longer sum than fits.
pub(crate) fn moment<'de, const SECOND: u64, D: Deserializer<'de>>(
    written: D,
) -> Result<u64, D::Error> {
    let time = u64::deserialize(written)?;
    if time > u64::from(LONGEST_SCENE) * SECOND {
        return Err(D::Error::custom("a scene ends within an hour"));
    }
    Ok(time)
}

/// The kinds of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventKind {
    /// The program was started.
    Start,
    /// It printed a line to stdout.
    Out,
    /// It printed a line to stderr.
    Err,
    /// A line was typed into it.
    In,
    /// It begins to wait: until its next event nothing comes from it.
    Quiet,
    /// Its stdin was closed.
    Eof,
    /// It got Ctrl-C.
    Stop,
    /// It ended.
    Exit,
}

impl Recording {
    /// A run of today.
    pub fn new(id: &SceneId, script: &Script, events: Vec<Event>) -> Recording {
        let role = |process: &Process| Role {
            name: process.name.clone(),
            program: process.program.clone(),
            command: script.command(process),
            ordered: process.ordered,
        };
        Recording {
            scene: id.to_string(),
            title: script.title.clone(),
            note: script.note.clone(),
            recorded: chrono::Local::now().format("%Y-%m-%d").to_string(),
            script: script.digest(),
            processes: script.processes.iter().map(role).collect(),
            events,
        }
    }

    /// The JSON of the file: pretty, but one event a line, so that a diff reads like the scene.
    pub fn to_json(&self) -> String {
        let head = Recording {
            events: Vec::new(),
            ..self.clone()
        };
        let json = |result: serde_json::Result<String>| result.expect("only string keys");
        let head = json(serde_json::to_string_pretty(&head));
        let lines: Vec<_> = self
            .events
            .iter()
            .map(|event| format!("    {}", json(serde_json::to_string(event))))
            .collect();
        match head.strip_suffix("[]\n}") {
            Some(head) => format!("{head}[\n{}\n  ]\n}}\n", lines.join(",\n")),
            None => unreachable!("`events` is the last field and empty in the head"),
        }
    }

    /// Compares what every process printed, line by line after masking, and how it ended.
    /// stdout and stderr are compared separately: nobody promises an order between two pipes.
    ///
    /// The error lists every difference: „im Buch“ is `self`, „jetzt“ is `now`.
    pub fn compare(&self, now: &Recording, script: &Script) -> Result<(), String> {
        let masks = script.masks();
        let mut report = String::new();
        for process in &script.processes {
            for (kind, stream) in [(EventKind::Out, "stdout"), (EventKind::Err, "stderr")] {
                let book = self.lines(&process.name, kind, process.ordered, &masks);
                let today = now.lines(&process.name, kind, process.ordered, &masks);
                if book != today {
                    report.push_str(&difference(&process.name, stream, &book, &today));
                }
            }
            let (book, today) = (self.status(&process.name), now.status(&process.name));
            if book != today {
                let status = |status: Option<i32>| {
                    status.map_or("keiner".into(), |status| status.to_string())
                };
                let _ = writeln!(
                    report,
                    "  {}, Status im Buch: {}, jetzt: {}",
                    process.name,
                    status(book),
                    status(today)
                );
            }
        }
        if report.is_empty() {
            Ok(())
        } else {
            Err(report)
        }
    }

    /// Whether both runs differ in times alone: same heading, same text, same fates.
    pub fn says_the_same(&self, other: &Recording, script: &Script) -> bool {
        self.scene == other.scene
            && self.title == other.title
            && self.note == other.note
            && self.processes == other.processes
            && self.compare(other, script).is_ok()
    }

    /// The masked lines of one stream, without those that say the same once more; those whose order is free are sorted
    /// among themselves.
    fn lines(
        &self,
        process: &str,
        kind: EventKind,
        ordered: bool,
        masks: &Masks,
    ) -> Vec<String> {
        let text = |event: &Event| event.text.clone().unwrap_or_default();
        let mut before = String::new();
        let mut events: Vec<&Event> = self.printed(process, kind).collect();
        events.retain(|event| {
            let line = text(event);
            !masks.is_again(&mem::replace(&mut before, line.clone()), &line)
        });
        let mut lines: Vec<String> =
            events.iter().map(|event| masks.apply(&text(event))).collect();
        if !ordered {
            lines.sort();
            return lines;
        }
        let mut groups: Vec<usize> = events.iter().filter_map(|event| event.free).collect();
        groups.sort_unstable();
        groups.dedup();
        for group in groups {
            let places: Vec<usize> = (0..events.len())
                .filter(|place| events[*place].free == Some(group))
                .collect();
            let mut sorted: Vec<String> =
                places.iter().map(|place| lines[*place].clone()).collect();
            sorted.sort();
            for (place, line) in places.into_iter().zip(sorted) {
                lines[place] = line;
            }
        }
        lines
    }

    /// Where Ctrl-C cannot be sent, `stop` kills: what comes after it is then not the programs' doing.
    fn printed(&self, process: &str, kind: EventKind) -> impl Iterator<Item = &Event> {
        self.events
            .iter()
            .take_while(|event| cfg!(unix) || event.kind != EventKind::Stop)
            .filter(move |event| event.process == process && event.kind == kind)
    }

    fn status(&self, process: &str) -> Option<i32> {
        self.printed(process, EventKind::Exit).find_map(|event| event.status)
    }
}

fn difference(process: &str, stream: &str, book: &[String], today: &[String]) -> String {
    let mut report = format!("  {process}, {stream}:\n");
    let same = book.iter().zip(today).take_while(|(book, today)| book == today);
    let first = same.count();
    for (heading, lines) in [("im Buch", book), ("jetzt", today)] {
        let _ = writeln!(report, "    {heading}:");
        if lines.is_empty() {
            report.push_str("        (nichts)\n");
        }
        for (index, line) in lines.iter().enumerate() {
            let mark = if index == first { "≠" } else { " " };
            let _ = writeln!(report, "      {mark} {line}");
        }
        if lines.len() == first && first > 0 {
            report.push_str("      ≠ (hier ist Schluss)\n");
        }
    }
    report
}

const COMMON_PATTERNS: [(&str, &str); 3] = [
    (r"(127\.0\.0\.1|\[::1\]|localhost):[0-9]{1,5}\b", "$1:PORT"),
    (r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}\b", "DATUM"),
    (r"\b[0-9]{2}:[0-9]{2}:[0-9]{2}\b", "UHRZEIT"),
];

/// What differs from run to run and is therefore not compared: ports, times of day, dates, and what a scene adds.
#[derive(Debug)]
pub struct Masks {
    /// What stands in the place of what matches.
    replaced: Vec<(Regex, &'static str)>,
    /// Lines that come as often as a program has to try; the first one counts.
    again: Vec<Regex>,
}

impl Masks {
    /// The common masks and those of a scene: what is replaced by „…“, and which lines may come again. The error names the
    /// pattern that is none, or that JavaScript might read in another way.
    pub fn new(replaced: &[String], again: &[String]) -> Result<Masks, String> {
        // Compiled once: every replayed scene needs them.
        static COMMON: LazyLock<[(Regex, &str); 3]> = LazyLock::new(|| {
            let compile =
                |pattern| Regex::new(pattern).expect("written by hand and tested");
            COMMON_PATTERNS.map(|(pattern, name)| (compile(pattern), name))
        });
        let own = |pattern: &String| match Regex::new(pattern) {
            Ok(regex) if is_javascript_too(pattern) => Ok(regex),
            _ => Err(format!("„{pattern}“")),
        };
        let common = COMMON.iter().cloned().map(Ok);
        let of_scene = replaced.iter().map(|pattern| Ok((own(pattern)?, "…")));
        Ok(Masks {
            replaced: of_scene.chain(common).collect::<Result<_, String>>()?,
            again: again.iter().map(own).collect::<Result<_, String>>()?,
        })
    }

    /// Whether a line is the same attempt once more: it and the one before, of the same stream, match the same pattern.
    pub fn is_again(&self, before: &str, line: &str) -> bool {
        self.again.iter().any(|kind| kind.is_match(before) && kind.is_match(line))
    }

    /// The line with everything replaced that differs from run to run.
    pub fn apply(&self, line: &str) -> String {
        let mut line = line.to_string();
        for (regex, name) in &self.replaced {
            line = regex.replace_all(&line, *name).into_owned();
        }
        line
    }

    /// The patterns, to be applied one after the other, and what stands in the place of their matches. Both mean the same
    /// in JavaScript (with the flags `g` and `u`), for the page compares too.
    pub fn patterns(&self) -> Vec<(String, &'static str)> {
        let pattern = |(regex, name): &(Regex, _)| (regex.as_str().to_owned(), *name);
        self.replaced.iter().map(pattern).collect()
    }

    /// The patterns of lines that may come again, for the page as well.
    pub fn again(&self) -> Vec<String> {
        self.again.iter().map(|regex| regex.as_str().to_owned()).collect()
    }
}

/// Whether Rust and JavaScript read the pattern alike. Taken is only what is known to be the same: characters, escaped
/// punctuation, `\b`, groups without name and flag, numbers of repetitions, sets of plain characters. (`\b` differs
/// beside letters that are not ASCII; there stands no port and no date.)
fn is_javascript_too(pattern: &str) -> bool {
    static PARTS: LazyLock<Regex> = LazyLock::new(|| {
        let parts = r"^([^\\\[\]{}]|\\[.\[\](){}*+?^$|\\b]|\[[^\[\]\\&~]+\]|\{[0-9]+(,[0-9]*)?\})*$";
        Regex::new(parts).expect("written by hand and tested")
    });
    let groups = pattern.replace("(?:", "(");
    PARTS.is_match(pattern) && !groups.contains("(?") && !pattern.contains("--")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(line: &str) -> String {
        Masks::new(&["[0-9]+ ms".into()], &[]).unwrap().apply(line)
    }

    #[test]
    fn the_page_reads_the_common_masks_as_we_do() {
        assert!(COMMON_PATTERNS.iter().all(|(pattern, _)| is_javascript_too(pattern)));
    }

    #[test]
    fn ports_dates_and_times_are_masked_and_nothing_else() {
        for (line, expected) in [
            (
                "Server lauscht auf 127.0.0.1:5000",
                "Server lauscht auf 127.0.0.1:PORT",
            ),
            (
                "127.0.0.1:50123 fragt: „time“",
                "127.0.0.1:PORT fragt: „time“",
            ),
            (
                "[::1]:5000 und localhost:80",
                "[::1]:PORT und localhost:PORT",
            ),
            ("2026-11-21 12:00:00", "DATUM UHRZEIT"),
            ("nach 17 ms", "nach …"),
            (
                "10.0.0.1:5000, 5000 Bytes, 12:00",
                "10.0.0.1:5000, 5000 Bytes, 12:00",
            ),
        ] {
            assert_eq!(masked(line), expected);
        }
    }

    #[test]
    fn only_masks_that_javascript_reads_alike_are_taken() {
        let takes = |pattern: &str| Masks::new(&[pattern.into()], &[]).is_ok();
        for alike in [
            r"Rechenzeit [0-9]+\.[0-9]{2} s",
            "(abgegeben|entzogen): [0-9]+",
            " +[0-9.]+ (?:s|KiB|MiB)$",
            r"\bLast [^ ] \[\\",
        ] {
            assert!(takes(alike), "{alike}");
        }
        for different in [
            r"\d+ ms",
            r"\w",
            r"\s",
            r"\<x",
            r"\p{L}",
            r"\x41",
            "(?i)x",
            "(?P<n>x)",
            "((?s).)",
            "[a&&b]",
            "[[:alpha:]]",
            r"[\d]",
            "[a--b]",
            "x{,3}",
            "x]",
            "x}",
            "(",
            "[",
        ] {
            assert!(!takes(different), "{different}");
        }
    }

    #[test]
    fn no_time_lies_beyond_the_longest_scene() {
        let read = |t: u64| {
            serde_json::from_str::<Event>(&format!(
                r#"{{"t":{t},"process":"A","kind":"start"}}"#
            ))
        };
        assert_eq!(read(3_600_000).unwrap().t, 3_600_000);
        assert!(read(3_600_001).is_err() && read(u64::MAX).is_err());
    }

    fn script(ordered: bool) -> Script {
        let text = format!(
            "title = \"T\"\nsteps = [{{ start = \"A\" }}, {{ stop = \"A\" }}]\n\
             [[process]]\nname = \"A\"\nprogram = \"p\"\nordered = {ordered}\n"
        );
        Script::parse(&text).unwrap()
    }

    fn event(kind: EventKind, text: &str, free: Option<usize>) -> Event {
        Event {
            t: 0,
            process: "A".into(),
            kind,
            text: Some(text.into()),
            status: None,
            free,
        }
    }

    fn run(events: Vec<Event>, script: &Script) -> Recording {
        Recording::new(&SceneId::new("x", "y"), script, events)
    }

    fn printing(lines: &[(&str, Option<usize>)], script: &Script) -> Recording {
        let out = |(text, free): &(&str, _)| event(EventKind::Out, text, *free);
        run(lines.iter().map(out).collect(), script)
    }

    #[test]
    fn a_wrong_a_missing_and_an_extra_line_are_differences() {
        let script = script(true);
        let book = printing(&[("a", None), ("b", None)], &script);
        for today in [&["a", "c"][..], &["a"], &["a", "b", "c"], &["b", "a"], &[]] {
            let lines: Vec<_> = today.iter().map(|line| (*line, None)).collect();
            let today = printing(&lines, &script);
            assert!(book.compare(&today, &script).is_err());
        }
        assert_eq!(book.compare(&book, &script), Ok(()));
        let report = book.compare(&printing(&[("a", None)], &script), &script);
        assert_eq!(
            report.unwrap_err(),
            "  A, stdout:\n    im Buch:\n        a\n      ≠ b\n    jetzt:\n        a\n      ≠ (hier ist Schluss)\n"
        );
    }

    #[test]
    fn how_often_a_program_had_to_try_is_no_difference_that_it_did_is_one() {
        let mut script = script(true);
        script.again = vec!["^Versuch".into()];
        let says = |lines: &[&str]| {
            let lines: Vec<_> = lines.iter().map(|line| (*line, None)).collect();
            printing(&lines, &script)
        };
        let book = says(&["a", "Versuch 1", "b"]);
        for (today, is_the_same) in [
            (&["a", "Versuch 1", "Versuch 2", "Versuch 3", "b"][..], true),
            (&["a", "b"], false),
            (&["a", "Versuch 2", "b"], false),
            (&["a", "Versuch 1", "b", "Versuch 2"], false),
        ] {
            let same = book.compare(&says(today), &script).is_ok();
            assert_eq!(same, is_the_same, "{today:?}");
        }
    }

    #[test]
    fn stderr_is_not_stdout_and_a_status_counts() {
        let script = script(true);
        let out = run(vec![event(EventKind::Out, "a", None)], &script);
        let err = run(vec![event(EventKind::Err, "a", None)], &script);
        assert!(out.compare(&err, &script).is_err());
        let exit = |status| Event {
            status: Some(status),
            ..event(EventKind::Exit, "", None)
        };
        let (good, bad) = (run(vec![exit(0)], &script), run(vec![exit(1)], &script));
        assert_eq!(
            good.compare(&bad, &script),
            Err("  A, Status im Buch: 0, jetzt: 1\n".into())
        );
    }

    #[test]
    fn where_the_order_is_free_a_set_is_compared() {
        let unordered = script(false);
        let book = printing(&[("a", None), ("b", None)], &unordered);
        assert!(
            book.compare(
                &printing(&[("b", None), ("a", None)], &unordered),
                &unordered
            )
            .is_ok()
        );
        assert!(
            book.compare(
                &printing(&[("a", None), ("a", None)], &unordered),
                &unordered
            )
            .is_err()
        );

        let ordered = script(true);
        let book = printing(&[("x", None), ("a", Some(3)), ("b", Some(3))], &ordered);
        let swapped = printing(&[("x", None), ("b", Some(3)), ("a", Some(3))], &ordered);
        let moved = printing(&[("a", Some(3)), ("x", None), ("b", Some(3))], &ordered);
        assert!(book.compare(&swapped, &ordered).is_ok());
        assert!(book.compare(&moved, &ordered).is_err());
    }

    #[test]
    fn a_recording_survives_the_way_through_its_file() {
        let script = script(false);
        let recording = printing(&[("„a“ \"b\"", Some(1)), ("", None)], &script);
        let json = recording.to_json();
        assert_eq!(serde_json::from_str::<Recording>(&json).unwrap(), recording);
        assert!(json.contains(
            "\n    {\"t\":0,\"process\":\"A\",\"kind\":\"out\",\"text\":\"\"}\n"
        ));
        let empty = run(Vec::new(), &script);
        assert_eq!(
            serde_json::from_str::<Recording>(&empty.to_json()).unwrap(),
            empty
        );
    }
}
