//! The picture of a scene: its timeline, drawn from what was recorded or traced, as the script wants it.

use anyhow::bail;

use crate::SceneId;
use crate::observe::{Trace, lanes, tasks};
use crate::recording::Recording;
use crate::script::{Drawing, Script};
use crate::timeline::{self, Caption, Timeline};

/// The timeline of a scene as SVG, `None` if its script asks for none.
///
/// Drawn from the recording, or from the trace if the script says so. Errors are German sentences.
pub fn drawing(
    id: &SceneId,
    script: &Script,
    recording: &Recording,
    trace: Option<&Trace>,
) -> anyhow::Result<Option<String>> {
    let Some(drawing) = &script.timeline else {
        return Ok(None);
    };
    let mut printed = &recording.events;
    let timeline: Timeline = match trace {
        Some(trace) if drawing.trace => {
            printed = &trace.printed; // of the same run as the lanes
            trace.timeline.clone()
        }
        None if drawing.trace => {
            bail!("Von „{id}“ gibt es noch keine Spuren: cargo run -- record {id}")
        }
        _ => lanes::of_recording(recording),
    };
    let timeline = tasks::add(timeline, script, printed)
        .and_then(|timeline| match &drawing.lanes {
            Some(names) => timeline.select(names),
            None => Ok(timeline),
        })
        .map_err(|message| {
            anyhow::anyhow!("{}, Zeitachse: {message}", id.script().display())
        })?;
    Ok(Some(timeline::draw(
        &timeline,
        &caption(id, script, drawing),
    )))
}

fn caption(id: &SceneId, script: &Script, drawing: &Drawing) -> Caption {
    let micros = |seconds: f64| (seconds * 1e6).round() as u64;
    Caption {
        id: format!("zeitachse-{}-{}", id.listing, id.name),
        title: drawing.title.as_ref().unwrap_or(&script.title).clone(),
        desc: drawing.desc.clone(),
        from: Some(micros(drawing.from)),
        to: drawing.to.map(micros),
    }
}
