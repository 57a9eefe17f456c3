//! The figure of the elephants' 500: a thread each against a task each.
//! In flows a [`HerdReport`], out flows the SVG.

use super::bars::{Bar, BarPanel, MIB, Part, mib};
use super::canvas::{Canvas, notes_height};
use crate::herd::{Herd, HerdReport};
use crate::spread::Spread;
use print::german;
use print::svg::Title;

/// Space between two panels.
const GAP: i32 = 10;

/// One thing that both herds have.
struct Quantity {
    title: &'static str,
    /// Of its axis.
    unit: &'static str,
    /// With the unit that fits.
    format: fn(f64) -> String,
    part: [Part; 1],
    value: fn(&Herd) -> Option<f64>,
}

const fn part(class: &'static str) -> [Part; 1] {
    [Part { class, name: "" }]
}

const QUANTITIES: [Quantity; 3] = [
    Quantity {
        title: "Belegt",
        unit: "MiB",
        format: mib,
        part: part("balken ganz"),
        value: |herd| Some(herd.resident? as f64 / MIB),
    },
    Quantity {
        title: "Nur reserviert",
        unit: "MiB",
        format: mib,
        part: part("balken leer"),
        value: |herd| Some(herd.reserved?.saturating_sub(herd.resident?) as f64 / MIB),
    },
    Quantity {
        title: "Dauer",
        unit: "s",
        format: |seconds| german::seconds(seconds, 1),
        part: part("balken halb"),
        value: |herd| Some(herd.seconds),
    },
];

/// Memory and time of both herds.
pub fn draw(report: &HerdReport) -> String {
    let number = german::whole(report.elephants);
    let models = [
        (format!("{number} Threads"), &report.threads),
        (format!("{number} Tasks"), &report.tasks),
    ];
    let mut found = Vec::new();
    let mut panels = Vec::new();
    for quantity in &QUANTITIES {
        let spreads = models.each_ref().map(|(_, herds)| spread(quantity, herds));
        let row = |((name, _), spread): (&(String, _), &Option<Spread>)| Bar {
            name: name.clone(),
            values: vec![spread.map(|spread| spread.median)],
            spread: spread.map(|spread| (spread.least, spread.most)),
        };
        panels.push(models.iter().zip(&spreads).map(row).collect::<Vec<Bar>>());
        let [threads, tasks] = spreads.map(|spread| {
            let known = |spread: Spread| (quantity.format)(spread.median);
            spread.map_or("unbekannt".to_owned(), known)
        });
        let title = quantity.title;
        found.push(format!("{title}: Threads {threads}, Tasks {tasks}."));
    }
    let panel = |number: usize, top| BarPanel {
        title: QUANTITIES[number].title,
        top,
        parts: &QUANTITIES[number].part,
        rows: &panels[number],
        format: QUANTITIES[number].format,
        unit: QUANTITIES[number].unit,
    };
    let notes = [match report.threads.len().max(report.tasks.len()) {
        0 | 1 => "Ein Durchgang.".to_owned(),
        runs => format!(
            "Balken und Zahl: Median aus {runs} Durchgängen. Querstrich: vom kleinsten bis zum größten Wert, wo sie sich \
             sichtbar unterscheiden."
        ),
    }];
    let height = panel(0, 0).height() + GAP;
    let below = height * panels.len() as i32;
    let mut canvas = Canvas::default();
    for number in 0..panels.len() {
        panel(number, height * number as i32).draw(&mut canvas, &[]);
    }
    canvas.notes(&notes, below);
    let title = Title {
        id: "herde",
        title: &format!("{number} Elefanten, jeder in seinem Thread oder in seiner Task"),
        desc: &format!(
            "{number} Elefanten schlafen zugleich, Median der Durchgänge. {}",
            found.join(" ")
        ),
    };
    canvas.finish(below + notes_height(&notes), title)
}

fn spread(quantity: &Quantity, herds: &[Herd]) -> Option<Spread> {
    let values: Vec<f64> = herds.iter().filter_map(quantity.value).collect();
    Spread::of(&values)
}
