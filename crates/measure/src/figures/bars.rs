//! Bars that lie: one row a model, its parts one behind the other, their numbers beside or above it.
//! In flow rows, out flows a panel on a [`Canvas`], and the places of further values in it.

use super::canvas::{Align, Axes, Canvas, EDGE, LINE, Point, SMALL, WIDTH, title_height};
use super::curves::Elsewhere;
use super::ticks::{Ruler, even};
use print::german;
use print::svg;

pub const MIB: f64 = 1024.0 * 1024.0;

/// Height of a bar.
const BAR: i32 = 12;
/// What a number takes, where several stand side by side.
const COLUMN: i32 = 46;
/// Below the title.
const HEAD: i32 = 8;
/// Numbers of the axis.
const FOOT: i32 = 30;
/// A part's sign, with the space behind it, and the space between two names.
const SIGN: i32 = 15;
const BETWEEN: i32 = 14;

/// A number of MiB in the unit that fits.
pub fn mib(value: f64) -> String {
    match value * MIB {
        bytes if bytes < 0.5 => "0".to_owned(),
        bytes => german::bytes(bytes),
    }
}

/// One part of every bar.
pub struct Part {
    /// Its class: how it is filled.
    pub class: &'static str,
    /// What it is, where there are several.
    pub name: &'static str,
}

/// One model.
#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    pub name: String,
    /// In the order of the parts; `None` where the system does not say.
    pub values: Vec<Option<f64>>,
    /// From the least run to the most, of all parts together.
    pub spread: Option<(f64, f64)>,
}

impl Bar {
    /// What is known of it, together.
    pub fn sum(&self) -> f64 {
        sum(&self.values)
    }

    /// How far it reaches.
    fn most(&self) -> f64 {
        self.spread.map_or(0.0, |(_, most)| most).max(self.sum())
    }
}

/// What is known of these values, together.
pub fn sum(values: &[Option<f64>]) -> f64 {
    values.iter().flatten().map(|value| value.max(0.0)).sum()
}

/// One picture with its axis.
pub struct BarPanel<'p> {
    pub title: &'p str,
    pub top: i32,
    pub parts: &'p [Part],
    pub rows: &'p [Bar],
    /// A number of a row.
    pub format: fn(f64) -> String,
    /// Behind the last number of the axis.
    pub unit: &'p str,
}

impl BarPanel<'_> {
    /// How high it is.
    pub fn height(&self) -> i32 {
        self.head() + self.row() * self.rows.len() as i32 + FOOT
    }

    /// Several numbers beside a bar would leave nothing for the bar: name and numbers then stand above it.
    fn is_high(&self) -> bool {
        self.parts.len() > 1
    }

    fn row(&self) -> i32 {
        if self.is_high() { LINE + BAR + 6 } else { 22 }
    }

    /// Middle of a bar in its row.
    fn bar(&self) -> i32 {
        if self.is_high() {
            LINE + BAR / 2
        } else {
            self.row() / 2
        }
    }

    /// What it takes above its rows. A single part needs no name: the title says what it is.
    fn head(&self) -> i32 {
        let legend = self.legend().last().map_or(0, |(_, y)| y + LINE + LINE);
        title_height(self.title) + HEAD + legend
    }

    /// Where the sign of each part stands below the title, if there are several: the left end, and the top of the line.
    fn legend(&self) -> Vec<Point> {
        let mut places = Vec::new();
        let (mut x, mut y) = (EDGE, 0);
        for part in self.parts.iter().filter(|_| self.is_high()) {
            let takes = SIGN + svg::width(part.name, SMALL).ceil() as i32;
            if x > EDGE && x + takes > WIDTH - EDGE {
                (x, y) = (EDGE, y + LINE);
            }
            places.push((x, y));
            x += takes + BETWEEN;
        }
        places
    }

    fn written(&self, value: Option<f64>) -> String {
        value.map_or("–".to_owned(), |value| (self.format)(value.max(0.0)))
    }

    /// The axis with its numbers.
    fn across(&self) -> Ruler {
        let ticks = even(self.rows.iter().map(Bar::most).fold(0.0, f64::max));
        let places = usize::from(ticks[1] < 1.0);
        Ruler::new(0.0..ticks[ticks.len() - 1], &ticks, |tick| {
            german::decimal(tick, places)
        })
    }

    /// How far behind the last tick its unit begins, and how wide it is.
    fn unit(&self) -> (i32, i32) {
        let last = self.across().ticks.pop();
        let half = last.map_or(0.0, |(_, number)| svg::width(&number, SMALL) / 2.0);
        let unit = svg::width(self.unit, SMALL);
        (half.ceil() as i32 + 3, unit.ceil() as i32)
    }

    /// Where the bars begin and end.
    fn ends(&self) -> (i32, i32) {
        let (behind, unit) = self.unit();
        let most = WIDTH - EDGE - behind - unit;
        let widest = |texts: &mut dyn Iterator<Item = String>| {
            let widths = texts.map(|written| svg::width(&written, SMALL));
            widths.fold(0.0, f64::max).ceil() as i32
        };
        if self.is_high() {
            return (EDGE + 4, most);
        }
        let names = widest(&mut self.rows.iter().map(|row| row.name.clone()));
        let values = self.rows.iter().flat_map(|row| &row.values);
        let numbers = widest(&mut values.map(|value| self.written(*value)));
        (EDGE + names + 8, most.min(WIDTH - EDGE - numbers - 8))
    }

    /// Draws it, and finds the places of further values: the number of a row and a sum.
    pub fn draw(&self, canvas: &mut Canvas, further: &[(usize, f64)]) -> Vec<Elsewhere> {
        canvas.title(self.title, self.top);
        self.draw_legend(canvas);
        let (left, right) = self.ends();
        let top = self.top + self.head();
        let bottom = top + self.row() * self.rows.len() as i32;

        let axes = Axes {
            across: self.across(),
            up: Ruler::new(0.0..1.0, &[], |_| String::new()),
            left,
            right,
            top,
            bottom: bottom - 1,
        };
        // Upright lines would cross the names and numbers above bars.
        axes.draw(canvas, !self.is_high());
        let unit = (right + self.unit().0, bottom + 16);
        canvas.text("bild-klein", self.unit, unit, Align::Left);

        let place = |row: usize, value: f64| -> Point {
            (axes.x(value), top + self.row() * row as i32 + self.bar())
        };
        for (number, row) in self.rows.iter().enumerate() {
            let (start, y) = place(number, 0.0);
            let above = if self.is_high() {
                y - self.bar() + LINE / 2
            } else {
                y
            };
            let beside = if self.is_high() { left + 6 } else { EDGE };
            canvas.text("bild-klein", &row.name, (beside, above), Align::Left);
            let mut from = start;
            let mut sum = 0.0;
            for (column, (part, value)) in self.parts.iter().zip(&row.values).enumerate() {
                sum += value.unwrap_or(0.0).max(0.0);
                let (to, _) = place(number, sum);
                canvas.rect(part.class, (from, y - BAR / 2), (to, y + BAR / 2));
                from = to;
                let at = (self.column(column), above);
                let written = self.written(*value);
                canvas.text("bild-klein zahl", &written, at, Align::Right);
            }
            if let Some((least, most)) = row.spread {
                let (least, most) = (place(number, least).0, place(number, most).0);
                if least < most {
                    canvas.line("spanne", &[(least, y), (most, y)]);
                    for x in [least, most] {
                        canvas.line("spanne", &[(x, y - 3), (x, y + 3)]);
                    }
                }
            }
        }

        let found = further.iter().map(|(row, sum)| {
            let (x, y) = place(*row, *sum);
            let inside = (x.min(right), y);
            (inside, inside.0 < x)
        });
        found.collect()
    }

    /// The right end of a column of numbers.
    fn column(&self, column: usize) -> i32 {
        WIDTH - EDGE - COLUMN * (self.parts.len() - 1 - column) as i32
    }

    /// What the parts are, and the sign of each above its column of numbers.
    fn draw_legend(&self, canvas: &mut Canvas) {
        let top = self.top + title_height(self.title) + HEAD / 2 + LINE / 2;
        for ((x, y), part) in self.legend().into_iter().zip(self.parts) {
            let y = top + y;
            canvas.rect(part.class, (x, y - 5), (x + 10, y + 5));
            canvas.text("bild-klein", part.name, (x + SIGN, y), Align::Left);
        }
        let y = self.top + self.head() - LINE / 2;
        for (column, part) in self.parts.iter().enumerate().filter(|_| self.is_high()) {
            let x = self.column(column);
            canvas.rect(part.class, (x - 10, y - 5), (x, y + 5));
        }
    }
}
