//! The lanes of tasks. No operating system knows of them, only what the program prints tells when one began and
//! when it ended. In flow a script's tasks and the printed lines of a run, out flows a [`Timeline`].

use super::lanes::colour;
use crate::recording::{Event, EventKind};
use crate::script::{Process, Script, Task};
use crate::timeline::{Activity, Lane, OF, Span, Timeline};

/// Whether an event is a printed line: what a task is known by.
pub fn is_printed(event: &Event) -> bool {
    matches!(event.kind, EventKind::Out | EventKind::Err)
}

/// Puts the lane of each task behind those of its process. The error is a German sentence about a line that
/// was not printed.
pub fn add(
    timeline: Timeline,
    script: &Script,
    events: &[Event],
) -> Result<Timeline, String> {
    let tasks = script.timeline.iter().flat_map(|figure| &figure.tasks);
    let mut of_tasks = Vec::new();
    for task in tasks {
        of_tasks.push((task, lane(task, &script.processes, events)?));
    }
    let mut lanes = Vec::new();
    for process in &script.processes {
        let threads = format!("{}{OF}", process.name);
        let own =
            |lane: &&Lane| lane.name == process.name || lane.name.starts_with(&threads);
        lanes.extend(timeline.lanes.iter().filter(own).cloned());
        let own = of_tasks.iter().filter(|(task, _)| task.process == process.name);
        lanes.extend(own.map(|(_, lane)| lane.clone()));
    }
    Ok(Timeline { lanes })
}

/// A task is there from each line with its beginning to the next one with its end, and not in between.
fn lane(task: &Task, processes: &[Process], events: &[Event]) -> Result<Lane, String> {
    let own = |event: &&Event| event.process == task.process && is_printed(event);
    let mut printed = events.iter().filter(own);
    let (kind, usual) = match task.blocks {
        true => (Activity::Holding, "hält den Thread fest"),
        false => (Activity::Waiting, "wartet"),
    };
    let starts_with = |beginning: &str, event: &&Event| {
        event.text.as_ref().is_some_and(|text| text.starts_with(beginning))
    };
    let mut spans: Vec<Span> = Vec::new();
    while let Some(begin) = printed.find(|event| starts_with(&task.begins, event)) {
        let end =
            printed.find(|event| starts_with(&task.ends, event)).ok_or_else(|| {
                format!(
                    "„{}“ druckt nach „{}“ keine Zeile, die mit „{}“ beginnt.",
                    task.process,
                    begin.text.as_deref().unwrap_or_default(),
                    task.ends
                )
            })?;
        spans.push(Span {
            from: begin.t * 1_000,
            to: end.t * 1_000,
            kind,
            label: Some(task.text.clone().unwrap_or_else(|| usual.into())),
            short: None,
        });
    }
    let (Some(first), Some(last)) = (spans.first(), spans.last()) else {
        return Err(format!(
            "„{}“ druckt keine Zeile, die mit „{}“ beginnt.",
            task.process, task.begins
        ));
    };
    let process = processes.iter().position(|process| process.name == task.process);
    Ok(Lane {
        name: task.name.clone(),
        colour: colour(process.expect("checked when the script was read")),
        from: first.from,
        to: last.to,
        comes_and_goes: true,
        marks: Vec::new(),
        spans,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(tasks: &str) -> Script {
        let head = r#"title = "T"
            steps = [{ start = "A" }, { start = "B" }, { stop = "A" }, { stop = "B" }]
            process = [{ name = "A", program = "p" }, { name = "B", program = "q" }]
            [timeline]
            desc = "D""#;
        Script::parse(&format!("{head}\n{tasks}")).unwrap()
    }

    fn events(lines: &[(u64, &str, &str)]) -> Vec<Event> {
        let event = |(t, process, text): &(u64, &str, &str)| Event {
            t: *t,
            process: (*process).into(),
            kind: EventKind::Out,
            text: Some((*text).into()),
            status: None,
            free: None,
        };
        lines.iter().map(event).collect()
    }

    fn process(name: &str, colour: usize) -> Lane {
        Lane {
            name: name.into(),
            colour,
            from: 0,
            to: 9_000,
            comes_and_goes: false,
            marks: Vec::new(),
            spans: Vec::new(),
        }
    }

    const MIA: &str = "[[timeline.task]]\nname = \"Mia\"\nprocess = \"A\"\nbegins = \"Mia: gefragt\"\nends = \"Mia: da\"\n";

    fn drawn(tasks: &str, lines: &[(u64, &str, &str)]) -> Result<Timeline, String> {
        let lanes = vec![
            process("A · main", 1),
            process("A · Bote", 1),
            process("B", 2),
        ];
        add(Timeline { lanes }, &script(tasks), &events(lines))
    }

    fn spans(lane: &Lane) -> Vec<(u64, u64, Activity, &str)> {
        let spans = lane.spans.iter();
        spans
            .map(|span| {
                (
                    span.from,
                    span.to,
                    span.kind,
                    span.label.as_deref().unwrap_or_default(),
                )
            })
            .collect()
    }

    #[test]
    fn a_task_waits_from_line_to_line_below_the_lanes_of_its_process() {
        let timeline = drawn(
            MIA,
            &[
                (1, "B", "Mia: gefragt"),
                (2, "A", "Mia: gefragt, zum ersten Mal"),
                (3, "A", "Benno: da"),
                (3, "B", "Mia: da"),
                (5, "A", "Mia: da (1)"),
                (6, "A", "Mia: da (2)"),
            ],
        )
        .unwrap();
        let names: Vec<_> = timeline.lanes.iter().map(|lane| &lane.name).collect();
        assert_eq!(names, ["A · main", "A · Bote", "Mia", "B"]);
        let mia = &timeline.lanes[2];
        assert_eq!((mia.colour, mia.from, mia.to), (1, 2_000, 5_000));
        assert_eq!(spans(mia), [(2_000, 5_000, Activity::Waiting, "wartet")]);
    }

    #[test]
    fn a_task_may_come_again_and_may_hold_its_thread() {
        let again = [
            (1, "A", "Mia: gefragt"),
            (2, "A", "Mia: da"),
            (4, "A", "Mia: gefragt"),
            (7, "A", "Mia: da"),
        ];
        let timeline = drawn(&format!("{MIA}blocks = true"), &again).unwrap();
        let held = "hält den Thread fest";
        assert_eq!(
            spans(&timeline.lanes[2]),
            [
                (1_000, 2_000, Activity::Holding, held),
                (4_000, 7_000, Activity::Holding, held)
            ]
        );
        let timeline = drawn(&format!("{MIA}text = \"schläft\""), &again[..2]).unwrap();
        assert_eq!(
            spans(&timeline.lanes[2]),
            [(1_000, 2_000, Activity::Waiting, "schläft")]
        );
    }

    #[test]
    fn a_line_that_was_never_printed_is_named() {
        assert_eq!(
            drawn(MIA, &[(1, "A", "Mia: da")]),
            Err("„A“ druckt keine Zeile, die mit „Mia: gefragt“ beginnt.".into())
        );
        assert_eq!(
            drawn(MIA, &[(1, "A", "Mia: gefragt (1)"), (2, "B", "Mia: da")]),
            Err("„A“ druckt nach „Mia: gefragt (1)“ keine Zeile, die mit „Mia: da“ beginnt.".into())
        );
    }
}
