//! What can run on which page of the book. In flow the scripts of the scenes and the checked source, out flows a table:
//! for each page the programs its scenes need, and its cells.

use std::collections::BTreeSet;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::sync::Arc;

use percent_encoding::percent_decode_str;

use programs::toolbox;

/// A runnable snippet.
#[derive(Debug, PartialEq, Eq)]
pub struct Cell {
    /// `sockets#3`: the third on the page `sockets`.
    pub id: String,
    /// Its text, hidden lines included.
    pub program: String,
    /// Under this name its finished program is kept: different for other text and for other crates.
    pub key: String,
}

/// What can run on one page.
#[derive(Debug, Default)]
pub struct Leaf {
    /// `sockets`, `anhang/python`.
    pub name: String,
    /// All programs that something on it needs.
    pub programs: BTreeSet<String>,
    /// In their order on the page.
    pub cells: Vec<Arc<Cell>>,
}

/// What can run in the whole book.
#[derive(Debug, Default)]
pub struct Contents {
    /// The pages in the order of the book; the last one holds the scenes that are on none.
    pub leaves: Vec<Leaf>,
    /// The programs each scene needs.
    pub scenes: Vec<BTreeSet<String>>,
}

impl Contents {
    /// Reads the book in `root`.
    pub fn read(root: &Path) -> Contents {
        let mut scenes = Vec::new();
        for id in scenes::all(root) {
            // A script with a fault is the book's problem, and told there.
            if let Ok(script) = scenes::load_script(root, &id)
                && script.is_playable_here()
            {
                let programs = script.processes.iter().map(|process| &process.program);
                let programs: BTreeSet<String> = programs.cloned().collect();
                scenes.push((format!("data-scene=\"{id}\""), programs));
            }
        }
        let versions = fs::read(root.join("Cargo.lock")).unwrap_or_default();
        let (source, _) = source::check(root);
        let mut cells = source.cells().into_iter().peekable();
        let mut nowhere: Vec<usize> = (0..scenes.len()).collect();
        let mut leaves = Vec::new();
        for chapter in &source.chapters {
            let name = chapter.path.with_extension("").to_string_lossy().replace('\\', "/");
            let mut leaf = Leaf {
                name,
                ..Leaf::default()
            };
            for (number, (mark, programs)) in scenes.iter().enumerate() {
                if chapter.expanded.contains(mark) {
                    leaf.programs.extend(programs.iter().cloned());
                    nowhere.retain(|other| *other != number);
                }
            }
            let is_here = |(id, _): &(String, String)| {
                id.rsplit_once('#').is_some_and(|(page, _)| page == leaf.name)
            };
            while let Some((id, program)) = cells.next_if(is_here) {
                let mut hasher = DefaultHasher::new();
                (&versions, &program).hash(&mut hasher);
                leaf.cells.push(Arc::new(Cell {
                    key: format!("{:016x}", hasher.finish()),
                    id,
                    program,
                }));
            }
            if !leaf.cells.is_empty() {
                leaf.programs.insert(toolbox::PROGRAM.to_owned());
            }
            leaves.push(leaf);
        }
        let programs = nowhere.into_iter().flat_map(|number| scenes[number].1.clone());
        leaves.push(Leaf {
            programs: programs.collect(),
            ..Leaf::default()
        });
        Contents {
            leaves,
            scenes: scenes.into_iter().map(|(_, programs)| programs).collect(),
        }
    }

    /// The cell of that name.
    pub fn cell(&self, id: &str) -> Option<&Arc<Cell>> {
        self.leaves.iter().flat_map(|leaf| &leaf.cells).find(|cell| cell.id == id)
    }

    /// The number of the page with that path in an address. The front page is a copy of the first chapter.
    pub fn number_of(&self, path: &str) -> Option<usize> {
        let path = percent_decode_str(path).decode_utf8().ok()?;
        let name = path.strip_prefix('/')?;
        let name = name.strip_suffix(".html").unwrap_or(name);
        if matches!(name, "" | "index") {
            return (self.leaves.len() > 1).then_some(0);
        }
        self.leaves.iter().position(|leaf| leaf.name == name)
    }
}
