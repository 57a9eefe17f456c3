//! The figures say what their measurement says: those in the repository are drawn from the JSON beside them, and
//! made-up measurements – a model missing, a failure, one number of connections, a system that does not say – make
//! sensible ones.

use std::fs;
use std::path::Path;

use measure::c10k::report::{C10kReport, Trial};
use measure::figures::{self, Drawn, OwnValue, Picture, c10k};
use measure::herd::{Herd, HerdReport};
use scraper::{Html, Selector};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

// ---- what the repository keeps ----

#[test]
fn the_kept_figures_are_what_their_json_says() {
    let (drawn, missing) = figures::draw(Path::new(ROOT)).unwrap();
    let read = |file: &Path| fs::read_to_string(Path::new(ROOT).join(file));
    for Drawn { file, content } in drawn {
        let kept = read(&file).unwrap_or_default().replace("\r\n", "\n");
        assert!(
            kept == content,
            "{} zeigt nicht, was gemessen wurde. Abhilfe: cargo run -- figures",
            file.display()
        );
    }
    assert!(missing.is_empty(), "{missing:?}");
}

// ---- all of them anew ----

/// What is told, and the error if there is one.
fn redrawn(root: &Path) -> (String, Option<String>) {
    let mut told = String::new();
    let outcome = figures::redraw(root, &mut |sentence| {
        told.push_str(&sentence);
        told.push('\n');
    });
    (told, outcome.err().map(|error| format!("{error:#}")))
}

#[test]
fn everything_that_is_there_is_drawn_and_what_is_missing_is_said() {
    let root = tempfile::tempdir().unwrap();
    let kept = root.path().join(measure::kept::FOLDER);
    fs::create_dir_all(&kept).unwrap();
    let chapters = root.path().join("book/text/anhang");
    fs::create_dir_all(&chapters).unwrap();
    let include = |name: &str| {
        let text =
            format!("Es sind {{{{#include ../../measurements/c10k-zahlen.txt:{name}}}}}.");
        fs::write(chapters.join("eins.md"), text).unwrap();
    };
    include("dateien");

    let (_, error) = redrawn(root.path());
    assert_eq!(
        error.as_deref(),
        Some("Es ist keine Messung aufgehoben, also gibt es nichts zu zeichnen.")
    );

    fs::write(kept.join("c10k.json"), measure::kept::json(&made())).unwrap();
    fs::write(kept.join("herde.json"), measure::kept::json(&herds())).unwrap();
    for news in ["neu gezeichnet", "wie bisher"] {
        let (told, error) = redrawn(root.path());
        assert_eq!(error, None);
        assert!(
            told.contains("chat.json fehlt; diese Messung macht: cargo run"),
            "{told}"
        );
        for name in [
            "c10k.html",
            "c10k-verbindung.html",
            "c10k-million.html",
            "c10k-zahlen.txt",
            "c10k-speicher.svg",
            "c10k-durchsatz.svg",
            "c10k-antwortzeit.svg",
            "herde.svg",
        ] {
            assert!(
                told.replace('\\', "/")
                    .contains(&format!("book/measurements/{name}: {news}")),
                "{told}"
            );
            assert!(kept.join(name).is_file());
        }
    }

    // Of all the numbers only those that a chapter includes.
    let numbers = || fs::read_to_string(kept.join("c10k-zahlen.txt")).unwrap();
    assert_eq!(
        numbers(),
        "ANCHOR: dateien\n1.048.576\nANCHOR_END: dateien\n"
    );
    include("herde-tasks-belegt");
    assert_eq!(redrawn(root.path()).1, None);
    assert!(numbers().starts_with("ANCHOR: herde-tasks-belegt\n303\u{202f}KiB\n"));
    include("7-tokio-belegt");
    let (_, error) = redrawn(root.path());
    let unknown = "c10k.json: Ein Kapitel nennt die Zahl „7-tokio-belegt“, aber so eine ist nicht gemessen";
    assert_eq!(error.as_deref(), Some(unknown));

    fs::write(kept.join("c10k.json"), "{}").unwrap();
    let (_, error) = redrawn(root.path());
    let error = error.unwrap();
    assert!(
        error.contains("c10k.json: das ist keine Messung dieser Art"),
        "{error}"
    );
}

// ---- made-up measurements ----

fn made() -> C10kReport {
    crate::fixture::report(&[100, 1_000, 10_000], 5)
}

fn pictures(report: &C10kReport) -> [Picture; 3] {
    [c10k::memory, c10k::throughput, c10k::latency].map(|draw| draw(report, None))
}

fn texts(svg: &str) -> Vec<String> {
    let texts = Selector::parse("text").unwrap();
    let html = Html::parse_fragment(svg);
    html.select(&texts).map(|text| text.text().collect()).collect()
}

fn said(svg: &str) -> String {
    let html = Html::parse_fragment(svg);
    let desc = Selector::parse("desc").unwrap();
    html.select(&desc).next().unwrap().text().collect()
}

/// What a text takes at the size of the small ones, about as a browser sets it.
fn at_most(text: &str) -> f64 {
    let narrow = |letter: char| "iljI.,:;'|!ftr()-„“– \u{202f}".contains(letter);
    let widths = text.chars().map(|letter| if narrow(letter) { 0.33 } else { 0.57 });
    13.0 * widths.sum::<f64>()
}

/// Everything that must hold for every figure.
fn assert_sound(svg: &str) {
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
    assert!(
        svg.lines().all(|line| !line.trim().is_empty()),
        "an empty line ends the HTML block"
    );
    for foreign in [
        "#", "font-", "style=", "href", "NaN", "inf", "{{", "opacity",
    ] {
        let without_escapes = svg.replace("&#", "");
        assert!(!without_escapes.contains(foreign), "{foreign}: {svg}");
    }
    assert!(svg.contains("role=\"img\"") && said(svg).len() > 20);
    // Nothing lies outside.
    let html = Html::parse_fragment(svg);
    let root = html.select(&Selector::parse("svg").unwrap()).next().unwrap();
    let frame: Vec<f64> =
        root.attr("viewBox").unwrap().split(' ').map(|n| n.parse().unwrap()).collect();
    assert!(
        frame[2] <= 420.0,
        "on a telephone its letters would be too small"
    );
    for element in html.select(&Selector::parse("[x], [cx], [points]").unwrap()) {
        let value = |name| element.attr(name).map(|n| n.parse::<f64>().unwrap());
        let mut places = vec![(
            value("x").or(value("cx")).unwrap_or(0.0),
            value("y").or(value("cy")).unwrap_or(0.0),
        )];
        for point in
            element.attr("points").unwrap_or_default().split(' ').filter(|p| !p.is_empty())
        {
            let (x, y) = point.split_once(',').unwrap();
            places.push((x.parse().unwrap(), y.parse().unwrap()));
        }
        if element.value().name() == "text" {
            let (x, _) = places[0];
            let takes = at_most(&element.text().collect::<String>());
            let (from, to) = match element.attr("text-anchor") {
                Some("end") => (x - takes, x),
                Some("middle") => (x - takes / 2.0, x + takes / 2.0),
                _ => (x, x + takes),
            };
            assert!(
                -2.0 <= from && to <= frame[2] + 2.0,
                "{from} to {to}: {}",
                element.html()
            );
        }
        for (x, y) in places {
            assert!(
                (0.0..=frame[2]).contains(&x) && (0.0..=frame[3]).contains(&y),
                "{}",
                element.html()
            );
        }
    }
}

#[test]
fn a_whole_measurement_makes_sound_figures_and_always_the_same() {
    let report = made();
    for (picture, again) in pictures(&report).into_iter().zip(pictures(&report)) {
        assert_sound(&picture.svg);
        assert_eq!(picture.svg, again.svg);
        let texts = texts(&picture.svg);
        let is_drawn = |id: &str| {
            let has_bar = picture.svg.contains("id=\"c10k-speicher\"");
            has_bar || !["epoll-c", "tokio-cores", "threads-small"].contains(&id)
        };
        for model in &report.models {
            assert_eq!(
                texts.contains(&model.name),
                is_drawn(&model.id),
                "{}",
                model.name
            );
            assert!(said(&picture.svg).contains(&model.name), "{}", model.name);
        }
    }
    let [memory, throughput, latency] = pictures(&report);
    let notes = |picture: &Picture| texts(&picture.svg).join(" ");
    assert!(notes(&memory).contains("Median aus 5 Durchgängen."));
    for picture in [&throughput, &latency] {
        let notes = notes(picture);
        for note in [
            "Zeichen: Median aus 5 Durchgängen.",
            "vom kleinsten bis zum größten Wert.",
            "Seitlich versetzt sind die Zeichen nur,",
            "Nur in der Tabelle: „epoll in C“, „tokio, alle Kerne“ und „Thread, Stapel 64 KiB“.",
        ] {
            assert!(notes.contains(note), "{note}: {notes}");
        }
    }
    let one = "Mit 100 Verbindungen ist „eine von hundert“ eine einzige.";
    assert!(notes(&latency).contains(one) && said(&latency.svg).contains(one));
    assert!(notes(&latency).contains("beide Achsen logarithmisch"));
}

/// The first number behind `before` in all lines of an SVG that contain `what`.
fn numbers(svg: &str, what: &str, before: &str) -> Vec<f64> {
    let lines = svg.lines().filter(|line| line.contains(what));
    let number = |line: &str| {
        let (_, rest) = line.split_once(before).unwrap();
        rest.split(['"', ' ']).next().unwrap().parse().unwrap()
    };
    lines.map(number).collect()
}

#[test]
fn no_whisker_leaves_its_axes() {
    let mut report = made();
    change(&mut report, "python-threads", 10_000, |trial| {
        // Runs differ a thousandfold.
        let few = trial.few.as_mut().unwrap();
        few.p99_nanos *= 10_u64.pow(u32::try_from(trial.run % 4).unwrap());
    });
    let svg = &pictures(&report)[2].svg;
    let second = svg.match_indices("bild-mittel").nth(1).unwrap().0;
    let mut count = 0;
    for panel in [&svg[..second], &svg[second..]] {
        // An axis reaches from one of its numbers to another, and these have lines across.
        let grid: Vec<f64> = numbers(panel, "class=\"raster\"", "y1=\"");
        let (top, bottom) = (
            grid.iter().copied().fold(f64::MAX, f64::min),
            grid.iter().copied().fold(0.0, f64::max),
        );
        let named = numbers(panel, "text-anchor=\"end\"", " y=\"");
        assert!(named.contains(&top) && named.contains(&bottom), "{named:?}");
        for y in numbers(panel, "class=\"spanne", ",") {
            assert!((top..=bottom).contains(&y), "{y}: {top} to {bottom}");
            count += 1;
        }
    }
    assert!(count > 50, "{count}");
}

#[test]
fn the_findings_are_said_in_words() {
    let [memory, throughput, latency] = pictures(&made()).map(|picture| said(&picture.svg));
    assert!(memory.starts_with("Bei 10.000 Verbindungen belegt der Server je Verbindung: epoll in C 0,06\u{202f}KiB,"));
    assert!(memory.contains("Thread je Verbindung 13,0\u{202f}KiB"));
    assert!(memory.contains(
        "Nur reserviert sind: Thread je Verbindung 2,0\u{202f}MiB, Thread, Stapel"
    ));
    assert!(throughput.contains("Bei 1.000 Verbindungen ("));
    assert!(throughput.contains(" Reihenfolge"));
    assert!(latency.contains("Bei 10.000 Verbindungen, eine von hundert aktiv, kommen 99 von 100 Antworten binnen: epoll, so "));
}

#[test]
fn one_number_of_connections_makes_points() {
    let report = crate::fixture::report(&[1_000], 1);
    for picture in pictures(&report) {
        assert_sound(&picture.svg);
        assert!(
            !picture.svg.contains("class=\"linie"),
            "nothing leads from a point to itself"
        );
    }
    let [_, throughput, _] = pictures(&report);
    assert!(texts(&throughput.svg).contains(&"1.000".to_owned()));
    assert!(!throughput.svg.contains("spanne"), "one run has no spread");
}

/// Changes every trial of one model with so many connections.
fn change(
    report: &mut C10kReport,
    id: &str,
    connections: u64,
    change: impl Fn(&mut Trial),
) {
    let model = report.models.iter_mut().find(|model| model.id == id).unwrap();
    model
        .trials
        .iter_mut()
        .filter(|trial| trial.connections == connections)
        .for_each(change);
}

fn fail(trial: &mut Trial) {
    trial.failure = Some("Der Server antwortet nicht.".into());
    (trial.idle, trial.gather_micros, trial.all, trial.few) = (None, None, None, None);
}

#[test]
fn who_is_missing_or_fails_is_not_drawn_there() {
    let mut report = made();
    report.models.retain(|model| model.id != "epoll");
    change(&mut report, "python-threads", 10_000, fail);
    for connections in [100, 1_000, 10_000] {
        change(&mut report, "asyncio", connections, fail);
    }
    let [memory, throughput, latency] = pictures(&report);
    for picture in [&memory, &throughput, &latency] {
        assert_sound(&picture.svg);
        let texts = texts(&picture.svg);
        assert!(
            !texts
                .iter()
                .any(|text| text == "Python asyncio" || text.starts_with("epoll, so"))
        );
    }
    assert!(!texts(&memory.svg).contains(&"Python-Threads".to_owned()));
    // At the smaller numbers it has values, and so a line and its label.
    assert!(texts(&throughput.svg).contains(&"Python-Threads".to_owned()));
    assert!(
        texts(&throughput.svg).join(" ").contains(
            "Ohne Wert bei 10.000 Verbindungen: Python asyncio und Python-Threads."
        ),
        "{:?}",
        texts(&throughput.svg)
    );
}

#[test]
fn an_empty_measurement_says_so() {
    let report = C10kReport {
        models: Vec::new(),
        ..made()
    };
    for picture in pictures(&report) {
        assert_sound(&picture.svg);
        assert!(said(&picture.svg).contains("keine Messung"));
    }
}

#[test]
fn what_the_system_does_not_say_is_a_dash() {
    let mut report = made();
    for model in &mut report.models {
        for trial in &mut model.trials {
            for footprint in
                [Some(&mut trial.empty), trial.idle.as_mut()].into_iter().flatten()
            {
                (
                    footprint.page_tables,
                    footprint.kernel_stacks,
                    footprint.slab,
                ) = (None, None, None);
            }
        }
    }
    let [memory, ..] = pictures(&report);
    assert_sound(&memory.svg);
    assert_eq!(
        texts(&memory.svg).iter().filter(|text| *text == "–").count(),
        20
    );
}

fn herds() -> HerdReport {
    let herd = |seconds, resident, reserved, threads| Herd {
        answers: 500,
        seconds,
        resident: Some(resident),
        reserved: Some(reserved),
        threads: Some(threads),
    };
    HerdReport {
        date: made().date,
        machine: made().machine,
        elephants: 500,
        threads: vec![
            herd(2.13, 6_300_000, 1_070_000_000, 501),
            herd(2.10, 6_500_000, 1_070_000_000, 501),
            herd(2.18, 6_100_000, 1_070_000_000, 501),
        ],
        tasks: vec![
            herd(2.01, 310_000, 700_000, 1),
            herd(2.00, 290_000, 700_000, 1),
            herd(2.01, 330_000, 700_000, 1),
        ],
    }
}

#[test]
fn the_herds_stand_side_by_side() {
    let root = tempfile::tempdir().unwrap();
    let kept = root.path().join("book/measurements");
    fs::create_dir_all(&kept).unwrap();
    fs::write(kept.join("herde.json"), measure::kept::json(&herds())).unwrap();
    let (drawn, _) = figures::draw(root.path()).unwrap();
    let [Drawn { content, .. }] = &drawn[..] else { panic!("one figure") };
    assert_sound(content);
    let said = said(content);
    assert!(
        said.contains("Belegt: Threads 6,0\u{202f}MiB, Tasks 303\u{202f}KiB."),
        "{said}"
    );
    assert!(
        said.contains("Dauer: Threads 2,1\u{202f}s, Tasks 2,0\u{202f}s."),
        "{said}"
    );
    assert_eq!(
        texts(content).iter().filter(|text| *text == "500 Threads").count(),
        3
    );
    let texts = texts(content);
    for number in ["6,0\u{202f}MiB", "303\u{202f}KiB"] {
        assert!(texts.contains(&number.to_owned()), "{texts:?}");
    }
    assert!(texts.join(" ").contains("Median aus 3 Durchgängen."));
    assert!(content.contains("class=\"spanne\""), "the runs differ");
}

// ---- the reader's own values ----

#[test]
fn the_readers_values_lie_where_the_book_would_draw_them() {
    let book = made();
    for draw in [c10k::memory, c10k::throughput, c10k::latency] {
        let alone = draw(&book, None);
        let Picture { svg, marks } = draw(&book, Some(&book));
        assert_eq!(svg, alone.svg, "the figure stays the book's");
        assert!(!marks.is_empty() && marks.iter().all(|mark| !mark.beyond));
        let OwnValue { x, y, .. } = &marks[0];
        // The book's own values have their signs there: a square has its first corner up left.
        if svg.contains("linie") {
            assert!(
                svg.contains(&format!("points=\"{},{} ", x - 4, y - 4)),
                "{:?}",
                marks[0]
            );
        }
    }
}

#[test]
fn a_value_beyond_the_figure_lies_at_its_edge_and_strangers_nowhere() {
    let book = made();
    let mut reader = crate::fixture::report(&[1_000], 1);
    reader.models[1].id = "unbekannt".into();
    for model in &mut reader.models {
        for phase in model.trials.iter_mut().filter_map(|trial| trial.all.as_mut()) {
            phase.exchanges *= 100;
        }
    }
    let marks = c10k::throughput(&book, Some(&reader)).marks;
    assert_eq!(
        marks.len(),
        6,
        "nor where the book's figure leaves a model out"
    );
    assert!(marks.iter().any(|mark| mark.beyond));
    let top = marks.iter().map(|mark| mark.y).min().unwrap();
    assert!(top > 0 && marks.iter().all(|mark| mark.beyond == (mark.y == top)));
}
