//! The command `record`: plays scenes with the real programs and writes down what the chapters include.
//! In flow names of scenes, out flow recordings, transcripts and timelines – all of a scene's files or none.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::bail;
use print::tell;

use crate::drawing::drawing;
use crate::observe::{self, Trace, strace};
use crate::recording::Recording;
use crate::replay::run;
use crate::script::Script;
use crate::settings::Settings;
use crate::transcript::render;
use crate::{SceneId, all, choose, load_recording, load_script};
use print::files::write_file;
use programs::interrupt::cancelled_by_ctrl_c;
use programs::listings::{self, Programs};
use programs::ports;

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
#[doc(hidden)]
pub fn record_where(
    root: &Path,
    names: &[String],
    can_trace: fn() -> bool,
) -> anyhow::Result<()> {
    let chosen = choose(&all(root), names)?;
    if chosen.is_empty() {
        tell("Es gibt keine Szene aufzuzeichnen.");
        return Ok(());
    }
    // Every script is read first: a slip in the last one should not cost the runs before it.
    let mut scenes = Vec::new();
    for id in chosen {
        let script = load_script(root, &id)?;
        if let Some(system) = script.system.as_ref().filter(|_| !script.is_playable_here())
        {
            bail!("Die Szene „{id}“ lässt sich nur unter {system} aufzeichnen.");
        }
        scenes.push((id, script));
    }
    tell(listings::BUILDING);
    let recorder = Recorder {
        root,
        programs: listings::built(root)?,
        // The programs run in process groups of their own: Ctrl-C at the terminal reaches only us.
        cancelled: cancelled_by_ctrl_c(),
        keeps: names.is_empty(),
        can_trace,
    };
    let mut passed_over = Vec::new();
    for (id, script) in &scenes {
        match recorder.record(id, script)? {
            Some(outcome) => tell(format_args!("{id}: {outcome}")),
            None => passed_over.push(id.to_string()),
        }
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

/// What is the same for all scenes of one call.
struct Recorder<'a> {
    root: &'a Path,
    programs: &'a Programs,
    cancelled: Arc<AtomicBool>,
    /// Whether a recording that still holds is kept.
    keeps: bool,
    can_trace: fn() -> bool,
}

impl Recorder<'_> {
    /// Records one scene and says in a word what came of it; `None`: it needs strace, and there is none.
    fn record(
        &self,
        id: &SceneId,
        script: &Script,
    ) -> anyhow::Result<Option<&'static str>> {
        refuse_taken_ports(id, script)?;
        let new = self.run(id, script, Settings::for_recording(script))?;
        let old = load_recording(self.root, id).ok().filter(|old| {
            self.keeps && old.script == new.script && old.says_the_same(&new, script)
        });
        let old_trace = observe::load(self.root, id).ok().filter(|trace| {
            trace.script == script.digest()
                && trace.printed.is_empty() != script.has_tasks()
        });
        let traces = script.is_traced() && (old.is_none() || old_trace.is_none());
        if traces && !(self.can_trace)() {
            return Ok(None);
        }
        let mut trace = old_trace;
        if traces {
            let settings = self.cancellable(observe::settings(script)?);
            let (taken, again) =
                observe::take(self.root, id, script, self.programs, settings)?;
            refuse_another_course(id, script, &new, &again)?;
            trace = Some(taken);
        } else if old.is_none() {
            let again = self.run(id, script, Settings::for_replay(script)?)?;
            refuse_another_course(id, script, &new, &again)?;
        }
        let outcome = match (&old, traces) {
            (None, _) => "aufgezeichnet",
            (Some(_), true) => "Zeitachse aufgezeichnet",
            (Some(_), false) => "unverändert",
        };
        self.write(id, script, &old.unwrap_or(new), trace.as_ref())?;
        Ok(Some(outcome))
    }

    fn write(
        &self,
        id: &SceneId,
        script: &Script,
        recording: &Recording,
        trace: Option<&Trace>,
    ) -> anyhow::Result<()> {
        // Drawn before anything is written: it may still fail.
        let drawing = drawing(id, script, recording, trace)?;
        write_file(&self.root.join(id.recording()), recording.to_json())?;
        write_file(&self.root.join(id.transcript()), render(recording))?;
        if let Some(trace) = trace.filter(|_| script.is_traced()) {
            write_file(&self.root.join(id.trace()), trace.to_json())?;
        }
        if let Some(drawing) = drawing {
            write_file(&self.root.join(id.drawing()), drawing)?;
        }
        Ok(())
    }

    fn run(
        &self,
        id: &SceneId,
        script: &Script,
        settings: Settings,
    ) -> anyhow::Result<Recording> {
        run(
            self.root,
            id,
            script,
            self.programs,
            &self.cancellable(settings),
        )
    }

    fn cancellable(&self, settings: Settings) -> Settings {
        Settings {
            cancelled: Arc::clone(&self.cancelled),
            ..settings
        }
    }
}

fn refuse_another_course(
    id: &SceneId,
    script: &Script,
    first: &Recording,
    second: &Recording,
) -> anyhow::Result<()> {
    if let Err(differences) = first.compare(second, script) {
        bail!(
            "Die Szene „{id}“ verläuft nicht zweimal gleich und wird nicht aufgezeichnet: \
             Entweder hat ein fremdes Programm mitgeredet, oder ihre Ordnung ist dem Zufall \
             überlassen.\n{differences}"
        );
    }
    Ok(())
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
