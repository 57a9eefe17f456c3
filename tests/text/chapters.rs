//! The built book is whole: links, fragments and files resolve, nothing is loaded from another host, all of it is German.
//! Every check is a function from a site to its faults; it is asked about the real book, and about a made-up one with faults.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;
use scraper::{ElementRef, Html, Selector};
use source::Chapter;

/// The files of a built book: path with `/`, content.
type Files = BTreeMap<String, Vec<u8>>;

/// A built book, its pages parsed.
struct Site {
    files: Files,
    pages: Vec<(String, Html)>,
}

impl Site {
    fn new(files: Files) -> Site {
        let pages = texts(&files, ".html")
            .map(|(path, text)| (path.to_owned(), Html::parse_document(text)))
            .collect();
        Site { files, pages }
    }
}

fn the_book() -> Site {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let dest = Path::new(env!("CARGO_TARGET_TMPDIR")).join("book");
    site::build(root, &dest).unwrap_or_else(|error| panic!("{error}"));
    let mut files = Files::new();
    collect(&dest, "", &mut files);
    Site::new(files)
}

fn collect(folder: &Path, prefix: &str, files: &mut Files) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{prefix}{}", entry.file_name().to_str().unwrap());
        if entry.path().is_dir() {
            collect(&entry.path(), &format!("{path}/"), files);
        } else {
            files.insert(path, fs::read(entry.path()).unwrap());
        }
    }
}

/// A made-up site.
fn made_up(files: &[(&str, &str)]) -> Site {
    let files = files.iter();
    Site::new(
        files
            .map(|(path, content)| ((*path).to_owned(), content.as_bytes().to_vec()))
            .collect(),
    )
}

/// All files whose name ends with `end`, as text.
fn texts<'f>(files: &'f Files, end: &str) -> impl Iterator<Item = (&'f str, &'f str)> {
    files
        .iter()
        .filter(move |(path, _)| path.ends_with(end))
        .map(|(path, content)| (path.as_str(), std::str::from_utf8(content).unwrap()))
}

fn select<'h>(page: &'h Html, selector: &str) -> Vec<ElementRef<'h>> {
    page.select(&Selector::parse(selector).unwrap()).collect()
}

/// Whether an address leaves the book's own host.
fn is_foreign(address: &str) -> bool {
    let address = address.trim().to_ascii_lowercase();
    let scheme = ["http:", "https:", "ws:", "wss:", "ftp:"];
    address.starts_with("//") || scheme.iter().any(|scheme| address.starts_with(scheme))
}

/// Where `address` in the page `page` points to: a path in the site and a fragment.
fn resolve(
    page: &str,
    base: Option<&str>,
    address: &str,
) -> Result<(String, String), String> {
    let (path, fragment) = address.split_once('#').unwrap_or((address, ""));
    let path = decoded(path.split('?').next().unwrap_or_default());
    let fragment = decoded(fragment);
    let mut parts: Vec<&str> = match base {
        Some("/") => Vec::new(),
        _ => page.split('/').collect(),
    };
    parts.pop();
    if path.is_empty() {
        return Ok((page.to_owned(), fragment));
    }
    if path.starts_with('/') {
        // From file:// or below a prefix such a link would lead elsewhere.
        return Err("absolut".to_owned());
    }
    for part in path.split('/') {
        match part {
            "." => {}
            ".." => {
                parts.pop().ok_or("führt aus dem Buch hinaus")?;
            }
            part => parts.push(part),
        }
    }
    Ok((parts.join("/"), fragment))
}

/// Undoes `%20` and the like.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let code = (*first == b'%' && tail.len() >= 2)
            .then(|| std::str::from_utf8(&tail[..2]).ok())
            .flatten()
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8(bytes).unwrap()
}

// ---- the checks ----

/// Links, pictures, scripts, style sheets and frames that lead nowhere within the book.
fn dead_links(site: &Site) -> Vec<String> {
    let ids: HashMap<&str, HashSet<&str>> = site
        .pages
        .iter()
        .map(|(path, page)| {
            let ids = select(page, "[id]");
            (
                path.as_str(),
                ids.iter().filter_map(|e| e.attr("id")).collect(),
            )
        })
        .collect();
    let mut faults = Vec::new();
    for (path, page) in &site.pages {
        let base = select(page, "base").first().and_then(|e| e.attr("href"));
        for element in select(page, "[href], [src], [data]") {
            let name = element.value().name();
            for attribute in ["href", "src", "data"] {
                let Some(address) = element.attr(attribute) else {
                    continue;
                };
                if name == "base" || is_foreign(address) || address.starts_with("data:") {
                    continue;
                }
                let mut fault = |why: &str| {
                    faults
                        .push(format!("{path}: <{name} {attribute}=\"{address}\"> {why}"));
                };
                match resolve(path, base, address) {
                    Err(why) => fault(&why),
                    Ok((target, fragment)) => match site.files.get(&target) {
                        None => fault("fehlt"),
                        Some(content) if content.is_empty() => fault("ist leer"),
                        Some(_) if fragment.is_empty() => {}
                        Some(_) => {
                            let there = ids.get(target.as_str());
                            if !there.is_some_and(|ids| ids.contains(fragment.as_str())) {
                                fault("nennt eine Stelle, die es nicht gibt");
                            }
                        }
                    },
                }
            }
        }
    }
    faults
}

/// Ids that occur twice in one page. The print page strings all chapters together and is let off.
fn duplicate_ids(site: &Site) -> Vec<String> {
    let mut faults = Vec::new();
    for (path, page) in site.pages.iter().filter(|(path, _)| path != "print.html") {
        let mut seen = HashSet::new();
        for element in select(page, "[id]") {
            let id = element.attr("id").unwrap_or_default();
            if !seen.insert(id) {
                faults.push(format!("{path}: #{id}"));
            }
        }
    }
    faults
}

/// Whatever would make the browser ask another host while reading.
fn foreign_loads(site: &Site) -> Vec<String> {
    static IN_STYLE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"(?i)(url\(\s*|@import\s+)["']?\s*((https?:)?//[^"')\s]*)"#).unwrap()
    });
    static IN_SCRIPT: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(
            r#"(?i)(fetch|import|importScripts|Worker|WebSocket|EventSource|sendBeacon|open)\s*\(?\s*(['"`]\w+['"`]\s*,\s*)?['"`]((https?:|wss?:)?//[^'"`]*)"#,
        )
        .unwrap()
    });
    let style = |path: &str, text: &str, faults: &mut Vec<String>| {
        for found in IN_STYLE.captures_iter(text) {
            faults.push(format!("{path}: {}", &found[2]));
        }
    };
    let script = |path: &str, text: &str, faults: &mut Vec<String>| {
        for found in IN_SCRIPT.captures_iter(text) {
            faults.push(format!("{path}: {}", &found[3]));
        }
    };
    let mut faults = Vec::new();
    for (path, page) in &site.pages {
        for element in select(page, "*") {
            let name = element.value().name();
            for (attribute, value) in element.value().attrs() {
                let loads = match attribute {
                    "src" | "srcset" | "data" | "poster" | "background" | "action"
                    | "xlink:href" => name != "a",
                    // A link the reader may follow or not is no load.
                    "href" => name != "a",
                    "style" => {
                        style(path, value, &mut faults);
                        false
                    }
                    _ => {
                        if attribute.starts_with("on") {
                            script(path, value, &mut faults);
                        }
                        false
                    }
                };
                if loads && value.split([',', ' ']).any(is_foreign) {
                    faults.push(format!("{path}: {value}"));
                }
            }
            let text: String = match name {
                "style" | "script" => element.text().collect(),
                _ => continue,
            };
            if name == "style" {
                style(path, &text, &mut faults);
            } else {
                script(path, &text, &mut faults);
            }
        }
        // mdBook's own script asks play.rust-lang.org as soon as there is such a block, and only then.
        if !select(page, ".playground").is_empty() {
            faults.push(format!("{path}: .playground"));
        }
    }
    for (path, text) in texts(&site.files, ".css").chain(texts(&site.files, ".svg")) {
        style(path, text, &mut faults);
    }
    let own_scripts =
        texts(&site.files, ".js").filter(|(path, _)| path.starts_with("book/theme/"));
    for (path, text) in own_scripts {
        script(path, text, &mut faults);
    }
    faults
}

/// Pages that are not declared as German, or that mdBook wrote in English because ours was missing.
fn english_pages(site: &Site) -> Vec<String> {
    let mut faults = Vec::new();
    for (path, page) in &site.pages {
        let lang = page.root_element().attr("lang").unwrap_or_default();
        if lang != "de" {
            faults.push(format!("{path}: lang=\"{lang}\""));
        }
    }
    let missing =
        site.files.get("404.html").map_or("", |page| std::str::from_utf8(page).unwrap());
    if missing.is_empty() || missing.contains("Document not found") {
        faults.push("404.html: nicht unsere".to_owned());
    }
    faults
}

/// mdBook directives that were printed instead of carried out.
fn raw_directives(site: &Site) -> Vec<String> {
    texts(&site.files, ".html")
        .filter(|(_, text)| text.contains("{{#"))
        .map(|(path, _)| path.to_owned())
        .collect()
}

// ---- the book ----

const NONE: [&str; 0] = [];

#[test]
fn the_source_has_no_problems() {
    if let Err(problems) = source::load(Path::new(env!("CARGO_MANIFEST_DIR"))) {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        panic!("{}", lines.join("\n"));
    }
}

/// Chapters without a page of their own, or with one that is called otherwise, and pages mdBook makes of itself that are missing.
fn missing_pages(site: &Site, chapters: &[Chapter]) -> Vec<String> {
    let mut faults = Vec::new();
    for chapter in chapters {
        let path = chapter.path.with_extension("html");
        let path = path.to_str().unwrap().replace('\\', "/");
        match site.pages.iter().find(|(page, _)| *page == path) {
            None => faults.push(format!("{path} fehlt")),
            Some((_, page)) => {
                let title = select(page, "title")[0].text().collect::<String>();
                if !title.starts_with(&chapter.name) {
                    faults.push(format!("{path}: {title}"));
                }
            }
        }
    }
    let own = ["index.html", "toc.html", "print.html", "404.html"];
    let missing = own.iter().filter(|page| !site.files.contains_key(**page));
    faults.extend(missing.map(|page| format!("{page} fehlt")));
    faults
}

/// One test, and every kind of fault at once: the book is built and its pages are parsed only once.
#[test]
fn the_built_book_is_whole() {
    let source = source::load(Path::new(env!("CARGO_MANIFEST_DIR")))
        .unwrap_or_else(|problems| panic!("{}", problems[0]));
    assert!(!source.chapters.is_empty());
    let book = the_book();
    let faults = [
        (
            "jedes Kapitel hat seine Seite",
            missing_pages(&book, &source.chapters),
        ),
        ("jeder Verweis führt irgendwohin", dead_links(&book)),
        ("keine Kennung gibt es zweimal", duplicate_ids(&book)),
        (
            "nichts kommt von einem anderen Rechner",
            foreign_loads(&book),
        ),
        ("jede Seite ist deutsch", english_pages(&book)),
        ("keine Seite zeigt eine Anweisung", raw_directives(&book)),
    ];
    for (rule, faults) in faults.iter().filter(|(_, faults)| !faults.is_empty()) {
        eprintln!("Nicht: {rule}.\n    {}", faults.join("\n    "));
    }
    assert!(faults.iter().all(|(_, faults)| faults.is_empty()));
}

// ---- the checks can fail ----

#[test]
fn dead_links_are_found() {
    let site = made_up(&[
        (
            "teil/a.html",
            r##"<h1 id="über">A</h1><a href="#%C3%BCber">ja</a><a href="#unten">nein</a>
            <a href="../b.html#da">ja</a><a href="../b.html?x#fort">nein</a><a href="b.html">nein</a>
            <a href="https://example.org/">ja</a><a href="/b.html">nein</a><a href="../../b.html">nein</a>
            <img src="../leer.svg"><script src="weg.js"></script>"##,
        ),
        (
            "404.html",
            r#"<base href="/"><a href="teil/a.html">ja</a><a href="a.html">nein</a>"#,
        ),
        ("b.html", r#"<p id="da">"#),
        ("leer.svg", ""),
    ]);
    assert_eq!(
        dead_links(&site),
        [
            r#"404.html: <a href="a.html"> fehlt"#,
            r##"teil/a.html: <a href="#unten"> nennt eine Stelle, die es nicht gibt"##,
            r#"teil/a.html: <a href="../b.html?x#fort"> nennt eine Stelle, die es nicht gibt"#,
            r#"teil/a.html: <a href="b.html"> fehlt"#,
            r#"teil/a.html: <a href="/b.html"> absolut"#,
            r#"teil/a.html: <a href="../../b.html"> führt aus dem Buch hinaus"#,
            r#"teil/a.html: <img src="../leer.svg"> ist leer"#,
            r#"teil/a.html: <script src="weg.js"> fehlt"#,
        ]
    );
}

#[test]
fn missing_and_misnamed_pages_are_found() {
    let chapter = |path: &str, name: &str| Chapter {
        path: path.into(),
        name: name.into(),
        expanded: String::new(),
        blocks: Vec::new(),
    };
    let chapters = [
        chapter("a.md", "Anfang"),
        chapter("b.md", "Bus"),
        chapter("c.md", "C"),
    ];
    let page = "<title>Anfang - Buch</title>";
    let site = made_up(&[
        ("a.html", page),
        ("b.html", page),
        ("index.html", page),
        ("404.html", page),
        ("toc.html", page),
    ]);
    assert_eq!(
        missing_pages(&site, &chapters),
        ["b.html: Anfang - Buch", "c.html fehlt", "print.html fehlt"]
    );
}

#[test]
fn duplicate_ids_are_found() {
    let twice = r#"<p id="x"><p id="y"><p id="x">"#;
    let site = made_up(&[("a.html", twice), ("print.html", twice)]);
    assert_eq!(duplicate_ids(&site), ["a.html: #x"]);
}

#[test]
fn foreign_loads_are_found() {
    for load in [
        r#"<link rel="stylesheet" href="https://example.org/x">"#,
        r#"<script src="//example.org/x"></script>"#,
        r#"<img src="HTTP://example.org/x">"#,
        r#"<img srcset="a.png 1x, https://example.org/x 2x">"#,
        r#"<iframe src="https://example.org/x"></iframe>"#,
        r#"<svg><image href="https://example.org/x"/></svg>"#,
        r#"<p style="background: url('https://example.org/x')">"#,
        r#"<style>@import "https://example.org/x";</style>"#,
        r#"<script>fetch("https://example.org/x")</script>"#,
        r#"<script>new WebSocket(`wss://example.org/x`)</script>"#,
        r#"<script>import '//example.org/x'</script>"#,
        r#"<script>request.open("GET", "https://example.org/x")</script>"#,
        r#"<button onclick="fetch('//example.org/x')">"#,
        r#"<pre class="playground"></pre>"#,
    ] {
        let site = made_up(&[("a.html", load)]);
        assert_eq!(
            foreign_loads(&site).len(),
            1,
            "{load}: {:?}",
            foreign_loads(&site)
        );
    }
    let site = made_up(&[
        ("a.css", "p { background: url(//example.org/x) }"),
        ("book/theme/a.js", "fetch('https://example.org/x')"),
    ]);
    assert_eq!(foreign_loads(&site).len(), 2);
}

#[test]
fn links_for_the_reader_and_own_files_are_no_foreign_loads() {
    let site = made_up(&[
        (
            "a.html",
            r#"<a href="https://example.org/">ja</a><img src="a.svg"><svg xmlns="http://www.w3.org/2000/svg"></svg>
            <script>fetch("a.json"); // siehe https://example.org/</script>"#,
        ),
        (
            "a.css",
            "p { background: url('data:image/svg+xml,<svg xmlns=\"http://www.w3.org/2000/svg\">') }",
        ),
    ]);
    assert_eq!(foreign_loads(&site), NONE);
}

#[test]
fn english_pages_are_found() {
    let site = made_up(&[
        ("a.html", "<html lang=\"en\">"),
        (
            "404.html",
            "<html lang=\"de\"><h1>Document not found (404)</h1>",
        ),
    ]);
    assert_eq!(
        english_pages(&site),
        ["a.html: lang=\"en\"", "404.html: nicht unsere"]
    );
    assert_eq!(english_pages(&made_up(&[])), ["404.html: nicht unsere"]);
}

#[test]
fn raw_directives_are_found() {
    let site = made_up(&[
        ("a.html", "<code>{{#include x.rs}}</code>"),
        ("b.html", "{{ # }}"),
    ]);
    assert_eq!(raw_directives(&site), ["a.html"]);
}
