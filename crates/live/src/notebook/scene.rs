//! Plays a scene for a page. In flow its name and who types, out flow messages about what happens.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use super::Notebook;
use super::messages::{Mode, ToPage};
use super::run::{Fate, Groups, Outbox, Stop};
use print::german;
use programs::ports;
use scenes::improvise::{Cue, improvise};
use scenes::player;
use scenes::recording::EventKind;
use scenes::settings::{Settings, Watcher};
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
    let _permit = match groups.enter(stop) {
        Ok(permit) => permit,
        Err(reason) => return Some(reason),
    };
    let outcome = perform(notebook, scene, mode, stop, cues, outbox);
    if stop.is_wished() {
        return stop.why();
    }
    outcome.err().map(german::spoken)
}

fn perform(
    notebook: &Notebook,
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
    // It tells the page as well that nothing has to be waited for any more.
    let masks = script.masks();
    outbox.send(ToPage::Masks {
        run: outbox.run,
        masks: masks.patterns(),
        again: masks.again(),
    });
    let reserved = ports::reserve(&script.ports)
        .map_err(|cause| format!("Es ist kein Port frei ({cause})."))?;
    for (wanted, chosen) in script.ports.values().zip(reserved.ports().values()) {
        if wanted != chosen {
            note(format!(
                "Diesmal Port {chosen} statt {wanted}: Nicht alle sind frei."
            ));
        }
    }
    let settings = Settings {
        ports: reserved.ports().clone(),
        cancelled: stop.flag(),
        watcher: Some(watcher(outbox)),
        ..Settings::for_recording(&script)
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

/// Sends everything that happens to the page.
fn watcher(outbox: &Arc<Outbox>) -> Watcher {
    let outbox = Arc::clone(outbox);
    Watcher(Arc::new(move |seen| {
        let mut text = seen.text;
        if let (Some(line), EventKind::Out | EventKind::Err) = (&mut text, seen.kind) {
            match outbox.count(&seen.process, line) {
                Fate::Shown => {}
                Fate::Cut => *line = outbox.cut(),
                Fate::Lost => return,
            }
        }
        outbox.send(ToPage::Event {
            run: outbox.run,
            t: outbox.t(seen.at),
            process: seen.process,
            kind: seen.kind,
            text,
            status: seen.status,
        });
    }))
}
