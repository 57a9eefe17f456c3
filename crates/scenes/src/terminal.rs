//! Plays a scene in a terminal, for recording a video and for readers who prefer it.
//! In flows a scene's name, out flow its columns side by side, live, with the time in the margin –
//! or plain lines with names where there is no room or no terminal.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context, bail};
use print::tell;

use crate::player;
use crate::recording::EventKind;
use crate::script::Script;
use crate::settings::{Seen, Settings, Watcher};
use crate::{choose, load_script};
use programs::interrupt::cancelled_by_ctrl_c;
use programs::{listings, ports};

/// A narrower column cannot be read.
const NARROWEST: usize = 20;
/// The time in the margin, with a space behind it.
const MARGIN: usize = 8;
/// Between two columns.
const GAP: &str = " │ ";

/// Plays the scene `name` live; Ctrl-C ends all its programs.
///
/// # Errors
///
/// One German sentence: there is no such scene, or it took another course than its script says.
pub fn show(root: &Path, name: &str) -> anyhow::Result<()> {
    let known = crate::all(root);
    let id = choose(&known, &[name.to_owned()])?.remove(0);
    let script = load_script(root, &id)?;
    if let Some(system) = script.system.as_ref().filter(|_| !script.is_playable_here()) {
        bail!("Die Szene „{id}“ lässt sich nur unter {system} spielen.");
    }
    tell(listings::BUILDING);
    let programs = listings::built(root)?;
    let mut settings = Settings::for_recording(&script);
    settings.ports =
        ports::choose(&script.ports, ports::is_free).context("Es ist kein Port frei")?;
    for (wanted, chosen) in script.ports.values().zip(settings.ports.values()) {
        if wanted != chosen {
            tell(format_args!(
                "Diesmal Port {chosen} statt {wanted}: Nicht alle sind frei."
            ));
        }
    }
    // The programs run in process groups of their own: Ctrl-C at the terminal reaches only us.
    settings.cancelled = cancelled_by_ctrl_c();
    let cancelled = Arc::clone(&settings.cancelled);
    let screen = Screen::new(&script);
    if screen.print(&screen.heading(&script)).is_err() {
        return Ok(()); // nobody looks
    }
    let screen = Mutex::new(screen);
    let (stop, nobody_looks) = (Arc::clone(&cancelled), Arc::new(AtomicBool::new(false)));
    let leaves = Arc::clone(&nobody_looks);
    settings.watcher = Some(Watcher(Arc::new(move |seen| {
        let mut screen = screen.lock().unwrap_or_else(PoisonError::into_inner);
        let rows = screen.rows(&seen);
        // The reader of our output is gone (`… | head`): then there is no reason to go on.
        if screen.print(&rows).is_err() {
            leaves.store(true, Ordering::Relaxed);
            stop.store(true, Ordering::Relaxed);
        }
    })));
    match player::play(&script, programs, root, &settings) {
        Ok(_) => Ok(()),
        Err(_) if nobody_looks.load(Ordering::Relaxed) => Ok(()),
        Err(_) if cancelled.load(Ordering::Relaxed) => bail!("Mit Strg+C beendet."),
        Err(failure) => bail!(
            "Die Szene „{id}“ ist anders verlaufen als aufgezeichnet. Schritt {} ({}): {}",
            failure.step,
            failure.action,
            failure.message
        ),
    }
}

/// How the scene is shown.
struct Screen {
    processes: Vec<(String, String)>,
    /// The width of a column; `None`: plain lines with names.
    column: Option<usize>,
    colourful: bool,
    begun: Option<Instant>,
}

impl Screen {
    /// As wide as the terminal allows.
    fn new(script: &Script) -> Screen {
        let terminal = io::stdout().is_terminal();
        let width = terminal
            .then(terminal_size::terminal_size)
            .flatten()
            .map(|(terminal_size::Width(width), _)| usize::from(width));
        let dumb = std::env::var_os("TERM").is_some_and(|kind| kind == "dumb");
        let colourful = terminal && !dumb && std::env::var_os("NO_COLOR").is_none();
        Screen::with_width(script, width, colourful)
    }

    fn with_width(script: &Script, width: Option<usize>, colourful: bool) -> Screen {
        let processes = script
            .processes
            .iter()
            .map(|process| (process.name.clone(), script.command(process)));
        let processes: Vec<_> = processes.collect();
        let gaps = GAP.chars().count() * processes.len().saturating_sub(1);
        let column = width
            .map(|width| width.saturating_sub(MARGIN + gaps + 1) / processes.len().max(1))
            .filter(|column| *column >= NARROWEST);
        Screen {
            processes,
            column,
            colourful,
            begun: None,
        }
    }

    fn print(&self, rows: &str) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(rows.as_bytes())?;
        stdout.flush()
    }

    /// Title, and names above the columns.
    fn heading(&self, script: &Script) -> String {
        let mut heading = format!("\n{}\n\n", self.bold(&script.title));
        if let Some(column) = self.column {
            let name = |(name, _): &(String, String)| self.bold(&padded(name, column));
            let names: Vec<_> = self.processes.iter().map(name).collect();
            let line = vec!["─".repeat(column); self.processes.len()].join("─┼─");
            let margin = " ".repeat(MARGIN);
            let rule = "─".repeat(MARGIN);
            heading.push_str(&format!("{margin}{}\n{rule}{line}\n", names.join(GAP)));
        }
        heading
    }

    /// The rows of an event.
    fn rows(&mut self, seen: &Seen) -> String {
        let begun = *self.begun.get_or_insert(seen.at);
        let seconds = seen.at.saturating_duration_since(begun).as_secs_f64();
        let time = format!("{seconds:>6.2}").replace('.', ",");
        let text = self.text(seen);
        let Some(column) = self.column else {
            let longest = self.processes.iter().map(|(name, _)| name.chars().count()).max();
            let name = padded(&seen.process, longest.unwrap_or_default());
            return format!("{time}  {name}  {}\n", self.styled(seen.kind, &text));
        };
        let mut rows = String::new();
        for (number, part) in wrapped(&text, column).into_iter().enumerate() {
            let margin = if number == 0 { time.as_str() } else { "" };
            rows.push_str(&padded(margin, MARGIN));
            for place in 0..self.processes.len() {
                if place > 0 {
                    rows.push_str(GAP);
                }
                let part = if place == seen.column {
                    part.as_str()
                } else {
                    ""
                };
                let cell = padded(part, column);
                rows.push_str(&if place == seen.column {
                    self.styled(seen.kind, &cell)
                } else {
                    cell
                });
            }
            rows.truncate(rows.trim_end_matches(' ').len());
            rows.push('\n');
        }
        rows
    }

    fn text(&self, seen: &Seen) -> String {
        let text = seen.text.as_deref().unwrap_or_default();
        match seen.kind {
            EventKind::Out | EventKind::Err => printable(text),
            EventKind::Start => format!("$ {}", self.processes[seen.column].1),
            EventKind::In => format!("› {}", printable(text)),
            EventKind::Quiet => format!("({text})"),
            EventKind::Eof => "Strg+D".to_owned(),
            EventKind::Stop => "Strg+C".to_owned(),
            EventKind::Exit => match seen.status {
                // Above 128 stand signals, and no program of the book chooses such a status.
                Some(status @ ..=128) => format!("■ endet mit Status {status}"),
                _ => "■ durch ein Signal beendet".to_owned(),
            },
        }
    }

    fn styled(&self, kind: EventKind, text: &str) -> String {
        match kind {
            EventKind::In | EventKind::Eof | EventKind::Stop => self.bold(text),
            EventKind::Start | EventKind::Quiet | EventKind::Exit if self.colourful => {
                format!("\x1b[2m{text}\x1b[0m")
            }
            _ => text.to_owned(),
        }
    }

    fn bold(&self, text: &str) -> String {
        if self.colourful {
            format!("\x1b[1m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

/// The text without what would move the cursor out of its column.
fn printable(text: &str) -> String {
    text.replace('\t', "    ").chars().filter(|c| !c.is_control()).collect()
}

/// The text, filled up with spaces.
fn padded(text: &str, width: usize) -> String {
    let length = text.chars().count();
    format!("{text}{}", " ".repeat(width.saturating_sub(length)))
}

/// The text in pieces that fit, broken at spaces where there are any; an empty text is one empty piece.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for word in text.split(' ') {
        let mut word: Vec<char> = word.chars().collect();
        let last = pieces.last_mut().expect("there is always one");
        let used = last.chars().count();
        if used > 0 && used + 1 + word.len() <= width {
            last.push(' ');
            last.extend(word);
            continue;
        }
        if used > 0 {
            pieces.push(String::new());
        }
        while word.len() > width {
            let rest = word.split_off(width);
            pieces.last_mut().expect("there is always one").extend(word);
            pieces.push(String::new());
            word = rest;
        }
        pieces.last_mut().expect("there is always one").extend(word);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn script() -> Script {
        Script::parse(
            r#"title = "Zwei"
               steps = [{ start = "Server" }, { start = "Anna" }, { stop = "Server" }, { exit = "Anna" }]
               [[process]]
               name = "Server"
               program = "p"
               [[process]]
               name = "Anna"
               program = "q""#,
        )
        .unwrap()
    }

    fn seen(process: &str, kind: EventKind, text: &str, at: Instant) -> Seen {
        Seen {
            at,
            column: usize::from(process == "Anna"),
            process: process.to_owned(),
            kind,
            text: Some(text.to_owned()),
            status: Some(0),
        }
    }

    #[test]
    fn events_stand_in_their_columns_with_the_time_in_the_margin() {
        let script = script();
        let mut screen = Screen::with_width(&script, Some(64), false);
        let begin = Instant::now();
        assert_eq!(
            screen.heading(&script),
            format!(
                "\nZwei\n\n{}Server                     │ Anna{}\n{}┼{}\n",
                " ".repeat(8),
                " ".repeat(22),
                "─".repeat(35),
                "─".repeat(27)
            )
        );
        let start = seen("Server", EventKind::Start, "", begin);
        assert_eq!(
            screen.rows(&start),
            "  0,00  $ cargo run --bin p        │\n"
        );
        let later = begin + Duration::from_millis(1530);
        let said = seen(
            "Anna",
            EventKind::Out,
            "eins zwei drei vier fünf sechs sieben",
            later,
        );
        let left = " ".repeat(26);
        assert_eq!(
            screen.rows(&said),
            format!(
                "  1,53  {left} │ eins zwei drei vier fünf\n        {left} │ sechs sieben\n"
            )
        );
    }

    #[test]
    fn where_it_is_narrow_or_no_terminal_lines_have_names() {
        let script = script();
        for width in [None, Some(40)] {
            let mut screen = Screen::with_width(&script, width, false);
            let begin = Instant::now();
            let typed = seen("Anna", EventKind::In, "Hallo", begin);
            assert_eq!(screen.rows(&typed), "  0,00  Anna    › Hallo\n");
            let ended = seen("Server", EventKind::Exit, "", begin);
            assert_eq!(
                screen.rows(&ended),
                "  0,00  Server  ■ endet mit Status 0\n"
            );
        }
    }

    #[test]
    fn long_words_are_broken_and_control_characters_left_out() {
        assert_eq!(wrapped("abcdefg hi", 3), ["abc", "def", "g", "hi"]);
        assert_eq!(wrapped("", 3), [""]);
        assert_eq!(printable("a\x1b[2Jb\tc"), "a[2Jb    c");
    }
}
