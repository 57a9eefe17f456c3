//! A scene played once more: without a slip it yields a recording, and in the tests it proves that the book's still holds.

use std::path::Path;

use anyhow::{Context, bail};
use print::tell;

use crate::player;
use crate::recording::Recording;
use crate::script::Script;
use crate::settings::Settings;
use crate::{SceneId, load_recording, load_script};
use programs::listings::{self, Programs};

/// Plays a scene on free ports and without its pauses, and compares what every program printed
/// with the recording.
///
/// Errors say in German which scene, step and line; they include a missing or outdated recording.
/// A scene made for another system is left out, and stderr says so.
pub fn replay(root: &Path, id: &SceneId) -> anyhow::Result<()> {
    let script = load_script(root, id)?;
    let recorded = load_recording(root, id)?;
    if recorded.script != script.digest() {
        bail!(
            "Das Skript von „{id}“ ist neuer als seine Aufzeichnung. Abhilfe: cargo run -- record {id}"
        );
    }
    if !script.is_playable_here() {
        tell(format_args!(
            "Die Szene „{id}“ gibt es auf diesem System nicht; sie entfällt."
        ));
        return Ok(());
    }
    let programs = listings::built(root)?;
    let settings = Settings::for_replay(&script)?;
    let replayed = run(root, id, &script, programs, &settings)?;
    if let Err(differences) = recorded.compare(&replayed, &script) {
        bail!(
            "Die Szene „{id}“ druckt etwas anderes als im Buch steht.\n{differences}\
             Ist das Neue richtig, dann: cargo run -- record {id}"
        );
    }
    Ok(())
}

/// Plays a scene as the settings say.
pub(crate) fn run(
    root: &Path,
    id: &SceneId,
    script: &Script,
    programs: &Programs,
    settings: &Settings,
) -> anyhow::Result<Recording> {
    let played = player::play(script, programs, root, settings).with_context(|| {
        format!("Die Szene „{id}“ ist nicht so verlaufen, wie ihr Skript sagt.")
    })?;
    Ok(Recording::new(id, script, played.events))
}
