//! The repository keeps its layout: rooms use only those they may, a listing can be copied out and built alone, versions do
//! not drift apart, programs have names of their own, and the top folder holds only what CONTRIBUTING.md explains.
//! The checks take a folder and return faults, so that they can be shown to fail on a made-up one.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test that panics has failed"
)]

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use regex::Regex;
use toml::Table;

const NONE: [&str; 0] = [];

/// The folder of the book. Every test of this house asks for it, and cargo runs this house before the other tests: where the
/// folder was moved or copied after it was built, cargo builds nothing anew, and all of them would look at the old place.
///
/// # Panics
///
/// It was moved or copied.
fn root() -> &'static Path {
    let now = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    if let Some(sentence) = moved(env!("CARGO_MANIFEST_DIR"), &now) {
        panic!("{sentence}");
    }
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What to say if what is run now was built in another folder.
fn moved(built_in: &str, now: &str) -> Option<String> {
    // Whoever starts the test program himself has no such variable.
    (!now.is_empty() && now != built_in).then(|| {
        format!(
            "Gebaut wurde in „{built_in}“, nun liegt das Buch in „{now}“: Bitte einmal „cargo clean“, dann noch einmal."
        )
    })
}

/// Everything that may stand in the top folder.
const TOP: [&str; 22] = [
    ".cargo",
    ".ci",
    ".gitattributes",
    ".github",
    ".gitignore",
    "ARCHITEKTUR.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "LICENSE-TEXT",
    "README.md",
    "book",
    "book.toml",
    "build.rs",
    "crates",
    "fuzz",
    "listings",
    "rustfmt.toml",
    "src",
    "tests",
];

/// The rooms under `crates/`, each with those it may use. Whoever uses whom stands above it: there is no way back.
const ROOMS: [(&str, &[&str]); 10] = [
    ("catalog", &[]),
    ("print", &[]),
    ("programs", &["catalog"]),
    ("snippets", &[]),
    ("source", &["catalog"]),
    ("site", &["print", "source"]),
    ("scenes", &["catalog", "print", "programs"]),
    ("measure", &["print", "programs"]),
    (
        "live",
        &[
            "catalog", "measure", "print", "programs", "scenes", "site", "source",
        ],
    ),
    // For tests, and for nothing that a reader runs.
    ("testing", &["programs"]),
];

/// A manifest and the folder it stands in, relative to the root (`.` for the root itself).
struct Manifest {
    folder: String,
    table: Table,
}

impl Manifest {
    fn read(root: &Path, folder: &str) -> Self {
        let text = fs::read_to_string(root.join(folder).join("Cargo.toml")).unwrap();
        Manifest {
            folder: folder.to_owned(),
            table: text.parse().unwrap(),
        }
    }

    fn package(&self, key: &str) -> Option<&str> {
        self.table.get("package")?.get(key)?.as_str()
    }

    /// A table of the root's `[workspace]`.
    fn workspace(&self, key: &str) -> Option<&Table> {
        self.table.get("workspace")?.get(key)?.as_table()
    }

    /// Whether this package depends on `name` to run, and not only to be tested.
    fn needs_to_run(&self, name: &str) -> bool {
        let tables = ["dependencies", "build-dependencies"];
        let mut tables = tables.iter().filter_map(|kind| self.table.get(*kind)?.as_table());
        tables.any(|table| table.contains_key(name))
    }

    /// Every dependency of every kind, for every system: the crate and what the manifest says about it.
    fn dependencies(&self) -> Vec<(&str, &toml::Value)> {
        let kinds = ["dependencies", "dev-dependencies", "build-dependencies"];
        let systems = self.table.get("target").and_then(toml::Value::as_table);
        let tables = systems
            .into_iter()
            .flat_map(Table::values)
            .filter_map(toml::Value::as_table)
            .chain([&self.table]);
        tables
            .flat_map(|table| kinds.iter().filter_map(|kind| table.get(*kind)?.as_table()))
            .flatten()
            .map(|(name, value)| (name.as_str(), value))
            .collect()
    }

    /// The programs cargo builds from this package.
    fn bins(&self, root: &Path) -> Vec<String> {
        let folder = root.join(&self.folder);
        let mut bins: Vec<String> = names_in(&folder.join("src/bin"))
            .into_iter()
            .map(|name| name.trim_end_matches(".rs").to_owned())
            .collect();
        if folder.join("src/main.rs").is_file() {
            bins.extend(self.package("name").map(str::to_owned));
        }
        let declared = self.table.get("bin").and_then(toml::Value::as_array);
        bins.extend(
            declared
                .into_iter()
                .flatten()
                .filter_map(|bin| bin.get("name")?.as_str())
                .map(str::to_owned),
        );
        bins.sort();
        bins.dedup();
        bins
    }
}

/// Root and listings.
fn manifests(root: &Path) -> Vec<Manifest> {
    let listings = catalog::listings(root).into_iter();
    std::iter::once(".".to_owned())
        .chain(listings.map(|name| format!("listings/{name}")))
        .map(|folder| Manifest::read(root, &folder))
        .collect()
}

/// The rooms, by the names of their folders.
fn rooms(root: &Path) -> Vec<(String, Manifest)> {
    let names = names_in(&root.join("crates")).into_iter();
    names
        .filter(|name| root.join("crates").join(name).is_dir())
        .map(|name| {
            let manifest = Manifest::read(root, &format!("crates/{name}"));
            (name, manifest)
        })
        .collect()
}

/// The names in a folder, sorted; none if there is no such folder.
fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

// ---- the checks ----

/// Rooms nobody has drawn, and those that use another than they may. Only tests may use the room of the tests.
fn edges(root: &Path) -> Vec<String> {
    let mut faults = Vec::new();
    let rooms = rooms(root);
    for (name, manifest) in &rooms {
        let Some((_, allowed)) = ROOMS.iter().find(|(room, _)| room == name) else {
            faults.push(format!("{name} ist nicht eingezeichnet"));
            continue;
        };
        let used = manifest.dependencies().into_iter();
        let used = used.filter(|(used, _)| rooms.iter().any(|(room, _)| room == used));
        for (used, _) in used {
            let for_tests = used == "testing" && !manifest.needs_to_run(used);
            if !for_tests && !allowed.contains(&used) {
                faults.push(format!("{name} benutzt {used}"));
            }
        }
    }
    faults
}

/// Editions that differ from the workspace's, and what a listing leaves to a workspace it may be copied out of.
fn editions(root: &Path) -> Vec<String> {
    let manifests = manifests(root);
    let workspace = manifests[0].workspace("package");
    let edition = workspace.and_then(|package| package.get("edition")?.as_str());
    let differing = manifests[1..].iter().filter(|m| m.package("edition") != edition);
    differing.map(|m| format!("{}: {:?}", m.folder, m.package("edition"))).collect()
}

/// Dependencies of a listing without a version of their own, or with another one than elsewhere in the workspace; and those of
/// the rooms that do not come from the one list in the root's manifest.
fn versions(root: &Path) -> Vec<String> {
    let mut faults = Vec::new();
    let manifests = manifests(root);
    let rooms: Vec<Manifest> =
        rooms(root).into_iter().map(|(_, manifest)| manifest).collect();
    for room in rooms.iter().chain([&manifests[0]]) {
        for (name, value) in room.dependencies() {
            if value.get("workspace").is_none() {
                faults.push(format!(
                    "{}: {name} nicht aus der gemeinsamen Liste",
                    room.folder
                ));
            }
        }
    }
    let version = |value: &toml::Value| {
        value.as_str().or_else(|| value.get("version")?.as_str()).map(str::to_owned)
    };
    let mut first: BTreeMap<String, (String, String)> = BTreeMap::new();
    for (name, value) in manifests[0].workspace("dependencies").into_iter().flatten() {
        if let Some(version) = version(value) {
            first.insert(name.clone(), (".".to_owned(), version));
        }
    }
    for manifest in &manifests[1..] {
        for (name, value) in manifest.dependencies() {
            let folder = &manifest.folder;
            let Some(version) = version(value).filter(|version| version != "*") else {
                faults.push(format!("{folder}: {name} ohne eigene Version"));
                continue;
            };
            let (there, known) = first
                .entry(name.to_owned())
                .or_insert_with(|| (folder.clone(), version.clone()));
            if *known != version {
                faults.push(format!("{name}: {known} in {there}, {version} in {folder}"));
            }
        }
    }
    faults
}

/// Crates that cargo builds more than once, since different packages ask for different features of the same version.
fn built_twice(root: &Path) -> Vec<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let tree = Command::new(cargo)
        .args([
            "tree",
            "--offline",
            "--workspace",
            "--edges",
            "normal,build,dev",
        ])
        .args(["--prefix", "none", "--format", "{p}|{f}"])
        .current_dir(root)
        .output()
        .unwrap();
    let complaints = String::from_utf8_lossy(&tree.stderr);
    assert!(tree.status.success(), "{complaints}");
    let mut features: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let tree = String::from_utf8(tree.stdout).unwrap();
    for line in tree.lines() {
        // „(*)“ stands behind what is listed in full above.
        let line = line.trim_end_matches(" (*)");
        if let Some((package, asked)) = line.split_once('|') {
            features.entry(package).or_default().insert(asked);
        }
    }
    features.retain(|_, asked| asked.len() > 1);
    features
        .into_iter()
        .map(|(package, asked)| format!("{package}: {asked:?}"))
        .collect()
}

/// Members of the workspace that a bare `cargo test` leaves out.
fn untested_members(root: &Path) -> Vec<String> {
    let root = Manifest::read(root, ".");
    let list = |key: &str| -> BTreeSet<String> {
        let list = root.table["workspace"].get(key).and_then(toml::Value::as_array);
        list.into_iter()
            .flatten()
            .filter_map(|name| Some(name.as_str()?.to_owned()))
            .collect()
    };
    let mut members = list("members");
    members.insert(".".to_owned());
    members.difference(&list("default-members")).cloned().collect()
}

/// Listings that depend on something else in this repository.
fn local_dependencies(root: &Path) -> Vec<String> {
    let manifests = manifests(root);
    let own: HashSet<_> = manifests.iter().filter_map(|m| m.package("name")).collect();
    let mut faults = Vec::new();
    for manifest in &manifests[1..] {
        for (name, value) in manifest.dependencies() {
            if own.contains(name) || value.get("path").is_some() {
                faults.push(format!("{}: {name}", manifest.folder));
            }
        }
    }
    faults
}

/// Programs whose name occurs twice (one would overwrite the other in `target/`) or does not begin with its chapter.
fn program_names(root: &Path) -> Vec<String> {
    let mut faults = Vec::new();
    let mut seen = HashSet::new();
    for manifest in manifests(root) {
        let crate_name = manifest.package("name").unwrap_or_default();
        let chapter = crate_name.split('-').next().unwrap_or_default();
        for bin in manifest.bins(root) {
            if manifest.folder != "." && !bin.starts_with(&format!("{chapter}-")) {
                faults.push(format!("{bin} in {crate_name}"));
            }
            if !seen.insert(bin.clone()) {
                faults.push(format!("{bin} zweimal"));
            }
        }
    }
    faults
}

/// Types of the rooms whose name another one has too: one name means one thing.
fn repeated_type_names(root: &Path) -> Vec<String> {
    let defined = Regex::new(
        r"(?m)^ *(?:pub(?:\([a-z ]+\))? )?(?:struct|enum|trait|type) ([A-Z]\w*)",
    )
    .unwrap();
    let mut faults = Vec::new();
    let mut seen = HashMap::new();
    for (room, _) in rooms(root) {
        for file in sources(&root.join("crates").join(&room).join("src")) {
            let text = fs::read_to_string(&file).unwrap();
            for name in defined.captures_iter(&text).map(|found| found[1].to_owned()) {
                // What every trait of the standard library calls so is not ours to name.
                if matches!(&*name, "Target" | "Err" | "Item" | "Error") {
                    continue;
                }
                if let Some(other) = seen.insert(name.clone(), room.clone()) {
                    faults.push(format!("{name} in {other} und {room}"));
                }
            }
        }
    }
    faults
}

/// All Rust files below a folder, if there is one.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .flat_map(|path| {
            if path.is_dir() {
                sources(&path)
            } else {
                vec![path]
            }
        })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect();
    found.sort();
    found
}

/// Packages with `default-run` besides the root: a bare `cargo run` would no longer know what to start.
fn default_runs(root: &Path) -> Vec<String> {
    manifests(root)
        .iter()
        .filter(|m| (m.folder == ".") != m.package("default-run").is_some())
        .map(|m| m.folder.clone())
        .collect()
}

/// Folders whose crate is called otherwise, or not `chNN-…`.
fn crate_names(root: &Path) -> Vec<String> {
    let is_chapter = |name: &str| {
        let name = name.as_bytes();
        name.starts_with(b"ch")
            && name.len() > 5
            && name[2..4].iter().all(u8::is_ascii_digit)
            && name[4] == b'-'
    };
    manifests(root)[1..]
        .iter()
        .filter(|m| {
            let name = m.package("name").unwrap_or_default();
            !is_chapter(name) || m.folder != format!("listings/{name}")
        })
        .map(|m| m.folder.clone())
        .collect()
}

/// Listings without an integration test: `cargo test` would not build their plain programs.
fn untested_listings(root: &Path) -> Vec<String> {
    let mut faults = Vec::new();
    for manifest in &manifests(root)[1..] {
        let tests = names_in(&root.join(&manifest.folder).join("tests"));
        if !tests.iter().any(|name| name.ends_with(".rs")) {
            faults.push(manifest.folder.clone());
        }
    }
    faults
}

/// Files that the listings share as copies, since each stands alone, and that have drifted apart.
fn drifted_copies(root: &Path) -> Vec<String> {
    let mut faults = Vec::new();
    // Some files are the same everywhere, some among a few chapters that need them.
    for (shared, among) in [
        ("src/cli.rs", ""),
        ("src/net.rs", ""),
        ("tests/common/mod.rs", ""),
        ("src/args.rs", "ch04 ch09"),
        ("src/lines.rs", "ch03 ch04 ch09"),
        ("src/lines.rs", "ch05 ch06 ch08 ch10"),
        ("src/protocol.rs", "ch02 ch08"),
        ("src/states.rs", "ch03 ch06 ch07"),
    ] {
        let mut first: Option<Vec<u8>> = None;
        for manifest in &manifests(root)[1..] {
            let chapter = manifest.package("name").and_then(|name| name.get(..4));
            if !among.is_empty() && !chapter.is_some_and(|chapter| among.contains(chapter))
            {
                continue;
            }
            let path = format!("{}/{shared}", manifest.folder);
            let Ok(content) = fs::read(root.join(&path)) else {
                continue;
            };
            if *first.get_or_insert_with(|| content.clone()) != content {
                faults.push(path);
            }
        }
    }
    faults
}

/// Names that do not belong into the top folder.
fn strangers(names: &[String]) -> Vec<&str> {
    let names = names.iter().map(String::as_str);
    names.filter(|name| !TOP.contains(name)).collect()
}

/// What git tracks in the top folder; without git whatever is there, except what a reader's tools put there.
fn top_folder(root: &Path) -> Vec<String> {
    let git = Command::new("git").arg("ls-files").current_dir(root).output();
    if let Ok(git) = git
        && git.status.success()
        && !git.stdout.is_empty()
    {
        let tracked = String::from_utf8(git.stdout).unwrap();
        let mut names: Vec<String> = tracked
            .lines()
            .map(|path| path.split('/').next().unwrap_or(path).to_owned())
            .collect();
        names.dedup();
        return names;
    }
    let mut names = names_in(root);
    names.retain(|name| !name.starts_with('.') && name != "target");
    names
}

// ---- this repository ----

#[test]
fn every_room_uses_only_the_rooms_it_may() {
    let root = root();
    assert_eq!(edges(root), NONE);
    let drawn: Vec<&str> = ROOMS.iter().map(|(room, _)| *room).collect();
    for (index, (room, allowed)) in ROOMS.iter().enumerate() {
        assert!(
            allowed.iter().all(|used| drawn[..index].contains(used)),
            "{room} stands above all it uses"
        );
    }
}

#[test]
fn a_folder_that_was_moved_after_it_was_built_is_noticed() {
    assert_eq!(moved("/a/buch", "/a/buch"), None);
    assert_eq!(moved("/a/buch", ""), None);
    let sentence = moved("/a/buch", "/b/buch").unwrap();
    assert!(sentence.contains("cargo clean"), "{sentence}");
}

#[test]
fn one_name_of_a_type_means_one_thing() {
    assert_eq!(repeated_type_names(root()), NONE);
}

#[test]
fn no_crate_is_built_twice() {
    assert_eq!(built_twice(root()), NONE);
}

#[test]
fn a_bare_cargo_test_tests_everything() {
    assert_eq!(untested_members(root()), NONE);
}

#[test]
fn all_crates_have_the_same_edition() {
    assert_eq!(editions(root()), NONE);
}

#[test]
fn every_dependency_states_the_same_version_everywhere() {
    assert_eq!(versions(root()), NONE);
}

#[test]
fn no_listing_depends_on_another_crate_of_the_workspace() {
    assert_eq!(local_dependencies(root()), NONE);
}

#[test]
fn every_program_has_a_name_of_its_own_that_begins_with_its_chapter() {
    assert_eq!(program_names(root()), NONE);
}

#[test]
fn every_listing_is_named_after_its_folder_and_chapter() {
    assert_eq!(crate_names(root()), NONE);
}

#[test]
fn a_bare_cargo_run_starts_the_book() {
    assert_eq!(default_runs(root()), NONE);
}

#[test]
fn every_listing_has_an_integration_test() {
    assert_eq!(untested_listings(root()), NONE);
}

#[test]
fn what_the_listings_share_is_the_same_file() {
    assert_eq!(drifted_copies(root()), NONE);
}

#[test]
fn the_top_folder_holds_only_what_is_explained() {
    let names = top_folder(root());
    assert_eq!(strangers(&names), NONE);
    for needed in ["Cargo.toml", "book.toml", "README.md", "listings"] {
        assert!(names.iter().any(|name| name == needed), "{needed}");
    }
}

#[test]
fn a_listing_can_be_copied_out_and_compiles_alone() {
    let root = root();
    let listing = "ch01-socket-basics";
    // Outside of the workspace, or cargo would take the copy for a part of it. Always the same place for the same
    // clone, and only changed files are written: a second run has nothing to compile. Without a lock file, as a reader would do it.
    let mut clone = DefaultHasher::new();
    env!("CARGO_MANIFEST_DIR").hash(&mut clone);
    let copy =
        std::env::temp_dir().join(format!("chatbuch-{listing}-{:016x}", clone.finish()));
    let mut kept = HashSet::new();
    copy_changed(&root.join("listings").join(listing), &copy, &mut kept);
    remove_others(&copy, &kept);

    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // Checked only: that its programs do what they should is tested where they stand.
    let built = Command::new(cargo)
        .args(["check", "--offline", "--quiet", "--bins", "--target-dir"])
        .arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("alone"))
        .current_dir(&copy)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&built.stderr);
    assert!(built.status.success(), "{errors}");
}

/// Copies a folder, leaving alone what is already the same, and notes all files in `kept`.
fn copy_changed(from: &Path, to: &Path, kept: &mut HashSet<PathBuf>) {
    fs::create_dir_all(to).unwrap();
    for name in names_in(from) {
        let (source, target) = (from.join(&name), to.join(&name));
        if source.is_dir() {
            if name == "target" {
                continue;
            }
            copy_changed(&source, &target, kept);
            continue;
        }
        let content = fs::read(&source).unwrap();
        if fs::read(&target).ok().as_ref() != Some(&content) {
            fs::write(&target, content).unwrap();
        }
        kept.insert(target);
    }
}

/// Removes files of an earlier copy that the listing no longer has.
fn remove_others(folder: &Path, kept: &HashSet<PathBuf>) {
    for name in names_in(folder) {
        let path = folder.join(name);
        if path.is_dir() {
            remove_others(&path, kept);
        } else if !kept.contains(&path) {
            fs::remove_file(path).unwrap();
        }
    }
}

// ---- the checks can fail ----

/// A workspace with one fault of each kind.
fn spoiled() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (path, content) in [
        (
            "Cargo.toml",
            "[package]\nname = \"root\"\n[workspace]\nmembers = [\"listings/*\"]\n[workspace.package]\nedition = \"2024\"\n[workspace.dependencies]\na = \"1\"\n[dependencies]\na.workspace = true\n",
        ),
        (
            "crates/print/Cargo.toml",
            "[dependencies]\nlive.workspace = true\na = \"1\"\n[dev-dependencies]\ntesting.workspace = true\n",
        ),
        (
            "crates/live/Cargo.toml",
            "[dependencies]\ntesting.workspace = true\n",
        ),
        ("crates/live/src/a/b.rs", "struct Page;\n"),
        ("crates/print/src/lib.rs", "pub(crate) enum Page {}\n"),
        ("crates/testing/Cargo.toml", ""),
        ("crates/cellar/Cargo.toml", ""),
        (
            "listings/ch01-x/Cargo.toml",
            "[package]\nname = \"ch01-x\"\nedition = \"2021\"\ndefault-run = \"ch01-x\"\n[dependencies]\na = \"2\"\nb = \"*\"\n",
        ),
        ("listings/ch01-x/src/bin/ch01-server.rs", ""),
        ("listings/ch01-x/src/bin/server.rs", ""),
        ("listings/ch01-x/src/cli.rs", "// eins"),
        ("listings/ch01-x/tests/programs.rs", ""),
        ("listings/ch02-y/src/cli.rs", "// zwei"),
        (
            "listings/ch02-y/Cargo.toml",
            "[package]\nname = \"y\"\nedition.workspace = true\n[[bin]]\nname = \"ch01-server\"\npath = \"z.rs\"\n[target.'cfg(unix)'.dev-dependencies]\nch01-x = { path = \"../ch01-x\", version = \"1\" }\nc = { workspace = true }\n",
        ),
    ] {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    root
}

#[test]
fn rooms_nobody_drew_and_edges_nobody_allowed_are_found() {
    assert_eq!(
        edges(spoiled().path()),
        [
            "cellar ist nicht eingezeichnet",
            "live benutzt testing",
            "print benutzt live",
        ]
    );
}

#[test]
fn crates_with_two_sets_of_features_and_members_nobody_tests_are_found() {
    let root = tempfile::tempdir().unwrap();
    for (path, content) in [
        (
            "Cargo.toml",
            "[package]\nname = \"root\"\nedition = \"2024\"\n[workspace]\nresolver = \"3\"\nmembers = [\"a\"]\ndefault-members = [\".\"]\n\
             [dependencies]\na = { path = \"a\" }\n[build-dependencies]\na = { path = \"a\", features = [\"f\"] }\n",
        ),
        ("src/lib.rs", ""),
        (
            "a/Cargo.toml",
            "[package]\nname = \"a\"\nedition = \"2024\"\n[features]\nf = []\n",
        ),
        ("a/src/lib.rs", ""),
    ] {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    let twice = built_twice(root.path());
    assert!(
        matches!(&twice[..], [one] if one.starts_with("a v0.0.0")),
        "{twice:?}"
    );
    assert_eq!(untested_members(root.path()), ["a"]);
}

#[test]
fn other_editions_are_found() {
    assert_eq!(
        editions(spoiled().path()),
        ["listings/ch01-x: Some(\"2021\")", "listings/ch02-y: None"]
    );
}

#[test]
fn missing_and_differing_versions_are_found() {
    assert_eq!(
        versions(spoiled().path()),
        [
            "crates/print: a nicht aus der gemeinsamen Liste",
            "a: 1 in ., 2 in listings/ch01-x",
            "listings/ch01-x: b ohne eigene Version",
            "listings/ch02-y: c ohne eigene Version",
        ]
    );
}

#[test]
fn dependencies_between_listings_are_found() {
    assert_eq!(
        local_dependencies(spoiled().path()),
        ["listings/ch02-y: ch01-x"]
    );
}

#[test]
fn wrong_and_repeated_program_names_are_found() {
    assert_eq!(
        program_names(spoiled().path()),
        [
            "server in ch01-x",
            "ch01-server in y",
            "ch01-server zweimal"
        ]
    );
}

#[test]
fn wrong_crate_names_and_default_runs_are_found() {
    let root = spoiled();
    assert_eq!(crate_names(root.path()), ["listings/ch02-y"]);
    assert_eq!(default_runs(root.path()), [".", "listings/ch01-x"]);
}

#[test]
fn listings_without_tests_and_drifted_copies_are_found() {
    let root = spoiled();
    assert_eq!(untested_listings(root.path()), ["listings/ch02-y"]);
    assert_eq!(drifted_copies(root.path()), ["listings/ch02-y/src/cli.rs"]);
}

#[test]
fn a_name_for_two_types_is_found() {
    assert_eq!(
        repeated_type_names(spoiled().path()),
        ["Page in live und print"]
    );
}

#[test]
fn strangers_in_the_top_folder_are_found() {
    let names = ["src", "notes.txt", "Cargo.toml"].map(str::to_owned);
    assert_eq!(strangers(&names), ["notes.txt"]);
}
