//! Expands `{{#include}}` the way mdBook's link preprocessor does, but remembers where every line came from.
//! In: the text of a chapter. Out: an [`Expansion`], the expanded text with its origins, plus a [`Problem`] for
//! everything mdBook would only log or swallow: unknown anchors, missing files, line ranges, unknown directives.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::ops::Range;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;
use std::sync::LazyLock;

use regex::Regex;

use super::Problem;
use super::blocks::listing_of;

/// mdBook's own limit for includes within included files.
const MAX_DEPTH: usize = 10;

/// The pattern mdBook finds its directives with: an escaped one, or `{{#word rest}}`.
static DIRECTIVE: LazyLock<Regex> =
    LazyLock::new(|| regex(r"\\\{\{\#.*\}\}|\{\{\s*\#([a-zA-Z0-9_]+)\s+([^}]+)\}\}"));
/// What looks like a directive to a person, whether mdBook understands it or not.
static LOOKS_LIKE_DIRECTIVE: LazyLock<Regex> = LazyLock::new(|| regex(r"\{\{\s*\#"));
static ANCHOR_START: LazyLock<Regex> =
    LazyLock::new(|| regex(r"ANCHOR:\s*(?P<name>[\w_-]+)"));
static ANCHOR_END: LazyLock<Regex> =
    LazyLock::new(|| regex(r"ANCHOR_END:\s*(?P<name>[\w_-]+)"));

/// Compiles a pattern written in this program's source.
pub(super) fn regex(pattern: &str) -> Regex {
    // The pattern is a literal, so a failure is a mistake in this program that any test run shows.
    Regex::new(pattern).expect("the pattern is valid")
}

/// One `{{#include}}` that was carried out.
#[derive(Debug, Clone)]
pub(super) struct Include {
    /// The included file, relative to the book's root.
    pub file: PathBuf,
    /// The anchor, `None` for a whole file.
    pub anchor: Option<String>,
    /// The bytes of the expanded text that the include produced.
    pub range: Range<usize>,
}

/// A text whose includes have been carried out.
#[derive(Debug, Default)]
pub(super) struct Expansion {
    pub text: String,
    pub includes: Vec<Include>,
    /// For each piece of `text`: where it starts, and the file and line it was taken from; ascending.
    origins: Vec<(usize, Rc<Path>, usize)>,
    /// Where in `text` the result of a refused directive would stand; the refusal is reported already.
    pub refused: Vec<usize>,
}

impl Expansion {
    /// File (relative to the root) and line that the byte at `offset` of the expanded text was taken from.
    pub fn origin(&self, offset: usize) -> (&Path, usize) {
        let after = self.origins.partition_point(|(start, ..)| *start <= offset);
        match self.origins[..after].last() {
            Some((_, file, line)) => (file, *line),
            None => (Path::new(""), 1),
        }
    }
}

/// Every file that some include names, there or not, with the anchors named in it.
pub(super) type Named = HashMap<PathBuf, HashSet<String>>;

/// Carries out includes for a whole book; included files are read and checked once.
pub(super) struct Expander<'a> {
    root: &'a Path,
    files: HashMap<PathBuf, Option<Rc<str>>>,
    checked: HashSet<PathBuf>,
    pub named: Named,
    pub problems: Vec<Problem>,
}

impl<'a> Expander<'a> {
    pub fn new(root: &'a Path) -> Self {
        Expander {
            root,
            files: HashMap::new(),
            checked: HashSet::new(),
            named: Named::new(),
            problems: Vec::new(),
        }
    }

    /// Expands `text`, the content of `file` (relative to the root).
    pub fn expand(&mut self, file: &Path, text: &str) -> Expansion {
        let mut out = Expansion::default();
        let lines: Vec<(usize, &str)> = numbered(text).collect();
        self.expand_lines(file.into(), &lines, 0, &mut out);
        out
    }

    /// Appends `lines` (with their numbers in `file`) to `out`, carrying out every directive in them.
    fn expand_lines(
        &mut self,
        file: Rc<Path>,
        lines: &[(usize, &str)],
        depth: usize,
        out: &mut Expansion,
    ) {
        let text: String = lines.iter().map(|(_, line)| *line).collect();
        let mut starts = Vec::with_capacity(lines.len());
        let mut offset = 0;
        for (_, line) in lines {
            starts.push(offset);
            offset += line.len();
        }
        let index_at = |offset: usize| {
            starts.partition_point(|start| *start <= offset).saturating_sub(1)
        };
        let line_at =
            |offset: usize| lines.get(index_at(offset)).map_or(1, |(number, _)| *number);
        let copy = |from: usize, to: usize, out: &mut Expansion| {
            let mut at = from;
            while at < to {
                let index = index_at(at);
                let end = starts.get(index + 1).copied().unwrap_or(text.len()).min(to);
                out.origins.push((out.text.len(), Rc::clone(&file), lines[index].0));
                out.text.push_str(&text[at..end]);
                at = end;
            }
        };

        let mut done = 0;
        for found in DIRECTIVE.captures_iter(&text) {
            let Some(whole) = found.get(0) else { continue };
            self.refuse_raw_directives(
                &file,
                &text[done..whole.start()],
                |at| line_at(done + at),
                depth,
            );
            copy(done, whole.start(), out);
            done = whole.end();
            let (Some(word), Some(rest)) = (found.get(1), found.get(2)) else {
                // Escaped: mdBook drops the backslash and expands nothing.
                copy(whole.start() + 1, whole.end(), out);
                continue;
            };
            let here = Origin {
                file: &file,
                line: line_at(whole.start()),
            };
            let (start, reported) = (out.text.len(), self.problems.len());
            match word.as_str() {
                "include" => self.include(&here, rest.as_str(), depth, out),
                "title" => {}
                other => {
                    let message = match other {
                        "playground" | "playpen" | "rustdoc_include" => format!(
                            "„{{{{#{other}}}}}“ wird in diesem Buch nicht verwendet, nur „{{{{#include DATEI:ANKER}}}}“."
                        ),
                        _ => format!(
                            "Die Anweisung „{{{{#{other} …}}}}“ kennt mdBook nicht."
                        ),
                    };
                    self.problems.push(here.problem(message));
                }
            }
            if self.problems.len() > reported {
                out.refused.push(start);
            }
        }
        self.refuse_raw_directives(&file, &text[done..], |at| line_at(done + at), depth);
        copy(done, text.len(), out);
    }

    /// Reports directives that mdBook's pattern does not match and which would therefore be printed as they are.
    fn refuse_raw_directives(
        &mut self,
        file: &Path,
        text: &str,
        line_at: impl Fn(usize) -> usize,
        depth: usize,
    ) {
        // In an included program `{{#` may be ordinary text (a format string, say); only chapters are prose.
        if depth > 0 {
            return;
        }
        for found in LOOKS_LIKE_DIRECTIVE.find_iter(text) {
            let line = line_at(found.start());
            self.problems.push(Problem::new(
                file,
                line,
                "Diese „{{#“-Anweisung ist unvollständig; mdBook würde sie so abdrucken, wie sie hier steht.",
            ));
        }
    }

    /// Carries out one include whose argument is `argument`.
    fn include(
        &mut self,
        here: &Origin,
        argument: &str,
        depth: usize,
        out: &mut Expansion,
    ) {
        let mut words = argument.split_whitespace();
        let target = words.next().unwrap_or_default();
        if let Some(extra) = words.next() {
            let message = format!("Hinter dem Pfad eines Includes ist „{extra}“ zu viel.");
            self.problems.push(here.problem(message));
            return;
        }
        let (path, anchor) = match target.split_once(':') {
            None => (target, None),
            Some((path, anchor)) => (path, Some(anchor)),
        };
        if let Some(anchor) = anchor
            && (anchor.is_empty()
                || anchor.contains(':')
                || anchor.chars().all(|c| c.is_ascii_digit()))
        {
            let message = format!(
                "„{target}“ nennt Zeilennummern; ein Include nennt einen Anker („{path}:ANKER“) oder die ganze Datei."
            );
            self.problems.push(here.problem(message));
            return;
        }
        let base = here.file.parent().unwrap_or(Path::new(""));
        let Some(file) = normalize(&base.join(path)) else {
            let message = format!("„{path}“ liegt außerhalb des Buchs.");
            self.problems.push(here.problem(message));
            return;
        };
        let named = self.named.entry(file.clone()).or_default();
        named.extend(anchor.map(str::to_owned));
        let Some(content) = self.read(&file) else {
            let problem = match self.unrecorded_scene(&file) {
                Some(scene) => Problem {
                    in_progress: true,
                    ..here.problem(format!(
                        "Die Szene „{scene}“ ist noch nicht aufgezeichnet: cargo run -- record {scene}"
                    ))
                },
                None => here.problem(format!(
                    "Die eingebundene Datei „{}“ fehlt.",
                    slashed(&file)
                )),
            };
            self.problems.push(problem);
            return;
        };
        if depth + 1 > MAX_DEPTH {
            let message = format!(
                "„{path}“ bindet sich selbst ein, oder Includes sind zu tief geschachtelt."
            );
            self.problems.push(here.problem(message));
            return;
        }
        self.check_anchors(&file, &content);

        let shown: Vec<(usize, &str)> = match anchor {
            Some(anchor) => match anchored(&content, anchor) {
                None => {
                    let place = slashed(&file);
                    let message =
                        format!("Den Anker „{anchor}“ gibt es in „{place}“ nicht");
                    self.problems.push(if file.starts_with("book/measurements") {
                        let remedy = "was gemessen ist, schreibt: cargo run -- figures";
                        Problem {
                            in_progress: true,
                            ..here.problem(format!("{message}; {remedy}"))
                        }
                    } else {
                        here.problem(format!("{message}."))
                    });
                    return;
                }
                Some(lines) => lines,
            },
            None => {
                if content.lines().any(is_anchor_line) {
                    let message = format!(
                        "„{}“ enthält Anker, die beim Einbinden der ganzen Datei mit abgedruckt würden; binden Sie einen Anker ein.",
                        slashed(&file)
                    );
                    self.problems.push(here.problem(message));
                }
                numbered(&content).collect()
            }
        };
        if shown.iter().all(|(_, line)| line.trim().is_empty()) {
            let message = format!("„{target}“ bindet nichts ein: Dort steht kein Text.");
            self.problems.push(here.problem(message));
        }
        // mdBook joins the lines with "\n" and lets the last one end without it.
        let count = shown.len();
        let joined: Vec<(usize, String)> = shown
            .into_iter()
            .enumerate()
            .map(|(index, (number, line))| {
                let line = line.trim_end_matches('\n');
                let line = line.strip_suffix('\r').unwrap_or(line);
                let end = if index + 1 < count { "\n" } else { "" };
                (number, format!("{line}{end}"))
            })
            .collect();
        let lines: Vec<(usize, &str)> =
            joined.iter().map(|(n, line)| (*n, &line[..])).collect();

        let start = out.text.len();
        let position = out.includes.len();
        self.expand_lines(file.as_path().into(), &lines, depth + 1, out);
        let range = start..out.text.len();
        let anchor = anchor.map(str::to_owned);
        // Outer includes stand before the inner ones they bring along.
        out.includes.insert(
            position,
            Include {
                file,
                anchor,
                range,
            },
        );
    }

    /// The scene whose transcript `file` would be, if only its script is there.
    fn unrecorded_scene(&self, file: &Path) -> Option<String> {
        let (listing, inside) = listing_of(file)?;
        let name = inside.strip_prefix("scenes/")?;
        let script = self.root.join(file).with_extension("toml");
        let name = match name.strip_suffix(".svg") {
            // Only a script that asks for a timeline will get one.
            Some(name) => fs::read_to_string(&script)
                .is_ok_and(|text| text.contains("timeline"))
                .then_some(name)?,
            None => name.strip_suffix(".html")?,
        };
        script.is_file().then(|| format!("{listing}/{name}"))
    }

    /// The text of a file below the root, `None` if it cannot be read as UTF-8 text.
    fn read(&mut self, file: &Path) -> Option<Rc<str>> {
        if let Some(known) = self.files.get(file) {
            return known.clone();
        }
        let content = fs::read_to_string(self.root.join(file)).ok().map(Rc::from);
        self.files.insert(file.to_path_buf(), content.clone());
        content
    }

    /// Reports anchors that open without closing, close without opening, or occur twice in one file.
    fn check_anchors(&mut self, file: &Path, content: &str) {
        if !self.checked.insert(file.to_path_buf()) {
            return;
        }
        let mut open: Vec<(String, usize)> = Vec::new();
        let mut seen = HashSet::new();
        for (number, line) in numbered(content) {
            if let Some(end) = ANCHOR_END.captures(line) {
                let name = &end["name"];
                match open.iter().position(|(opened, _)| opened == name) {
                    Some(position) => {
                        open.remove(position);
                    }
                    None => self.problems.push(Problem::new(
                        file,
                        number,
                        format!("„ANCHOR_END: {name}“ steht ohne „ANCHOR: {name}“ davor."),
                    )),
                }
            } else if let Some(start) = ANCHOR_START.captures(line) {
                let name = start["name"].to_owned();
                if seen.insert(name.clone()) {
                    open.push((name, number));
                } else {
                    self.problems.push(Problem::new(
                        file,
                        number,
                        format!("Den Anker „{name}“ gibt es in dieser Datei schon."),
                    ));
                }
            }
        }
        for (name, number) in open {
            self.problems.push(Problem::new(
                file,
                number,
                format!(
                    "„ANCHOR: {name}“ wird nicht mit „ANCHOR_END: {name}“ geschlossen."
                ),
            ));
        }
    }
}

/// Where a directive stands.
struct Origin<'a> {
    file: &'a Path,
    line: usize,
}

impl Origin<'_> {
    fn problem(&self, message: String) -> Problem {
        Problem::new(self.file, self.line, message)
    }
}

/// The lines of `text` with their numbers, counted from 1, each with its line end.
pub(super) fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split_inclusive('\n').enumerate().map(|(index, line)| (index + 1, line))
}

/// The anchors that begin in `content`, with their lines.
pub(super) fn anchors(content: &str) -> impl Iterator<Item = (&str, usize)> {
    numbered(content).filter_map(|(number, line)| {
        let name = ANCHOR_START.captures(line)?.name("name")?;
        Some((name.as_str(), number))
    })
}

fn is_anchor_line(line: &str) -> bool {
    ANCHOR_START.is_match(line) || ANCHOR_END.is_match(line)
}

/// The lines between an anchor's two marks, without other anchors' marks; `None` if there is no such anchor.
fn anchored<'t>(content: &'t str, anchor: &str) -> Option<Vec<(usize, &'t str)>> {
    let names = |line: &str, mark: &Regex| {
        mark.captures(line).is_some_and(|m| &m["name"] == anchor)
    };
    let mut lines = numbered(content).skip_while(|(_, line)| !names(line, &ANCHOR_START));
    lines.next()?;
    Some(
        lines
            .take_while(|(_, line)| !names(line, &ANCHOR_END))
            .filter(|(_, line)| !is_anchor_line(line))
            .collect(),
    )
}

/// Resolves `.` and `..`; `None` if the path leaves the root or is absolute.
pub(super) fn normalize(path: &Path) -> Option<PathBuf> {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::Normal(name) => out.push(name),
            Component::ParentDir => {
                if !out.pop() {
                    return None;
                }
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(out)
}

/// A relative path as the book writes it: with `/` on every system.
pub(super) fn slashed(path: &Path) -> String {
    let parts: Vec<_> =
        path.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    parts.join("/")
}
