//! Tables with a heading, as plain text for a terminal and as HTML for a chapter.
//! In flow German words, out flows the same content in either form.

use print::svg::escape;

/// Rows with a common heading.
pub struct Section {
    pub title: String,
    /// The first column names the server, the others are numbers.
    pub header: Vec<&'static str>,
    pub rows: Vec<Vec<String>>,
}

impl Section {
    /// Its title and, below it, its columns one under the other.
    pub fn text(&self) -> String {
        let header: Vec<String> = self.header.iter().map(|&word| word.to_owned()).collect();
        let lines: Vec<&Vec<String>> = std::iter::once(&header).chain(&self.rows).collect();
        let width = |column: usize| {
            let cells = lines.iter().map(|line| line[column].chars().count());
            cells.max().unwrap_or(0)
        };
        let mut out = format!("{}\n", self.title);
        for line in &lines {
            for (column, cell) in line.iter().enumerate() {
                let width = width(column);
                out += &match column {
                    0 => format!("  {cell:width$}"),
                    _ => format!("  {cell:>width$}"),
                };
            }
            out.push('\n');
        }
        out
    }
    fn html(&self) -> String {
        let mut out = format!("<table>\n<caption>{}</caption>\n", escape(&self.title));
        out += "<thead><tr>";
        for word in &self.header {
            out += &format!("<th scope=\"col\">{}</th>", escape(word));
        }
        out += "</tr></thead>\n<tbody>\n";
        for row in &self.rows {
            out += "<tr>";
            for (column, cell) in row.iter().enumerate() {
                let cell = escape(cell);
                out += &match column {
                    0 => format!("<th scope=\"row\">{cell}</th>"),
                    _ => format!("<td>{cell}</td>"),
                };
            }
            out += "</tr>\n";
        }
        out + "</tbody>\n</table>\n"
    }
}

/// A `<figure>` without an empty line, as Markdown wants it: caption, tables, notes, and the command that measures the
/// same.
pub fn figure(
    caption: &str,
    sections: &[Section],
    notes: &[String],
    command: Option<&str>,
) -> String {
    let mut out = String::from("<figure class=\"messung\">\n");
    out += &format!("<figcaption>{}</figcaption>\n", escape(caption));
    out.extend(sections.iter().map(Section::html));
    for note in notes {
        out += &format!("<p class=\"anmerkung\">{}</p>\n", escape(note));
    }
    if let Some(command) = command {
        let command = escape(command);
        out +=
            &format!("<p class=\"anmerkung\">Selbst messen: <code>{command}</code></p>\n");
    }
    out + "</figure>\n"
}
