//! The book's pictures: an `<svg>` without blank lines, as Markdown wants it, whose colours and fonts are CSS classes.
//! In flow shapes and German text, out flow the picture and, since no font can be asked, estimates on the safe side
//! of how wide a text gets in a sans-serif such as Open Sans, and where it breaks.

use std::fmt::{Display, Write};

/// What stands around a picture, for those who do not see it too.
#[derive(Debug, Clone, Copy)]
pub struct Title<'t> {
    /// What its ids begin with, unique in the book: ASCII letters, digits and `-`.
    pub id: &'t str,
    pub title: &'t str,
    /// What it shows, in sentences.
    pub desc: &'t str,
}

/// An attribute that is not a class: its name and its value, a number or a path.
pub type Attribute<'a> = (&'a str, &'a dyn Display);

/// A picture in the making: its elements, one behind the other.
#[derive(Debug, Default)]
pub struct Svg(String);

impl Svg {
    /// An element without content.
    pub fn shape(&mut self, name: &str, class: &str, attributes: &[Attribute]) {
        self.begin(name, class, attributes);
        self.0 += "/>";
    }

    /// A shape that says what it is when it is pointed at, if there is something to say.
    pub fn told(
        &mut self,
        name: &str,
        class: &str,
        attributes: &[Attribute],
        title: Option<&str>,
    ) {
        self.begin(name, class, attributes);
        let title = title.map(|title| format!("<title>{}</title>", escape(title)));
        self.0 += &format!(">{}</{name}>", title.unwrap_or_default());
    }

    /// Words.
    pub fn text(&mut self, class: &str, attributes: &[Attribute], text: &str) {
        self.begin("text", class, attributes);
        self.0 += &format!(">{}</text>", escape(text));
    }

    /// A path.
    pub fn path(&mut self, class: &str, d: impl Display) {
        self.shape("path", class, &[("d", &d)]);
    }

    /// Opens a group of what follows, up to [`Svg::end_group`].
    pub fn group(&mut self, class: &str, attributes: &[Attribute]) {
        self.begin("g", class, attributes);
        self.0 += ">";
    }

    /// Closes the group that was opened last.
    pub fn end_group(&mut self) {
        self.0 += "</g>";
    }

    /// The next element begins a line.
    pub fn end_line(&mut self) {
        self.0 += "\n";
    }

    fn begin(&mut self, name: &str, class: &str, attributes: &[Attribute]) {
        self.0 += &format!("<{name} class=\"{class}\"");
        for (name, value) in attributes {
            self.0 += &format!(" {name}=\"{value}\"");
        }
    }

    /// The whole picture, with these attributes besides those that name it.
    pub fn finish(self, attributes: &str, size: (i32, f64), title: Title) -> String {
        let Title { id, title, desc } = title;
        format!(
            "<svg {attributes} role=\"img\" aria-labelledby=\"{id}-titel {id}-text\" \
             viewBox=\"0 0 {} {}\" xmlns=\"http://www.w3.org/2000/svg\">\n\
             <title id=\"{id}-titel\">{}</title>\n<desc id=\"{id}-text\">{}</desc>\n{}</svg>\n",
            size.0,
            number(size.1),
            escape(title),
            escape(desc),
            self.0
        )
    }
}

/// A place in a picture with one decimal, and without if it is none.
pub fn number(place: f64) -> String {
    let text = format!("{place:.1}");
    text.strip_suffix(".0").unwrap_or(&text).to_owned()
}

/// Width of a line at that font size; bold letters are a little wider than this.
pub fn width(text: &str, size: f64) -> f64 {
    text.chars().map(advance).sum::<f64>() * size
}

/// Share of the font size that a letter takes.
fn advance(letter: char) -> f64 {
    match letter {
        'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | '·' => 0.29,
        ' ' | '\u{202f}' => 0.27,
        'f' | 't' | 'r' | '(' | ')' | '-' | '„' | '“' | '–' => 0.43,
        'm' | 'w' | 'M' | 'W' | '…' => 0.93,
        'A'..='Z' | 'Ä' | 'Ö' | 'Ü' => 0.7,
        _ => 0.58,
    }
}

/// Breaks a text at its spaces into lines that are at most so wide; `None` if a word is wider,
/// or if it takes more lines than that.
pub fn wrap(text: &str, size: f64, room: f64, most: usize) -> Option<Vec<String>> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if width(&format!("{line} {word}"), size) <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    let fits = lines.len() <= most && lines.iter().all(|line| width(line, size) <= room);
    fits.then_some(lines)
}

/// Text as XML and HTML that Markdown, mdBook's `{{…}}` and browsers take for nothing else.
pub fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for letter in text.chars() {
        match letter {
            '&' | '<' | '>' | '"' | '\'' | '{' => {
                let _ = write!(escaped, "&#{};", u32::from(letter));
            }
            control if control.is_control() => escaped.push(' '),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_breaks_at_spaces_or_not_at_all() {
        let text = "wartet in read auf Anna";
        let lines = |room, most| wrap(text, 10.0, room, most);
        assert_eq!(lines(500.0, 1), Some(vec![text.into()]));
        let two = vec!["wartet in read".into(), "auf Anna".into()];
        assert_eq!(lines(80.0, 2), Some(two));
        assert_eq!(lines(80.0, 1), None);
        assert_eq!(lines(20.0, 9), None, "a word is wider");
    }

    #[test]
    fn a_picture_is_one_block_whose_words_stay_words() {
        let mut svg = Svg::default();
        svg.group("spur", &[("transform", &"translate(1 2)")]);
        svg.path("achse", "M0 0H9");
        let size: [Attribute; 2] = [("width", &5), ("height", &number(2.5))];
        svg.told("rect", "balken", &size, Some("„a“ & b"));
        svg.told("rect", "balken", &size, None);
        svg.end_group();
        svg.end_line();
        svg.text("bild-klein", &[("x", &1)], "a < b & {{c}}");
        svg.end_line();
        let title = Title {
            id: "probe",
            title: "Wer <gewinnt>?",
            desc: "Alle.",
        };
        let expected = "\
<svg class=\"bild\" role=\"img\" aria-labelledby=\"probe-titel probe-text\" viewBox=\"0 0 380 99.5\" xmlns=\"http://www.w3.org/2000/svg\">
<title id=\"probe-titel\">Wer &#60;gewinnt&#62;?</title>
<desc id=\"probe-text\">Alle.</desc>
<g class=\"spur\" transform=\"translate(1 2)\"><path class=\"achse\" d=\"M0 0H9\"/>\
<rect class=\"balken\" width=\"5\" height=\"2.5\"><title>„a“ &#38; b</title></rect>\
<rect class=\"balken\" width=\"5\" height=\"2.5\"></rect></g>
<text class=\"bild-klein\" x=\"1\">a &#60; b &#38; &#123;&#123;c}}</text>
</svg>
";
        assert_eq!(svg.finish("class=\"bild\"", (380, 99.5), title), expected);
    }

    #[test]
    fn text_and_numbers_are_fit_for_the_picture() {
        assert_eq!(
            escape("<a> & {{x}}\n"),
            "&#60;a&#62; &#38; &#123;&#123;x}} "
        );
        assert_eq!((number(12.04), number(12.06)), ("12".into(), "12.1".into()));
    }
}
