//! Values over the number of connections: one sign a model, with whiskers from the least run to the most; what belongs
//! together is joined by a thin line, and a legend below says which model it is.
//! In flow the values of the models, out flows a panel on a [`Canvas`], and the places of further values in it.

use super::canvas::{Align, Axes, Canvas, EDGE, LINE, Point, SMALL, WIDTH, title_height};
use super::marks::Sign;
use super::ticks::{Ruler, even, round};
use print::german;
use print::svg;

/// Between title and axes.
const HEAD: i32 = 10;
/// Height of the axes.
const PLOT: i32 = 230;
/// What it takes below: numbers and the name of the axis.
const FOOT: i32 = 42;
/// Where the vertical axis stands.
const LEFT: i32 = 66;
/// How far apart the signs of a column stand: few cover each other, and it stays clear which column is meant.
const STEP: i32 = 8;
/// Room beside the first and the last column, for half of the signs.
const SIDE: f64 = 38.0;
/// The sample of a line in the legend, with the space behind it.
const SAMPLE: i32 = 26;

/// One model.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// As `--models` names it.
    pub id: String,
    pub name: String,
    /// Ordered by the number of connections.
    pub values: Vec<Value>,
}

/// What the runs of a model with so many connections amount to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Value {
    pub connections: u64,
    pub median: f64,
    pub least: f64,
    pub most: f64,
}

/// How the vertical axis goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Axis {
    /// From 0 in even steps.
    Linear,
    /// In powers of ten.
    Logarithmic,
}

/// One picture with its axes.
pub struct CurvePanel<'p> {
    pub title: &'p str,
    pub top: i32,
    pub axis: Axis,
    /// Below the horizontal axis.
    pub across: &'p str,
    /// A number of the vertical axis.
    pub format: fn(f64) -> String,
    pub curves: &'p [Curve],
}

/// Where a value lies that was not drawn: its place, and whether it would really lie outside.
pub type Elsewhere = (Point, bool);

impl CurvePanel<'_> {
    /// How high it is.
    pub fn height(&self) -> i32 {
        self.head() + PLOT + FOOT
    }

    fn head(&self) -> i32 {
        title_height(self.title) + HEAD
    }

    /// Draws it, and finds the places of further values: a model's number and one value of it.
    pub fn draw(&self, canvas: &mut Canvas, further: &[(usize, Value)]) -> Vec<Elsewhere> {
        let drawn: Vec<&Value> =
            self.curves.iter().flat_map(|curve| &curve.values).collect();
        canvas.title(self.title, self.top);
        if drawn.is_empty() {
            let middle = (WIDTH / 2, self.top + self.height() / 2);
            let text = "Dazu liegt keine Messung vor.";
            canvas.text("bild-klein", text, middle, Align::Middle);
            return Vec::new();
        }
        let right = WIDTH - EDGE;
        let top = self.top + self.head();
        let bottom = top + PLOT;
        let axes = Axes {
            across: across(&drawn, right),
            up: self.up(&drawn),
            left: LEFT,
            right: right - 1,
            top,
            bottom: bottom - 1,
        };
        axes.draw(canvas, true);
        canvas.text(
            "bild-klein",
            self.across,
            (right, bottom + 34),
            Align::Right,
        );

        // What would lie one on the other stands side by side.
        let models = self.curves.len() as i32;
        let place = |model: usize, connections: u64, value: f64| {
            let (x, y) = axes.place((connections as f64).log10(), self.scaled(value));
            (x + (STEP * (2 * model as i32 - (models - 1))) / 2, y)
        };
        for (model, curve) in self.curves.iter().enumerate() {
            let line = format!("linie m-{}", curve.id);
            let whisker = format!("spanne m-{}", curve.id);
            let places = curve.values.iter();
            let places = places.map(|value| place(model, value.connections, value.median));
            if curve.values.len() > 1 {
                canvas.line(&line, &places.collect::<Vec<Point>>());
            }
            for value in &curve.values {
                let (x, low) = place(model, value.connections, value.least);
                let (_, high) = place(model, value.connections, value.most);
                if low > high {
                    canvas.line(&whisker, &[(x, low), (x, high)]);
                    canvas.line(&whisker, &[(x - 3, low), (x + 3, low)]);
                    canvas.line(&whisker, &[(x - 3, high), (x + 3, high)]);
                }
            }
        }
        for (model, curve) in self.curves.iter().enumerate() {
            let sign = Sign::of(&curve.id);
            for value in &curve.values {
                let at = place(model, value.connections, value.median);
                sign.draw(canvas, &curve.id, at);
            }
        }

        let found = further.iter().map(|(model, value)| {
            let (x, y) = place(*model, value.connections, value.median);
            let inside = (x.clamp(LEFT, right), y.clamp(top, bottom));
            (inside, inside != (x, y))
        });
        found.collect()
    }

    fn scaled(&self, value: f64) -> f64 {
        match self.axis {
            Axis::Linear => value,
            Axis::Logarithmic => value.max(f64::MIN_POSITIVE).log10(),
        }
    }

    fn unscaled(&self, value: f64) -> f64 {
        match self.axis {
            Axis::Linear => value,
            Axis::Logarithmic => 10_f64.powf(value),
        }
    }

    /// The vertical axis.
    fn up(&self, values: &[&Value]) -> Ruler {
        let most = values.iter().map(|value| value.most).fold(0.0, f64::max);
        let (ends, ticks) = match self.axis {
            Axis::Linear => {
                let ticks = even(most);
                (0.0..ticks[ticks.len() - 1], ticks)
            }
            Axis::Logarithmic => {
                let positive = values.iter().map(|value| value.least);
                let least = positive.filter(|least| *least > 0.0).fold(most, f64::min);
                let (ends, ticks) = round(least, most);
                let ticks = ticks.into_iter().map(f64::log10).collect();
                (ends.start.log10()..ends.end.log10(), ticks)
            }
        };
        Ruler::new(ends, &ticks, |value| (self.format)(self.unscaled(value)))
    }
}

/// The horizontal axis: powers of ten, and the numbers of connections.
fn across(values: &[&Value], right: i32) -> Ruler {
    let mut numbers: Vec<u64> = values.iter().map(|value| value.connections).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let columns: Vec<f64> = numbers.iter().map(|number| (*number as f64).log10()).collect();
    let (first, last) = (columns[0], columns[columns.len() - 1]);
    // Room beside the first and the last; with one number alone it is all there is.
    let inside = f64::from(right - LEFT) - 2.0 * SIDE;
    let wide = ((last - first) * SIDE / inside).max(0.12);
    Ruler::new(first - wide..last + wide, &columns, |log| {
        german::whole(10_f64.powf(log).round() as u64)
    })
}

/// Which sign is which model's, below everything: in two columns where these are wide enough.
pub struct Legend<'l> {
    /// Id and name, in the order in which the signs stand side by side.
    entries: Vec<(&'l str, &'l str)>,
    /// Where each column begins.
    columns: Vec<i32>,
    /// Lines join the signs.
    joined: bool,
}

impl<'l> Legend<'l> {
    pub fn new(entries: Vec<(&'l str, &'l str)>, joined: bool) -> Legend<'l> {
        let takes = |entries: &[(&str, &str)]| {
            let names = entries.iter().map(|(_, name)| svg::width(name, SMALL));
            SAMPLE + names.fold(0.0, f64::max).ceil() as i32
        };
        let (first, second) = entries.split_at(entries.len().div_ceil(2));
        let second_at = WIDTH - EDGE - takes(second);
        let columns = if EDGE + takes(first) <= second_at {
            vec![EDGE, second_at]
        } else {
            vec![EDGE]
        };
        Legend {
            entries,
            columns,
            joined,
        }
    }

    /// How many entries a column has.
    fn rows(&self) -> usize {
        self.entries.len().div_ceil(self.columns.len())
    }

    /// How high it is.
    pub fn height(&self) -> i32 {
        LINE * self.rows() as i32
    }

    pub fn draw(&self, canvas: &mut Canvas, top: i32) {
        for (index, (id, name)) in self.entries.iter().enumerate() {
            let (column, row) = (index / self.rows(), index % self.rows());
            let (x, y) = (self.columns[column], top + LINE * row as i32 + LINE / 2);
            if self.joined {
                let sample = [(x, y), (x + SAMPLE - 6, y)];
                canvas.line(&format!("linie m-{id}"), &sample);
            }
            Sign::of(id).draw(canvas, id, (x + (SAMPLE - 6) / 2, y));
            canvas.text("bild-klein", name, (x + SAMPLE, y), Align::Left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_legend_has_two_columns_where_both_fit() {
        let short = vec![("a", "kurz"), ("b", "auch kurz"), ("c", "kurz")];
        let legend = Legend::new(short, true);
        assert_eq!((legend.columns.len(), legend.height()), (2, 2 * LINE));
        let long = "ein Name, der mehr als die Hälfte der Zeile braucht";
        let legend = Legend::new(vec![("a", long), ("b", "kurz")], true);
        assert_eq!((legend.columns.len(), legend.height()), (1, 2 * LINE));
        assert_eq!(Legend::new(Vec::new(), true).height(), 0);
    }
}
