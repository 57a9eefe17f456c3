//! The transcript: a recorded run as HTML, one column a process, one row an event.
//! In flows a recording, out flows a `<figure>` that stands in Markdown and needs no script.
//! Its attributes (`data-t`, `data-who`, `data-kind`) say all that a replay needs.

use std::fmt::Write;

use super::recording::{Event, Kind, Recording, Role};

/// From this many milliseconds on, time that passes gets a row of its own.
const GAP: u64 = 300;

/// Longest gap in seconds that still makes its row taller.
const TALLEST: f64 = 4.0;

/// Narrow no-break space, between a number and its unit.
const NARROW: char = '\u{202f}';

/// What a process is doing while others act.
#[derive(Clone, Copy, PartialEq)]
enum State {
    Absent,
    Alive,
    /// Nothing comes from it until its next event.
    Waiting,
}

/// One column while the rows are written.
struct Column<'a> {
    role: &'a Role,
    state: State,
    /// What the next waiting cell says; one is enough, the others only continue it.
    says: Option<&'a str>,
}

/// Renders the transcript, a `<figure>` without any blank line.
pub fn render(recording: &Recording) -> String {
    let mut rows = String::new();
    let mut columns: Vec<Column> = recording
        .processes
        .iter()
        .map(|role| Column {
            role,
            state: State::Absent,
            says: None,
        })
        .collect();
    let mut now = 0;
    let mut shown_time = String::new();
    for event in &recording.events {
        let Some(who) = columns
            .iter()
            .position(|column| column.role.name == event.process)
        else {
            continue;
        };
        if event.t.saturating_sub(now) >= GAP {
            rows.push_str(&gap_row(now, event.t, &mut columns));
        }
        now = event.t;
        if event.kind == Kind::Quiet {
            columns[who].state = State::Waiting;
            columns[who].says = event.text.as_deref();
            continue;
        }
        columns[who].state = State::Alive;
        columns[who].says = None;
        let time = seconds(event.t);
        rows.push_str(&event_row(
            event,
            &time,
            time == shown_time,
            who,
            &mut columns,
        ));
        shown_time = time;
        if event.kind == Kind::Exit {
            columns[who].state = State::Absent;
        }
    }

    let mut html = format!(
        "<figure class=\"szene\" data-scene=\"{}\">\n<figcaption>{}</figcaption>\n<table>\n<thead><tr><th scope=\"col\">Zeit</th>",
        escape(&recording.scene),
        escape(&recording.title)
    );
    for role in &recording.processes {
        let order = if role.ordered {
            ""
        } else {
            " <small>⇅ Reihenfolge der Zeilen zufällig</small>"
        };
        let _ = write!(
            html,
            "<th scope=\"col\" data-program=\"{}\">{} <code>{}</code>{order}</th>",
            escape(&role.program),
            escape(&role.name),
            escape(&role.command)
        );
    }
    html.push_str("</tr></thead>\n<tbody>\n");
    html.push_str(&rows);
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

fn event_row(
    event: &Event,
    time: &str,
    same_time: bool,
    who: usize,
    columns: &mut [Column],
) -> String {
    let kind = kind_name(event.kind);
    let same = if same_time { " class=\"gleich\"" } else { "" };
    let mut row = format!(
        "<tr class=\"{kind}\" data-t=\"{}\" data-who=\"{}\" data-kind=\"{kind}\"><th scope=\"row\"{same}>{time}</th>",
        event.t,
        escape(&event.process)
    );
    for (index, column) in columns.iter_mut().enumerate() {
        if index == who {
            let edge = match event.kind {
                Kind::Start => " beginn",
                Kind::Exit => " ende",
                _ => "",
            };
            let _ = write!(
                row,
                "<td class=\"lebt{edge}\" data-who=\"{}\">{}</td>",
                escape(&column.role.name),
                content(event)
            );
        } else {
            row.push_str(&idle_cell(column));
        }
    }
    row.push_str("</tr>\n");
    row
}

fn gap_row(from: u64, to: u64, columns: &mut [Column]) -> String {
    let passed = seconds(to - from);
    let height = ((to - from) as f64 / 1000.0).min(TALLEST);
    let mut row = format!(
        "<tr class=\"pause\" data-t=\"{from}\" data-bis=\"{to}\" style=\"--dauer:{height:.1}\"><th scope=\"row\">{passed} vergehen</th>"
    );
    for column in columns {
        row.push_str(&idle_cell(column));
    }
    row.push_str("</tr>\n");
    row
}

/// The cell of a process that does nothing visible in this row.
fn idle_cell(column: &mut Column) -> String {
    match (column.state, column.says.take()) {
        (State::Absent, _) => "<td></td>".into(),
        (State::Alive, _) => "<td class=\"lebt\"></td>".into(),
        (State::Waiting, None) => "<td class=\"lebt wartet\"></td>".into(),
        (State::Waiting, Some(says)) => format!(
            "<td class=\"lebt wartet\" data-who=\"{}\"><span>{}</span></td>",
            escape(&column.role.name),
            escape(says)
        ),
    }
}

fn content(event: &Event) -> String {
    let text = escape(event.text.as_deref().unwrap_or_default());
    let free = if event.free.is_some() { "⇅ " } else { "" };
    match event.kind {
        Kind::Start => "▸ gestartet".into(),
        Kind::Out => format!("{free}<samp>{text}</samp>"),
        Kind::Err => {
            format!("{free}<small title=\"Fehlerausgabe\">stderr</small> <samp>{text}</samp>")
        }
        Kind::In => {
            let text = if text.is_empty() { "⏎" } else { &text };
            format!("<kbd><span class=\"nur-vorgelesen\">Eingabe: </span>› {text}</kbd>")
        }
        Kind::Quiet => unreachable!("waiting is shown by the cells that follow"),
        Kind::Eof => "Eingabe zu Ende <kbd>Strg+D</kbd>".into(),
        Kind::Stop => "<kbd>Strg+C</kbd>".into(),
        Kind::Exit => match event.status {
            Some(status) => format!("■ endet mit Status {status}"),
            None => "■ endet".into(),
        },
    }
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Start => "start",
        Kind::Out => "out",
        Kind::Err => "err",
        Kind::In => "in",
        Kind::Quiet => "quiet",
        Kind::Eof => "eof",
        Kind::Stop => "stop",
        Kind::Exit => "exit",
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

    fn event(t: u64, process: &str, kind: Kind, text: &str) -> Event {
        Event {
            t,
            process: process.into(),
            kind,
            text: (!text.is_empty()).then(|| text.into()),
            status: (kind == Kind::Exit).then_some(0),
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
            event(0, "Server", Kind::Start, ""),
            event(120, "Anna", Kind::Start, ""),
            event(130, "Anna", Kind::In, "Hallo"),
            event(140, "Server", Kind::Exit, ""),
            event(150, "Anna", Kind::Out, "Ach."),
        ]);
        assert_eq!(
            rows,
            [
                "<tr class=\"start\" data-t=\"0\" data-who=\"Server\" data-kind=\"start\"><th scope=\"row\">0,0\u{202f}s</th><td class=\"lebt beginn\" data-who=\"Server\">▸ gestartet</td><td></td></tr>",
                "<tr class=\"start\" data-t=\"120\" data-who=\"Anna\" data-kind=\"start\"><th scope=\"row\">0,1\u{202f}s</th><td class=\"lebt\"></td><td class=\"lebt beginn\" data-who=\"Anna\">▸ gestartet</td></tr>",
                "<tr class=\"in\" data-t=\"130\" data-who=\"Anna\" data-kind=\"in\"><th scope=\"row\" class=\"gleich\">0,1\u{202f}s</th><td class=\"lebt\"></td><td class=\"lebt\" data-who=\"Anna\"><kbd><span class=\"nur-vorgelesen\">Eingabe: </span>› Hallo</kbd></td></tr>",
                "<tr class=\"exit\" data-t=\"140\" data-who=\"Server\" data-kind=\"exit\"><th scope=\"row\" class=\"gleich\">0,1\u{202f}s</th><td class=\"lebt ende\" data-who=\"Server\">■ endet mit Status 0</td><td class=\"lebt\"></td></tr>",
                "<tr class=\"out\" data-t=\"150\" data-who=\"Anna\" data-kind=\"out\"><th scope=\"row\">0,2\u{202f}s</th><td></td><td class=\"lebt\" data-who=\"Anna\"><samp>Ach.</samp></td></tr>",
            ]
        );
    }

    #[test]
    fn time_that_passes_gets_a_row_that_grows_up_to_a_limit() {
        let gap = |t| {
            let events = vec![
                event(0, "Server", Kind::Start, ""),
                event(t, "Server", Kind::Out, "x"),
            ];
            rows(events)
                .into_iter()
                .find(|row| row.contains("class=\"pause\""))
        };
        assert_eq!(gap(299), None);
        let cells = "<td class=\"lebt\"></td><td></td></tr>";
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
            event(0, "Anna", Kind::Start, ""),
            event(10, "Anna", Kind::Quiet, "wartet auf den Server"),
            event(1010, "Server", Kind::Start, ""),
            event(1020, "Anna", Kind::Out, "x"),
            event(1030, "Server", Kind::Exit, ""),
        ]);
        let waiting: Vec<_> = rows.iter().map(|row| row.contains("wartet")).collect();
        assert_eq!(waiting, [false, true, true, false, false]);
        let says =
            "<td class=\"lebt wartet\" data-who=\"Anna\"><span>wartet auf den Server</span></td>";
        assert!(rows[1].contains(says), "{}", rows[1]);
        assert!(
            rows[2].contains("<td class=\"lebt wartet\"></td>"),
            "{}",
            rows[2]
        );
    }

    #[test]
    fn what_programs_print_stays_text_and_the_block_stays_whole() {
        let html = rendered(vec![
            event(0, "Anna", Kind::Start, ""),
            event(
                1,
                "Anna",
                Kind::Out,
                "<b>&\"'{{#include x}}\t\u{1b}[2J\u{7f}",
            ),
            event(2, "Anna", Kind::Err, "weh"),
            event(3, "Anna", Kind::Out, ""),
            event(4, "Anna", Kind::In, ""),
        ]);
        assert!(html.contains(
            "<samp>&lt;b&gt;&amp;&quot;&#39;&#123;&#123;#include x}}␉␛[2J\u{fffd}</samp>"
        ));
        assert!(html.contains("<small title=\"Fehlerausgabe\">stderr</small> <samp>weh</samp>"));
        assert!(html.contains("› ⏎</kbd>"));
        assert!(html.contains("<figcaption>Wer &lt;wartet&gt;?</figcaption>"));
        assert!(
            html.lines().all(|line| !line.trim().is_empty()),
            "a blank line ends the HTML block"
        );
    }

    #[test]
    fn a_free_order_is_said_under_the_transcript() {
        let mut line = event(1, "Anna", Kind::Out, "a");
        line.free = Some(3);
        let html = rendered(vec![event(0, "Anna", Kind::Start, ""), line]);
        assert!(html.contains("⇅ <samp>a</samp>") && html.contains("in zufälliger Reihenfolge"));
        assert!(!rendered(Vec::new()).contains('⇅'));
    }
}
