//! Scripts of scenes, what was recorded of them, and what is drawn of that.

use scenes::observe::Trace;
use scenes::recording::{Event, EventKind, Recording};
use scenes::script::{Action, Drawing, Process, Script};
use scenes::{SceneId, drawing, render};

use super::markup;

/// A script is refused with a line it has, or it can be played, recorded and shown.
pub fn scripts(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let script = match Script::parse(text) {
        Ok(script) => script,
        Err(refusal) => {
            let lines = text.matches('\n').count() + 1;
            assert!((1..=lines).contains(&refusal.line), "{refusal:?}");
            assert!(!refusal.message.is_empty());
            return;
        }
    };
    for step in &script.steps {
        assert!(!step.describe(&script.processes).is_empty());
    }
    let scene = SceneId::new("ch01-probe", "szene");
    let recording = Recording::new(&scene, &script, performance(&script));
    assert!(recording.says_the_same(&recording, &script));
    show(&recording, &script, None);
}

/// What happens when everybody does what the script says.
fn performance(script: &Script) -> Vec<Event> {
    let mut events = Vec::new();
    let mut t = 0;
    for step in &script.steps {
        let mut happens = |process: usize, kind, text: Option<&String>, status| {
            events.push(Event {
                t,
                process: script.processes[process].name.clone(),
                kind,
                text: text.cloned(),
                status,
                free: None,
            });
        };
        let mut seconds = 0.001;
        if let Action::Quiet(time, quiet) = &step.action {
            seconds = *time;
            for (process, text) in quiet {
                happens(*process, EventKind::Quiet, Some(text), None);
            }
        }
        if let Some(process) = step.process {
            match &step.action {
                Action::Start => happens(process, EventKind::Start, None, None),
                Action::See(lines) => {
                    for line in lines {
                        happens(process, EventKind::Out, Some(line), None);
                    }
                }
                Action::Type(line) => happens(process, EventKind::In, Some(line), None),
                Action::Eof => happens(process, EventKind::Eof, None, None),
                Action::Stop => happens(process, EventKind::Stop, None, None),
                Action::Exit(status) => {
                    happens(process, EventKind::Exit, None, Some(*status))
                }
                Action::Quiet(..) | Action::Pause(_) => {}
            }
        }
        if let Action::Pause(time) = step.action {
            seconds = time;
        }
        let passed = scenes::script::duration(seconds).as_millis();
        t += u64::try_from(passed).expect("a minute at most");
    }
    events
}

/// What is read as a recording or as a trace is written as it was, says the same as itself, and can be shown.
pub fn recordings(data: &[u8]) {
    if let Ok(recording) = serde_json::from_slice::<Recording>(data) {
        let again: Recording =
            serde_json::from_str(&recording.to_json()).expect("what was written is read");
        assert_eq!(recording, again);
        let names = recording.processes.iter().map(|role| role.name.clone());
        let script = script(names, false);
        assert_eq!(recording.compare(&recording, &script), Ok(()));
        show(&recording, &script, None);
    } else if let Ok(trace) = serde_json::from_slice::<Trace>(data) {
        let again: Trace =
            serde_json::from_str(&trace.to_json()).expect("what was written is read");
        assert_eq!(trace, again);
        let names = trace.timeline.lanes.iter().map(|lane| lane.name.clone());
        let script = script(names, true);
        assert_eq!(trace.compare(&trace, &script.masks()), Ok(()));
        let scene = SceneId::new("ch01-probe", "szene");
        show(
            &Recording::new(&scene, &script, Vec::new()),
            &script,
            Some(&trace),
        );
    }
}

/// A script that could have led to it.
fn script(names: impl Iterator<Item = String>, trace: bool) -> Script {
    let process = |name| Process {
        name,
        program: "ch01-probe".into(),
        args: Vec::new(),
        ordered: true,
    };
    let mut script =
        Script::parse("title = \"T\"\nsteps = []\n").expect("a script without steps");
    script.processes = names.map(process).collect();
    script.timeline = Some(Drawing {
        title: None,
        desc: "D".into(),
        trace,
        lanes: None,
        from: 0.0,
        to: None,
        tasks: Vec::new(),
    });
    script
}

fn show(recording: &Recording, script: &Script, trace: Option<&Trace>) {
    markup::assert_whole(&render(recording));
    let scene = SceneId::new("ch01-probe", "szene");
    if let Ok(Some(picture)) = drawing(&scene, script, recording, trace) {
        markup::assert_whole(&picture);
    }
}
