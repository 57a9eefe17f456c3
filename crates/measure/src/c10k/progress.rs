//! The measurement's progress for a human being: one line that is written anew, or a line now and then where nobody
//! watches. In flow events, out flows text on stderr.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use terminal_size::{Width, terminal_size_of};

use super::News;
use print::german;

/// Characters of the bar.
const BAR: u64 = 20;

/// Tells what happens.
pub struct ProgressLine<W: Write> {
    out: W,
    /// Columns of the terminal; `None`: it is none.
    columns: Option<usize>,
    /// Characters that stand in the current line.
    written: usize,
    /// Run and connections of the last line without a terminal.
    last: Option<(u64, u64)>,
}

impl ProgressLine<io::Stderr> {
    pub fn on_stderr() -> Self {
        let stderr = io::stderr();
        let columns = stderr.is_terminal().then(|| match terminal_size_of(&stderr) {
            Some((Width(columns), _)) => columns.into(),
            None => 80,
        });
        ProgressLine::new(stderr, columns)
    }
}

impl<W: Write> ProgressLine<W> {
    fn new(out: W, columns: Option<usize>) -> ProgressLine<W> {
        ProgressLine {
            out,
            columns,
            written: 0,
            last: None,
        }
    }

    pub fn tell(&mut self, event: &News) {
        match event {
            News::Building => self.line(programs::listings::BUILDING),
            News::Remark(sentence) => self.line(sentence),
            News::Trial {
                number,
                of,
                model,
                connections,
                run,
                left,
            } => {
                let connections_text = german::whole(*connections);
                if self.columns.is_some() {
                    let bar = bar(*number - 1, *of);
                    self.rewrite(&format!(
                        "{bar} {number}/{of}, noch {} · {connections_text} Verbindungen · {model}",
                        rough(*left)
                    ));
                } else if self.last != Some((*run, *connections)) {
                    self.last = Some((*run, *connections));
                    self.line(&format!(
                        "Durchgang {run}, {connections_text} Verbindungen: Versuch {number} von {of}, noch etwa {}",
                        rough(*left)
                    ));
                }
            }
            News::Measured {
                failure: Some(sentence),
                model,
                ..
            } => self.line(&format!("{model}: {sentence}")),
            News::Measured { .. } => {}
            News::Finished => self.rewrite(""),
        }
    }

    /// A line that stays.
    fn line(&mut self, text: &str) {
        self.rewrite("");
        // Without a stderr there is nobody to be told.
        let _ = writeln!(self.out, "{text}");
    }

    /// A line that the next one overwrites. Without a terminal there is none.
    fn rewrite(&mut self, text: &str) {
        let Some(columns) = self.columns else { return };
        // The last column stays empty: writing there would begin a new line.
        let text: String = text.chars().take(columns.saturating_sub(1)).collect();
        let length = text.chars().count();
        let rest = " ".repeat(self.written.saturating_sub(length));
        let back = if length == 0 { "\r" } else { "" };
        if length > 0 || self.written > 0 {
            let _ = write!(self.out, "\r{text}{rest}{back}");
            let _ = self.out.flush();
        }
        self.written = length;
    }
}

impl<W: Write> Drop for ProgressLine<W> {
    fn drop(&mut self) {
        self.rewrite("");
    }
}

fn bar(done: u64, of: u64) -> String {
    let full = BAR * done / of.max(1);
    (0..BAR).map(|place| if place < full { '█' } else { '░' }).collect()
}

/// `40 s`, `3 min`.
fn rough(time: Duration) -> String {
    match time.as_secs_f64().ceil() as u64 {
        seconds @ ..=90 => format!("{seconds} s"),
        seconds => format!("{} min", seconds.div_ceil(60)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial(number: u64, connections: u64) -> News {
        News::Trial {
            number,
            of: 4,
            model: "News Loop".into(),
            connections,
            run: 1,
            left: Duration::from_millis(1100 * (5 - number)),
        }
    }

    fn told(columns: Option<usize>, events: &[News]) -> String {
        let mut out = Vec::new();
        let mut progress = ProgressLine::new(&mut out, columns);
        events.iter().for_each(|event| progress.tell(event));
        drop(progress);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn a_terminal_gets_one_line_that_is_written_anew() {
        let text = told(
            Some(80),
            &[trial(1, 1000), trial(3, 100), News::Remark("Halt.".into())],
        );
        let first = "░░░░░░░░░░░░░░░░░░░░ 1/4, noch 5 s · 1.000 Verbindungen · News Loop";
        let second = "██████████░░░░░░░░░░ 3/4, noch 3 s · 100 Verbindungen · News Loop";
        let blank = " ".repeat(second.chars().count());
        assert_eq!(text, format!("\r{first}\r{second}  \r{blank}\rHalt.\n"));
    }

    #[test]
    fn a_narrow_terminal_gets_as_much_as_fits() {
        let text = told(Some(30), &[trial(1, 1000), News::Finished]);
        let line = "░░░░░░░░░░░░░░░░░░░░ 1/4, noch";
        let line: String = line.chars().take(29).collect();
        assert_eq!(text, format!("\r{line}\r{}\r", " ".repeat(29)));
    }

    #[test]
    fn without_a_terminal_there_is_a_line_for_each_run_and_count() {
        let text = told(None, &[trial(1, 100), trial(2, 100), trial(3, 1000)]);
        assert_eq!(
            text,
            "Durchgang 1, 100 Verbindungen: Versuch 1 von 4, noch etwa 5 s\n\
             Durchgang 1, 1.000 Verbindungen: Versuch 3 von 4, noch etwa 3 s\n"
        );
    }

    #[test]
    fn long_times_are_told_in_minutes() {
        assert_eq!(rough(Duration::from_millis(200)), "1 s");
        assert_eq!(rough(Duration::from_secs(90)), "90 s");
        assert_eq!(rough(Duration::from_secs(130)), "3 min");
    }
}
