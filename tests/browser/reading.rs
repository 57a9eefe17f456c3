//! The book in a real browser, as a reader has it: with mouse and keyboard, live and without the server.
//! They take the better part of a minute, so they run where `CHATBUCH_INTEROP=pflicht` is set, as in `.ci/run`; elsewhere they say so and pass.
//! The first test prints how long a reader waits for the first line; no time is asserted.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testing::{DEADLINE, available, processes, say, wait_until};

use crate::chromium::{self, Browser, Key, Tab, element};
use crate::program::{ROOT, Server};

const TALK: &str = "[data-scene=\"ch01-socket-basics/gespraech\"]";
const THREE: &str = "[data-scene=\"ch05-threaded-chat/drei-clients\"]";
/// The waiter of the introduction: a tokio program.
const COOK: &str = "[data-cell=\"einleitung#1\"]";
/// So long programs may take to be gone after whoever started them.
const ORPHANS: Duration = Duration::from_secs(3);
/// The page has heard how far the work in the background is, and nothing is left to do.
const BUILT: &str = "(() => {
    const [done, of] = (document.querySelector('.notizbuch-stand')?.dataset.cells ?? '0/0').split('/');
    return of !== '0' && done === of && document.querySelector('.notizbuch-bau').childElementCount === 0;
})()";
/// So often is measured what is measured.
const ROUNDS: usize = 9;

/// Chromium, where it is wanted; there its absence is a failure.
fn browser() -> Option<Browser> {
    let wanted = std::env::var_os("CHATBUCH_INTEROP").is_some();
    let chromium = wanted.then(chromium::find).flatten();
    let is_there = available(
        chromium.is_some(),
        "Im Browser wird nur mit CHATBUCH_INTEROP=pflicht geprüft, und mit Chromium; das entfällt hier.",
    );
    is_there.then(|| Browser::start(&chromium.expect("it is there")))
}

impl Server {
    /// The address of a page, without the token.
    fn page(&self, name: &str) -> String {
        format!("http://127.0.0.1:{}/{name}", self.reader.port)
    }

    /// The address of a page with the token, as it is printed for the first one.
    fn entrance(&self, name: &str) -> String {
        format!("{}#token={}", self.page(name), self.reader.token)
    }

    /// The listings' programs and the cells that run on behalf of the server, by descent.
    fn programs(&self) -> Vec<u32> {
        let is_one = |command: &str| {
            let program = command.split(' ').next().unwrap_or_default();
            let name = program.rsplit('/').next().unwrap_or_default();
            ["ch0", "ch1", "zelle"].iter().any(|start| name.starts_with(start))
        };
        let below = processes::descendants(self.program.id()).into_iter();
        below.filter(|(_, command)| is_one(command)).map(|(pid, _)| pid).collect()
    }
}

/// Fails if any of the processes is still there after [`ORPHANS`].
fn assert_gone(programs: &[u32], why: &str) {
    wait_until(why, ORPHANS, || {
        !programs.iter().any(|pid| processes::is_alive(*pid))
    });
}

fn in_scene(scene: &str, rest: &str) -> String {
    format!("{scene} {rest}")
}

fn terminal(scene: &str, process: &str) -> String {
    format!("{scene} [data-process=\"{process}\"]")
}

/// Milliseconds from a click to the first element that fits `wanted` inside `place`.
fn first_line(tab: &Tab, clicked: &str, place: &str, wanted: &str) -> f64 {
    let time = tab.js(&format!(
        "new Promise((done) => {{
           const place = {};
           const clicked = {};
           const begun = performance.now();
           const look = () => place.querySelector({wanted}) && done(performance.now() - begun);
           new MutationObserver(look).observe(place, {{childList: true, subtree: true}});
           clicked.click(); }})",
        element(place),
        element(clicked),
        wanted = json!(wanted),
    ));
    time.as_f64().expect("a time")
}

fn median(mut times: Vec<f64>) -> String {
    times.sort_by(f64::total_cmp);
    let (least, most) = (times[0], times[times.len() - 1]);
    format!(
        "{:.1} ms (von {least:.1} bis {most:.1})",
        times[times.len() / 2]
    )
}

#[test]
fn a_reader_plays_scenes_and_runs_cells() {
    let Some(browser) = browser() else { return };
    nothing_is_left_to_compile(&browser);
    let server = Server::start(Path::new(ROOT));
    let tab = browser.tab();
    // The address as it is printed: the front page, a copy of the first chapter.
    tab.open(&server.entrance(""));
    the_first_cell_runs(&tab);
    everything_gets_built(&tab);
    page_and_server_agree_on_the_cells(&server, &tab);
    a_scene_is_performed_and_compared(&tab);
    only_the_order_that_counts_is_compared(&tab);
    what_the_scene_masks_is_no_difference(&tab);
    what_a_reader_waits_for(&tab);
    a_cell_is_run_broken_repaired_and_reset(&tab);
    an_endless_loop_is_stopped(&server, &tab);
    what_is_copied_can_be_pasted(&server, &tab);
    the_keyboard_is_enough(&server, &tab);
    a_reader_types_into_two_clients(&server, &tab);
    two_tabs_run_at_once(&server, &browser, &tab);
    who_leaves_takes_everything_along(&server, &browser);
    a_reader_measures(&server, &browser);
    a_narrow_page_does_not_overflow(&server, &tab);
    without_the_token_nothing_runs(&server, &browser.tab());
    let none: Vec<String> = Vec::new();
    assert_eq!(browser.complaints(), none);

    // The very last: a server that is killed takes its programs along, and the page says so.
    tab.open(&server.page("threads.html"));
    tab.click(&in_scene(THREE, "[data-action=\"run\"]"));
    tab.wait_for_text(&terminal(THREE, "Anna"), "Verbunden");
    let programs = server.programs();
    assert!(!programs.is_empty(), "programs run");
    drop(server);
    assert_gone(&programs, "the server was killed");
    tab.wait_for_text(&in_scene(THREE, ".szene-sagt"), "unterbrochen");
    tab.wait_for_text(".notizbuch-stand", "unterbrochen");
}

/// On a fresh clone the crates of the cells have to be compiled first, and that takes minutes. A reader waits for
/// it once; what is measured below is every other start.
fn nothing_is_left_to_compile(browser: &Browser) {
    let server = Server::start(Path::new(ROOT));
    let tab = browser.tab();
    let begun = Instant::now();
    tab.open(&server.entrance(""));
    tab.wait_for("document.documentElement.classList.contains('notizbuch-live')");
    tab.wait_at_most(Duration::from_secs(600), BUILT);
    say(&format!(
        "alles übersetzt nach {:.0} s",
        begun.elapsed().as_secs_f64()
    ));
    tab.close();
}

fn the_first_cell_runs(tab: &Tab) {
    assert_eq!(
        tab.js("location.hash"),
        "",
        "the token leaves the address bar"
    );
    tab.wait_for(&element(&format!("{COOK} [data-action=\"run\"]")));
    let run = format!("{COOK} [data-action=\"run\"]");
    let time = first_line(tab, &run, &format!("{COOK} output"), ".out");
    say(&format!("erste Zelle nach dem Start: {time:.0} ms"));
    tab.wait_for_text(COOK, "Die Ausgabe ist die im Buch");
}

fn everything_gets_built(tab: &Tab) {
    let begun = Instant::now();
    tab.wait_for(BUILT);
    say(&format!(
        "alles vorbereitet nach weiteren {:.1} s",
        begun.elapsed().as_secs_f64()
    ));
}

/// The server numbers the programs of the source; the page finds them again by their texts.
fn page_and_server_agree_on_the_cells(server: &Server, tab: &Tab) {
    let source = source::load(Path::new(ROOT)).expect("the book's source is in order");
    let mut cells = source.cells();
    let names: Vec<String> = source
        .chapters
        .iter()
        .map(|chapter| chapter.path.with_extension("").display().to_string())
        .collect();
    assert!(!cells.is_empty());
    for name in names {
        tab.open(&server.page(&format!("{name}.html")));
        tab.wait_for("document.documentElement.classList.contains('notizbuch-live')");
        let (own, rest): (Vec<_>, Vec<_>) = cells
            .into_iter()
            .partition(|(id, _)| id.rsplit_once('#').is_some_and(|(page, _)| page == name));
        cells = rest;
        let known: Vec<_> =
            own.iter().map(|(id, program)| json!([id, program.trim_end()])).collect();
        // The server tells them after it has let the page in.
        tab.wait_for(&format!(
            "document.querySelectorAll('[data-cell]').length === {}",
            known.len()
        ));
        let shown = tab.js(
            "[...document.querySelectorAll('[data-cell]')].map((cell) =>
               [cell.dataset.cell, cell.querySelector(':scope > pre > code').textContent.trimEnd()])",
        );
        assert_eq!(shown, json!(known), "{name}");
    }
    assert_eq!(cells, [], "cells on no page");
    tab.open(&server.page("einleitung.html"));
    tab.wait_for("document.documentElement.classList.contains('notizbuch-live')");
}

/// How many differences the page sees between a recording and a run that are made up of printed lines;
/// `⇅` marks those that come in any order.
fn differences(tab: &Tab, recording: &[&str], run: &[&str], masks: Value) -> Value {
    let events = |lines: &[&str]| -> Vec<Value> {
        let event = |line: &&str| {
            let text = line.trim_start_matches('⇅');
            json!({"who": "A", "kind": "out", "text": text, "free": text != *line})
        };
        lines.iter().map(event).collect()
    };
    tab.js(&format!(
        "Chatbuch.compare({{processes: [{{name: 'A', colour: 1, ordered: true}}], events: {}}}, {}, {masks})
           .flatMap((part) => [...part.querySelectorAll('[data-difference]:not([data-difference=\"same\"])')]).length",
        json!(events(recording)),
        json!(events(run)),
    ))
}

fn only_the_order_that_counts_is_compared(tab: &Tab) {
    let recording = ["Mia", "Benno", "⇅Mia", "⇅Benno"];
    for (run, expected) in [
        (["Mia", "Benno", "Mia", "Benno"], 0),
        (["Mia", "Benno", "Benno", "Mia"], 0),
        (["Benno", "Mia", "Mia", "Benno"], 2),
        (["Mia", "Benno", "Mia", "Tonga"], 2),
    ] {
        assert_eq!(
            differences(tab, &recording, &run, json!({"masks": [], "again": []})),
            json!(expected),
            "{run:?}"
        );
    }
}

fn what_the_scene_masks_is_no_difference(tab: &Tab) {
    let masks = json!({
        "masks": [["(Kern|Last) [0-9]+ %", "$1 …"], ["[0-9]+ ms", "…"]],
        "again": ["^Versuch"],
    });
    for (recording, run, expected) in [
        (
            ["Versuch 1", "da"],
            &["Versuch 1", "Versuch 2", "da"][..],
            0,
        ),
        (["Versuch 1", "da"], &["da"], 1),
        (["Versuch 1", "da"], &["Versuch 1", "da", "Versuch 2"], 1),
    ] {
        let seen = differences(tab, &recording, run, masks.clone());
        assert_eq!(seen, json!(expected), "{run:?}");
    }
    let recording = ["Kern 7 %, nach 12 ms", "12 s"];
    for (run, expected) in [
        (["Kern 99 %, nach 3 ms", "12 s"], 0),
        (["Last 7 %, nach 12 ms", "12 s"], 2), // missing and new
        (["Kern 7 %, nach 12 ms", "13 s"], 1), // another number
    ] {
        let masks = masks.clone();
        assert_eq!(
            differences(tab, &recording, &run, masks),
            json!(expected),
            "{run:?}"
        );
    }
}

fn a_scene_is_performed_and_compared(tab: &Tab) {
    tab.click(&in_scene(TALK, "[data-action=\"run\"]"));
    tab.wait_for_text(&terminal(TALK, "Client"), "› Hallo, ist da jemand?");
    tab.wait_for_text(&in_scene(TALK, ".szene-sagt"), "Zu Ende");
    assert_eq!(
        tab.js(&format!(
            "getComputedStyle({}).display",
            element(&in_scene(TALK, "table"))
        )),
        "none"
    );
    tab.click(&in_scene(TALK, "[data-action=\"compare\"]"));
    for process in ["Server", "Client"] {
        let section = in_scene(TALK, &format!("[data-compare=\"{process}\"]"));
        tab.wait_for_text(&section, "wie in der Aufzeichnung");
        let other = format!("{section} [data-difference]:not([data-difference=\"same\"])");
        assert_eq!(
            tab.js(&element(&other)),
            json!(null),
            "{}",
            tab.text(&section)
        );
    }
    tab.click(&in_scene(TALK, "[data-action=\"transcript\"]"));
    tab.wait_for(&format!(
        "{}.checkVisibility()",
        element(&in_scene(TALK, "table"))
    ));
    tab.click(&in_scene(TALK, "[data-action=\"replay\"]"));
    tab.wait_for_text(
        &terminal(TALK, "Server"),
        "Server lauscht auf 127.0.0.1:5000",
    );
    tab.wait_for_text(&in_scene(TALK, ".szene-sagt"), "Aufzeichnung");
}

fn what_a_reader_waits_for(tab: &Tab) {
    let run = in_scene(TALK, "[data-action=\"run\"]");
    let server = terminal(TALK, "Server");
    tab.wait_for(&element(&run));
    let scenes = (0..ROUNDS).map(|_| {
        let time = first_line(tab, &run, &server, ".out");
        tab.click(&in_scene(TALK, "[data-action=\"stop\"]"));
        tab.wait_for_text(&in_scene(TALK, ".szene-sagt"), "Zu Ende");
        time
    });
    say(&format!(
        "Klick bis zur ersten Zeile eines Listings: {}",
        median(scenes.collect())
    ));

    let run = format!("{COOK} [data-action=\"run\"]");
    let output = format!("{COOK} output");
    let as_it_is = |_| {
        tab.wait_for(&format!(
            "{}.hidden",
            element(&format!("{COOK} [data-action=\"stop\"]"))
        ));
        first_line(tab, &run, &output, ".out")
    };
    tab.reload();
    tab.wait_for(&element(&run));
    let times: Vec<f64> = (0..ROUNDS).map(as_it_is).collect();
    say(&format!(
        "Klick bis zur ersten Zeile einer Zelle: {}",
        median(times)
    ));

    tab.click(&format!("{COOK} [data-action=\"edit\"]"));
    let edited = |round: usize| {
        edit(tab, &format!("value.replace(/Suppe\\d*/, 'Suppe{round}')"));
        as_it_is(round)
    };
    let times: Vec<f64> = (0..ROUNDS).map(edited).collect();
    say(&format!(
        "Änderung bis zur ersten Zeile (tokio): {}",
        median(times)
    ));
    tab.click(&format!("{COOK} [data-action=\"reset\"]"));
}

/// Replaces the cell's text as typing would.
fn edit(tab: &Tab, change: &str) {
    tab.js(&format!(
        "(() => {{ const text = {}; const {{value}} = text;
           text.focus(); text.select(); document.execCommand('insertText', false, {change}); }})()",
        element(&format!("{COOK} textarea"))
    ));
}

fn a_cell_is_run_broken_repaired_and_reset(tab: &Tab) {
    let (run, text) = (
        format!("{COOK} [data-action=\"run\"]"),
        format!("{COOK} textarea"),
    );
    tab.click(&run);
    tab.wait_for_text(COOK, "Die Ausgabe ist die im Buch");

    tab.click(&format!("{COOK} [data-action=\"edit\"]"));
    edit(tab, "value.replace('\"Suppe\"', '\"Borschtsch\"')");
    tab.click(&run);
    tab.wait_for_text(&format!("{COOK} output"), "gleichzeitig: 2 s");

    edit(tab, "value.replace('let served', 'let <i>served')");
    let broken = tab.js(&format!(
        "{}.value.split('\\n').findIndex((line) => line.includes('<i>')) + 1",
        element(&text)
    ));
    tab.click(&run);
    tab.wait_for_text(&format!("{COOK} output"), "error");
    tab.wait_for_text(
        &format!("{COOK} .zelle-sagt"),
        &format!("Fehler in Zeile {broken}"),
    );
    let marked = format!("{COOK} .nummern span:nth-child({broken}).fehler");
    tab.wait_for(&element(&marked));
    assert_eq!(
        tab.js(&element(&format!("{COOK} output i"))),
        json!(null),
        "output is text, never HTML"
    );

    edit(tab, "value.replace('<i>', '')");
    tab.click(&run);
    tab.wait_for_text(&format!("{COOK} .zelle-sagt"), "Zu Ende");

    edit(tab, "value.replace('nacheinander', 'der Reihe nach')");
    tab.reload();
    tab.wait_for(&format!(
        "{}?.value.includes('der Reihe nach')",
        element(&text)
    ));
    tab.click(&run);
    tab.wait_for_text(&format!("{COOK} output"), "der Reihe nach: 6 s");

    tab.click(&format!("{COOK} [data-action=\"reset\"]"));
    tab.wait_for(&format!(
        "{}.checkVisibility()",
        element(&format!("{COOK} > pre"))
    ));
    assert_eq!(
        tab.js("Object.keys(localStorage).filter((key) => key.includes('cell')).length"),
        0
    );
    tab.click(&run);
    tab.wait_for_text(COOK, "Die Ausgabe ist die im Buch");

    // A text that an older book left behind is offered, not taken for the present one.
    tab.js("localStorage.setItem('chatbuch-cell:einleitung#1', JSON.stringify({hash: 'alt', source: 'fn main() {}'}))");
    tab.reload();
    tab.wait_for_text(COOK, "hat sich im Buch geändert");
    assert_eq!(
        tab.js(&format!("{}.checkVisibility()", element(&text))),
        false
    );
    tab.click(&format!("{COOK} [data-action=\"discard\"]"));
}

fn an_endless_loop_is_stopped(server: &Server, tab: &Tab) {
    tab.click(&format!("{COOK} [data-action=\"edit\"]"));
    edit(tab, "'fn main() { println!(\"los\"); loop {} }'");
    tab.press_with(Key::Enter, true);
    tab.wait_for_text(&format!("{COOK} output"), "los");
    let programs = server.programs();
    assert!(!programs.is_empty(), "the cell runs");
    // Outside of all fields this key turns the page, and that would end what runs.
    tab.js("document.activeElement.blur()");
    tab.press(Key::Right);
    tab.click(&format!("{COOK} [data-action=\"stop\"]"));
    tab.wait_for_text(&format!("{COOK} .zelle-sagt"), "Gestoppt");
    assert_gone(&programs, "Stop was pressed");
    tab.click(&format!("{COOK} [data-action=\"reset\"]"));
}

/// Of commands the commands, of a program also the lines that are hidden.
fn what_is_copied_can_be_pasted(server: &Server, tab: &Tab) {
    tab.open(&server.page("sockets.html"));
    // Whether Chromium lets a page write there is a question of its own.
    tab.js("Object.defineProperty(navigator, 'clipboard', {value: {writeText: async (text) => { window.copied = text; }}})");
    let copied = |code: &str| {
        tab.js(&format!(
            "{}.closest('pre').querySelector('.clip-button').click()",
            element(code)
        ));
        tab.wait_for("window.copied");
        tab.wait_for_text(".clip-button.tooltipped", "Kopiert");
        let copied = tab.js(
            "(() => { const text = window.copied; delete window.copied; return text; })()",
        );
        copied.as_str().expect("a text").to_owned()
    };
    let commands = copied("main code.language-console");
    assert!(commands.starts_with("cargo run --bin "), "{commands}");
    assert!(
        commands.lines().all(|line| !line.starts_with("$ ")),
        "{commands}"
    );
    let program = copied("main pre > code.language-rust:has(.boring)");
    assert!(program.contains("fn main()"), "{program}");
}

fn the_keyboard_is_enough(server: &Server, tab: &Tab) {
    tab.open(&server.page("einleitung.html"));
    let text = format!("{COOK} textarea");
    tab.wait_for(&element(&format!("{COOK} [data-action=\"edit\"]")));
    tab.tab_to(&format!("{COOK} [data-action=\"edit\"]"));
    tab.press(Key::Enter);
    tab.wait_for(&format!("document.activeElement === {}", element(&text)));
    tab.press(Key::Tab);
    tab.press(Key::Right);
    tab.wait_for(&format!(
        "{}.value.includes('    use') || {0}.value.endsWith('    ')",
        element(&text)
    ));
    tab.press_with(Key::Enter, true);
    tab.wait_for_text(&format!("{COOK} output"), "gleichzeitig: 2 s");
    tab.press(Key::Escape);
    tab.press(Key::Tab);
    tab.wait_for(&format!(
        "document.activeElement === {}",
        element(&format!("{COOK} [data-action=\"run\"]"))
    ));
    tab.tab_to(&format!("{COOK} [data-action=\"reset\"]"));
    tab.press(Key::Space);
    tab.wait_for(&format!(
        "document.activeElement === {}",
        element(&format!("{COOK} [data-action=\"edit\"]"))
    ));

    // A scene: choose the mode with an arrow, start, type, end.
    tab.tab_to(&in_scene(TALK, "[name=\"mode\"]"));
    tab.press(Key::Right);
    tab.wait_for(&format!(
        "{}.checked",
        element(&in_scene(TALK, "[name=\"mode\"][value=\"self\"]"))
    ));
    assert!(
        tab.js("location.pathname")
            .as_str()
            .is_some_and(|path| path.ends_with("einleitung.html"))
    );
    tab.js("document.activeElement.blur()");
    tab.tab_to(&in_scene(TALK, "[data-action=\"run\"]"));
    tab.press(Key::Enter);
    let client = terminal(TALK, "Client");
    tab.wait_for_text(&client, "Verbunden");
    tab.tab_to(&format!("{client} input"));
    tab.type_text("Nur Tasten");
    tab.press(Key::Enter);
    tab.wait_for_text(&terminal(TALK, "Server"), "Client: Nur Tasten");
    tab.wait_for(&format!(
        "{}.value === ''",
        element(&format!("{client} input"))
    ));
    // Arrows in a terminal do not turn the page: that would end what runs.
    tab.js(&format!(
        "{}.focus()",
        element(&format!("{client} [role=\"log\"]"))
    ));
    tab.press(Key::Right);
    tab.tab_to(&in_scene(TALK, "[data-action=\"stop\"]"));
    tab.press(Key::Enter);
    tab.wait_for_text(&in_scene(TALK, ".szene-sagt"), "Zu Ende");
    // Whoever pressed the button that vanished is still in the scene.
    assert_eq!(
        tab.js(&format!(
            "{}.contains(document.activeElement)",
            element(TALK)
        )),
        true
    );
}

fn a_reader_types_into_two_clients(server: &Server, tab: &Tab) {
    tab.open(&server.page("threads.html"));
    tab.click(&in_scene(THREE, "[name=\"mode\"][value=\"self\"]"));
    tab.click(&in_scene(THREE, "[data-action=\"run\"]"));
    let (anna, ben) = (terminal(THREE, "Anna"), terminal(THREE, "Ben"));
    let say = |terminal: &str, line: &str| {
        tab.click(&format!("{terminal} input"));
        tab.type_text(line);
        tab.press(Key::Enter);
    };
    tab.wait_for_text(&anna, "Verbunden");
    say(&anna, "Anna");
    tab.wait_for_text(&terminal(THREE, "Server"), "Anna ist da");
    tab.wait_for_text(&ben, "Verbunden");
    say(&ben, "Ben");
    tab.wait_for_text(&anna, "* Ben ist da");
    say(&anna, "Hallo <b>Ben</b>!");
    tab.wait_for_text(&ben, "Anna: Hallo <b>Ben</b>!");
    say(&ben, "Hallo Anna!");
    tab.wait_for_text(&anna, "Ben: Hallo Anna!");
    assert_eq!(
        tab.js(&element(&format!("{THREE} [role=\"log\"] b"))),
        json!(null),
        "output is text, never HTML"
    );

    tab.click(&in_scene(THREE, "[data-action=\"add-client\"]"));
    tab.wait_for_text(&terminal(THREE, "Client 2"), "Verbunden");
    say(&terminal(THREE, "Client 2"), "Dora");
    tab.wait_for_text(&anna, "* Dora ist da");
    tab.click(&format!("{ben} [data-action=\"eof\"]"));
    tab.wait_for_text(&anna, "* Ben ist weg");
    tab.wait_for_text(&ben, "endet mit Status 0");
    tab.click(&format!("{ben} [data-action=\"start-process\"]"));
    tab.wait_for(&format!("!{}.disabled", element(&format!("{ben} input"))));

    let programs = server.programs();
    assert!(programs.len() >= 4, "{programs:?}");
    tab.click(&in_scene(THREE, "[data-action=\"stop\"]"));
    tab.wait_for_text(&in_scene(THREE, ".szene-sagt"), "Zu Ende");
    assert_gone(&programs, "Stop was pressed");
    tab.click(&in_scene(THREE, "[data-action=\"compare\"]"));
    tab.wait_for_text(&in_scene(THREE, "[data-compare=\"Anna\"]"), "Unterschiede");
    tab.wait_for_text(
        &in_scene(THREE, "[data-compare=\"Client 2\"]"),
        "nicht in der Aufzeichnung",
    );
}

fn two_tabs_run_at_once(server: &Server, browser: &Browser, one: &Tab) {
    one.open(&server.page("threads.html"));
    // The other tab has never seen the token: the first one lends it.
    let other = browser.tab();
    other.open(&server.page("einleitung.html"));
    other.wait_for(&element(&in_scene(TALK, "[data-action=\"run\"]")));
    one.click(&in_scene(THREE, "[name=\"mode\"][value=\"self\"]"));
    one.click(&in_scene(THREE, "[data-action=\"run\"]"));
    other.click(&in_scene(TALK, "[name=\"mode\"][value=\"self\"]"));
    other.click(&in_scene(TALK, "[data-action=\"run\"]"));
    one.wait_for_text(&terminal(THREE, "Anna"), "Verbunden");
    other.wait_for_text(&terminal(TALK, "Client"), "Verbunden");
    other.click(&in_scene(TALK, "[data-action=\"stop\"]"));
    other.wait_for_text(&in_scene(TALK, ".szene-sagt"), "Zu Ende");
    assert!(
        !server.programs().is_empty(),
        "the other tab's programs go on"
    );
    let programs = server.programs();
    // Another page is shown: what ran on this one ends.
    one.open(&server.page("sockets.html"));
    assert_gone(&programs, "another page is shown");
    other.close();
}

fn who_leaves_takes_everything_along(server: &Server, browser: &Browser) {
    let tab = browser.tab();
    tab.open(&server.entrance("threads.html"));
    let start = || {
        tab.click(&in_scene(THREE, "[data-action=\"run\"]"));
        tab.wait_for_text(&terminal(THREE, "Ben"), "Verbunden");
        // A program that is just being started may not be listed yet.
        let end = Instant::now() + ORPHANS;
        loop {
            let programs = server.programs();
            if programs.len() >= 3 {
                return programs;
            }
            assert!(Instant::now() < end, "{programs:?}");
        }
    };
    let programs = start();
    tab.reload();
    assert_gone(&programs, "the tab was reloaded");
    tab.wait_for(&element(&in_scene(THREE, "[data-action=\"run\"]")));
    let programs = start();
    tab.close();
    assert_gone(&programs, "the tab was closed");
}

/// A measurement is stopped, runs to its end, and is left; what it came to stands in a table and in the figures.
fn a_reader_measures(server: &Server, browser: &Browser) {
    let tab = browser.tab();
    tab.open(&server.entrance("c10k.html"));
    let in_laboratory = |rest: &str| format!("[data-measure=\"c10k\"] {rest}");
    let start = || {
        tab.wait_for(&element(&in_laboratory(
            "[data-action=\"run\"]:not([hidden])",
        )));
        tab.click(&in_laboratory("[data-action=\"run\"]"));
        // At first everything has to be built.
        tab.wait_at_most(
            Duration::from_secs(600),
            &format!(
                "{}.textContent.includes(' von ')",
                element(&in_laboratory(".labor-schritt"))
            ),
        );
        let end = Instant::now() + DEADLINE;
        loop {
            let programs = server.programs();
            if programs.len() == 2 {
                return programs;
            }
            assert!(Instant::now() < end, "a server and a load: {programs:?}");
        }
    };
    let says = in_laboratory(".labor-sagt");

    let programs = start();
    tab.click(&in_laboratory("[data-action=\"stop\"]"));
    assert_gone(&programs, "the measurement was stopped");
    tab.wait_for_text(&says, "Gestoppt");

    start();
    let begun = Instant::now();
    tab.wait_for_text(&says, "Gemessen");
    say(&format!(
        "gemessen in {:.1} s",
        begun.elapsed().as_secs_f64()
    ));
    let result = in_laboratory(".labor-ergebnis");
    tab.wait_for_text(&result, "Ihr Rechner mit 1.000 Verbindungen, Median aus");
    tab.wait_for_text(&result, "Event Loop von Hand (mio)");
    let rings =
        "document.querySelectorAll('svg#c10k-durchsatz .ihr-rechner circle').length";
    let figures = "document.querySelectorAll('svg#c10k-durchsatz').length";
    assert_eq!(tab.js(&format!("({figures} > 0) === ({rings} > 0)")), true);

    let programs = start();
    tab.open(&server.page("threads.html"));
    assert_gone(&programs, "the page was left");
    tab.close();
}

fn a_narrow_page_does_not_overflow(server: &Server, tab: &Tab) {
    tab.width(390);
    tab.open(&server.page("threads.html"));
    tab.click(&in_scene(THREE, "[data-action=\"run\"]"));
    tab.wait_for_text(&terminal(THREE, "Carla"), "Verbunden");
    assert_eq!(tab.js("document.documentElement.scrollWidth"), 390);
    tab.click(&in_scene(THREE, "[data-action=\"stop\"]"));
    tab.wait_for_text(&in_scene(THREE, ".szene-sagt"), "Zu Ende");
    tab.width(1200);
}

fn without_the_token_nothing_runs(server: &Server, tab: &Tab) {
    // localhost is another origin: no other tab can lend its token there.
    let page = server.page("einleitung.html").replace("127.0.0.1", "localhost");
    tab.open(&page);
    tab.wait_for_text(".notizbuch-stand", "#token=");
    assert_eq!(tab.js(&element("[data-action=\"run\"]")), json!(null));
    let height = format!("{}.getClientRects().length", element(".notizbuch-stand"));
    assert_eq!(tab.js(&height), json!(1));
    tab.click(".notizbuch-zu");
    assert_eq!(tab.js(&height), json!(0), "what was closed is gone");
    assert_ne!(
        tab.js(&element(&in_scene(TALK, "[data-action=\"replay\"]"))),
        json!(null)
    );
}

#[test]
fn without_the_server_recordings_play_and_no_button_is_dead() {
    let Some(browser) = browser() else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    site::build(Path::new(ROOT), &folder.path().join("buch")).expect("the book builds");
    let page =
        |name: &str| format!("file://{}", folder.path().join("buch").join(name).display());

    let tab = browser.tab();
    tab.open(&page("threads.html"));
    assert_eq!(
        tab.js(&element("[data-action=\"run\"], [data-action=\"edit\"]")),
        json!(null)
    );
    tab.click(&in_scene(THREE, "[data-action=\"replay\"]"));
    tab.wait_for_text(&in_scene(THREE, ".szene-sagt"), "cargo run");
    tab.click(&in_scene(THREE, "[data-action=\"faster\"]"));
    tab.click(&in_scene(THREE, "[data-action=\"faster\"]"));
    tab.wait_for_text(&in_scene(THREE, "[data-action=\"faster\"]"), "4×");
    tab.click(&in_scene(THREE, "[data-action=\"pause\"]"));
    let count = || {
        tab.js(&format!(
            "document.querySelectorAll({}).length",
            json!(in_scene(THREE, ".zeile"))
        ))
    };
    let before = count();
    tab.click(&in_scene(THREE, "[data-action=\"step\"]"));
    tab.wait_for(&format!(
        "document.querySelectorAll({}).length === {before} + 1",
        json!(in_scene(THREE, ".zeile"))
    ));
    tab.click(&in_scene(THREE, "[data-action=\"pause\"]"));
    tab.wait_for_text(&in_scene(THREE, ".szene-sagt"), "zu Ende");
    // Every event of the recording was shown, and nothing else.
    let rows = tab.js(&format!(
        "document.querySelectorAll({}).length",
        json!(in_scene(THREE, "tr[data-kind]"))
    ));
    assert_eq!(count(), rows);
    tab.click(&in_scene(THREE, "[data-action=\"transcript\"]"));
    tab.wait_for(&format!(
        "{}.checkVisibility()",
        element(&in_scene(THREE, "table"))
    ));

    // Who wishes little motion gets it step by step, and time only when asked for.
    tab.prefer("prefers-reduced-motion", "reduce");
    tab.reload();
    tab.click(&in_scene(THREE, "[data-action=\"replay\"]"));
    tab.wait_for_text(&in_scene(THREE, ".szene-sagt"), "Schritt für Schritt");
    assert_eq!(count(), 1);
    tab.click(&in_scene(THREE, "[data-action=\"step\"]"));
    assert_eq!(count(), 2);

    // Every scene of every page: its recording is understood, down to the last row.
    for page in [
        "einleitung",
        "sockets",
        "zeitserver",
        "blockierend",
        "peer-synchron",
        "event-loop",
    ]
    .map(|name| page(&format!("{name}.html")))
    {
        tab.open(&page);
        let lost = tab.js(
            "Chatbuch.scenes.filter(({figure, recording}) =>
               figure.querySelectorAll('tr[data-kind]').length !== recording.events.filter(({kind}) => kind !== 'quiet').length
               || recording.processes.length === 0).map(({id}) => id)",
        );
        assert_eq!(lost, json!([]), "{page}");
    }
    let none: Vec<String> = Vec::new();
    assert_eq!(browser.complaints(), none);
}
