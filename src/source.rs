//! Placeholder until the real module is merged.

use std::fmt;
use std::path::{Path, PathBuf};

pub struct Problem {
    pub file: PathBuf,
    pub line: usize,
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file.display(), self.line, self.message)
    }
}

impl fmt::Debug for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

pub struct Source {
    pub chapters: Vec<Chapter>,
}

pub struct Chapter {
    pub path: PathBuf,
}

pub fn load(root: &Path) -> Result<Source, Vec<Problem>> {
    let book = mdbook_driver::MDBook::load(root).map_err(|cause| {
        vec![Problem {
            file: PathBuf::from("book.toml"),
            line: 1,
            message: format!("{cause:#}"),
        }]
    })?;
    let mut chapters = Vec::new();
    let mut problems = Vec::new();
    for chapter in book.book.chapters() {
        let Some(path) = chapter.path.clone() else {
            continue;
        };
        for (index, line) in chapter.content.lines().enumerate() {
            if line.starts_with("```") && line.contains("quatsch") {
                problems.push(Problem {
                    file: Path::new("book/text").join(&path),
                    line: index + 1,
                    message: "Das Wort „quatsch“ kennt das Buch nicht.".into(),
                });
            }
        }
        chapters.push(Chapter { path });
    }
    if problems.is_empty() {
        Ok(Source { chapters })
    } else {
        Err(problems)
    }
}
