//! The pages of the built book, held in memory: a folder goes in, answers to requests come out.
//! Only what was in the folder when it was read can be answered, so no request can name any other file.

use std::collections::BTreeMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::path::Path;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use percent_encoding::percent_decode_str;

use super::{Shared, guard};

/// Shown while there is no book at all yet.
const NO_BOOK: &str = "<!DOCTYPE html>\n<html lang=\"de\"><head><meta charset=\"utf-8\"><title>Noch kein Buch</title></head>\n\
<body><h1>Noch kein Buch</h1><p>Das Buch ließ sich nicht bauen. Diese Seite lädt sich neu, sobald es gelingt.</p></body></html>\n";

/// One state of the built book; by default one without pages.
#[derive(Default)]
pub struct Edition {
    /// Equal for two books exactly if their files are.
    pub version: String,
    files: BTreeMap<String, File>,
}

struct File {
    content_type: &'static str,
    content: Bytes,
}

impl Edition {
    /// Reads the book in `folder`. Hidden files are left out; a missing folder is a book without pages.
    pub fn read(folder: &Path) -> Result<Self, site::SiteError> {
        let mut contents = BTreeMap::new();
        if folder.is_dir() {
            for file in site::files_below(folder)? {
                let names: Vec<_> =
                    file.iter().map(|name| name.to_string_lossy()).collect();
                if names.iter().any(|name| name.starts_with('.')) {
                    continue;
                }
                contents.insert(names.join("/"), site::read(&folder.join(&file))?);
            }
        }
        let mut hasher = DefaultHasher::new();
        contents.hash(&mut hasher);
        let version = format!("{:016x}", hasher.finish());

        let prepare = |(name, content): (String, Vec<u8>)| {
            let content_type = content_type(&name);
            let is_page = content_type.starts_with("text/html") && name != "toc.html";
            let content = if is_page {
                with_script(content, &version)
            } else {
                content
            };
            let content = Bytes::from(content);
            (
                name,
                File {
                    content_type,
                    content,
                },
            )
        };
        let files = contents.into_iter().map(prepare).collect();
        Ok(Self { version, files })
    }

    /// Whether there is nothing to read.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The file that a request's path names, if the book has it.
    fn find(&self, path: &str) -> Option<&File> {
        let name = percent_decode_str(path.strip_prefix('/')?).decode_utf8().ok()?;
        let mut name = name.into_owned();
        if name.is_empty() || name.ends_with('/') {
            name.push_str("index.html");
        }
        self.files.get(&name)
    }
}

/// Answers a request for a page or for a file that belongs to one.
pub async fn answer(State(shared): State<Shared>, target: Uri) -> Response {
    let book = Arc::clone(&shared.shown.borrow().book);
    if book.is_empty() {
        let html = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
        let page = with_script(NO_BOOK.into(), &book.version);
        return (StatusCode::SERVICE_UNAVAILABLE, html, page).into_response();
    }
    let (status, file) = match book.find(target.path()) {
        Some(file) => (StatusCode::OK, Some(file)),
        None => (StatusCode::NOT_FOUND, book.files.get("404.html")),
    };
    // A request with HEAD gets the same; the HTTP library leaves out the content.
    match file {
        Some(file) => (
            status,
            [(header::CONTENT_TYPE, file.content_type)],
            file.content.clone(),
        )
            .into_response(),
        None => guard::refusal(status, "Diese Seite gibt es nicht.\n"),
    }
}

/// Adds the script that keeps an open page up to date; it stands before the page's end.
fn with_script(mut page: Vec<u8>, version: &str) -> Vec<u8> {
    let script =
        format!("<script src=\"/-/live.js\" data-book=\"{version}\" defer></script>\n");
    let end = b"</body>";
    let at =
        page.windows(end.len()).rposition(|window| window == end).unwrap_or(page.len());
    page.splice(at..at, script.into_bytes());
    page
}

/// What kind of file `name` is, judged by its ending.
fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("json") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("webp") => "image/webp",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("pdf") => "application/pdf",
        Some("txt" | "rs" | "toml") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
