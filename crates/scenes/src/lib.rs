//! Scenes: small plays in which a listing's real programs talk to each other.
//! In flows `listings/X/scenes/NAME.toml`; out flow a recorded run (`NAME.json`), the transcript
//! the chapter includes (`NAME.html`), perhaps a timeline (`NAME.svg`, drawn from the recording or
//! from `NAME.spuren.json`) and, in the tests, the proof that all of them still hold.

mod cast;
pub mod improvise;
pub mod observe;
pub mod player;
pub mod recording;
pub mod script;
pub mod settings;
mod terminal;
pub mod timeline;
pub mod transcript;

use std::cell::LazyCell;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use print::files::write_file;
use programs::interrupt::cancelled_by_ctrl_c;
use programs::listings::{self, Programs};
use programs::ports;

use observe::{Trace, lanes, strace, tasks};
use recording::{Masks, Recording};
use script::{Figure, Script};
use settings::Settings;
pub use terminal::show;
use timeline::{Frame, Timeline};
pub use transcript::render;

/// Name of a scene, written `LISTING/NAME` (`ch01-socket-basics/gespraech`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SceneId {
    listing: String,
    name: String,
}

impl SceneId {
    /// A scene of that listing; whether its files exist is not asked here.
    pub fn new(listing: &str, name: &str) -> Self {
        SceneId {
            listing: listing.into(),
            name: name.into(),
        }
    }

    /// The script, relative to the root: `listings/X/scenes/NAME.toml`.
    pub fn script(&self) -> PathBuf {
        self.file("toml")
    }

    /// The recorded run, relative to the root.
    pub fn recording(&self) -> PathBuf {
        self.file("json")
    }

    /// The transcript, relative to the root.
    pub fn transcript(&self) -> PathBuf {
        self.file("html")
    }

    /// What `strace` saw, relative to the root; only scenes with a traced timeline have it.
    pub fn trace(&self) -> PathBuf {
        self.file("spuren.json")
    }

    /// The timeline, relative to the root; only scenes whose script asks for one have it.
    pub fn figure(&self) -> PathBuf {
        self.file("svg")
    }

    fn file(&self, extension: &str) -> PathBuf {
        Path::new("listings")
            .join(&self.listing)
            .join("scenes")
            .join(format!("{}.{extension}", self.name))
    }
}

impl fmt::Display for SceneId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.listing, self.name)
    }
}

/// Every scene of the book's listings, sorted by name. What cannot be read counts as absent.
pub fn all(root: &Path) -> Vec<SceneId> {
    let mut scenes = Vec::new();
    for listing in catalog::listings(root) {
        let folder = root.join("listings").join(&listing).join("scenes");
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let file = entry.path();
            if file.extension().is_some_and(|extension| extension == "toml")
                && let Some(name) = file.file_stem().and_then(|name| name.to_str())
            {
                scenes.push(SceneId::new(&listing, name));
            }
        }
    }
    scenes.sort();
    scenes
}

/// Plays the named scenes (none named: all) with the real programs and writes recording and transcript,
/// and the timeline if there is one.
///
/// A scene that was not named keeps its recording and its trace if script and text are unchanged, so that a
/// run over everything changes no file without need; transcript and timeline are always rendered anew.
/// What is written has been played twice with the same outcome; for a timeline the second run is the traced one:
/// the transcript keeps the times of a run that nobody watched.
/// Without strace the scenes that need it are passed over and named in the error.
/// Progress goes to stderr. Errors are German sentences; the scenes before the failing one are kept.
pub fn record(root: &Path, names: &[String]) -> anyhow::Result<()> {
    record_where(root, names, strace::is_there)
}

/// [`record`] on a machine where `can_trace` says whether strace is to be had.
pub fn record_where(
    root: &Path,
    names: &[String],
    can_trace: fn() -> bool,
) -> anyhow::Result<()> {
    let known = all(root);
    let chosen = choose(&known, names)?;
    if chosen.is_empty() {
        eprintln!("Es gibt keine Szene aufzuzeichnen.");
        return Ok(());
    }
    // Every script is read first: a slip in the last one should not cost the runs before it.
    let mut scripts = Vec::new();
    for id in &chosen {
        scripts.push(load_script(root, id)?);
    }

    for (id, script) in chosen.iter().zip(&scripts) {
        if let Some(system) = script.system.as_ref().filter(|_| !script.is_playable_here())
        {
            bail!("Die Szene „{id}“ lässt sich nur unter {system} aufzeichnen.");
        }
    }
    eprintln!("Die Programme der Listings werden gebaut …");
    let programs = listings::built(root)?;
    // The programs run in process groups of their own: Ctrl-C at the terminal reaches only us.
    let cancelled = cancelled_by_ctrl_c();
    let can_trace = LazyCell::new(can_trace);
    let mut passed_over = Vec::new();
    for (id, script) in chosen.iter().zip(&scripts) {
        let settings = |settings: Settings| Settings {
            cancelled: cancelled.clone(),
            ..settings
        };
        let old = load_recording(root, id).ok();
        let old_trace = observe::load(root, id).ok();
        let old_trace = old_trace.filter(|trace| {
            trace.script == script.digest()
                && trace.printed.is_empty() != script.has_tasks()
        });
        refuse_taken_ports(id, script)?;
        let new = settings(Settings::for_recording(script));
        let new = run(root, id, script, programs, &new)?;
        let keep = names.is_empty()
            && old.as_ref().is_some_and(|old| {
                old.script == new.script && old.says_the_same(&new, script)
            });
        let keep_trace = keep && (old_trace.is_some() || !script.is_traced());
        let traced = script.is_traced() && !keep_trace;
        if traced && !*can_trace {
            passed_over.push(id.to_string());
            continue;
        }
        let mut trace = old_trace;
        let again = if traced {
            let settings = settings(observe::settings(script)?);
            let (taken, again) = observe::take(root, id, script, programs, settings)?;
            trace = Some(taken);
            Some(again)
        } else if keep {
            None
        } else {
            let settings = settings(Settings::for_replay(script)?);
            Some(run(root, id, script, programs, &settings)?)
        };
        if let Some(again) = again
            && let Err(differences) = new.compare(&again, script)
        {
            bail!(
                "Die Szene „{id}“ verläuft nicht zweimal gleich und wird nicht aufgezeichnet: \
                 Entweder hat ein fremdes Programm mitgeredet, oder ihre Ordnung ist dem Zufall \
                 überlassen.\n{differences}"
            );
        }
        let recording = match old {
            Some(old) if keep => old,
            _ => new,
        };
        // Drawn before anything is written: it may still fail.
        let figure = figure(id, script, &recording, trace.as_ref())?;
        write_file(&root.join(id.recording()), recording.to_json())?;
        write_file(&root.join(id.transcript()), render(&recording))?;
        if let Some(trace) = trace.filter(|_| script.is_traced()) {
            write_file(&root.join(id.trace()), trace.to_json())?;
        }
        if let Some(figure) = figure {
            write_file(&root.join(id.figure()), &figure)?;
        }
        let outcome = match (keep, traced) {
            (true, false) => "unverändert",
            (true, true) => "Zeitachse aufgezeichnet",
            (false, _) => "aufgezeichnet",
        };
        eprintln!("{id}: {outcome}");
    }
    if !passed_over.is_empty() {
        bail!(
            "Zeitachsen aus Systemaufrufen brauchen strace, und hier ist keines zu benutzen \
             (Linux: apt install strace). Nicht aufgezeichnet: {}.",
            passed_over.join(", ")
        );
    }
    Ok(())
}

/// The timeline of a scene as SVG, `None` if its script asks for none.
///
/// Drawn from the recording, or from the trace if the script says so. Errors are German sentences.
pub fn figure(
    id: &SceneId,
    script: &Script,
    recording: &Recording,
    trace: Option<&Trace>,
) -> anyhow::Result<Option<String>> {
    let Some(figure) = &script.timeline else {
        return Ok(None);
    };
    let mut printed = &recording.events;
    let timeline: Timeline = match trace {
        Some(trace) if figure.trace => {
            printed = &trace.printed; // of the same run as the lanes
            trace.timeline.clone()
        }
        None if figure.trace => {
            bail!("Von „{id}“ gibt es noch keine Spuren: cargo run -- record {id}")
        }
        _ => lanes::of_recording(recording),
    };
    let timeline = tasks::add(timeline, script, printed)
        .and_then(|timeline| match &figure.lanes {
            Some(names) => timeline.select(names),
            None => Ok(timeline),
        })
        .map_err(|message| {
            anyhow::anyhow!("{}, Zeitachse: {message}", id.script().display())
        })?;
    Ok(Some(timeline::draw(&timeline, &frame(id, script, figure))))
}

fn frame(id: &SceneId, script: &Script, figure: &Figure) -> Frame {
    let micros = |seconds: f64| (seconds * 1e6).round() as u64;
    Frame {
        id: format!("zeitachse-{}-{}", id.listing, id.name),
        title: figure.title.as_ref().unwrap_or(&script.title).clone(),
        desc: figure.desc.clone(),
        from: Some(micros(figure.from)),
        to: figure.to.map(micros),
    }
}

fn choose(known: &[SceneId], names: &[String]) -> anyhow::Result<Vec<SceneId>> {
    if names.is_empty() {
        return Ok(known.to_vec());
    }
    let find = |name: &String| match known.iter().find(|id| id.to_string() == *name) {
        Some(id) => Ok(id.clone()),
        None => {
            let list: Vec<_> = known.iter().map(|id| format!("  {id}")).collect();
            bail!(
                "Die Szene „{name}“ gibt es nicht. Bekannt sind:\n{}",
                list.join("\n")
            )
        }
    };
    names.iter().map(find).collect()
}

/// `record` uses the ports readers use, so they must be free.
fn refuse_taken_ports(id: &SceneId, script: &Script) -> anyhow::Result<()> {
    for port in script.ports.values() {
        if !ports::is_free(*port) {
            bail!(
                "Port {port} ist belegt: Beenden Sie das Programm, das ihn benutzt, \
                 und zeichnen Sie „{id}“ dann noch einmal auf."
            );
        }
    }
    Ok(())
}

fn run(
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
        eprintln!("Die Szene „{id}“ gibt es auf diesem System nicht; sie entfällt.");
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

/// Reads and checks a scene's script. The error is `FILE:LINE: German sentence`.
pub fn load_script(root: &Path, id: &SceneId) -> anyhow::Result<Script> {
    let file = id.script();
    let text = read_file(root, &file)?;
    Script::parse(&text).map_err(|error| {
        anyhow::anyhow!("{}:{}: {}", file.display(), error.line, error.message)
    })
}

/// Reads a scene's recorded run.
pub fn load_recording(root: &Path, id: &SceneId) -> anyhow::Result<Recording> {
    let file = id.recording();
    let text = read_file(root, &file).with_context(|| {
        format!("„{id}“ ist noch nicht aufgezeichnet: cargo run -- record {id}")
    })?;
    serde_json::from_str(&text)
        .with_context(|| format!("{} ist keine Aufzeichnung.", file.display()))
}

fn read_file(root: &Path, file: &Path) -> anyhow::Result<String> {
    fs::read_to_string(root.join(file))
        .with_context(|| format!("{} ist nicht zu lesen.", file.display()))
}

impl Script {
    /// The masks that hold in this scene: the common ones and its own.
    pub fn masks(&self) -> Masks {
        Masks::new(&self.mask)
            .expect("the patterns were compiled once when the script was read")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_scene_is_refused_with_the_known_ones() {
        let known = [SceneId::new("ch01", "a"), SceneId::new("ch02", "b")];
        let error = choose(&known, &["ch01/b".into()]).unwrap_err().to_string();
        assert_eq!(
            error,
            "Die Szene „ch01/b“ gibt es nicht. Bekannt sind:\n  ch01/a\n  ch02/b"
        );
        assert_eq!(choose(&known, &["ch02/b".into()]).unwrap(), known[1..]);
        assert_eq!(choose(&known, &[]).unwrap(), known);
    }

    #[test]
    fn the_files_of_a_scene_stand_beside_its_listing() {
        let id = SceneId::new("ch01-socket-basics", "gespraech");
        assert_eq!(id.to_string(), "ch01-socket-basics/gespraech");
        let file = Path::new("listings/ch01-socket-basics/scenes/gespraech.toml");
        assert_eq!(id.script(), file);
    }
}
