//! A sheet to draw on, and the axes of a panel on it.
//! In flow shapes and German text in places, out flows the book's `<svg>`.

use print::svg::{Attribute, Svg, Title, wrap};

use super::ticks::Ruler;

/// Width of every figure, in its own units: on a telephone a little more than there are pixels, and on a wide page the
/// figure grows by no more than its letters bear.
pub const WIDTH: i32 = 380;
/// Space at both sides.
pub const EDGE: i32 = 8;
/// The size of the class `bild-klein`.
pub const SMALL: f64 = 13.0;
/// The size of the class `bild-mittel`, and a little for its letters being bold.
const MEDIUM: f64 = 15.0 * 1.08;
/// Height of a line of small text, and of a title.
pub const LINE: i32 = 17;
const TITLE: i32 = 20;

/// A place in a figure.
pub type Point = (i32, i32);

/// Which end of a text is at its place.
#[derive(Debug, Clone, Copy)]
pub enum Align {
    Left,
    Middle,
    Right,
}

/// The lines of a text that goes from edge to edge.
fn lines(text: &str, size: f64) -> Vec<String> {
    let room = f64::from(WIDTH - 2 * EDGE);
    wrap(text, size, room, usize::MAX).unwrap_or_else(|| vec![text.to_owned()])
}

/// What a title takes.
pub fn title_height(title: &str) -> i32 {
    TITLE * lines(title, MEDIUM).len() as i32
}

/// What notes take, each of them beginning a line.
pub fn notes_height(notes: &[String]) -> i32 {
    let count: usize = notes.iter().map(|note| lines(note, SMALL).len()).sum();
    LINE * count as i32
}

/// A figure in the making: one element a line.
#[derive(Default)]
pub struct Canvas(Svg);

impl Canvas {
    /// A line through all of these places.
    pub fn line(&mut self, classes: &str, places: &[Point]) {
        self.shape("polyline", classes, &[("points", &points(places))]);
    }

    /// A rectangle between two corners; nothing if it has no extent.
    pub fn rect(&mut self, classes: &str, from: Point, to: Point) {
        let (width, height) = (to.0 - from.0, to.1 - from.1);
        if width > 0 && height > 0 {
            let size: [Attribute; 4] = [
                ("x", &from.0),
                ("y", &from.1),
                ("width", &width),
                ("height", &height),
            ];
            self.shape("rect", classes, &size);
        }
    }

    /// A polygon around these places.
    pub fn polygon(&mut self, classes: &str, places: &[Point]) {
        self.shape("polygon", classes, &[("points", &points(places))]);
    }

    /// A circle.
    pub fn circle(&mut self, classes: &str, at: Point, radius: i32) {
        self.shape(
            "circle",
            classes,
            &[("cx", &at.0), ("cy", &at.1), ("r", &radius)],
        );
    }

    /// A text, vertically in the middle of its place.
    pub fn text(&mut self, classes: &str, text: &str, at: Point, align: Align) {
        self.words(classes, text, at, align, "0.5ex");
    }

    /// A title from edge to edge.
    pub fn title(&mut self, title: &str, top: i32) {
        let middles = (top + TITLE / 2..).step_by(TITLE as usize);
        for (line, y) in lines(title, MEDIUM).iter().zip(middles) {
            self.text("bild-mittel", line, (EDGE, y), Align::Left);
        }
    }

    /// Notes from edge to edge.
    pub fn notes(&mut self, notes: &[String], top: i32) {
        let middles = (top + LINE / 2..).step_by(LINE as usize);
        let lines = notes.iter().flat_map(|note| lines(note, SMALL));
        for (line, y) in lines.zip(middles) {
            self.text("bild-klein", &line, (EDGE, y), Align::Left);
        }
    }

    fn shape(&mut self, name: &str, classes: &str, attributes: &[Attribute]) {
        self.0.shape(name, classes, attributes);
        self.0.end_line();
    }

    /// `down` is how far the text's baseline lies below its place.
    fn words(&mut self, classes: &str, text: &str, at: Point, align: Align, down: &str) {
        let anchor = match align {
            Align::Left => "start",
            Align::Middle => "middle",
            Align::Right => "end",
        };
        let place: [Attribute; 4] = [
            ("x", &at.0),
            ("y", &at.1),
            ("dy", &down),
            ("text-anchor", &anchor),
        ];
        self.0.text(classes, &place, text);
        self.0.end_line();
    }

    /// The figure as a chapter includes it, with what those get to know who do not see it.
    pub fn finish(self, height: i32, title: Title) -> String {
        let attributes = format!("class=\"bild messbild\" id=\"{}\"", title.id);
        self.0.finish(&attributes, (WIDTH, height.into()), title)
    }
}

fn points(places: &[Point]) -> String {
    let points: Vec<String> = places.iter().map(|(x, y)| format!("{x},{y}")).collect();
    points.join(" ")
}

/// The axes of a panel, and the numbers along them.
pub struct Axes {
    pub across: Ruler,
    pub up: Ruler,
    /// The ends of both in the figure.
    pub left: i32,
    pub right: i32,
    pub top: i32,
    pub bottom: i32,
}

/// Length of a tick.
const TICK: i32 = 5;

impl Axes {
    /// Where a value lies.
    pub fn place(&self, across: f64, up: f64) -> Point {
        (self.x(across), self.up.place(up, (self.bottom, self.top)))
    }

    /// Where a value of the horizontal axis lies.
    pub fn x(&self, across: f64) -> i32 {
        self.across.place(across, (self.left, self.right))
    }

    /// Draws them, with lines through the panel at the numbers of the vertical one and, if they are wanted, of the
    /// horizontal one.
    pub fn draw(&self, canvas: &mut Canvas, upright: bool) {
        let &Axes {
            left,
            right,
            top,
            bottom,
            ..
        } = self;
        let mut grid = |from: Point, to: Point| {
            let ends: [Attribute; 4] = [
                ("x1", &from.0),
                ("y1", &from.1),
                ("x2", &to.0),
                ("y2", &to.1),
            ];
            canvas.shape("line", "raster", &ends);
        };
        let columns = self.across.ticks.iter().map(|(value, text)| (self.x(*value), text));
        let rows =
            self.up.ticks.iter().map(|(value, text)| (self.place(0.0, *value).1, text));
        for (x, _) in columns.clone().filter(|_| upright) {
            grid((x, bottom), (x, top));
        }
        for (y, _) in rows.clone() {
            grid((left, y), (right, y));
        }
        let (beside, below) = (left - 1, bottom + 1);
        canvas.line("achse", &[(beside, top), (beside, bottom)]);
        for (y, text) in rows {
            let at = (beside - TICK - 4, y);
            canvas.text("bild-klein", text, at, Align::Right);
            canvas.line("achse", &[(beside - TICK, y), (beside, y)]);
        }
        canvas.line("achse", &[(left, below), (right, below)]);
        for (x, text) in columns {
            let at = (x, below + TICK + 5);
            canvas.words("bild-klein", text, at, Align::Middle, "0.76em");
            canvas.line("achse", &[(x, below), (x, below + TICK)]);
        }
    }
}
