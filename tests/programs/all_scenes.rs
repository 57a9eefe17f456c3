//! Every scene of the book is played again and must say what its recording says, and wait where its timeline shows. Where
//! strace is not installed the timelines are left out, and one line says so; `CHATBUCH_INTEROP=pflicht` (set by `.ci/run`)
//! turns its absence into a failure.

use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::thread;

use scenes::recording::Recording;
use scenes::{self as scene, SceneId, observe, render};

use crate::chat::no_crowd;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn scenes() -> Vec<SceneId> {
    let scenes = scene::all(root());
    assert!(!scenes.is_empty(), "das Buch hat Szenen");
    scenes
}

/// Text of a file with the line ends it has in the repository, whatever a checkout made of them.
fn text(file: &Path) -> String {
    let text = fs::read_to_string(root().join(file));
    let text = text.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    text.replace("\r\n", "\n")
}

/// Replays every scene, so many at a time, and fails with the reports of those that are not as in the book.
/// Scenes mostly wait: many side by side shorten the run. A scene that strays meanwhile is replayed in peace, once the crowds
/// of the other tests are gone: on a busy machine a wait may last too long; what has changed stays changed.
fn replay(
    scenes: Vec<SceneId>,
    at_a_time: usize,
    replay: impl Fn(&SceneId) -> anyhow::Result<()> + Sync,
) {
    let waiting = Mutex::new(scenes);
    let strayed = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..at_a_time {
            scope.spawn(|| {
                loop {
                    let Some(id) = waiting.lock().unwrap().pop() else {
                        return;
                    };
                    if replay(&id).is_err() {
                        // Said aloud: whoever reads it often has found more than a busy machine.
                        testing::say(&format!(
                            "Die Szene „{id}“ ging neben anderen anders aus und wird in Ruhe wiederholt."
                        ));
                        strayed.lock().unwrap().push(id);
                    }
                }
            });
        }
    });
    let _no_crowd = no_crowd();
    let strayed = strayed.into_inner().unwrap();
    let again = |id: &SceneId| replay(id).err();
    let reports: Vec<String> =
        strayed.iter().filter_map(again).map(|error| format!("{error:?}")).collect();
    assert!(reports.is_empty(), "\n\n{}\n", reports.join("\n\n"));
}

#[test]
fn every_scene_plays_as_it_was_recorded() {
    replay(scenes(), 16, |id| scene::replay(root(), id));
}

#[test]
fn every_traced_scene_waits_as_its_timeline_shows() {
    let otherwise =
        "strace ist nicht zu benutzen: Die Zeitachsen werden nicht nachgespielt.";
    if !testing::available(observe::strace::is_there(), otherwise) {
        return;
    }
    let traced = |id: &SceneId| scene::load_script(root(), id).unwrap().is_traced();
    let scenes = scenes().into_iter().filter(traced).collect();
    replay(scenes, 9, |id| observe::replay(root(), id));
}

#[test]
fn every_transcript_is_rendered_from_its_recording() {
    for id in scenes() {
        let recording = scene::load_recording(root(), &id).unwrap();
        assert_eq!(
            text(&id.transcript()),
            render(&recording),
            "Abhilfe: cargo run -- record {id}"
        );
        assert_eq!(text(&id.recording()), recording.to_json(), "{id}");
    }
}

#[test]
fn every_recording_belongs_to_its_script_of_today() {
    for id in scenes() {
        let script = scene::load_script(root(), &id).unwrap();
        let recording = scene::load_recording(root(), &id).unwrap();
        let today = Recording::new(&id, &script, recording.events.clone());
        let expected = Recording {
            recorded: recording.recorded.clone(),
            ..today
        };
        assert_eq!(recording, expected, "Abhilfe: cargo run -- record {id}");
    }
}

#[test]
fn every_timeline_is_drawn_from_what_was_recorded() {
    for id in scenes() {
        let script = scene::load_script(root(), &id).unwrap();
        let recording = scene::load_recording(root(), &id).unwrap();
        let trace = script.is_traced().then(|| observe::load(root(), &id).unwrap());
        if let Some(figure) =
            scene::drawing(&id, &script, &recording, trace.as_ref()).unwrap()
        {
            let remedy = format!("Abhilfe: cargo run -- record {id}");
            assert_eq!(text(&id.drawing()), figure, "{remedy}");
        }
        if let Some(trace) = trace {
            assert_eq!(text(&id.trace()), trace.to_json(), "{id}");
            let of = (trace.scene, trace.script);
            let today = (id.to_string(), script.digest());
            assert_eq!(of, today, "Abhilfe: cargo run -- record {id}");
        }
    }
}

#[test]
fn nothing_is_left_of_a_scene_or_a_timeline_that_is_gone() {
    let mut expected = Vec::new();
    for id in scenes() {
        let script = scene::load_script(root(), &id).unwrap();
        expected.extend([id.script(), id.recording(), id.transcript()]);
        expected.extend(script.timeline.is_some().then(|| id.drawing()));
        expected.extend(script.is_traced().then(|| id.trace()));
    }
    for listing in fs::read_dir(root().join("listings")).unwrap() {
        let Ok(files) = fs::read_dir(listing.unwrap().path().join("scenes")) else {
            continue; // a listing without scenes
        };
        for file in files {
            let file = file.unwrap().path();
            let file = file.strip_prefix(root()).unwrap();
            let known = expected.iter().any(|expected| expected == file);
            assert!(known, "{} gehört zu keiner Szene", file.display());
        }
    }
}
