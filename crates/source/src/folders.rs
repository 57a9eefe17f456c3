//! Looks at the folders around the chapters: which chapters SUMMARY.md names, which listings, scenes and programs exist.
//! In: the book's root. Out: the list of chapters to read, the programs' names, and a [`Problem`] for what is missing or unused.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use pulldown_cmark::{Event, Parser, Tag};

use super::Problem;
use super::blocks::listing_of;
use super::expand::{normalize, slashed};

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
    for path in files_below(&root.join(src), Path::new("")) {
        let exempt = ["SUMMARY.md", "404.md"].contains(&slashed(&path).as_str());
        if path.extension().is_some_and(|e| e == "md") && !exempt && !named.contains(&path)
        {
            let message = "Dieses Kapitel steht nicht in SUMMARY.md, also nicht im Buch.";
            problems.push(Problem::new(src.join(&path), 1, message));
        }
    }
    chapters
}

/// The listings: folders below `listings/` with a Cargo.toml.
fn listings(root: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(root.join("listings"))
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.path().join("Cargo.toml").is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// Reports listings no chapter shows anything of, and scenes whose transcript or timeline no chapter shows.
pub(super) fn unused(root: &Path, named: &HashSet<PathBuf>, problems: &mut Vec<Problem>) {
    for listing in listings(root) {
        let folder = Path::new("listings").join(&listing);
        let shown = named
            .iter()
            .any(|file| listing_of(file).is_some_and(|(name, _)| name == listing));
        if !shown {
            problems.push(Problem::new(
                folder.join("Cargo.toml"),
                1,
                "Kein Kapitel zeigt etwas aus diesem Listing.",
            ));
        }
        for scene in files_below(&root.join(&folder).join("scenes"), Path::new("")) {
            let file = folder.join("scenes").join(&scene);
            let (drawn, what) = match scene.extension().and_then(|e| e.to_str()) {
                Some("toml") => (file.with_extension("html"), "Szene"),
                Some("svg") => (file.clone(), "Zeitachse"),
                _ => continue,
            };
            if !named.contains(&drawn) {
                let message = format!(
                    "Kein Kapitel zeigt diese {what}: „{}“ wird nirgends eingebunden.",
                    slashed(&drawn)
                );
                problems.push(Problem {
                    scene_in_progress: true,
                    ..Problem::new(file, 1, message)
                });
            }
        }
    }
}

/// The names `cargo run --bin NAME` understands: this program and everything the listings build.
pub(super) fn bins(root: &Path) -> Vec<String> {
    let mut bins = vec!["chatbuch".to_owned()];
    for listing in listings(root) {
        let folder = root.join("listings").join(&listing);
        for entry in fs::read_dir(folder.join("src/bin")).into_iter().flatten().flatten() {
            let path = entry.path();
            let is_bin = path.extension().is_some_and(|e| e == "rs")
                || path.join("main.rs").is_file();
            if let (true, Some(stem)) = (is_bin, path.file_stem()) {
                bins.push(stem.to_string_lossy().into_owned());
            }
        }
        if folder.join("src/main.rs").is_file() {
            bins.push(listing);
        }
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
        bins.extend(declared_bins(&manifest));
    }
    bins
}

/// The names in a manifest's `[[bin]]` tables.
fn declared_bins(manifest: &str) -> Vec<String> {
    let mut bins = Vec::new();
    let mut in_bin = false;
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            in_bin = line == "[[bin]]";
        } else if in_bin
            && let Some((key, value)) = line.split_once('=')
            && key.trim() == "name"
        {
            bins.push(value.trim().trim_matches('"').to_owned());
        }
    }
    bins
}

/// All files below `folder`, relative to it, sorted.
fn files_below(folder: &Path, inside: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder.join(inside)).into_iter().flatten().flatten() {
        let path = inside.join(entry.file_name());
        if entry.path().is_dir() {
            files.extend(files_below(folder, &path));
        } else {
            files.push(path);
        }
    }
    files.sort();
    files
}
