//! The workspace's shape: every listing can be copied out and built alone, names are unique, and nothing lies
//! around that the layout does not explain.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use toml::{Table, Value};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// A listing's folder and its manifest.
struct Listing {
    folder: PathBuf,
    name: String,
    manifest: Table,
}

fn manifest(folder: &Path) -> Table {
    let text = fs::read_to_string(folder.join("Cargo.toml")).expect("a manifest");
    text.parse().expect("TOML")
}

fn listings() -> Vec<Listing> {
    let mut folders: Vec<_> = fs::read_dir(Path::new(ROOT).join("listings"))
        .expect("the listings")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.join("Cargo.toml").is_file())
        .collect();
    folders.sort();
    assert!(!folders.is_empty());
    folders
        .into_iter()
        .map(|folder| Listing {
            name: folder.file_name().unwrap().to_string_lossy().into_owned(),
            manifest: manifest(&folder),
            folder,
        })
        .collect()
}

/// Crate name → version requirement, over all kinds of dependencies of one manifest.
fn requirements(manifest: &Table) -> Vec<(String, Value)> {
    ["dependencies", "dev-dependencies", "build-dependencies"]
        .iter()
        .filter_map(|kind| manifest.get(*kind)?.as_table())
        .flatten()
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// The version a dependency asks for; `None` if it is a path or a workspace dependency.
fn version(requirement: &Value) -> Option<&str> {
    match requirement {
        Value::String(version) => Some(version),
        Value::Table(table)
            if !table.contains_key("path") && !table.contains_key("workspace") =>
        {
            table.get("version")?.as_str()
        }
        _ => None,
    }
}

/// The names of a listing's programs.
fn bins(listing: &Listing) -> Vec<String> {
    let folder = listing.folder.join("src/bin");
    fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map(|entry| entry.expect("an entry").path())
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect()
}

#[test]
fn every_listing_states_its_edition_and_the_same_versions_as_all_others() {
    let root = manifest(Path::new(ROOT));
    let edition = &root["package"]["edition"];
    let mut versions: BTreeMap<String, (String, String)> = BTreeMap::new();
    let mut all: Vec<(String, Table)> = vec![("chatbuch".into(), root.clone())];
    for listing in listings() {
        assert_eq!(
            &listing.manifest["package"]["edition"], edition,
            "{}",
            listing.name
        );
        all.push((listing.name, listing.manifest));
    }
    for (owner, manifest) in all {
        for (name, requirement) in requirements(&manifest) {
            let Some(version) = version(&requirement) else {
                panic!("{owner}: {name} has no version of its own");
            };
            let (first, expected) = versions
                .entry(name.clone())
                .or_insert_with(|| (owner.clone(), version.to_owned()));
            assert_eq!(
                version,
                expected.as_str(),
                "{name}: {first} and {owner} differ"
            );
        }
    }
}

#[test]
fn programs_are_named_after_their_chapter_and_unique() {
    let mut owners: BTreeMap<String, String> = BTreeMap::new();
    for listing in listings() {
        let chapter = listing.name.split('-').next().unwrap();
        assert_eq!(
            listing.manifest["package"]["name"].as_str(),
            Some(listing.name.as_str())
        );
        for bin in bins(&listing) {
            assert!(
                bin.starts_with(&format!("{chapter}-")),
                "{bin} in {}",
                listing.name
            );
            let other = owners.insert(bin.clone(), listing.name.clone());
            assert!(other.is_none(), "{bin} in {} and {other:?}", listing.name);
        }
    }
    assert!(!owners.is_empty());
}

/// cargo takes the plain `cargo run` only if exactly one of the default members has a default.
#[test]
fn only_the_book_runs_by_default() {
    let root = manifest(Path::new(ROOT));
    assert_eq!(root["package"]["default-run"].as_str(), Some("chatbuch"));
    for listing in listings() {
        let package = listing.manifest["package"].as_table().unwrap();
        assert!(!package.contains_key("default-run"), "{}", listing.name);
    }
}

/// cargo builds a package's plain programs for `cargo test` only if it has an integration test.
#[test]
fn every_listing_has_an_integration_test_and_depends_on_no_other() {
    let listings = listings();
    for listing in &listings {
        let tests = fs::read_dir(listing.folder.join("tests"))
            .into_iter()
            .flatten();
        let count = tests
            .filter(|entry| {
                entry
                    .as_ref()
                    .unwrap()
                    .path()
                    .extension()
                    .is_some_and(|e| e == "rs")
            })
            .count();
        assert!(count > 0, "{} has no tests/*.rs", listing.name);
        for (name, _) in requirements(&listing.manifest) {
            let own = name == "chatbuch" || listings.iter().any(|other| other.name == name);
            assert!(!own, "{} depends on {name}", listing.name);
        }
    }
}

/// Copies on purpose: each listing stands alone. They must not drift apart.
#[test]
fn what_the_listings_share_is_the_same_file() {
    for shared in ["src/cli.rs", "tests/common/mod.rs"] {
        let copies: Vec<_> = listings()
            .into_iter()
            .filter_map(|listing| {
                Some((listing.name, fs::read(listing.folder.join(shared)).ok()?))
            })
            .collect();
        for pair in copies.windows(2) {
            assert!(
                pair[0].1 == pair[1].1,
                "{shared}: {} and {} differ",
                pair[0].0,
                pair[1].0
            );
        }
    }
}

#[test]
fn the_top_level_holds_only_what_the_layout_names() {
    let known = [
        ".ci",
        ".git",
        ".gitignore",
        "Cargo.lock",
        "Cargo.toml",
        "LICENSE-APACHE",
        "LICENSE-MIT",
        "LICENSE-TEXT",
        "README.md",
        "book",
        "book.toml",
        "build.rs",
        "listings",
        "rustfmt.toml",
        "src",
        "target",
        "tests",
    ];
    for entry in fs::read_dir(ROOT).expect("the root") {
        let name = entry
            .expect("an entry")
            .file_name()
            .to_string_lossy()
            .into_owned();
        assert!(
            known.contains(&name.as_str()),
            "{name} has no place in the layout"
        );
    }
}

/// Copies a folder without what cargo wrote into it.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            if entry.file_name() != "target" {
                copy(&entry.path(), &target);
            }
        } else {
            fs::copy(entry.path(), target).expect("a file");
        }
    }
}

/// Outside of the workspace and without its lock file, as a reader would do it. The compiled dependencies are
/// kept between runs; the copy itself is new each time.
#[test]
fn a_listing_copied_out_builds_alone() {
    let name = "ch01-socket-basics";
    let place = tempfile::tempdir().expect("a temporary folder");
    copy(
        &Path::new(ROOT).join("listings").join(name),
        &place.path().join(name),
    );
    let output = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--offline", "--bins"])
        .current_dir(place.path().join(name))
        .env(
            "CARGO_TARGET_DIR",
            Path::new(env!("CARGO_TARGET_TMPDIR")).join("copied-out"),
        )
        .output()
        .expect("cargo starts");
    let messages = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{messages}");
}
