//! The figures of the measurements, `cargo run -- figures`: kept JSON in, SVGs, tables and single numbers beside it out.
//! `canvas` is the sheet with its axes, `curves` and `bars` draw panels on it, `marks` tells models apart.

mod bars;
pub mod c10k;
mod canvas;
mod chapter;
mod curves;
mod herd;
mod marks;
mod ticks;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::chat;
use crate::chat::table as render;
use chapter as book;
use print::files::write_file;

/// A figure, and where the reader's own values lie in it.
pub struct Picture {
    pub svg: String,
    pub marks: Vec<Mark>,
}

/// A value of the reader's own machine in a figure of the book.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Mark {
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

/// What is drawn from one kept measurement.
struct Source {
    json: &'static str,
    /// How the measurement is made and kept.
    command: &'static str,
    /// Its JSON and the folder it stands in go in.
    draw: fn(&str, &Path) -> anyhow::Result<Vec<Named>>,
}

const HERD: &str = "herde.json";

/// A file's name and its content.
type Named = (&'static str, String);

const SOURCES: [Source; 3] = [
    Source {
        json: "chat.json",
        command: "cargo run --release -- measure chat --save",
        draw: |json, _| {
            let report = read(json)?;
            Ok(vec![
                ("chat.html", render::html(&report)),
                ("modelle.html", render::models_html(&report)),
            ])
        },
    },
    Source {
        json: "c10k.json",
        command: "cargo run --release -- measure --connections 100,1000,10000 --save",
        draw: |json, folder| {
            let report = read(json)?;
            // Single numbers of both stand in one file; the elephants may not have been measured yet.
            let herd = match fs::read_to_string(folder.join(HERD)) {
                Ok(json) => Some(read(&json).context(HERD)?),
                Err(_) => None,
            };
            Ok(vec![
                ("c10k.html", book::answers_html(&report)),
                ("c10k-verbindung.html", book::connection_html(&report)),
                ("c10k-million.html", book::million_html(&report)),
                ("c10k-zahlen.txt", book::numbers(&report, herd.as_ref())),
                ("c10k-speicher.svg", c10k::memory(&report, None).svg),
                ("c10k-durchsatz.svg", c10k::throughput(&report, None).svg),
                ("c10k-antwortzeit.svg", c10k::latency(&report, None).svg),
            ])
        },
    },
    Source {
        json: HERD,
        command: "cargo run --release -- measure herd --save",
        draw: |json, _| Ok(vec![("herde.svg", herd::draw(&read(json)?))]),
    },
];

fn read<T: DeserializeOwned>(json: &str) -> anyhow::Result<T> {
    serde_json::from_str(json).context("das ist keine Messung dieser Art")
}

/// Where measurements are kept.
fn folder(root: &Path) -> PathBuf {
    let json = &chat::files()[0];
    root.join(json.parent().unwrap_or(json))
}

/// Everything that can be drawn from what is kept, and a German sentence for each measurement that is not there.
///
/// # Errors
///
/// A kept measurement cannot be read or drawn.
pub fn draw(root: &Path) -> anyhow::Result<(Vec<Drawn>, Vec<String>)> {
    let folder = folder(root);
    let mut drawn = Vec::new();
    let mut missing = Vec::new();
    for source in SOURCES {
        let path = folder.join(source.json);
        if !path.is_file() {
            missing.push(format!(
                "{} fehlt; diese Messung macht: {}",
                source.json, source.command
            ));
            continue;
        }
        let json = fs::read_to_string(&path)
            .with_context(|| format!("{} lässt sich nicht lesen", source.json))?;
        let contents = (source.draw)(&json, &folder).with_context(|| source.json)?;
        let files = contents.into_iter().map(|(name, content)| Drawn {
            file: folder.strip_prefix(root).unwrap_or(&folder).join(name),
            content,
        });
        drawn.extend(files);
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
