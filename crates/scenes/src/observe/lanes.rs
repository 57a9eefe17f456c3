//! The lanes of a scene's timeline: who worked and who waited when.
//! In flow either the calls that strace saw, or a recording alone; out flows a [`Timeline`]
//! whose waits say in German what for.

use std::collections::BTreeMap;

use super::strace::{Call, On, Thread};
use crate::recording::{Event, EventKind, Recording};
use crate::script::Script;
use crate::timeline::{Activity, Lane, OF, Remark, Span, Timeline};

/// A call that lasts less than that many microseconds did not make its thread wait: the operating
/// system needs some time to do what it is asked for, and strace some to watch.
const SHORTEST_WAIT: u64 = 1_000;

/// The lanes of a recorded run: a process waits from a `quiet` event until its next one, and worked at
/// the moments when it printed. Of the rest nothing is known.
pub fn of_recording(recording: &Recording) -> Timeline {
    let lane = |(index, name): (usize, &String)| {
        let own: Vec<&Event> =
            recording.events.iter().filter(|event| event.process == *name).collect();
        let micros = |event: &Event| event.t * 1_000;
        let mut spans = Vec::new();
        for (place, event) in own.iter().enumerate() {
            let (to, kind) = match event.kind {
                EventKind::Quiet => (
                    own.get(place + 1).map_or(event, |next| next),
                    Activity::Waiting,
                ),
                EventKind::Out | EventKind::Err => (event, Activity::Working),
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
            comes_and_goes: false,
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
            let numbered = |number| match number {
                1 => name.clone(),
                _ => format!("{name} ({number})"),
            };
            let free = (1..).map(numbered).find(|name| !names.contains(name));
            names.extend(free);
        }
        let typing = told.iter().position(|thread| thread.calls.iter().any(reads_input));
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
                comes_and_goes: false,
                marks,
                spans: spans(thread, began, &owners),
            });
        }
    }
    Timeline { lanes }
}

/// The same colour as the process's column in the transcript.
pub fn colour(process: usize) -> usize {
    process % crate::transcript::COLOURS + 1
}

/// What was done to a process from outside.
fn marks(events: &[Event], process: &str) -> Vec<Remark> {
    let own = events.iter().filter(|event| event.process == process);
    let mark = |event: &Event| {
        let text = match event.kind {
            EventKind::In => format!("„{}“", event.text.as_deref().unwrap_or_default()),
            EventKind::Eof => "Strg+D".into(),
            EventKind::Stop => "Strg+C".into(),
            _ => return None,
        };
        Some(Remark {
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

/// The name the program gave the thread, else a number – and whom it is there for, if that is one alone.
fn thread_name(thread: &Thread, number: usize, owners: &BTreeMap<u16, &str>) -> String {
    // Whom it listens to says more than whom it answers: those may be many.
    let reads = |call: &&Call| {
        is_one_of(call, &["read", "readv", "recvfrom", "recvmsg"]) && exchanges(call)
    };
    let listens = thread.calls.iter().any(|call| reads(&call));
    let calls = thread.calls.iter().filter(|call| !listens || reads(call));
    let mut partners: Vec<String> =
        calls.filter_map(|call| partner(call, owners)).collect();
    partners.sort();
    partners.dedup();
    match (&thread.name, &partners[..]) {
        (Some(name), [partner]) => format!("{name} ({partner})"),
        (Some(name), _) => name.clone(),
        (None, [partner]) => format!("Thread für {partner}"),
        (None, _) => format!("Thread {}", number + 1),
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
            spans.push(span(now, call.from, Activity::Working));
        }
        let (label, short) = reason(call, owners);
        spans.push(Span {
            label: Some(label),
            short: Some(short),
            ..span(call.from, call.to, Activity::Waiting)
        });
        now = call.to;
    }
    if now < thread.end {
        spans.push(span(now, thread.end, Activity::Working));
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
    match partner(call, owners) {
        // Where there is little room, on whom is more than in which call.
        Some(partner) if matches!(name, "read" | "write") => {
            let short = partner.rsplit(' ').next().unwrap_or(&partner).to_owned();
            (format!("{waits} auf {partner}"), short)
        }
        _ if call.on == On::Output => (format!("{waits} auf den Bildschirm"), name.into()),
        _ => (waits, name.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SceneId;

    /// A server with a thread for each connection and one for Ctrl-C, and Anna, whose clock is the same.
    const SERVER: &str = r#"7 10.000000 execve("server", ["server"], 0x7f) = 0 <0.000100>
7 10.001000 clone3({flags=CLONE_VM} => {parent_tid=[8]}, 88) = 8 <0.000010>
8 10.002000 futex(0x5556, FUTEX_WAIT, 0, NULL <unfinished ...>
7 10.003000 accept4(3<TCP:[127.0.0.1:5000]>, {sa_family=AF_INET}, [16], SOCK_CLOEXEC) = 4 <0.100000>
7 10.103000 clone3({flags=CLONE_VM} => {parent_tid=[9]}, 88) = 9 <0.000010>
9 10.104000 recvfrom(4<TCP:[127.0.0.1:5000->127.0.0.1:50000]>, "", 1024, 0, NULL, NULL) = 0 <1.000000>
7 10.104000 accept4(3<TCP:[127.0.0.1:5000]>,  <unfinished ...>
9 11.105000 +++ exited with 0 +++
7 11.200000 +++ exited with 0 +++
8 11.200000 +++ exited with 0 +++
"#;
    const ANNA: &str = r#"17 10.050000 execve("client", ["client"], 0x7f) = 0 <0.000100>
17 10.103000 connect(3<TCP:[1]>, {sa_family=AF_INET}, 16) = 0 <0.000100>
17 10.103500 read(0<pipe:[5]>, "x", 8192) = 1 <0.000400>
17 10.104000 read(0<pipe:[5]>, "", 8192) = 0 <1.000000>
17 11.104100 close(3<TCP:[127.0.0.1:50000->127.0.0.1:5000]>) = 0 <0.000011>
17 11.104200 +++ exited with 0 +++
"#;

    fn script() -> Script {
        Script::parse(
            r#"title = "T"
               steps = [{ start = "Server" }, { start = "Anna" }, { eof = "Anna" }, { stop = "Server" }, { exit = "Anna" }]
               [[process]]
               name = "Server"
               program = "p"
               [[process]]
               name = "Anna"
               program = "q""#,
        )
        .unwrap()
    }

    fn event(t: u64, process: &str, kind: EventKind, text: &str) -> Event {
        Event {
            t,
            process: process.into(),
            kind,
            text: (!text.is_empty()).then(|| text.into()),
            status: None,
            free: None,
        }
    }

    fn span(from: u64, to: u64, kind: Activity, words: Option<(&str, &str)>) -> Span {
        Span {
            from,
            to,
            kind,
            label: words.map(|(label, _)| label.into()),
            short: words.map(|(_, short)| short.into()),
        }
    }

    fn traced(server: &str) -> Timeline {
        let traces = [server, ANNA].map(super::super::strace::parse);
        let events = [
            event(0, "Server", EventKind::Start, ""),
            event(1_104, "Anna", EventKind::Eof, ""),
            event(1_200, "Server", EventKind::Stop, ""),
        ];
        of_traces(&script(), &traces, &events, 10_000_000)
    }

    fn names(timeline: &Timeline) -> Vec<&str> {
        timeline.lanes.iter().map(|lane| lane.name.as_str()).collect()
    }

    #[test]
    fn every_thread_that_talks_with_somebody_has_a_lane_named_after_it() {
        let plain = traced(SERVER);
        assert_eq!(
            names(&plain),
            ["Server · main", "Server · Thread für Anna", "Anna"]
        );
        let colours: Vec<_> = plain.lanes.iter().map(|lane| lane.colour).collect();
        assert_eq!(colours, [1, 1, 2]);
        let named = SERVER.replace(
            "9 10.104000 recv",
            "9 10.103500 prctl(PR_SET_NAME, \"Bote\") = 0 <0.000001>\n9 10.104000 recv",
        );
        assert_eq!(names(&traced(&named))[1], "Server · Bote (Anna)");
        // Threads of the same name are told apart by numbers.
        let anna = SERVER.lines().filter(|line| line.starts_with("9 "));
        let anna = anna.collect::<Vec<_>>().join("\n");
        let more = [10, 11].map(|id| anna.replace("9 1", &format!("{id} 1")));
        assert_eq!(
            names(&traced(&format!("{SERVER}{}\n", more.join("\n"))))[1..4],
            [
                "Server · Thread für Anna",
                "Server · Thread für Anna (2)",
                "Server · Thread für Anna (3)"
            ]
        );
        // A process with a single thread is not named after whom it talks with.
        let alone = "7 10.000000 execve(\"server\", [], 0x7f) = 0 <0.000100>\n7 11.000000 +++ exited with 0 +++\n";
        assert_eq!(names(&traced(alone)), ["Server", "Anna"]);
    }

    #[test]
    fn what_lasts_is_waiting_and_says_for_whom_and_the_rest_is_work() {
        let timeline = traced(SERVER);
        let accept = Some(("wartet in accept", "accept"));
        assert_eq!(
            timeline.lanes[0].spans[..3],
            [
                span(0, 3_000, Activity::Working, None),
                span(3_000, 103_000, Activity::Waiting, accept),
                span(103_000, 1_200_000, Activity::Working, None),
            ][..]
        );
        assert_eq!(
            timeline.lanes[1].spans,
            [
                span(103_010, 104_000, Activity::Working, None),
                span(
                    104_000,
                    1_104_000,
                    Activity::Waiting,
                    Some(("wartet in read auf Anna", "Anna"))
                ),
                span(1_104_000, 1_105_000, Activity::Working, None),
            ]
        );
        let keyboard = Some(("wartet in read auf die Tastatur", "Tastatur"));
        // Reading what is there already is no waiting.
        assert_eq!(
            timeline.lanes[2].spans,
            [
                span(50_000, 104_000, Activity::Working, None),
                span(104_000, 1_104_000, Activity::Waiting, keyboard),
                span(1_104_000, 1_104_200, Activity::Working, None),
            ]
        );
        let marks: Vec<_> = timeline.lanes.iter().map(|lane| lane.marks.clone()).collect();
        let mark = |t, text: &str| Remark {
            t,
            text: text.into(),
        };
        assert_eq!(
            marks,
            [
                vec![mark(1_200_000, "Strg+C")],
                vec![],
                vec![mark(1_104_000, "Strg+D")]
            ]
        );
    }

    #[test]
    fn calls_are_named_as_in_the_book() {
        let owners = BTreeMap::from([(5000, "Server"), (50000, "Anna")]);
        for (name, on, label) in [
            (
                "recvfrom",
                On::Connection(1, 50000),
                "wartet in read auf Anna",
            ),
            (
                "sendto",
                On::Connection(1, 5000),
                "wartet in write auf den Server",
            ),
            (
                "read",
                On::Connection(1, 2),
                "wartet in read auf die Gegenseite",
            ),
            ("read", On::Input, "wartet in read auf die Tastatur"),
            ("write", On::Output, "wartet in write auf den Bildschirm"),
            ("connect", On::Other, "wartet in connect"),
            ("accept4", On::Listener(5000), "wartet in accept"),
            ("epoll_pwait", On::Other, "wartet in epoll_wait"),
            ("futex", On::Nothing, "wartet auf einen anderen Thread"),
            ("clock_nanosleep", On::Nothing, "schläft"),
            ("wait4", On::Nothing, "wartet auf einen anderen Prozess"),
        ] {
            let call = Call {
                from: 0,
                to: 1,
                name: name.into(),
                on,
            };
            assert_eq!(reason(&call, &owners).0, label);
        }
    }

    #[test]
    fn of_a_recording_only_silence_and_printing_are_known() {
        let events = vec![
            event(0, "Server", EventKind::Start, ""),
            event(5, "Server", EventKind::Out, "da"),
            event(10, "Anna", EventKind::Start, ""),
            event(20, "Anna", EventKind::In, "Hallo"),
            event(20, "Anna", EventKind::Quiet, "wartet auf den Server"),
            event(900, "Server", EventKind::Stop, ""),
            event(920, "Anna", EventKind::Err, "Ach."),
            event(930, "Anna", EventKind::Exit, ""),
        ];
        let recording = Recording::new(&SceneId::new("x", "y"), &script(), events);
        let timeline = of_recording(&recording);
        assert_eq!(names(&timeline), ["Server", "Anna"]);
        let anna = &timeline.lanes[1];
        assert_eq!((anna.from, anna.to), (10_000, 930_000));
        let said = |mut span: Span, text: &str| {
            span.label = Some(text.into());
            span
        };
        assert_eq!(
            anna.spans,
            [
                said(
                    span(20_000, 920_000, Activity::Waiting, None),
                    "wartet auf den Server"
                ),
                said(span(920_000, 920_000, Activity::Working, None), "Ach."),
            ]
        );
        assert_eq!(anna.marks[0].text, "„Hallo“");
    }
}
