//! Scenes with the real programs and made-up scripts: the player notices each way in which a program can stray from its
//! script, what is recorded is what happened, and timelines show who waited for what.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test that panics has failed"
)]

mod player;
mod recording;
mod timelines;

use std::fs;
use std::path::Path;

use programs::listings;
use scenes::SceneId;
use tempfile::TempDir;

/// Where the listings are.
fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// A book with one scene of the listing, whose `server` has this port.
fn folder_with_a_scene(listing: &str, port: u16, play: &str) -> (TempDir, SceneId) {
    listings::built(root()).unwrap(); // the folder has no workspace to build them from
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("Cargo.toml"),
        format!("[workspace]\nmembers = [\"listings/{listing}\"]\n"),
    )
    .unwrap();
    let id = SceneId::new(listing, "probe");
    write_scene(&folder, &id, port, play);
    (folder, id)
}

fn write_scene(folder: &TempDir, id: &SceneId, port: u16, play: &str) {
    let script = format!("title = \"Probe\"\nports = {{ server = {port} }}\n{play}");
    let file = folder.path().join(id.script());
    let scenes = file.parent().unwrap();
    fs::create_dir_all(scenes).unwrap();
    fs::write(scenes.with_file_name("Cargo.toml"), "").unwrap();
    fs::write(file, script).unwrap();
}
