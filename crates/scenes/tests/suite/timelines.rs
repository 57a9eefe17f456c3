//! Timelines from system calls: what a made-up scene waited for under `strace` stands in its picture. Where strace is not
//! installed these tests say so and pass; `CHATBUCH_INTEROP=pflicht` (set by `.ci/run`) turns its absence into a failure.

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use programs::{listings, ports};
use scenes::observe::{self as trace, strace};
use scenes::player::play;
use scenes::recording::Event;
use scenes::script::Script;
use scenes::settings::Settings;
use scenes::timeline::Activity;
use scenes::{self as scene, SceneId};
use tempfile::TempDir;

use crate::{folder_with_a_scene, root, write_scene};

const LISTING: &str = "ch02-time-server";

/// Is strace there? Its absence is only allowed outside of CI.
fn strace_is_there() -> bool {
    let otherwise =
        "strace ist nicht zu benutzen: Die Zeitachsen werden nicht nachgespielt.";
    testing::available(strace::is_there(), otherwise)
}

/// On a busy machine a short wait may become a long one now and then; a wait that has changed stays changed.
fn in_three_tries<T>(attempt: impl Fn() -> anyhow::Result<T>) -> anyhow::Result<T> {
    attempt().or_else(|_| attempt()).or_else(|_| attempt())
}

/// Anna holds the threaded server's first thread for half a second.
const PLAY: &str = r#"
    steps = [
      { start = "Server" }, { see = "Server", line = "Server lauscht auf 127.0.0.1:5000" },
      { start = "Anna" }, { see = "Server", line = "Verbindung von 127.0.0.1:50000" },
      { pause = 0.5 },
      { eof = "Anna" }, { exit = "Anna" }, { stop = "Server" }, { exit = "Server" },
    ]
    [[process]]
    name = "Server"
    program = "ch02-threaded-server"
    args = ["--port", "{server}"]
    [[process]]
    name = "Anna"
    program = "ch02-client"
    args = ["--port", "{server}"]
    [timeline]
    desc = "Server und Anna."
"#;

const TRACED: &str = "trace = true\n";

/// A folder with one scene.
fn folder_with(table: &str) -> (TempDir, SceneId) {
    folder_with_a_scene(LISTING, ports::free().unwrap(), &format!("{PLAY}{table}"))
}

/// A traced scene in which nobody waited long for the programs to start.
fn recorded_in_peace() -> anyhow::Result<(TempDir, SceneId, trace::Trace)> {
    let (folder, id) = folder_with(TRACED);
    scene::record(folder.path(), &[])?;
    let trace = trace::load(folder.path(), &id)?;
    let anna = trace.timeline.lanes.last().expect("three lanes").from;
    let connected = trace.timeline.lanes[1].from;
    anyhow::ensure!(
        connected < anna + 350_000,
        "Anna took {} µs",
        connected - anna
    );
    Ok((folder, id, trace))
}

#[test]
fn record_traces_the_threads_and_names_what_they_wait_for() {
    if !strace_is_there() {
        return;
    }
    let (folder, id, trace) = in_three_tries(recorded_in_peace).unwrap();
    let long = |spans: &[scenes::timeline::Span]| {
        let waits = spans
            .iter()
            .filter(|span| span.kind == Activity::Waiting && span.duration() >= 400_000);
        waits.filter_map(|span| span.label.clone()).collect::<Vec<_>>()
    };
    let lanes: Vec<_> = trace
        .timeline
        .lanes
        .iter()
        .map(|lane| (lane.name.as_str(), long(&lane.spans)))
        .collect();
    // The thread that waits for Ctrl-C has none.
    assert_eq!(
        lanes,
        [
            ("Server · main", vec!["wartet in accept".to_owned()]),
            (
                "Server · Thread für Anna",
                vec!["wartet in read auf Anna".to_owned()]
            ),
            ("Anna", vec!["wartet in read auf die Tastatur".to_owned()]),
        ]
    );
    for lane in &trace.timeline.lanes {
        // Nothing is left out, nothing is there twice.
        let gapless = lane.spans.windows(2).all(|pair| pair[0].to == pair[1].from);
        assert!(gapless, "{}", lane.name);
        assert_eq!(lane.spans.first().unwrap().from, lane.from);
        assert_eq!(lane.spans.last().unwrap().to, lane.to);
    }
    let script = scene::load_script(folder.path(), &id).unwrap();
    let recording = scene::load_recording(folder.path(), &id).unwrap();
    let figure = scene::drawing(&id, &script, &recording, Some(&trace)).unwrap();
    let drawn = fs::read_to_string(folder.path().join(id.drawing())).unwrap();
    assert_eq!(Some(drawn), figure);

    // The shape of today's run is compared with what is kept.
    in_three_tries(|| trace::replay(folder.path(), &id)).unwrap();
    let file = folder.path().join(id.trace());
    let other = trace.to_json().replace("read auf Anna", "write auf Anna");
    fs::write(&file, &other).unwrap();
    let report = trace::replay(folder.path(), &id).unwrap_err().to_string();
    assert!(
        report.contains("nur im Buch: „wartet in write auf Anna“"),
        "{report}"
    );
    assert!(
        report.contains("nur jetzt: „wartet in read auf Anna“"),
        "{report}"
    );

    // A run over everything keeps the trace and needs no strace for it.
    scene::record_where(folder.path(), &[], || false).unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), other);
}

#[test]
fn without_strace_such_a_scene_is_passed_over_and_the_others_are_recorded() {
    let (folder, id) = folder_with(TRACED);
    let untraced = SceneId::new(LISTING, "zuletzt");
    write_scene(&folder, &untraced, ports::free().unwrap(), PLAY);
    let error = scene::record_where(folder.path(), &[], || false).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Zeitachsen aus Systemaufrufen brauchen strace, und hier ist keines zu benutzen \
         (Linux: apt install strace). Nicht aufgezeichnet: ch02-time-server/probe."
    );
    assert!(!folder.path().join(id.recording()).exists());
    let figure = fs::read_to_string(folder.path().join(untraced.drawing())).unwrap();
    assert!(figure.starts_with("<svg"), "{figure}");
    assert!(!folder.path().join(untraced.trace()).exists());
}

#[test]
fn a_lane_that_is_not_there_is_named_and_nothing_is_written() {
    let (folder, id) = folder_with("lanes = [\"Server · main\"]\n");
    let error = scene::record(folder.path(), &[]).unwrap_err().to_string();
    assert_eq!(
        error,
        format!(
            "{}, Zeitachse: Eine Bahn „Server · main“ gibt es nicht, nur „Server“, „Anna“.",
            id.script().display()
        )
    );
    assert!(!folder.path().join(id.recording()).exists());
}

/// Nobody is there from the server's first line to the one about Anna.
const TASK: &str = r#"
    [[timeline.task]]
    name = "Niemand da"
    process = "Server"
    begins = "Server lauscht"
    ends = "Verbindung von"
    text = "wartet auf Anna"
"#;

/// When these lines were printed, in microseconds.
fn printed(events: &[Event], beginnings: [&str; 2]) -> [u64; 2] {
    beginnings.map(|beginning| {
        let mut events = events.iter();
        let line = events.find(|event| {
            event.text.as_ref().is_some_and(|text| text.starts_with(beginning))
        });
        line.unwrap().t * 1_000
    })
}

#[test]
fn a_task_has_a_lane_of_its_own_from_line_to_line() {
    let (folder, id) = folder_with(&format!("lanes = [\"Niemand da\"]\n{TASK}"));
    scene::record(folder.path(), &[]).unwrap();
    let recording = scene::load_recording(folder.path(), &id).unwrap();
    let [from, to] = printed(&recording.events, ["Server lauscht", "Verbindung von"]);
    assert!(from < to, "Anna needs a moment to start");
    let drawn = fs::read_to_string(folder.path().join(id.drawing())).unwrap();
    assert!(drawn.contains("<title>wartet auf Anna</title>"), "{drawn}");
    assert!(drawn.contains(">Niemand da</text>"), "{drawn}");
    // The only lane ends where the picture does; it begins as far to the left as it took.
    let number = |before: &str, what: &str| -> f64 {
        let rest = drawn.split_once(before).unwrap().1.split_once(what).unwrap().1;
        let end = rest.find(['"', ' ']).unwrap();
        rest[..end].parse().unwrap()
    };
    let left = number("class=\"achse\"", "d=\"M");
    let bar = number("class=\"wartet\"", "x=\"");
    let wide = number("class=\"wartet\"", "width=\"");
    let share = (to - from) as f64 / to as f64;
    assert!((wide / (bar + wide - left) - share).abs() < 0.01, "{drawn}");
}

#[test]
fn beside_traced_lanes_a_task_is_drawn_from_what_the_traced_run_printed() {
    if !strace_is_there() {
        return;
    }
    let (folder, id) = folder_with(&format!("{TRACED}{TASK}"));
    scene::record(folder.path(), &[]).unwrap();
    let mut trace = trace::load(folder.path(), &id).unwrap();
    let script = scene::load_script(folder.path(), &id).unwrap();
    let recording = scene::load_recording(folder.path(), &id).unwrap();
    let drawn = fs::read_to_string(folder.path().join(id.drawing())).unwrap();
    let names = ["Server", "main", "Thread für Anna", "Niemand da", "Anna"];
    let heads = |drawn: &str| -> Vec<usize> {
        let (_, heads) = drawn.split_once("<g class=\"bild-text\">").unwrap(); // above: the bars
        names.map(|name| heads.find(&format!(">{name}</text>")).unwrap()).into()
    };
    assert!(heads(&drawn).is_sorted(), "below its process: {drawn}");

    // Other times of the recording change nothing, other times of the traced run do.
    let figure = |recording, trace: &trace::Trace| {
        scene::drawing(&id, &script, recording, Some(trace)).unwrap().unwrap()
    };
    let mut other = recording.clone();
    other.events.iter_mut().for_each(|event| event.t += 7);
    assert_eq!(figure(&other, &trace), drawn);
    trace.printed.iter_mut().for_each(|event| event.t += 70);
    assert_ne!(figure(&recording, &trace), drawn);

    // A trace from before the tasks were thought of does not count as one.
    trace.printed.clear();
    fs::write(folder.path().join(id.trace()), trace.to_json()).unwrap();
    let error = scene::record_where(folder.path(), &[], || false).unwrap_err().to_string();
    assert!(
        error.ends_with("Nicht aufgezeichnet: ch02-time-server/probe."),
        "{error}"
    );
    scene::record(folder.path(), &[]).unwrap();
    assert!(!trace::load(folder.path(), &id).unwrap().printed.is_empty());
}

#[test]
fn a_line_of_a_task_that_never_came_is_named_and_nothing_is_written() {
    let never = TASK.replace("Verbindung von", "Niemand mehr");
    let (folder, id) = folder_with(&never);
    let error = scene::record(folder.path(), &[]).unwrap_err().to_string();
    let port = scene::load_script(folder.path(), &id).unwrap().ports["server"];
    assert_eq!(
        error.replace(&port.to_string(), "PORT"),
        format!(
            "{}, Zeitachse: „Server“ druckt nach \
             „Server lauscht auf 127.0.0.1:PORT“ keine Zeile, die mit „Niemand mehr“ beginnt.",
            id.script().display()
        )
    );
    assert!(!folder.path().join(id.recording()).exists());
}

#[test]
fn nothing_outlives_a_traced_play_that_is_cancelled() {
    if !strace_is_there() {
        return;
    }
    let text = format!(
        "title = \"Probe\"\nports = {{ server = 5000 }}\n{}",
        PLAY.replace("pause = 0.5", "pause = 60")
    );
    let script = Script::parse(&text).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings {
        traces: Some(folder.path().into()),
        ..trace::settings(&script).unwrap()
    };
    let programs = listings::built(root()).unwrap();
    let address = (Ipv4Addr::LOCALHOST, settings.ports["server"]);
    let played = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            // The server's calls are written down once Anna's connection is there.
            let calls = strace::file(folder.path(), 0);
            let waiting =
                || fs::read_to_string(&calls).is_ok_and(|text| text.contains("recvfrom("));
            while !waiting() {
                assert!(!played.load(Ordering::Relaxed), "nobody was served");
                thread::yield_now();
            }
            settings.cancelled.store(true, Ordering::Relaxed);
        });
        let failure = play(&script, programs, root(), &settings).unwrap_err();
        played.store(true, Ordering::Relaxed);
        assert_eq!(failure.message, "Mit Strg+C abgebrochen.");
    });
    // strace is gone; the program, killed at the same moment, may need one more to close its port.
    let deadline = Instant::now() + Duration::from_secs(10);
    while TcpStream::connect(address).is_ok() {
        assert!(Instant::now() < deadline, "the server is still running");
        thread::yield_now();
    }
}
