//! The glossary and the chapters fit together: whoever meets a term for the first time in a chapter finds a link to
//! its entry there, and no entry is one that nobody meets. Each check takes the folder with SUMMARY.md and returns
//! faults, so that it can be shown to fail on a made-up book.
//!
//! An entry is a definition list's. A comment behind the term names the further forms it is recognised by:
//!
//! ```text
//! Rückstau-Warteschlange (*backlog*) <!-- Formen: Warteschlange, Warteschlangen -->
//! : Verbindungen, die …
//! ```

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::ops::Range;
use std::path::Path;

use pulldown_cmark::{Event, Parser, Tag, TagEnd};
use source::MARKDOWN;

const GLOSSARY: &str = "anhang/glossar.md";

/// The Markdown that mdBook understands.
fn events(markdown: &str) -> impl Iterator<Item = (Event<'_>, Range<usize>)> {
    Parser::new_ext(markdown, MARKDOWN).into_offset_iter()
}

/// Line and column of a byte, counted from 1.
fn place(text: &str, offset: usize) -> String {
    let before = &text[..offset];
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    let line = before.matches('\n').count() + 1;
    format!("{line}:{}", before[line_start..].chars().count() + 1)
}

// ---- the glossary ----

/// One entry.
struct Term {
    /// As it is written, without the foreign word in brackets.
    name: String,
    /// By these it is recognised in a chapter; the first one is the name.
    forms: Vec<String>,
    /// The fragment mdBook gives it.
    id: String,
    /// Where it stands in the glossary.
    place: String,
}

/// The fragment mdBook makes of a heading or a term.
fn id_of(text: &str) -> String {
    let kept = |character: char| match character {
        _ if character.is_whitespace() => Some('-'),
        '_' | '-' => Some(character),
        _ => character.is_alphanumeric().then_some(character),
    };
    text.trim().to_lowercase().chars().filter_map(kept).collect()
}

/// The entries, and what is wrong about the page itself.
fn glossary(markdown: &str) -> (Vec<Term>, Vec<String>) {
    let (mut terms, mut faults) = (Vec::new(), Vec::new());
    let (mut ids, mut text, mut comments) = (HashSet::new(), String::new(), Vec::new());
    // A line above the entries may introduce them; between them it is an entry that became none.
    let (mut lists, mut depth) = (0, 0);
    for (event, range) in events(markdown) {
        let place = place(markdown, range.start);
        let mut fault =
            |what: &str| faults.push(format!("{GLOSSARY}:{place}: {}", what.trim()));
        match event {
            Event::Start(Tag::Heading { .. } | Tag::DefinitionListTitle) => {
                text.clear();
                comments.clear();
            }
            Event::Text(part) | Event::Code(part) => text.push_str(&part),
            Event::InlineHtml(html) | Event::Html(html) => {
                comments.push(html.trim().to_owned());
            }
            Event::Start(Tag::DefinitionList) => (lists, depth) = (lists + 1, depth + 1),
            Event::End(TagEnd::DefinitionList) => depth -= 1,
            Event::Start(Tag::Paragraph | Tag::HtmlBlock) if lists > 0 && depth == 0 => {
                fault("Das ist kein Eintrag: Es fehlt eine Zeile, die mit „: “ beginnt.");
            }
            Event::End(TagEnd::Heading(_)) => {
                ids.insert(id_of(&text));
            }
            Event::End(TagEnd::DefinitionListTitle) => {
                let name = text.split(" (").next().unwrap_or_default().trim().to_owned();
                let mut forms = vec![name.clone()];
                for comment in &comments {
                    let named = comment.strip_prefix("<!-- Formen: ");
                    match named.and_then(|named| named.strip_suffix(" -->")) {
                        Some(named) => forms.extend(named.split(", ").map(str::to_owned)),
                        None => fault(&format!("unverständlich: {comment}")),
                    }
                }
                let id = id_of(&text);
                if !ids.insert(id.clone()) {
                    fault(&format!("Den Anker #{id} gibt es schon."));
                }
                terms.push(Term {
                    name,
                    forms,
                    id,
                    place,
                });
            }
            _ => {}
        }
    }
    (terms, faults)
}

/// How a German dictionary sorts: umlauts as their vowels, whatever is no letter or digit as a space.
fn sort_key(name: &str) -> String {
    let lower = name.to_lowercase().replace('ß', "ss");
    let fold = |character: char| match character {
        'ä' => 'a',
        'ö' => 'o',
        'ü' => 'u',
        _ if character.is_alphanumeric() => character,
        _ => ' ',
    };
    lower.chars().map(fold).collect()
}

/// Entries out of order, and forms that stand for two terms or could never be met.
fn disorder(terms: &[Term]) -> Vec<String> {
    let mut faults = Vec::new();
    for pair in terms.windows(2) {
        let [before, after] = pair else { continue };
        if sort_key(&before.name) > sort_key(&after.name) {
            faults.push(format!(
                "{GLOSSARY}:{}: „{}“ gehört vor „{}“.",
                after.place, after.name, before.name
            ));
        }
    }
    let mut owners: HashMap<&str, &str> = HashMap::new();
    for term in terms {
        let mut fault =
            |what: String| faults.push(format!("{GLOSSARY}:{}: {what}", term.place));
        for form in &term.forms {
            if let Some(owner) = owners.insert(form, &term.name) {
                fault(format!("„{form}“ ist schon eine Form von „{owner}“."));
            }
            let words: Vec<&str> = form.split_whitespace().collect();
            if words.is_empty() || words.join(" ") != *form || form.contains(',') {
                fault(format!("„{form}“ ist keine Form."));
            }
        }
    }
    faults
}

// ---- the chapters ----

/// The pages that stand beside SUMMARY.md, in its order: introduction and chapters, no appendix.
fn chapters(text: &Path) -> Vec<String> {
    let summary = fs::read_to_string(text.join("SUMMARY.md")).unwrap();
    let pages = events(&summary).filter_map(|(event, _)| match event {
        Event::Start(Tag::Link { dest_url, .. }) => Some(dest_url.to_string()),
        _ => None,
    });
    pages.filter(|page| page.ends_with(".md") && !page.contains('/')).collect()
}

/// A byte of prose.
#[derive(Clone, Copy)]
struct Letter {
    /// Where it stands in the Markdown; `None` if it is spelled otherwise there (`&amp;`).
    source: Option<usize>,
    /// Which link to the glossary it belongs to.
    link: Option<usize>,
}

/// The running text of one paragraph, list item or table cell. What must not be linked is a single `\0` in it.
#[derive(Default)]
struct Prose {
    text: String,
    letters: Vec<Letter>,
}

impl Prose {
    fn push(&mut self, part: &str, source: Range<usize>, link: Option<usize>) {
        let spelled_out = part.len() == source.len();
        self.text.push_str(part);
        self.letters.extend((0..part.len()).map(|index| Letter {
            source: spelled_out.then_some(source.start + index),
            link,
        }));
    }

    fn push_gap(&mut self) {
        self.push("\0", 0..0, None);
    }

    /// Where a stretch of prose stands in the Markdown; `None` if markup interrupts it.
    fn source(&self, markdown: &str, stretch: Range<usize>) -> Option<usize> {
        let letters = &self.letters[stretch];
        for pair in letters.windows(2) {
            let gap = markdown.get(pair[0].source? + 1..pair[1].source?).unwrap_or("");
            if !gap.trim().is_empty() {
                return None;
            }
        }
        letters.first()?.source
    }
}

/// A chapter's running text, and the fragments its links to the glossary name.
fn prose(markdown: &str) -> (Vec<Prose>, Vec<String>) {
    let (mut all, mut current, mut links) = (Vec::new(), Prose::default(), Vec::new());
    let mut skipped = 0; // within how many things that must not be linked
    let (mut in_tag, mut link) = (false, None);
    for (event, range) in events(markdown) {
        match event {
            Event::Text(part) if skipped == 0 && !in_tag => {
                current.push(&part, range, link);
            }
            Event::SoftBreak | Event::HardBreak if skipped == 0 => {
                current.push(" ", range.start..range.start + 1, link);
            }
            Event::Start(Tag::Emphasis | Tag::Strong | Tag::Strikethrough)
            | Event::End(TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough) => {}
            Event::Start(Tag::Link { dest_url, .. }) => {
                match dest_url.strip_prefix(&format!("{GLOSSARY}#")) {
                    Some(fragment) => {
                        link = Some(links.len());
                        links.push(fragment.to_owned());
                    }
                    None => skipped += 1,
                }
            }
            Event::End(TagEnd::Link) => {
                let leads_elsewhere = link.take().is_none();
                if leads_elsewhere {
                    skipped -= 1;
                    current.push_gap();
                }
            }
            Event::InlineHtml(html) => {
                // Within a paragraph HTML is tags only, and what is between them is Markdown.
                let name = html.trim_start_matches(['<', '/']);
                let name = name.split(|c: char| !c.is_ascii_alphanumeric()).next();
                if name.is_some_and(|name| ["a", "code", "kbd"].contains(&name)) {
                    in_tag = !html.starts_with("</");
                }
                current.push_gap();
            }
            Event::Start(tag) => {
                if !matches!(tag, Tag::Image { .. }) {
                    all.push(std::mem::take(&mut current));
                    in_tag = false;
                }
                // An include that is not yet carried out: a transcript, a picture, a table.
                let include = markdown[range].starts_with("{{#");
                skipped += usize::from(match tag {
                    Tag::Paragraph => include,
                    Tag::Heading { .. } | Tag::CodeBlock(_) | Tag::HtmlBlock => true,
                    Tag::Image { .. } | Tag::TableHead => true,
                    _ => false,
                });
            }
            Event::End(tag) => {
                if tag != TagEnd::Image {
                    all.push(std::mem::take(&mut current));
                }
                skipped -= usize::from(match tag {
                    TagEnd::Paragraph => markdown[range].starts_with("{{#"),
                    TagEnd::Heading(_) | TagEnd::CodeBlock | TagEnd::HtmlBlock => true,
                    TagEnd::Image | TagEnd::TableHead => true,
                    _ => false,
                });
            }
            _ if skipped == 0 => current.push_gap(),
            _ => {}
        }
    }
    all.push(current);
    (all, links)
}

/// Where a term is met in running text.
struct Meeting {
    term: usize,
    /// The form it has there.
    form: String,
    /// The byte of the Markdown.
    source: usize,
    /// Which of the chapter's links to the glossary it belongs to.
    link: Option<usize>,
}

/// A hyphen holds a word together: „TCP-Verbindung“ is no „Verbindung“.
fn is_in_word(character: char) -> bool {
    character.is_alphanumeric() || ['_', '-', '\u{2011}'].contains(&character)
}

/// Every meeting in a chapter, in order. Where several forms fit, the longest one counts.
fn meetings(prose: &[Prose], markdown: &str, terms: &[Term]) -> Vec<Meeting> {
    let mut forms: Vec<(&str, usize)> = Vec::new();
    for (index, term) in terms.iter().enumerate() {
        forms.extend(term.forms.iter().map(|form| (form.as_str(), index)));
    }
    forms.sort_by_key(|(form, _)| std::cmp::Reverse(form.len()));

    let mut met = Vec::new();
    for prose in prose {
        let mut done = 0;
        let mut before = ' ';
        for (start, character) in prose.text.char_indices() {
            let inside = is_in_word(before);
            before = character;
            if inside || start < done {
                continue;
            }
            let rest = &prose.text[start..];
            let found = forms.iter().find_map(|(form, term)| {
                let after = rest.strip_prefix(form)?.chars().next();
                if after.is_some_and(is_in_word) {
                    return None;
                }
                let source = prose.source(markdown, start..start + form.len())?;
                Some((*form, *term, source))
            });
            if let Some((form, term, source)) = found {
                done = start + form.len();
                met.push(Meeting {
                    term,
                    form: form.to_owned(),
                    source,
                    link: prose.letters[start].link,
                });
            }
        }
    }
    met
}

/// First meetings without a link, and entries that no chapter needs.
fn missing_links(text: &Path, terms: &[Term]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut unmet: BTreeMap<usize, &Term> = terms.iter().enumerate().collect();
    for chapter in chapters(text) {
        let markdown = fs::read_to_string(text.join(&chapter)).unwrap();
        let (prose, links) = prose(&markdown);
        let mut known = HashSet::new();
        for meeting in meetings(&prose, &markdown, terms) {
            unmet.remove(&meeting.term);
            if !known.insert(meeting.term) {
                continue;
            }
            let id = &terms[meeting.term].id;
            let form = &meeting.form;
            let what = match meeting.link.map(|link| &links[link]) {
                Some(named) if named == id => continue,
                Some(named) => format!("„{form}“ verweist auf #{named} statt auf #{id}."),
                None => format!("[{form}]({GLOSSARY}#{id})"),
            };
            let place = place(&markdown, meeting.source);
            faults.push(format!("{chapter}:{place}: {what}"));
        }
    }
    let unmet = unmet.values().map(|term| {
        let Term { name, place, .. } = term;
        format!("{GLOSSARY}:{place}: „{name}“ kommt in keinem Kapitel vor.")
    });
    faults.extend(unmet);
    faults
}

/// All faults of the book in this folder.
fn faults(text: &Path) -> Vec<String> {
    let Ok(markdown) = fs::read_to_string(text.join(GLOSSARY)) else {
        return vec![format!("{GLOSSARY} fehlt.")];
    };
    let (terms, mut faults) = glossary(&markdown);
    if terms.is_empty() {
        faults.push(format!("{GLOSSARY}: kein Eintrag."));
    }
    faults.extend(disorder(&terms));
    faults.extend(missing_links(text, &terms));
    faults
}

// ---- this book ----

#[test]
fn every_term_is_linked_where_a_chapter_first_uses_it() {
    let text = Path::new(env!("CARGO_MANIFEST_DIR")).join("book/text");
    let faults = faults(&text);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

// ---- the checks can fail ----

const NONE: [&str; 0] = [];

/// A book with this glossary and one chapter.
fn book(glossary: &str, chapter: &str) -> tempfile::TempDir {
    let text = tempfile::tempdir().unwrap();
    fs::create_dir(text.path().join("anhang")).unwrap();
    for (file, content) in [
        (
            "SUMMARY.md",
            "- [Eins](eins.md)\n- [Glossar](anhang/glossar.md)\n- [Weg](anhang/weg.md)\n",
        ),
        ("anhang/weg.md", "Hier steht Socket ohne Verweis.\n"),
        ("eins.md", chapter),
        (GLOSSARY, glossary),
    ] {
        fs::write(text.path().join(file), content).unwrap();
    }
    text
}

const TERMS: &str = "# Glossar

Die Begriffe.

Event Loop <!-- Formen: Event Loops -->
: Eine Schleife.

Loop
: Noch eine.

Rückstau-Warteschlange (*backlog*) <!-- Formen: Warteschlange, Warteschlangen -->
: Verbindungen, die warten.
";

/// What is to be written into this chapter, given the three terms.
fn to_write(chapter: &str) -> Vec<String> {
    let book = book(TERMS, chapter);
    let mut faults = faults(book.path());
    faults.retain(|fault| !fault.ends_with("kommt in keinem Kapitel vor."));
    faults
}

const LOOP: &str = "[Loop](anhang/glossar.md#loop)";
const EVENT_LOOP: &str = "[Event Loop](anhang/glossar.md#event-loop)";
const QUEUE: &str = "[Warteschlangen](anhang/glossar.md#rückstau-warteschlange-backlog)";

#[test]
fn a_book_whose_first_meetings_are_linked_has_no_faults() {
    let chapter = format!(
        "Ein {EVENT_LOOP}, **{LOOP}** und\n{QUEUE}; dann Loop und\nWarteschlange ohne.\n"
    );
    assert_eq!(faults(book(TERMS, &chapter).path()), NONE);
}

#[test]
fn the_first_meeting_is_named_with_its_place_and_the_link_to_write() {
    let chapter = "# Loop\n\nÄ, zwei Warteschlangen. Ein Event\nLoop.\n\nDer Loop.\n";
    assert_eq!(
        to_write(chapter),
        [
            format!("eins.md:3:9: {QUEUE}"),
            format!("eins.md:3:29: {EVENT_LOOP}"),
            format!("eins.md:6:5: {LOOP}"),
        ]
    );
}

#[test]
fn boxes_lists_answers_bold_words_and_table_cells_are_running_text() {
    for chapter in [
        "<div class=\"box\">\n\nEin Loop.\n\n</div>\n",
        "- Ein\n  - Loop\n",
        "<details><summary>Was?</summary>\n\nEin Loop.\n\n</details>\n",
        "Ein **Loop**, `Loop`.\n",
        "„Loop“\n",
        "| Loop |\n| --- |\n| Loop |\n",
        "> Loop\n",
        "<b>Loop</b> <kbd>x\n",
        "Ein <kbd>x\n\nLoop\n",
    ] {
        let faults = to_write(chapter);
        assert!(
            faults.len() == 1 && faults[0].ends_with(LOOP),
            "{chapter}: {faults:?}"
        );
    }
}

#[test]
fn code_headings_html_other_links_includes_and_parts_of_words_are_not() {
    for chapter in [
        "`Loop`\n\n```text\nLoop\n```\n\n## Loop\n",
        "<details><summary>Loop?</summary>\n\nNein.\n\n</details>\n",
        "<figure>\n<figcaption>Loop</figcaption>\n</figure>\n",
        "Siehe [Loop](zwei.md#loop), <a href=\"x\">Loop</a>, <code lang=\"x\">Loop</code>, ![Loop](x.svg).\n",
        "{{#include ../Loop.html}}\n",
        "Loops, loop, Loop-Art, Game-Loop, Loop_1, **Lo**op\n",
        "| Loop |\n| --- |\n| Tisch |\n",
        "Eine Warte&shy;schlange.\n",
    ] {
        assert_eq!(to_write(chapter), NONE, "{chapter}");
    }
}

#[test]
fn a_link_to_the_wrong_entry_is_found() {
    let chapter = "Ein [Loop](anhang/glossar.md#event-loop).\n";
    assert_eq!(
        to_write(chapter),
        ["eins.md:1:6: „Loop“ verweist auf #event-loop statt auf #loop."]
    );
}

#[test]
fn a_later_link_does_not_replace_the_first() {
    assert_eq!(
        to_write(&format!("Loop. Ein {LOOP}.\n")),
        [format!("eins.md:1:1: {LOOP}")]
    );
}

#[test]
fn entries_that_nobody_meets_are_found() {
    assert_eq!(
        faults(book(TERMS, &format!("{LOOP} {EVENT_LOOP}\n")).path()),
        ["anhang/glossar.md:11:1: „Rückstau-Warteschlange“ kommt in keinem Kapitel vor."]
    );
}

#[test]
fn disorder_in_the_glossary_is_found() {
    let glossary = "# Glossar

Öse
: Ein Ring.

Zug <!-- Formen: Öse, Züge, -->
: Er fährt.

Ohr <!-- Anker: x -->
: Es hört.

ohr
: Kleiner.

Glossar
: Dies.

Verloren

Straße <!-- Formen: breite  Straße -->
: Ein Weg.
";
    let (terms, mut found) = self::glossary(glossary);
    found.extend(disorder(&terms));
    assert_eq!(
        found,
        [
            "anhang/glossar.md:9:1: unverständlich: <!-- Anker: x -->",
            "anhang/glossar.md:12:1: Den Anker #ohr gibt es schon.",
            "anhang/glossar.md:15:1: Den Anker #glossar gibt es schon.",
            "anhang/glossar.md:18:1: Das ist kein Eintrag: Es fehlt eine Zeile, die mit „: “ beginnt.",
            "anhang/glossar.md:9:1: „Ohr“ gehört vor „Zug“.",
            "anhang/glossar.md:15:1: „Glossar“ gehört vor „ohr“.",
            "anhang/glossar.md:6:1: „Öse“ ist schon eine Form von „Öse“.",
            "anhang/glossar.md:6:1: „Züge,“ ist keine Form.",
            "anhang/glossar.md:20:1: „breite  Straße“ ist keine Form.",
        ]
    );
}

#[test]
fn the_glossary_is_sorted_as_a_german_dictionary() {
    let sorted = [
        "Event Loop",
        "Event-Schleife",
        "Eventual",
        "Öde",
        "Ofen",
        "Straße",
        "Strassen",
    ];
    assert!(sorted.is_sorted_by_key(|name| sort_key(name)));
}

#[test]
fn a_missing_and_an_empty_glossary_are_found() {
    let book = book("# Glossar\n", "Loop\n");
    assert_eq!(faults(book.path()), ["anhang/glossar.md: kein Eintrag."]);
    fs::remove_file(book.path().join(GLOSSARY)).unwrap();
    assert_eq!(faults(book.path()), ["anhang/glossar.md fehlt."]);
}
