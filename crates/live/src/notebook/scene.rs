//! Plays a scene for a page. In flow its name and who types, out flow messages about what happens.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use super::Notebook;
use super::messages::{Mode, ToPage};
use super::run::{Fate, Groups, Outbox, Permit, Stop, name};
use programs::processes::Stream;
use scenes::improvise::{Cue, improvise};
use scenes::player::{self, Seen, Settings, Watcher};
use scenes::recording::Kind;
use scenes::{self, SceneId};

/// Plays the scene; returns when everything of it is gone, with the reason if it ended before its time.
pub fn play(
    notebook: &Notebook,
    groups: &Arc<Groups>,
    scene: &str,
    mode: Mode,
    stop: &Arc<Stop>,
    cues: &Receiver<Cue>,
    outbox: &Arc<Outbox>,
) -> Option<String> {
    let permit = match groups.enter(stop) {
        Ok(permit) => permit,
        Err(reason) => return Some(reason),
    };
    let outcome = perform(notebook, permit, scene, mode, stop, cues, outbox);
    if stop.is_wished() {
        return stop.why();
    }
    outcome.err()
}

fn perform(
    notebook: &Notebook,
    mut permit: Permit,
    scene: &str,
    mode: Mode,
    stop: &Arc<Stop>,
    cues: &Receiver<Cue>,
    outbox: &Arc<Outbox>,
) -> Result<(), String> {
    let root: &Path = &notebook.root;
    // Only what our own table names is played, whatever the page asks for.
    let id: SceneId = scenes::all(root)
        .into_iter()
        .find(|id| id.to_string() == scene)
        .ok_or("Diese Szene gibt es nicht (mehr); laden Sie die Seite neu.")?;
    let script = scenes::load_script(root, &id).map_err(|error| format!("{error:#}"))?;
    if let Some(system) = script.system.as_ref().filter(|_| !script.is_playable_here()) {
        return Err(format!("Diese Szene gibt es nur unter {system}."));
    }
    let names = script.processes.iter().map(|process| process.program.clone()).collect();
    let note = |text: String| outbox.note(text);
    let programs = notebook.workshop.programs(&names, stop, &note)?;
    let ports = permit
        .ports(&script.ports)
        .map_err(|cause| format!("Es ist kein Port frei ({cause})."))?;
    for (wanted, chosen) in script.ports.values().zip(ports.values()) {
        if wanted != chosen {
            note(format!(
                "Diesmal Port {chosen} statt {wanted}: Nicht alle sind frei."
            ));
        }
    }
    let settings = Settings {
        ports,
        pauses: true,
        deadline: Duration::from_secs(10),
        cancelled: stop.flag(),
        traces: None,
        watcher: Some(watcher(outbox)),
    };
    match mode {
        Mode::Perform => {
            player::play(&script, &programs, root, &settings).map(drop).map_err(|failure| {
                format!(
                    "Die Szene ist anders verlaufen als aufgezeichnet. Schritt {} ({}): {}",
                    failure.step, failure.action, failure.message
                )
            })
        }
        Mode::Myself => {
            let most = notebook.limits.processes;
            improvise(&script, &programs, root, &settings, most, cues, &note);
            Ok(())
        }
    }
}

/// Turns everything that happens into messages.
fn watcher(outbox: &Arc<Outbox>) -> Watcher {
    let outbox = Arc::clone(outbox);
    Watcher(Arc::new(move |seen| {
        if let Some(message) = message(&outbox, seen) {
            outbox.send(message);
        }
    }))
}

fn message(outbox: &Outbox, seen: Seen) -> Option<ToPage> {
    let run = outbox.run;
    let t = outbox.t(seen.at);
    let Seen {
        process,
        kind,
        text,
        status,
        ..
    } = seen;
    let text = text.unwrap_or_default();
    let line = |stream: Stream| {
        let text = match outbox.count(&process, &text) {
            Fate::Shown => text.clone(),
            Fate::Cut => outbox.cut(),
            Fate::Lost => return None,
        };
        Some(ToPage::Output {
            run,
            process: process.clone(),
            stream: name(stream),
            text,
            t,
        })
    };
    Some(match kind {
        Kind::Out => return line(Stream::Out),
        Kind::Err => return line(Stream::Err),
        Kind::Start => ToPage::Started { run, process, t },
        Kind::In => ToPage::Typed {
            run,
            process,
            line: text,
            t,
        },
        Kind::Quiet => ToPage::Waits {
            run,
            process,
            text,
            t,
        },
        Kind::Eof => ToPage::Eof { run, process, t },
        Kind::Stop => ToPage::Interrupted { run, process, t },
        Kind::Exit => ToPage::Ended {
            run,
            process,
            status,
            t,
        },
    })
}
