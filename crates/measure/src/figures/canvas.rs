//! A sheet to draw on: plotters places the elements, and the sheet makes them the book's own.
//! In flow shapes and German text, out flows an `<svg>` without blank lines whose colours and fonts are CSS classes.
//!
//! plotters writes colours as `#RRGGBB` and fonts as attributes; a book that is read light, dark and on paper can use neither.
//! So every class is drawn in a colour that merely stands for its number, and is put in the colour's place at the end.

use std::sync::LazyLock;

use anyhow::Context;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use regex::Regex;

use print::svg::{escape, wrap};

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
pub type Place = (i32, i32);

/// What plotters draws on.
pub type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Which end of a text is at its place.
#[derive(Debug, Clone, Copy)]
pub enum Align {
    Left,
    Middle,
    Right,
}

/// What those who do not see the figure get to know.
pub struct Frame {
    /// Name of the figure and of its file: `c10k-speicher`.
    pub id: &'static str,
    pub title: String,
    /// The finding, in sentences.
    pub desc: String,
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

/// A figure in the making.
pub struct Canvas<'a> {
    pub area: Area<'a>,
    classes: Vec<String>,
}

impl<'a> Canvas<'a> {
    /// Draws on a fresh sheet of that height. The classes come out beside what plotters has written, for [`finish`].
    pub fn draw<T>(
        height: i32,
        draw: impl FnOnce(&mut Canvas) -> anyhow::Result<T>,
    ) -> anyhow::Result<(Sheet, T)> {
        let mut written = String::new();
        let size = (WIDTH as u32, u32::try_from(height)?);
        let area = SVGBackend::with_string(&mut written, size).into_drawing_area();
        let mut canvas = Canvas {
            area,
            classes: Vec::new(),
        };
        let value = draw(&mut canvas)?;
        canvas.area.present()?;
        let classes = std::mem::take(&mut canvas.classes);
        drop(canvas);
        let sheet = Sheet {
            written,
            classes,
            height,
        };
        Ok((sheet, value))
    }

    /// The colour that stands for these classes.
    pub fn ink(&mut self, classes: &str) -> RGBColor {
        let known = self.classes.iter().position(|known| known == classes);
        let number = known.unwrap_or_else(|| {
            self.classes.push(classes.to_owned());
            self.classes.len() - 1
        });
        let number = u8::try_from(number).expect("a figure has few classes");
        RGBColor(0, 0, number)
    }

    /// A line through all of these places.
    pub fn line(&mut self, classes: &str, places: Vec<Place>) -> anyhow::Result<()> {
        let ink = self.ink(classes);
        Ok(self.area.draw(&PathElement::new(places, ink.stroke_width(1)))?)
    }

    /// A rectangle between two corners; nothing if it has no extent.
    pub fn rect(&mut self, classes: &str, from: Place, to: Place) -> anyhow::Result<()> {
        if from.0 >= to.0 || from.1 >= to.1 {
            return Ok(());
        }
        let ink = self.ink(classes);
        Ok(self.area.draw(&Rectangle::new([from, to], ink.filled()))?)
    }

    /// A polygon around these places.
    pub fn polygon(&mut self, classes: &str, places: Vec<Place>) -> anyhow::Result<()> {
        let ink = self.ink(classes);
        Ok(self.area.draw(&Polygon::new(places, ink.filled()))?)
    }

    /// A circle.
    pub fn circle(&mut self, classes: &str, at: Place, radius: i32) -> anyhow::Result<()> {
        let ink = self.ink(classes);
        Ok(self.area.draw(&Circle::new(at, radius, ink.filled()))?)
    }

    /// A text, vertically in the middle of its place.
    pub fn text(
        &mut self,
        classes: &str,
        text: &str,
        at: Place,
        align: Align,
    ) -> anyhow::Result<()> {
        let style = self.style(classes, align);
        Ok(self.area.draw(&Text::new(text.to_owned(), at, style))?)
    }

    /// A title from edge to edge.
    pub fn title(&mut self, title: &str, top: i32) -> anyhow::Result<()> {
        let middles = (top + TITLE / 2..).step_by(TITLE as usize);
        for (line, y) in lines(title, MEDIUM).iter().zip(middles) {
            self.text("bild-mittel", line, (EDGE, y), Align::Left)?;
        }
        Ok(())
    }

    /// Notes from edge to edge.
    pub fn notes(&mut self, notes: &[String], top: i32) -> anyhow::Result<()> {
        let middles = (top + LINE / 2..).step_by(LINE as usize);
        let lines = notes.iter().flat_map(|note| lines(note, SMALL));
        for (line, y) in lines.zip(middles) {
            self.text("bild-klein", &line, (EDGE, y), Align::Left)?;
        }
        Ok(())
    }

    /// How plotters shall write a text of these classes.
    pub fn style(&mut self, classes: &str, align: Align) -> TextStyle<'static> {
        let horizontal = match align {
            Align::Left => HPos::Left,
            Align::Middle => HPos::Center,
            Align::Right => HPos::Right,
        };
        let font = ("sans-serif", SMALL).into_font();
        let ink = self.ink(classes);
        font.color(&ink).pos(Pos::new(horizontal, VPos::Center))
    }
}

/// What plotters has written, and which class each of its colours stands for.
pub struct Sheet {
    written: String,
    classes: Vec<String>,
    height: i32,
}

static ATTRIBUTE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new("([a-z0-9-]+)=\"([^\"]*)\"").expect("this is an expression")
});

impl Sheet {
    /// The figure as a chapter includes it.
    ///
    /// # Errors
    ///
    /// plotters writes otherwise than expected.
    pub fn finish(&self, frame: &Frame) -> anyhow::Result<String> {
        let Frame { id, title, desc } = frame;
        let mut svg = format!(
            "<svg class=\"bild messbild\" id=\"{id}\" role=\"img\" aria-labelledby=\"{id}-titel {id}-text\" \
             viewBox=\"0 0 {WIDTH} {}\" xmlns=\"http://www.w3.org/2000/svg\">\n\
             <title id=\"{id}-titel\">{}</title>\n<desc id=\"{id}-text\">{}</desc>\n",
            self.height,
            escape(title),
            escape(desc)
        );
        let mut lines = self.written.lines();
        while let Some(line) = lines.next() {
            if line.starts_with("<svg") || line == "</svg>" {
                continue;
            }
            let (name, attributes) = self.element(line)?;
            if name == "text" {
                let text = lines.next().context("a text has a line of its own")?;
                // plotters has escaped it, but not for mdBook.
                let text = text.trim().replace('{', "&#123;");
                lines.next().context("a text has an end")?;
                svg += &format!("<text{attributes}>{text}</text>\n");
            } else {
                svg += &format!("<{name}{attributes}/>\n");
            }
        }
        svg += "</svg>\n";
        Ok(svg)
    }

    /// Name and remaining attributes of an element, its class first.
    fn element<'l>(&self, line: &'l str) -> anyhow::Result<(&'l str, String)> {
        let name = line.trim_start_matches('<').split([' ', '>']).next();
        let name = name.context("an element has a name")?;
        let mut class = None;
        let mut rest = String::new();
        for attribute in ATTRIBUTE.captures_iter(line) {
            let (key, value) = (&attribute[1], &attribute[2]);
            match key {
                "fill" | "stroke" if value.starts_with('#') => {
                    let number = usize::from_str_radix(&value[1..], 16)?;
                    class = self.classes.get(number);
                }
                "fill" | "stroke" | "opacity" | "stroke-width" | "font-family"
                | "font-size" => {}
                _ => rest += &format!(" {key}=\"{}\"", value.trim()),
            }
        }
        let class = class.with_context(|| format!("no known colour: {line}"))?;
        Ok((name, format!(" class=\"{class}\"{rest}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_and_fonts_become_classes_and_words_stay_words() {
        let (sheet, ()) = Canvas::draw(100, |canvas| {
            canvas.line("linie m-epoll", vec![(1, 2), (3, 4)])?;
            canvas.rect("balken", (0, 0), (10, 10))?;
            canvas.rect("balken", (5, 0), (5, 10))?;
            canvas.circle("balken", (5, 5), 3)?;
            canvas.text("bild-klein", "a < b & {{c}}", (5, 5), Align::Right)
        })
        .unwrap();
        let frame = Frame {
            id: "probe",
            title: "Wer <gewinnt>?".into(),
            desc: "Alle.".into(),
        };
        let svg = sheet.finish(&frame).unwrap();
        let expected = "\
<svg class=\"bild messbild\" id=\"probe\" role=\"img\" aria-labelledby=\"probe-titel probe-text\" viewBox=\"0 0 380 100\" xmlns=\"http://www.w3.org/2000/svg\">
<title id=\"probe-titel\">Wer &#60;gewinnt&#62;?</title>
<desc id=\"probe-text\">Alle.</desc>
<polyline class=\"linie m-epoll\" points=\"1,2 3,4\"/>
<rect class=\"balken\" x=\"0\" y=\"0\" width=\"10\" height=\"10\"/>
<circle class=\"balken\" cx=\"5\" cy=\"5\" r=\"3\"/>
<text class=\"bild-klein\" x=\"5\" y=\"5\" dy=\"0.5ex\" text-anchor=\"end\">a &lt; b &amp; &#123;&#123;c}}</text>
</svg>
";
        assert_eq!(svg, expected);
    }
}
