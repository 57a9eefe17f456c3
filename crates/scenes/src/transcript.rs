//! The transcript: a recorded run as HTML, one column a process, one row an event.
//! In flows a recording, out flows a `<figure>` that stands in Markdown and needs no script.
//! Its attributes (`data-t`, `data-who`, `data-kind`) say all that a replay needs.

use std::fmt::Write;

use crate::recording::{Event, EventKind, Recording, Role};

/// From this many milliseconds on, time that passes gets a row of its own.
const GAP: u64 = 300;

/// Longest gap in seconds that still makes its row taller.
const TALLEST: f64 = 4.0;

/// Narrow no-break space, between a number and its unit.
const NARROW: char = '\u{202f}';

/// How many colours the columns take turns in.
pub(super) const COLOURS: usize = 4;

/// What a process is doing while others act.
#[derive(Clone, Copy)]
enum State<'a> {
    Absent,
    Alive,
    /// Nothing comes from it until its next event; the text says what it waits for.
    Waiting(&'a str),
}

/// One row of the table: its start up to the time, then a cell for each process.
struct TableRow<'a> {
    head: String,
    cells: Vec<TableCell<'a>>,
}

#[derive(Clone, Copy)]
enum TableCell<'a> {
    Event(&'a Event),
    Idle(State<'a>),
    /// The waiting cell of a row above reaches down to here.
    Covered,
}

/// Renders the transcript, a `<figure>` without any blank line.
pub fn render(recording: &Recording) -> String {
    let mut html = format!(
        "<figure class=\"szene\" data-scene=\"{}\">\n<figcaption>{}</figcaption>\n<table>\n<thead><tr><th scope=\"col\">Zeit</th>",
        escape(&recording.scene),
        escape(&recording.title)
    );
    for (column, role) in recording.processes.iter().enumerate() {
        html.push_str(&head_cell(column, role));
    }
    html.push_str("</tr></thead>\n<tbody>\n");
    let rows = rows(recording);
    for (index, row) in rows.iter().enumerate() {
        html.push_str(&row.head);
        for (column, role) in recording.processes.iter().enumerate() {
            let below = rows[index + 1..].iter().map(|row| row.cells[column]);
            let span =
                1 + below.take_while(|cell| matches!(cell, TableCell::Covered)).count();
            html.push_str(&cell(row.cells[column], column, role, span));
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</tbody>\n</table>\n");
    if let Some(note) = &recording.note {
        let _ = writeln!(html, "<p class=\"anmerkung\">{}</p>", escape(note));
    }
    if recording.events.iter().any(|event| event.free.is_some()) {
        html.push_str(
            "<p class=\"anmerkung\">⇅ Diese Zeilen kommen bei jedem Lauf in zufälliger Reihenfolge.</p>\n",
        );
    }
    html.push_str("</figure>\n");
    html
}

/// A row for every event, and one wherever time passes without any.
fn rows(recording: &Recording) -> Vec<TableRow<'_>> {
    let mut rows = Vec::new();
    let mut states = vec![State::Absent; recording.processes.len()];
    // Whether the cell that says what this process waits for is already there.
    let mut said = vec![false; states.len()];
    let mut now = 0;
    let mut shown_time = String::new();
    for event in &recording.events {
        let named = |role: &Role| role.name == event.process;
        let Some(who) = recording.processes.iter().position(named) else {
            continue;
        };
        if event.t.saturating_sub(now) >= GAP {
            rows.push(TableRow {
                head: gap_head(now, event.t),
                cells: idle_cells(&states, &mut said),
            });
        }
        now = event.t;
        said[who] = false;
        if event.kind == EventKind::Quiet {
            states[who] = State::Waiting(event.text.as_deref().unwrap_or_default());
            continue;
        }
        states[who] = State::Alive;
        let time = seconds(event.t);
        let mut cells = idle_cells(&states, &mut said);
        cells[who] = TableCell::Event(event);
        rows.push(TableRow {
            head: event_head(event, &time, time == shown_time),
            cells,
        });
        shown_time = time;
        if event.kind == EventKind::Exit {
            states[who] = State::Absent;
        }
    }
    rows
}

fn idle_cells<'a>(states: &[State<'a>], said: &mut [bool]) -> Vec<TableCell<'a>> {
    let cell = |(state, said): (&State<'a>, &mut bool)| match state {
        State::Waiting(_) if std::mem::replace(said, true) => TableCell::Covered,
        state => TableCell::Idle(*state),
    };
    states.iter().zip(said).map(cell).collect()
}

fn head_cell(column: usize, role: &Role) -> String {
    let order = if role.ordered {
        ""
    } else {
        " <small>⇅ Reihenfolge der Zeilen zufällig</small>"
    };
    format!(
        "<th scope=\"col\" class=\"{}\" data-program=\"{}\">{} <code>{}</code>{order}</th>",
        colour(column),
        escape(&role.program),
        escape(&role.name),
        escape(&role.command)
    )
}

fn event_head(event: &Event, time: &str, same_time: bool) -> String {
    let kind = kind_name(event.kind);
    let same = if same_time { " class=\"gleich\"" } else { "" };
    format!(
        "<tr class=\"{kind}\" data-t=\"{}\" data-who=\"{}\" data-kind=\"{kind}\"><th scope=\"row\"{same}>{time}</th>",
        event.t,
        escape(&event.process)
    )
}

fn gap_head(from: u64, to: u64) -> String {
    let passed = seconds(to - from);
    let height = ((to - from) as f64 / 1000.0).min(TALLEST);
    format!(
        "<tr class=\"pause\" data-t=\"{from}\" data-bis=\"{to}\" style=\"--dauer:{height:.1}\"><th scope=\"row\">{passed} vergehen</th>"
    )
}

fn cell(cell: TableCell, column: usize, role: &Role, span: usize) -> String {
    let colour = colour(column);
    let who = escape(&role.name);
    match cell {
        TableCell::Covered => String::new(),
        TableCell::Idle(State::Absent) => "<td></td>".into(),
        TableCell::Idle(State::Alive) => format!("<td class=\"{colour} lebt\"></td>"),
        TableCell::Idle(State::Waiting(text)) => {
            let rowspan = match span {
                1 => String::new(),
                rows => format!(" rowspan=\"{rows}\""),
            };
            let text = escape(text);
            format!(
                "<td class=\"{colour} lebt wartet\" data-who=\"{who}\"{rowspan}><span>{text}</span></td>"
            )
        }
        TableCell::Event(event) => {
            let content = content(event);
            format!("<td class=\"{colour} lebt\" data-who=\"{who}\">{content}</td>")
        }
    }
}

fn colour(column: usize) -> String {
    format!("farbe-{}", column % COLOURS + 1)
}

fn content(event: &Event) -> String {
    let text = escape(event.text.as_deref().unwrap_or_default());
    let free = if event.free.is_some() { "⇅ " } else { "" };
    match event.kind {
        EventKind::Start => "▸ gestartet".into(),
        EventKind::Out => format!("{free}<samp>{text}</samp>"),
        EventKind::Err => {
            format!(
                "{free}<small title=\"Fehlerausgabe\">stderr</small> <samp>{text}</samp>"
            )
        }
        EventKind::In => {
            let text = if text.is_empty() { "⏎" } else { &text };
            format!("<kbd><span class=\"nur-vorgelesen\">Eingabe: </span>› {text}</kbd>")
        }
        EventKind::Quiet => unreachable!("waiting is shown by the cells that follow"),
        EventKind::Eof => "Eingabe zu Ende <kbd>Strg+D</kbd>".into(),
        EventKind::Stop => "<kbd>Strg+C</kbd>".into(),
        EventKind::Exit => match event.status {
            Some(status) => format!("■ endet mit Status {status}"),
            None => "■ endet".into(),
        },
    }
}

/// The name it has in the recording.
fn kind_name(kind: EventKind) -> String {
    match serde_json::to_value(kind) {
        Ok(serde_json::Value::String(name)) => name,
        _ => unreachable!("every kind is written as a word"),
    }
}

/// Milliseconds as a German number of seconds with one decimal: `1,5 s`.
fn seconds(milliseconds: u64) -> String {
    let tenths = (milliseconds + 50) / 100;
    format!("{},{}{NARROW}s", tenths / 10, tenths % 10)
}

/// Text as HTML that neither Markdown nor mdBook's `{{…}}` nor a browser takes for anything else.
/// Control characters become visible.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '{' => escaped.push_str("&#123;"),
            control if control.is_control() => {
                // U+2400 to U+241F are pictures of the control characters U+0000 to U+001F.
                let picture = char::from_u32(0x2400 + u32::from(control));
                let picture = picture.filter(|_| control < ' ');
                escaped.push(picture.unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(t: u64, process: &str, kind: EventKind, text: &str) -> Event {
        Event {
            t,
            process: process.into(),
            kind,
            text: (!text.is_empty()).then(|| text.into()),
            status: (kind == EventKind::Exit).then_some(0),
            free: None,
        }
    }

    fn role(name: &str) -> Role {
        Role {
            name: name.into(),
            program: "p".into(),
            command: "cargo run --bin p".into(),
            ordered: true,
        }
    }

    fn rendered(events: Vec<Event>) -> String {
        render(&Recording {
            scene: "x/y".into(),
            title: "Wer <wartet>?".into(),
            note: Some("Ende gut.".into()),
            recorded: "2026-01-01".into(),
            script: String::new(),
            processes: vec![role("Server"), role("Anna")],
            events,
        })
    }

    fn rows(events: Vec<Event>) -> Vec<String> {
        let html = rendered(events);
        let rows = html.lines().filter(|line| line.starts_with("<tr"));
        rows.map(String::from).collect()
    }

    #[test]
    fn an_event_stands_in_the_column_of_its_process() {
        let rows = rows(vec![
            event(0, "Server", EventKind::Start, ""),
            event(120, "Anna", EventKind::Start, ""),
            event(130, "Anna", EventKind::In, "Hallo"),
            event(140, "Server", EventKind::Exit, ""),
            event(150, "Anna", EventKind::Out, "Ach."),
        ]);
        assert_eq!(
            rows,
            [
                "<tr class=\"start\" data-t=\"0\" data-who=\"Server\" data-kind=\"start\"><th scope=\"row\">0,0\u{202f}s</th><td class=\"farbe-1 lebt\" data-who=\"Server\">▸ gestartet</td><td></td></tr>",
                "<tr class=\"start\" data-t=\"120\" data-who=\"Anna\" data-kind=\"start\"><th scope=\"row\">0,1\u{202f}s</th><td class=\"farbe-1 lebt\"></td><td class=\"farbe-2 lebt\" data-who=\"Anna\">▸ gestartet</td></tr>",
                "<tr class=\"in\" data-t=\"130\" data-who=\"Anna\" data-kind=\"in\"><th scope=\"row\" class=\"gleich\">0,1\u{202f}s</th><td class=\"farbe-1 lebt\"></td><td class=\"farbe-2 lebt\" data-who=\"Anna\"><kbd><span class=\"nur-vorgelesen\">Eingabe: </span>› Hallo</kbd></td></tr>",
                "<tr class=\"exit\" data-t=\"140\" data-who=\"Server\" data-kind=\"exit\"><th scope=\"row\" class=\"gleich\">0,1\u{202f}s</th><td class=\"farbe-1 lebt\" data-who=\"Server\">■ endet mit Status 0</td><td class=\"farbe-2 lebt\"></td></tr>",
                "<tr class=\"out\" data-t=\"150\" data-who=\"Anna\" data-kind=\"out\"><th scope=\"row\">0,2\u{202f}s</th><td></td><td class=\"farbe-2 lebt\" data-who=\"Anna\"><samp>Ach.</samp></td></tr>",
            ]
        );
    }

    #[test]
    fn time_that_passes_gets_a_row_that_grows_up_to_a_limit() {
        let gap = |t| {
            let events = vec![
                event(0, "Server", EventKind::Start, ""),
                event(t, "Server", EventKind::Out, "x"),
            ];
            rows(events).into_iter().find(|row| row.contains("class=\"pause\""))
        };
        assert_eq!(gap(299), None);
        let cells = "<td class=\"farbe-1 lebt\"></td><td></td></tr>";
        for (t, height, text) in [
            (300, "0.3", "0,3"),
            (1500, "1.5", "1,5"),
            (9000, "4.0", "9,0"),
        ] {
            let expected = format!(
                "<tr class=\"pause\" data-t=\"0\" data-bis=\"{t}\" style=\"--dauer:{height}\"><th scope=\"row\">{text}\u{202f}s vergehen</th>{cells}"
            );
            assert_eq!(gap(t), Some(expected));
        }
    }

    #[test]
    fn who_waits_is_marked_until_its_next_event_and_says_why_once() {
        let rows = rows(vec![
            event(0, "Anna", EventKind::Start, ""),
            event(10, "Anna", EventKind::Quiet, "wartet auf den Server"),
            event(1010, "Server", EventKind::Start, ""),
            event(1020, "Anna", EventKind::Out, "x"),
            event(1030, "Server", EventKind::Exit, ""),
        ]);
        let waits = "<td class=\"farbe-2 lebt wartet\" data-who=\"Anna\" rowspan=\"2\"><span>wartet auf den Server</span></td></tr>";
        assert!(rows[1].starts_with("<tr class=\"pause\"") && rows[1].ends_with(waits));
        // The next row leaves this column to the cell above, the one after has the event that ends it.
        assert!(rows[2].ends_with("▸ gestartet</td></tr>"), "{}", rows[2]);
        assert!(rows[3].ends_with("<samp>x</samp></td></tr>"), "{}", rows[3]);
        let all = rows.concat();
        assert_eq!(all.matches("wartet auf").count(), 1);
    }

    #[test]
    fn what_programs_print_stays_text_and_the_block_stays_whole() {
        let html = rendered(vec![
            event(0, "Anna", EventKind::Start, ""),
            event(
                1,
                "Anna",
                EventKind::Out,
                "<b>&\"'{{#include x}}\t\u{1b}[2J\u{7f}",
            ),
            event(2, "Anna", EventKind::Err, "weh"),
            event(3, "Anna", EventKind::Out, ""),
            event(4, "Anna", EventKind::In, ""),
        ]);
        assert!(html.contains(
            "<samp>&lt;b&gt;&amp;&quot;&#39;&#123;&#123;#include x}}␉␛[2J\u{fffd}</samp>"
        ));
        assert!(
            html.contains("<small title=\"Fehlerausgabe\">stderr</small> <samp>weh</samp>")
        );
        assert!(html.contains("› ⏎</kbd>"));
        assert!(html.contains("<figcaption>Wer &lt;wartet&gt;?</figcaption>"));
        assert!(
            html.lines().all(|line| !line.trim().is_empty()),
            "a blank line ends the HTML block"
        );
    }

    #[test]
    fn a_free_order_is_said_under_the_transcript() {
        let mut line = event(1, "Anna", EventKind::Out, "a");
        line.free = Some(3);
        let html = rendered(vec![event(0, "Anna", EventKind::Start, ""), line]);
        assert!(
            html.contains("⇅ <samp>a</samp>") && html.contains("in zufälliger Reihenfolge")
        );
        assert!(!rendered(Vec::new()).contains('⇅'));
    }
}
