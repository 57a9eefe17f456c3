//! Which listings the book has and which programs they build, read from the manifests without asking cargo.
//! In flows the workspace's root, out flow names. A folder under `listings/` that the root's manifest does not name is
//! a reader's own and counts for nothing.

use std::fs;
use std::path::Path;

use toml::{Table, Value};

/// Where the listings stand.
const LISTINGS: &str = "listings/";

/// The listings by the names of their folders, sorted. None if the root has no manifest.
pub fn listings(root: &Path) -> Vec<String> {
    let manifest = manifest(root);
    let workspace = manifest.get("workspace");
    let members = workspace.and_then(|workspace| workspace.get("members")?.as_array());
    let mut names: Vec<String> = members
        .into_iter()
        .flatten()
        .filter_map(|member| member.as_str()?.strip_prefix(LISTINGS))
        .flat_map(|name| match name {
            "*" => folders(&root.join(LISTINGS)),
            name => vec![name.to_owned()],
        })
        .filter(|name| root.join(LISTINGS).join(name).join("Cargo.toml").is_file())
        .collect();
    names.sort();
    names
}

/// The names `cargo run --bin NAME` understands: `chatbuch` and everything the listings build.
pub fn bins(root: &Path) -> Vec<String> {
    let mut bins: Vec<String> =
        listings(root).iter().flat_map(|listing| bins_of(root, listing)).collect();
    bins.push("chatbuch".to_owned());
    bins.sort();
    bins
}

/// The names of the programs that one listing builds.
pub fn bins_of(root: &Path, listing: &str) -> Vec<String> {
    let mut bins = Vec::new();
    let folder = root.join(LISTINGS).join(listing);
    for entry in fs::read_dir(folder.join("src/bin")).into_iter().flatten().flatten() {
        let path = entry.path();
        let is_bin =
            path.extension().is_some_and(|e| e == "rs") || path.join("main.rs").is_file();
        if let (true, Some(stem)) = (is_bin, path.file_stem()) {
            bins.push(stem.to_string_lossy().into_owned());
        }
    }
    if folder.join("src/main.rs").is_file() {
        bins.push(listing.to_owned());
    }
    let manifest = manifest(&folder);
    let declared = manifest.get("bin").and_then(Value::as_array).into_iter().flatten();
    bins.extend(declared.filter_map(|bin| Some(bin.get("name")?.as_str()?.to_owned())));
    bins.sort();
    bins.dedup();
    bins
}

/// The manifest in `folder`; one that is missing or no TOML is empty, and cargo says why.
fn manifest(folder: &Path) -> Table {
    let text = fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
    text.parse().unwrap_or_default()
}

fn folders(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, file: &str, content: &str) {
        let path = root.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    #[test]
    fn a_listing_is_what_the_workspace_names_and_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        assert_eq!(listings(root), [""; 0]);
        for name in ["ch01-a", "ch02-b", "mine"] {
            write(root, &format!("listings/{name}/Cargo.toml"), "");
            write(
                root,
                &format!("listings/{name}/src/bin/{name}-server.rs"),
                "",
            );
        }
        write(root, "listings/notes/todo.txt", "");
        let named = "[workspace]\nmembers = [\"crates/x\", \"listings/ch02-b\", \"listings/ch01-a\", \"listings/gone\"]";
        write(root, "Cargo.toml", named);
        assert_eq!(listings(root), ["ch01-a", "ch02-b"]);
        assert_eq!(bins(root), ["ch01-a-server", "ch02-b-server", "chatbuch"]);
        write(
            root,
            "Cargo.toml",
            "[workspace]\nmembers = [\"listings/*\"]",
        );
        assert_eq!(listings(root), ["ch01-a", "ch02-b", "mine"]);
    }

    #[test]
    fn programs_are_found_however_they_are_declared() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        write(
            root,
            "Cargo.toml",
            "[workspace]\nmembers = [\"listings/*\"]",
        );
        write(
            root,
            "listings/ch01-a/Cargo.toml",
            "[[bin]]\nname = \"ch01-x\"\npath = \"x.rs\"",
        );
        write(root, "listings/ch01-a/src/bin/ch01-y/main.rs", "");
        write(root, "listings/ch01-a/src/main.rs", "");
        assert_eq!(bins(root), ["ch01-a", "ch01-x", "ch01-y", "chatbuch"]);
    }
}
