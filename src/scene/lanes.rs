//! The lanes of a scene's timeline: who worked and who waited when.
//! In flow either the calls that strace saw, or a recording alone; out flows a [`Timeline`]
//! whose waits say in German what for.

use std::collections::BTreeMap;

use super::recording::{Event, Kind as Happened, Recording};
use super::script::Script;
use super::strace::{Call, On, Thread};
use crate::timeline::{Kind, Lane, Mark, OF, Span, Timeline};

/// A call that lasts less than that many microseconds did not make its thread wait: the operating
/// system needs some time to do what it is asked for, and strace some to watch.
const SHORTEST_WAIT: u64 = 1_000;

/// The lanes of a recorded run: a process waits from a `quiet` event until its next one, and worked at
/// the moments when it printed. Of the rest nothing is known.
pub fn of_recording(recording: &Recording) -> Timeline {
    let lane = |(index, name): (usize, &String)| {
        let own: Vec<&Event> = recording
            .events
            .iter()
            .filter(|event| event.process == *name)
            .collect();
        let micros = |event: &Event| event.t * 1_000;
        let mut spans = Vec::new();
        for (place, event) in own.iter().enumerate() {
            let (to, kind) = match event.kind {
                Happened::Quiet => {
                    (own.get(place + 1).map_or(event, |next| next), Kind::Waiting)
                }
                Happened::Out | Happened::Err => (event, Kind::Working),
                _ => continue,
            };
            spans.push(Span {
                from: micros(event),
                to: micros(to),
                kind,
                label: event.text.clone(),
                short: None,
            });
        }
        Lane {
            name: name.clone(),
            colour: colour(index),
            from: own.first().map_or(0, |event| micros(event)),
            to: own.last().map_or(0, |event| micros(event)),
            marks: marks(&recording.events, name),
            spans,
        }
    };
    let names = recording.processes.iter().map(|role| &role.name);
    Timeline {
        lanes: names.enumerate().map(lane).collect(),
    }
}

/// The lanes of a traced run: one for every thread that talks with somebody.
///
/// `traces` are the threads of each process, in the order of the script; `began` is the first
/// event's time in microseconds since 1970.
pub fn of_traces(
    script: &Script,
    traces: &[Vec<Thread>],
    events: &[Event],
    began: u64,
) -> Timeline {
    let owners = owners(script, traces);
    let mut lanes = Vec::new();
    for (index, (process, threads)) in script.processes.iter().zip(traces).enumerate() {
        // A thread that exchanges nothing with anyone but other threads has no story of its own:
        // the one that waits for Ctrl-C, say. `main` is the process and always there.
        let told: Vec<&Thread> = threads
            .iter()
            .enumerate()
            .filter(|(place, thread)| *place == 0 || thread.calls.iter().any(exchanges))
            .map(|(_, thread)| thread)
            .collect();
        let mut names: Vec<String> = Vec::new();
        for (place, thread) in told.iter().enumerate() {
            let name = match place {
                0 => "main".to_owned(),
                _ => thread_name(thread, place, &owners),
            };
            let same = names.iter().filter(|other| **other == name).count();
            names.push(match same {
                0 => name,
                _ => format!("{name} ({})", same + 1),
            });
        }
        let typing = told
            .iter()
            .position(|thread| thread.calls.iter().any(reads_input));
        for (place, thread) in told.iter().enumerate() {
            let name = match told.len() {
                1 => process.name.clone(),
                _ => format!("{}{OF}{}", process.name, names[place]),
            };
            let marks = match place == typing.unwrap_or(0) {
                true => marks(events, &process.name),
                false => Vec::new(),
            };
            lanes.push(Lane {
                name,
                colour: colour(index),
                from: thread.begin.saturating_sub(began),
                to: thread.end.saturating_sub(began),
                marks,
                spans: spans(thread, began, &owners),
            });
        }
    }
    Timeline { lanes }
}

/// The same colour as the process's column in the transcript.
fn colour(process: usize) -> usize {
    process % super::render::COLOURS + 1
}

/// What was done to a process from outside.
fn marks(events: &[Event], process: &str) -> Vec<Mark> {
    let own = events.iter().filter(|event| event.process == process);
    let mark = |event: &Event| {
        let text = match event.kind {
            Happened::In => format!("„{}“", event.text.as_deref().unwrap_or_default()),
            Happened::Eof => "Strg+D".into(),
            Happened::Stop => "Strg+C".into(),
            _ => return None,
        };
        Some(Mark {
            t: event.t * 1_000,
            text,
        })
    };
    own.filter_map(mark).collect()
}

/// Which process each port belongs to.
fn owners<'a>(script: &'a Script, traces: &[Vec<Thread>]) -> BTreeMap<u16, &'a str> {
    let mut owners = BTreeMap::new();
    for (process, threads) in script.processes.iter().zip(traces) {
        for port in threads.iter().flat_map(|thread| &thread.ports) {
            owners.insert(*port, process.name.as_str());
        }
    }
    owners
}

/// Whether a call exchanges something with the world outside the program.
fn exchanges(call: &Call) -> bool {
    match call.on {
        On::File => false,
        On::Nothing => is_one_of(call, &["poll", "ppoll", "select", "pselect6"]),
        _ => true,
    }
}

fn reads_input(call: &Call) -> bool {
    call.on == On::Input
}

fn is_one_of(call: &Call, names: &[&str]) -> bool {
    names.contains(&call.name.as_str())
}

/// The name the program gave the thread; else, whom it is there for; else a number.
fn thread_name(thread: &Thread, number: usize, owners: &BTreeMap<u16, &str>) -> String {
    if let Some(name) = &thread.name {
        return name.clone();
    }
    let mut partners: Vec<String> = thread
        .calls
        .iter()
        .filter_map(|call| partner(call, owners))
        .collect();
    partners.sort();
    partners.dedup();
    match &partners[..] {
        [partner] => format!("Thread für {partner}"),
        _ => format!("Thread {}", number + 1),
    }
}

/// Whom a call exchanges something with, as it stands after „auf“ and „für“.
fn partner(call: &Call, owners: &BTreeMap<u16, &str>) -> Option<String> {
    match call.on {
        On::Input => Some("die Tastatur".into()),
        On::Connection(_, other) => Some(match owners.get(&other) {
            Some(name @ (&"Server" | &"Client")) => format!("den {name}"),
            Some(name) => (*name).to_owned(),
            None => "die Gegenseite".into(),
        }),
        _ => None,
    }
}

/// A thread's life: the waits, and between them work.
fn spans(thread: &Thread, began: u64, owners: &BTreeMap<u16, &str>) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut now = thread.begin;
    let span = |from: u64, to: u64, kind| Span {
        from: from.saturating_sub(began),
        to: to.saturating_sub(began),
        kind,
        label: None,
        short: None,
    };
    let waits = |call: &&Call| call.to.saturating_sub(call.from) >= SHORTEST_WAIT;
    for call in thread.calls.iter().filter(waits) {
        if now < call.from {
            spans.push(span(now, call.from, Kind::Working));
        }
        let (label, short) = reason(call, owners);
        spans.push(Span {
            label: Some(label),
            short: Some(short),
            ..span(call.from, call.to, Kind::Waiting)
        });
        now = call.to;
    }
    if now < thread.end {
        spans.push(span(now, thread.end, Kind::Working));
    }
    spans
}

/// Why a call makes its thread wait, in full and in a word. Calls are named as in the book.
fn reason(call: &Call, owners: &BTreeMap<u16, &str>) -> (String, String) {
    let name = match call.name.as_str() {
        "read" | "readv" | "recvfrom" | "recvmsg" => "read",
        "write" | "writev" | "sendto" | "sendmsg" => "write",
        "accept4" => "accept",
        "ppoll" => "poll",
        "pselect6" => "select",
        "epoll_pwait" | "epoll_pwait2" => "epoll_wait",
        "futex" => return ("wartet auf einen anderen Thread".into(), "wartet".into()),
        "nanosleep" | "clock_nanosleep" => return ("schläft".into(), "schläft".into()),
        "wait4" | "waitid" => {
            return ("wartet auf einen anderen Prozess".into(), "wartet".into());
        }
        other => other,
    };
    let waits = format!("wartet in {name}");
    let label = match partner(call, owners) {
        Some(partner) if matches!(name, "read" | "write") => {
            format!("{waits} auf {partner}")
        }
        _ if call.on == On::Output => format!("{waits} auf den Bildschirm"),
        _ => waits,
    };
    (label, name.into())
}
