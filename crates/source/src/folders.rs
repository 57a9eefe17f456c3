//! Looks at the folders around the chapters: which chapters SUMMARY.md names, which listings, scenes and anchors
//! nobody shows.
//! In: the book's root. Out: the list of chapters to read and a [`Problem`] for what is missing or unused.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use catalog::listings;
use pulldown_cmark::{Event, Parser, Tag};
use walkdir::WalkDir;

use super::Problem;
use super::blocks::listing_of;
use super::expand::{Named, anchors, normalize, slashed};

/// Reads SUMMARY.md and returns the chapters it names that exist (relative to `src`), in order.
pub(super) fn chapters(
    root: &Path,
    src: &Path,
    problems: &mut Vec<Problem>,
) -> Vec<PathBuf> {
    let summary = src.join("SUMMARY.md");
    let text = match fs::read_to_string(root.join(&summary)) {
        Ok(text) => text,
        Err(error) => {
            let message =
                format!("Das Inhaltsverzeichnis lässt sich nicht lesen: {error}.");
            problems.push(Problem::new(&summary, 1, message));
            return Vec::new();
        }
    };
    let mut named = HashSet::new();
    let mut chapters = Vec::new();
    for (event, range) in Parser::new(&text).into_offset_iter() {
        let Event::Start(Tag::Link { dest_url, .. }) = event else {
            continue;
        };
        let line = text[..range.start].matches('\n').count() + 1;
        let mut report = |message| problems.push(Problem::new(&summary, line, message));
        if dest_url.is_empty() {
            report("Dieses Kapitel ist nur ein Entwurf ohne Datei.".into());
            continue;
        }
        let Some(path) = normalize(Path::new(&dest_url.replace("%20", " "))) else {
            report(format!("„{dest_url}“ liegt außerhalb des Buchs."));
            continue;
        };
        if !root.join(src).join(&path).is_file() {
            report(format!("Das Kapitel „{dest_url}“ fehlt."));
        } else if !named.insert(path.clone()) {
            report(format!(
                "Das Kapitel „{dest_url}“ ist schon einmal genannt."
            ));
        } else {
            chapters.push(path);
        }
    }
    for path in files_below(&root.join(src)) {
        let exempt = ["SUMMARY.md", "404.md"].contains(&slashed(&path).as_str());
        if path.extension().is_some_and(|e| e == "md") && !exempt && !named.contains(&path)
        {
            let message = "Dieses Kapitel steht nicht in SUMMARY.md, also nicht im Buch.";
            problems.push(Problem::new(src.join(&path), 1, message));
        }
    }
    chapters
}

/// Reports listings no chapter shows anything of, anchors nobody includes, and scenes whose transcript or timeline no chapter shows.
pub(super) fn unused(root: &Path, named: &Named, problems: &mut Vec<Problem>) {
    for listing in listings(root) {
        let folder = Path::new("listings").join(&listing);
        let shown = named
            .keys()
            .any(|file| listing_of(file).is_some_and(|(name, _)| name == listing));
        if !shown {
            problems.push(Problem::new(
                folder.join("Cargo.toml"),
                1,
                "Kein Kapitel zeigt etwas aus diesem Listing.",
            ));
        }
        for scene in files_below(&root.join(&folder).join("scenes")) {
            let file = folder.join("scenes").join(&scene);
            let (drawn, what) = match scene.extension().and_then(|e| e.to_str()) {
                Some("toml") => (file.with_extension("html"), "Szene"),
                Some("svg") => (file.clone(), "Zeitachse"),
                _ => continue,
            };
            if !named.contains_key(&drawn) {
                let message = format!(
                    "Kein Kapitel zeigt diese {what}: „{}“ wird nirgends eingebunden.",
                    slashed(&drawn)
                );
                problems.push(Problem {
                    in_progress: true,
                    ..Problem::new(file, 1, message)
                });
            }
        }
    }
    unused_anchors(root, named, problems);
}

/// Reports the anchors in a listing's files that no chapter includes. Files that are copies of each other count as one:
/// what a chapter shows of the one it shows of all.
fn unused_anchors(root: &Path, named: &Named, problems: &mut Vec<Problem>) {
    let mut found: HashMap<(String, String), Vec<(PathBuf, usize)>> = HashMap::new();
    let mut shown: HashSet<(String, String)> = HashSet::new();
    for listing in listings(root) {
        let folder = Path::new("listings").join(listing);
        for file in files_below(&root.join(&folder)) {
            let file = folder.join(file);
            // What is no text holds no anchor.
            let Ok(content) = fs::read_to_string(root.join(&file)) else {
                continue;
            };
            for (anchor, line) in anchors(&content) {
                let key = (content.clone(), anchor.to_owned());
                if named.get(&file).is_some_and(|anchors| anchors.contains(anchor)) {
                    shown.insert(key.clone());
                }
                found.entry(key).or_default().push((file.clone(), line));
            }
        }
    }
    for (key, places) in found {
        if !shown.contains(&key) {
            let message = format!("Den Anker „{}“ bindet kein Kapitel ein.", key.1);
            let places = places.into_iter();
            problems.extend(
                places.map(|(file, line)| Problem::new(file, line, message.clone())),
            );
        }
    }
}

/// All files below `folder`, relative to it, sorted. What cannot be read is left out, and so is what cargo has built there.
pub(super) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let walk = WalkDir::new(folder).sort_by_file_name().into_iter();
    walk.filter_entry(|entry| entry.file_name() != "target")
        .flatten()
        .filter(|entry| entry.file_type().is_file())
        .filter_map(|entry| Some(entry.path().strip_prefix(folder).ok()?.to_owned()))
        .collect()
}
