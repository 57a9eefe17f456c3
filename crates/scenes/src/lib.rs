//! Scenes: small plays in which a listing's real programs talk to each other.
//! In flows `listings/X/scenes/NAME.toml`; out flow a recorded run (`NAME.json`), the transcript
//! the chapter includes (`NAME.html`), perhaps a timeline (`NAME.svg`, drawn from the recording or
//! from `NAME.spuren.json`) and, in the tests, the proof that all of them still hold.

mod cast;
mod drawing;
pub mod improvise;
pub mod observe;
pub mod player;
mod record;
pub mod recording;
mod replay;
pub mod script;
pub mod settings;
mod terminal;
pub mod timeline;
pub mod transcript;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

pub use drawing::drawing;
pub use record::{record, record_where};
use recording::Recording;
pub use replay::replay;
use script::Script;
pub use terminal::show;
pub use transcript::render;

/// Name of a scene, written `LISTING/NAME` (`ch01-socket-basics/gespraech`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SceneId {
    listing: String,
    name: String,
}

impl SceneId {
    /// A scene of that listing; whether its files exist is not asked here.
    pub fn new(listing: &str, name: &str) -> Self {
        SceneId {
            listing: listing.into(),
            name: name.into(),
        }
    }

    /// The script, relative to the root: `listings/X/scenes/NAME.toml`.
    pub fn script(&self) -> PathBuf {
        self.file("toml")
    }

    /// The recorded run, relative to the root.
    pub fn recording(&self) -> PathBuf {
        self.file("json")
    }

    /// The transcript, relative to the root.
    pub fn transcript(&self) -> PathBuf {
        self.file("html")
    }

    /// What `strace` saw, relative to the root; only scenes with a traced timeline have it.
    pub fn trace(&self) -> PathBuf {
        self.file("spuren.json")
    }

    /// The timeline, relative to the root; only scenes whose script asks for one have it.
    pub fn drawing(&self) -> PathBuf {
        self.file("svg")
    }

    fn file(&self, extension: &str) -> PathBuf {
        Path::new("listings")
            .join(&self.listing)
            .join("scenes")
            .join(format!("{}.{extension}", self.name))
    }
}

impl fmt::Display for SceneId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.listing, self.name)
    }
}

/// Every scene of the book's listings, sorted by name. What cannot be read counts as absent.
pub fn all(root: &Path) -> Vec<SceneId> {
    let mut scenes = Vec::new();
    for listing in catalog::listings(root) {
        let folder = root.join("listings").join(&listing).join("scenes");
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let file = entry.path();
            if file.extension().is_some_and(|extension| extension == "toml")
                && let Some(name) = file.file_stem().and_then(|name| name.to_str())
            {
                scenes.push(SceneId::new(&listing, name));
            }
        }
    }
    scenes.sort();
    scenes
}

/// The named ones of the known scenes, all if none is named.
pub(crate) fn choose(known: &[SceneId], names: &[String]) -> anyhow::Result<Vec<SceneId>> {
    if names.is_empty() {
        return Ok(known.to_vec());
    }
    let find = |name: &String| match known.iter().find(|id| id.to_string() == *name) {
        Some(id) => Ok(id.clone()),
        None => {
            let list: Vec<_> = known.iter().map(|id| format!("  {id}")).collect();
            bail!(
                "Die Szene „{name}“ gibt es nicht. Bekannt sind:\n{}",
                list.join("\n")
            )
        }
    };
    names.iter().map(find).collect()
}

/// Reads and checks a scene's script. The error is `FILE:LINE: German sentence`.
pub fn load_script(root: &Path, id: &SceneId) -> anyhow::Result<Script> {
    let file = id.script();
    let text = read_file(root, &file)?;
    Script::parse(&text).map_err(|error| {
        anyhow::anyhow!("{}:{}: {}", file.display(), error.line, error.message)
    })
}

/// Reads a scene's recorded run.
pub fn load_recording(root: &Path, id: &SceneId) -> anyhow::Result<Recording> {
    let file = id.recording();
    let text = read_file(root, &file).with_context(|| {
        format!("„{id}“ ist noch nicht aufgezeichnet: cargo run -- record {id}")
    })?;
    serde_json::from_str(&text)
        .with_context(|| format!("{} ist keine Aufzeichnung.", file.display()))
}

fn read_file(root: &Path, file: &Path) -> anyhow::Result<String> {
    fs::read_to_string(root.join(file))
        .with_context(|| format!("{} ist nicht zu lesen.", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_scene_is_refused_with_the_known_ones() {
        let known = [SceneId::new("ch01", "a"), SceneId::new("ch02", "b")];
        let error = choose(&known, &["ch01/b".into()]).unwrap_err().to_string();
        assert_eq!(
            error,
            "Die Szene „ch01/b“ gibt es nicht. Bekannt sind:\n  ch01/a\n  ch02/b"
        );
        assert_eq!(choose(&known, &["ch02/b".into()]).unwrap(), known[1..]);
        assert_eq!(choose(&known, &[]).unwrap(), known);
    }

    #[test]
    fn the_files_of_a_scene_stand_beside_its_listing() {
        let id = SceneId::new("ch01-socket-basics", "gespraech");
        assert_eq!(id.to_string(), "ch01-socket-basics/gespraech");
        let file = Path::new("listings/ch01-socket-basics/scenes/gespraech.toml");
        assert_eq!(id.script(), file);
    }
}
