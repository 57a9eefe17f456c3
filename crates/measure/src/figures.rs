//! The figures of the measurements, `cargo run -- figures`: kept JSON in, SVGs, tables and single numbers beside it
//! out.
//! `canvas` is the sheet with its axes, `curves` and `bars` draw panels on it, `marks` tells models apart.

mod bars;
pub mod c10k;
mod canvas;
mod chapter;
mod curves;
mod herd;
mod marks;
mod ticks;

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::chat::table;
use crate::kept;
use print::files::write_file;

/// A figure, and where the reader's own values lie in it.
pub struct Picture {
    pub svg: String,
    pub marks: Vec<OwnValue>,
}

/// A value of the reader's own machine in a figure of the book.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OwnValue {
    /// Id of the figure.
    pub figure: &'static str,
    /// In the figure's own units.
    pub x: i32,
    pub y: i32,
    /// The model's sign around that place, as a path.
    pub path: String,
    /// The sign's classes.
    pub classes: String,
    /// Name of the model and its value, in words.
    pub text: String,
    /// The value really lies further out than the figure goes.
    pub beyond: bool,
}

/// Something drawn: where it is kept, relative to the root, and what stands there.
pub struct Drawn {
    pub file: PathBuf,
    pub content: String,
}

/// A kept measurement and what is drawn from it.
struct Kept {
    json: &'static str,
    /// How the measurement is made and kept.
    command: &'static str,
    /// Its JSON and the root go in.
    draw: fn(&str, &Path) -> anyhow::Result<Texts>,
}

/// Names of files, and what stands there.
type Texts = Vec<(&'static str, String)>;

const HERD: &str = "herde.json";

/// Single numbers, each between the anchors of its name.
const NUMBERS: &str = "c10k-zahlen.txt";

const ALL_KEPT: [Kept; 3] = [
    Kept {
        json: "chat.json",
        command: "cargo run --release -- measure chat --save",
        draw: |json, _| {
            let report = read(json)?;
            Ok(vec![
                ("chat.html", table::html(&report)),
                ("modelle.html", table::models_html(&report)),
            ])
        },
    },
    Kept {
        json: "c10k.json",
        command: "cargo run --release -- measure --connections 100,1000,10000 --save",
        draw: |json, root| {
            let report = read(json)?;
            // Single numbers of both stand in one file; the elephants may not have been measured yet.
            let herd = match fs::read_to_string(root.join(kept::file(HERD))) {
                Ok(json) => Some(read(&json).context(HERD)?),
                Err(_) => None,
            };
            let mut names = BTreeSet::new();
            included(&root.join(CHAPTERS), &mut names)
                .with_context(|| format!("{CHAPTERS} ist nicht zu lesen"))?;
            Ok(vec![
                ("c10k.html", chapter::answers_html(&report)),
                ("c10k-verbindung.html", chapter::connection_html(&report)),
                ("c10k-million.html", chapter::million_html(&report)),
                (NUMBERS, chapter::numbers(&report, herd.as_ref(), &names)?),
                ("c10k-speicher.svg", c10k::memory(&report, None).svg),
                ("c10k-durchsatz.svg", c10k::throughput(&report, None).svg),
                ("c10k-antwortzeit.svg", c10k::latency(&report, None).svg),
            ])
        },
    },
    Kept {
        json: HERD,
        command: "cargo run --release -- measure herd --save",
        draw: |json, _| Ok(vec![("herde.svg", herd::draw(&read(json)?))]),
    },
];

/// Where the chapters are that include numbers.
const CHAPTERS: &str = "book/text";

/// The names of the numbers that the chapters in a folder include.
fn included(folder: &Path, names: &mut BTreeSet<String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            included(&path, names)?;
        } else if path.extension().is_some_and(|extension| extension == "md") {
            let text = fs::read_to_string(&path)?;
            let includes = text.split(NUMBERS).skip(1);
            let anchors = includes.filter_map(|rest| rest.strip_prefix(':'));
            let ends = |letter: char| letter == '}' || letter.is_whitespace();
            names.extend(
                anchors.filter_map(|rest| rest.split(ends).next()).map(str::to_owned),
            );
        }
    }
    Ok(())
}

fn read<T: DeserializeOwned>(json: &str) -> anyhow::Result<T> {
    serde_json::from_str(json).context("das ist keine Messung dieser Art")
}

/// Everything that can be drawn from what is kept, and a German sentence for each measurement that is not there.
///
/// # Errors
///
/// A kept measurement cannot be read or drawn.
pub fn draw(root: &Path) -> anyhow::Result<(Vec<Drawn>, Vec<String>)> {
    let mut drawn = Vec::new();
    let mut missing = Vec::new();
    for Kept {
        json,
        command,
        draw,
    } in ALL_KEPT
    {
        let path = root.join(kept::file(json));
        if !path.is_file() {
            missing.push(format!("{json} fehlt; diese Messung macht: {command}"));
            continue;
        }
        let text = fs::read_to_string(&path)
            .with_context(|| format!("{json} lässt sich nicht lesen"))?;
        let contents = draw(&text, root).context(json)?;
        drawn.extend(contents.into_iter().map(|(name, content)| Drawn {
            file: kept::file(name),
            content,
        }));
    }
    Ok((drawn, missing))
}

/// Draws everything anew and tells, in a German sentence each, what has changed and what is missing.
///
/// # Errors
///
/// A measurement cannot be read or drawn, a figure cannot be written, or there is no measurement at all.
pub fn redraw(root: &Path, tell: &mut dyn FnMut(String)) -> anyhow::Result<()> {
    let (drawn, missing) = draw(root)?;
    missing.into_iter().for_each(&mut *tell);
    if drawn.is_empty() {
        bail!("Es ist keine Messung aufgehoben, also gibt es nichts zu zeichnen.");
    }
    for Drawn { file, content } in &drawn {
        let path = root.join(file);
        let old = fs::read_to_string(&path).unwrap_or_default();
        if old.replace("\r\n", "\n") == *content {
            tell(format!("{}: wie bisher", file.display()));
        } else {
            write_file(&path, content)?;
            tell(format!("{}: neu gezeichnet", file.display()));
        }
    }
    Ok(())
}
