//! The trace of a scene: one more run, watched by `strace`, and what is kept of it (`NAME.spuren.json`).
//! In flow a script and the programs, out flow the lanes of its timeline; in the tests, the proof
//! that today's programs still wait in the same places.

pub mod lanes;
pub mod strace;
pub mod tasks;

use std::fs;
use std::io;
use std::path::Path;
use std::time::UNIX_EPOCH;

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

use crate::SceneId;
use crate::player;
use crate::recording::{Event, Masks, Recording};
use crate::script::Script;
use crate::settings::Settings;
use crate::timeline::{Activity, Lane, Timeline};
use programs::listings::Programs;

/// A wait of so many microseconds is part of the story, and no accident of a busy machine.
const LONG: u64 = 300_000;

/// The lanes of one traced run; the source of the scene's timeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trace {
    /// Scene id, `LISTING/NAME`.
    pub scene: String,
    /// Day of the run, `YYYY-MM-DD`.
    pub recorded: String,
    /// [`Script::digest`] of the script that was played.
    pub script: String,
    /// Times are microseconds since the beginning of the scene.
    pub timeline: Timeline,
    /// What was printed in this run, if the timeline has lanes of tasks: they are known by nothing else.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub printed: Vec<Event>,
}

/// Plays a scene under strace and says what its threads waited for, and what was printed.
///
/// The settings decide about ports and pauses; what they say about traces is replaced.
pub fn take(
    root: &Path,
    id: &SceneId,
    script: &Script,
    programs: &Programs,
    settings: Settings,
) -> anyhow::Result<(Trace, Recording)> {
    let folder =
        tempfile::tempdir().context("Für die Spuren lässt sich kein Ordner anlegen.")?;
    let settings = Settings {
        traces: Some(folder.path().to_owned()),
        ..settings
    };
    let played = player::play(script, programs, root, &settings).with_context(|| {
        format!(
            "Die Szene „{id}“ ist unter strace nicht so verlaufen, wie ihr Skript sagt."
        )
    })?;
    let mut traces = Vec::new();
    for process in 0..script.processes.len() {
        let file = strace::file(folder.path(), process);
        let text = fs::read_to_string(file).context("strace hat nichts aufgeschrieben.")?;
        let threads = strace::parse(&text);
        if threads.is_empty() {
            bail!("Was strace über „{id}“ aufgeschrieben hat, ist nicht zu verstehen.");
        }
        traces.push(threads);
    }
    let began = played.began.duration_since(UNIX_EPOCH).unwrap_or_default();
    let began = u64::try_from(began.as_micros()).expect("for the next 500,000 years");
    let timeline = lanes::of_traces(script, &traces, &played.events, began);
    let recording = Recording::new(id, script, played.events);
    let printed = recording.events.iter().filter(|event| tasks::is_printed(event));
    let printed = printed.filter(|_| script.has_tasks());
    let trace = Trace {
        scene: recording.scene.clone(),
        recorded: recording.recorded.clone(),
        script: recording.script.clone(),
        timeline,
        printed: printed.cloned().collect(),
    };
    Ok((trace, recording))
}

/// Plays a scene under strace, on free ports, and compares its shape with the trace that is kept.
///
/// Errors say in German which lane waits differently; they include a missing trace.
pub fn replay(root: &Path, id: &SceneId) -> anyhow::Result<()> {
    let script = crate::load_script(root, id)?;
    let kept = load(root, id)?;
    let programs = programs::listings::built(root)?;
    let (now, _) = take(root, id, &script, programs, settings(&script)?)?;
    kept.compare(&now, &script.masks()).map_err(|difference| {
        anyhow::anyhow!(
            "In der Szene „{id}“ wird anders gewartet, als ihre Zeitachse zeigt.\n{difference}\
             Ist das Neue richtig, dann: cargo run -- record {id}"
        )
    })
}

/// On free ports, which need not be free for the reader, but with all pauses: they are what is shown.
pub fn settings(script: &Script) -> io::Result<Settings> {
    Ok(Settings {
        pauses: true,
        ..Settings::for_replay(script)?
    })
}

/// Reads the trace that is kept of a scene.
pub fn load(root: &Path, id: &SceneId) -> anyhow::Result<Trace> {
    let file = id.trace();
    let text = crate::read_file(root, &file).with_context(|| {
        format!("Von „{id}“ gibt es noch keine Spuren: cargo run -- record {id}")
    })?;
    serde_json::from_str(&text)
        .with_context(|| format!("{} enthält keine Spuren.", file.display()))
}

impl Trace {
    /// The JSON of the file, with one span, mark or printed line a line.
    pub fn to_json(&self) -> String {
        let pretty = serde_json::to_string_pretty(self).expect("only string keys");
        let lines: Vec<&str> = pretty.lines().collect();
        let mut json = String::new();
        let mut at = 0;
        while at < lines.len() {
            json.push_str(lines[at]);
            at += 1;
            // Nothing else begins before it ends: an object that has only plain fields.
            let plain = |line: &&&str| {
                !line.ends_with(['{', '[']) && !line.trim_start().starts_with('}')
            };
            let fields = lines[at..].iter().take_while(plain).count();
            if lines[at - 1].ends_with('{')
                && let end = lines[at + fields].trim_start()
                && end.starts_with('}')
            {
                let inner = lines[at..at + fields].iter().map(|line| line.trim_start());
                json.push_str(&inner.collect::<Vec<_>>().join(" "));
                json.push_str(end);
                at += fields + 1;
            }
            json.push('\n');
        }
        json
    }

    /// Whether both runs have the same lanes that wait for the same things in the same order.
    ///
    /// How long a wait lasts is chance, and on a busy machine any short one may become long: so
    /// every long wait of `self` must come in its turn in `now`, and a long one of `now` must be
    /// known to the lane, if only as a short one.
    pub fn compare(&self, now: &Trace, masks: &Masks) -> Result<(), String> {
        let names = |trace: &Trace| {
            let names = trace.timeline.lanes.iter().map(|lane| masks.apply(&lane.name));
            names.collect::<Vec<_>>()
        };
        let (book, today) = (names(self), names(now));
        if book != today {
            return Err(format!(
                "  Bahnen im Buch: {}\n  jetzt: {}\n",
                book.join(", "),
                today.join(", ")
            ));
        }
        let mut report = String::new();
        for (book, today) in self.timeline.lanes.iter().zip(&now.timeline.lanes) {
            // Long in the book, it lasts about as long today, but hardly to the millisecond.
            let mut rest = waits(today, LONG / 2, masks).into_iter();
            let missing = waits(book, LONG, masks)
                .into_iter()
                .find(|wait| !rest.any(|other| other == *wait));
            let known = waits(book, 0, masks);
            let extra =
                waits(today, LONG, masks).into_iter().find(|wait| !known.contains(wait));
            for (wait, heading) in [(missing, "im Buch"), (extra, "jetzt")] {
                if let Some(wait) = wait {
                    report.push_str(&format!("  {}, nur {heading}: „{wait}“\n", book.name));
                }
            }
        }
        if report.is_empty() {
            Ok(())
        } else {
            Err(report)
        }
    }
}

/// What a lane waits for at least that many microseconds.
fn waits(lane: &Lane, shortest: u64, masks: &Masks) -> Vec<String> {
    let waits = lane.spans.iter().filter(|span| span.kind == Activity::Waiting);
    let long = waits.filter(|span| span.duration() >= shortest);
    long.map(|span| masks.apply(span.label.as_deref().unwrap_or_default()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timeline::Span;

    fn span(milliseconds: u64, label: &str) -> Span {
        Span {
            from: 0,
            to: milliseconds * 1_000,
            kind: Activity::Waiting,
            label: Some(label.into()),
            short: None,
        }
    }

    fn trace(name: &str, waits: &[(u64, &str)]) -> Trace {
        let lane = Lane {
            name: name.into(),
            colour: 1,
            from: 0,
            to: 1,
            comes_and_goes: false,
            marks: Vec::new(),
            spans: waits.iter().map(|(duration, label)| span(*duration, label)).collect(),
        };
        Trace {
            scene: "x/y".into(),
            recorded: "2026-01-01".into(),
            script: "0".into(),
            timeline: Timeline { lanes: vec![lane] },
            printed: Vec::new(),
        }
    }

    #[test]
    fn the_same_waits_in_the_same_order_are_the_same_shape() {
        let masks = Masks::new(&[], &[]).unwrap();
        let book = trace(
            "A",
            &[(3, "accept"), (500, "read"), (500, "accept"), (2, "write")],
        );
        let compare = |waits: &[(u64, &str)]| book.compare(&trace("A", waits), &masks);
        for same in [
            &[(3, "accept"), (500, "read"), (500, "accept")][..],
            &[(290, "read"), (299, "accept")], // hardly to the millisecond
            &[(900, "accept"), (500, "read"), (500, "accept")], // a busy machine
            &[(500, "read"), (400, "write"), (500, "accept")],
        ] {
            assert_eq!(compare(same), Ok(()), "{same:?}");
        }
        for (other, report) in [
            (
                &[(500, "accept"), (500, "read")][..],
                "  A, nur im Buch: „accept“\n",
            ),
            (
                &[(500, "read"), (40, "accept")],
                "  A, nur im Buch: „accept“\n",
            ),
            (
                &[(500, "read"), (500, "accept"), (300, "futex")],
                "  A, nur jetzt: „futex“\n",
            ),
        ] {
            assert_eq!(compare(other), Err(report.into()));
        }
        let renamed = book.compare(&trace("B", &[]), &masks);
        assert_eq!(renamed, Err("  Bahnen im Buch: A\n  jetzt: B\n".into()));
    }

    #[test]
    fn what_differs_from_run_to_run_is_masked() {
        let masks = Masks::new(&[], &[]).unwrap();
        let book = trace("für 127.0.0.1:1", &[(500, "read auf 127.0.0.1:1")]);
        let today = trace("für 127.0.0.1:2", &[(500, "read auf 127.0.0.1:2")]);
        assert_eq!(book.compare(&today, &masks), Ok(()));
    }

    #[test]
    fn a_trace_survives_the_way_through_its_file_with_one_span_a_line() {
        let trace = trace("„A“ { \"", &[(3, "accept {"), (500, "read")]);
        let json = trace.to_json();
        assert_eq!(serde_json::from_str::<Trace>(&json).unwrap(), trace);
        assert!(json.contains(
            "\n          {\"from\": 0, \"to\": 3000, \"kind\": \"waiting\", \"label\": \"accept {\"},\n"
        ));
    }
}
