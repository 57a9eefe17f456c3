//! Text in a picture that is drawn where no font can be asked: how wide it gets, where it breaks.
//! In flows German text, out flow estimates on the safe side for a sans-serif such as Open Sans,
//! and the text as XML.

use std::fmt::Write;

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

/// Text as XML that Markdown, mdBook's `{{…}}` and browsers take for nothing else.
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

/// So many microseconds in seconds, as German writes them.
pub fn seconds(micros: u64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", micros as f64 / 1e6);
    format!("{}\u{202f}s", text.replace('.', ","))
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
    fn text_and_numbers_are_fit_for_the_picture() {
        assert_eq!(
            escape("<a> & {{x}}\n"),
            "&#60;a&#62; &#38; &#123;&#123;x}} "
        );
        assert_eq!(seconds(2_500_000, 1), "2,5\u{202f}s");
        assert_eq!(seconds(3_000_000, 0), "3\u{202f}s");
    }
}
