//! Draws a timeline as SVG: one row a lane, time to the right.
//! In flow lanes and their frame, out flows an `<svg>` without blank lines, the same for the same
//! lanes. Colours and line styles stand in `book/theme/zeitachsen.css`; nothing depends on colour.

use super::{Frame, Kind, Lane, Mark, OF, Span, Timeline};
use print::german::seconds;
use print::svg::{Attribute, Svg, Title, number, width, wrap};

/// Width of the whole picture, in its own units; on the page it is about as many pixels.
const WIDTH: f64 = 644.0;
/// Space at all sides.
const EDGE: f64 = 12.0;
/// Font sizes.
const LARGE: f64 = 15.0;
const SMALL: f64 = 13.0;
/// Height of a bar: two small lines.
const BAR: f64 = 38.0;
/// Height of a line of marks above a bar.
const MARKS: f64 = 19.0;
/// Space between two lanes.
const GAP: f64 = 16.0;
/// Work that lasts a few microseconds would be too thin to be seen: this is the thinnest stroke.
const THINNEST: f64 = 3.5;
/// A waiting bar narrower than this has no room for dashes at its sides.
const NARROW: f64 = 9.0;
/// Space between a waiting bar's ends and its text.
const PADDING: f64 = 5.0;
/// The names of the lanes take at most that much.
const WIDEST_NAME: f64 = 132.0;

/// A lane with its place in the picture.
struct Track<'a> {
    lane: &'a Lane,
    process: &'a str,
    thread: Vec<String>,
    marks: Vec<Placed<'a>>,
    /// Top of the bar.
    bar: f64,
}

/// A mark with its place: which line above the bar, where its text begins, and whether that
/// is left of it.
struct Placed<'a> {
    mark: &'a Mark,
    line: usize,
    to_the_left: bool,
}

/// From microseconds to places.
struct Scale {
    from: u64,
    to: u64,
    left: f64,
    right: f64,
}

impl Scale {
    fn x(&self, t: u64) -> f64 {
        let t = t.clamp(self.from, self.to) - self.from;
        let whole = (self.to - self.from) as f64;
        self.left + t as f64 / whole * (self.right - self.left)
    }

    fn shows(&self, from: u64, to: u64) -> bool {
        from <= self.to && to >= self.from
    }
}

/// What the legend has to explain.
#[derive(Default)]
struct Used {
    waiting: bool,
    holding: bool,
    working: bool,
    widened: bool,
    unknown: bool,
    marks: bool,
}

/// Draws the timeline.
pub fn draw(timeline: &Timeline, frame: &Frame) -> String {
    let last = timeline.lanes.iter().map(|lane| lane.to).max().unwrap_or(0);
    let from = frame.from.unwrap_or(0);
    let heads: Vec<_> = timeline.lanes.iter().map(head).collect();
    let names = heads.iter().flat_map(|(process, thread)| {
        let thread = thread.iter().map(|line| width(line, SMALL));
        thread.chain([width(process, LARGE) * 1.06])
    });
    let scale = Scale {
        from,
        to: frame.to.unwrap_or(last).max(from + 1),
        left: EDGE + names.fold(0.0, f64::max).ceil() + EDGE,
        right: WIDTH - EDGE - 8.0,
    };

    let mut y = 4.0;
    let mut rows = Vec::new();
    for (lane, (process, thread)) in timeline.lanes.iter().zip(heads) {
        let marks = place(&lane.marks, &scale);
        let lines = marks.iter().map(|placed| placed.line + 1).max().unwrap_or(0);
        y += lines as f64 * MARKS;
        rows.push(Track {
            lane,
            process,
            thread,
            marks,
            bar: y,
        });
        y += BAR + GAP;
    }
    let axis = y - GAP / 2.0;

    let mut used = Used {
        marks: rows.iter().any(|row| !row.marks.is_empty()),
        ..Used::default()
    };
    let mut svg = Svg::default();
    draw_axis(&mut svg, &scale, axis);
    for row in &rows {
        draw_row(&mut svg, row, &scale, &mut used);
    }
    svg.group("bild-text", &[]);
    svg.end_line();
    for row in &rows {
        draw_name(&mut svg, row);
    }
    for row in &rows {
        draw_marks(&mut svg, row, &scale);
    }
    number_axis(&mut svg, &scale, axis);
    let bottom = draw_legend(&mut svg, &used, axis + 52.0);
    svg.end_group();
    svg.end_line();
    let title = Title {
        id: &frame.id,
        title: &frame.title,
        desc: &frame.desc,
    };
    svg.finish("class=\"bild zeitachse\"", (WIDTH as i32, bottom), title)
}

/// The name of a lane: the process, and below it the thread in as many lines as it takes.
fn head(lane: &Lane) -> (&str, Vec<String>) {
    match lane.name.split_once(OF) {
        None => (&lane.name, Vec::new()),
        Some((process, thread)) => {
            let lines = wrap(thread, SMALL, WIDEST_NAME, 2);
            (process, lines.unwrap_or_else(|| vec![thread.to_owned()]))
        }
    }
}

/// Gives every mark that is shown a line on which its text meets no other one.
fn place<'a>(marks: &'a [Mark], scale: &Scale) -> Vec<Placed<'a>> {
    // How far to the right each line is taken.
    let mut taken: Vec<f64> = Vec::new();
    let mut placed = Vec::new();
    for mark in marks.iter().filter(|mark| scale.shows(mark.t, mark.t)) {
        let x = scale.x(mark.t);
        let wide = width(&mark.text, SMALL) + 12.0;
        let to_the_left = x + wide > WIDTH;
        let (begin, end) = if to_the_left {
            (x - wide, x + 5.0)
        } else {
            (x - 5.0, x + wide)
        };
        let line = taken.iter().position(|right| *right <= begin);
        let line = line.unwrap_or_else(|| {
            taken.push(0.0);
            taken.len() - 1
        });
        taken[line] = end;
        placed.push(Placed {
            mark,
            line,
            to_the_left,
        });
    }
    placed
}

fn draw_name(svg: &mut Svg, row: &Track) {
    let lines = row.thread.len() as f64;
    let mut y = row.bar + BAR / 2.0 + 5.0 - lines * 8.0;
    svg.text("bild-kopf", &[("x", &EDGE), ("y", &number(y))], row.process);
    for line in &row.thread {
        y += 16.0;
        svg.text("bild-klein", &[("x", &EDGE), ("y", &number(y))], line);
    }
    svg.end_line();
}

fn draw_row(svg: &mut Svg, row: &Track, scale: &Scale, used: &mut Used) {
    let lane = row.lane;
    svg.group(&format!("spur farbe-{}", lane.colour), &[]);
    if has_gap(lane, scale) {
        // The line of its life; where it shows, nobody looked.
        used.unknown = true;
        let y = number(row.bar + BAR / 2.0);
        let (from, to) = (number(scale.x(lane.from)), number(scale.x(lane.to)));
        svg.path("laeuft", format!("M{from} {y}H{to}"));
    }
    let shown = |kind| {
        let spans = lane.spans.iter().filter(move |span| span.kind == kind);
        spans.filter(|span| scale.shows(span.from, span.to))
    };
    for span in shown(Kind::Waiting) {
        used.waiting = true;
        waiting_bar(svg, span, "wartet", row.bar, scale);
    }
    for span in shown(Kind::Holding) {
        used.holding = true;
        waiting_bar(svg, span, "haelt", row.bar, scale);
    }
    for stroke in strokes(shown(Kind::Working), scale) {
        used.working = true;
        used.widened |= stroke.widened;
        let place: [Attribute; 4] = [
            ("x", &number(stroke.left)),
            ("y", &number(row.bar)),
            ("width", &number(stroke.right - stroke.left)),
            ("height", &BAR),
        ];
        svg.told("rect", "arbeitet", &place, stroke.label);
    }
    svg.end_group();
    svg.end_line();
}

/// Whether somewhere the line of life alone is to be seen.
fn has_gap(lane: &Lane, scale: &Scale) -> bool {
    if lane.comes_and_goes {
        return false;
    }
    let ends = lane.spans.iter().map(|span| (span.from, span.to));
    let mut known = lane.from;
    for (from, to) in ends.chain([(lane.to, lane.to)]) {
        if scale.x(from) - scale.x(known) > THINNEST {
            return true;
        }
        known = known.max(to);
    }
    false
}

/// A box with what it waits for; its class says whether it is dashed.
fn waiting_bar(svg: &mut Svg, span: &Span, class: &str, top: f64, scale: &Scale) {
    let (left, right) = (scale.x(span.from), scale.x(span.to));
    if right - left < THINNEST {
        return; // the strokes of work at both its ends meet
    }
    let title = span.label.as_deref();
    let wide = right - left;
    let (x, y) = (number(left), number(top));
    if wide < NARROW {
        let (wide, bottom) = (number(wide), number(top + BAR));
        let path = format!("M{x} {y}h{wide}M{x} {bottom}h{wide}");
        svg.told("path", class, &[("d", &path)], title);
        return;
    }
    let place: [Attribute; 5] = [
        ("x", &x),
        ("y", &y),
        ("width", &number(wide)),
        ("height", &BAR),
        ("rx", &3),
    ];
    svg.told("rect", class, &place, title);
    let room = wide - 2.0 * PADDING - THINNEST;
    let fits = |text: &Option<String>, most| wrap(text.as_deref()?, SMALL, room, most);
    let lines = fits(&span.label, 1).or_else(|| fits(&span.label, 2));
    let lines = lines.or_else(|| fits(&span.short, 1)).unwrap_or_default();
    let middle = (left + right) / 2.0;
    let mut y = top + BAR / 2.0 + 4.5 - (lines.len().saturating_sub(1)) as f64 * 7.5;
    for line in lines {
        write(svg, "bild-text bild-klein", "middle", (middle, y), &line);
        y += 15.0;
    }
}

/// Words at a place, which is their beginning, middle or end.
fn write(svg: &mut Svg, class: &str, anchor: &str, (x, y): (f64, f64), text: &str) {
    let place: [Attribute; 3] = [
        ("text-anchor", &anchor),
        ("x", &number(x)),
        ("y", &number(y)),
    ];
    svg.text(class, &place, text);
}

/// A stroke of work in the picture.
struct Stroke<'a> {
    left: f64,
    right: f64,
    widened: bool,
    label: Option<&'a str>,
}

/// Strokes wide enough to be seen; those that touch become one.
fn strokes<'a>(spans: impl Iterator<Item = &'a Span>, scale: &Scale) -> Vec<Stroke<'a>> {
    let mut strokes: Vec<Stroke> = Vec::new();
    for span in spans {
        let (mut left, mut right) = (scale.x(span.from), scale.x(span.to));
        let widened = right - left < THINNEST;
        if widened {
            left = (left + right - THINNEST) / 2.0;
            right = left + THINNEST;
        }
        match strokes.last_mut() {
            Some(before) if left <= before.right + 1.5 => {
                before.right = before.right.max(right);
                before.widened |= widened;
                before.label = None;
            }
            _ => strokes.push(Stroke {
                left,
                right,
                widened,
                label: span.label.as_deref(),
            }),
        }
    }
    strokes
}

fn draw_marks(svg: &mut Svg, row: &Track, scale: &Scale) {
    for placed in &row.marks {
        let x = scale.x(placed.mark.t);
        let y = row.bar - placed.line as f64 * MARKS - 9.0;
        let (text_x, anchor) = if placed.to_the_left {
            (x - 8.0, "end")
        } else {
            (x + 8.0, "start")
        };
        let corner = (number(x - 4.0), number(y - 4.0));
        svg.path("marke", format!("M{} {}h8l-4 7z", corner.0, corner.1));
        if placed.line > 0 {
            let (x, from, to) = (number(x), number(y + 3.0), number(row.bar));
            svg.path("raster", format!("M{x} {from}V{to}"));
        }
        let text = &placed.mark.text;
        write(svg, "bild-klein", anchor, (text_x, y + 3.0), text);
        svg.end_line();
    }
}

/// The lines of the axis, which lie behind everything.
fn draw_axis(svg: &mut Svg, scale: &Scale, y: f64) {
    let (left, right) = (number(scale.left), number(scale.right + 8.0));
    svg.path("achse", format!("M{left} {}H{right}", number(y)));
    svg.end_line();
    let (ticks, _) = ticks(scale);
    let lines = ticks.map(|t| format!("M{} 4V{}", number(scale.x(t)), number(y + 5.0)));
    svg.path("raster", lines.collect::<String>());
    svg.end_line();
}

/// Its numbers.
fn number_axis(svg: &mut Svg, scale: &Scale, y: f64) {
    let (ticks, decimals) = ticks(scale);
    for t in ticks {
        let time = seconds(t as f64 / 1e6, if t == 0 { 0 } else { decimals });
        write(svg, "bild-klein", "middle", (scale.x(t), y + 20.0), &time);
    }
    svg.end_line();
}

/// The numbers on the axis, and how many decimals they need.
fn ticks(scale: &Scale) -> (impl Iterator<Item = u64>, usize) {
    let (step, decimals) = step(scale.to - scale.from);
    let first = scale.from.div_ceil(step) * step;
    let step_by = usize::try_from(step).unwrap_or(usize::MAX);
    ((first..=scale.to).step_by(step_by), decimals)
}

/// Distance of two numbers on the axis, and how many decimals they need.
fn step(whole: u64) -> (u64, usize) {
    let mut power = 1;
    loop {
        for step in [power, 2 * power, 5 * power] {
            if whole / step <= 7 {
                let decimals = (0..6).find(|n| step % 10_u64.pow(6 - n) == 0);
                return (step, decimals.unwrap_or(6) as usize);
            }
        }
        power *= 10;
    }
}

/// What the signs mean, in as few lines as possible; returns where the picture ends.
fn draw_legend(svg: &mut Svg, used: &Used, top: f64) -> f64 {
    let work = if used.widened {
        "arbeitet (kurze Arbeit ist breiter gezeichnet, als sie dauert)"
    } else {
        "arbeitet"
    };
    let waiting: &[Attribute] = &[
        ("x", &0),
        ("y", &-11),
        ("width", &26),
        ("height", &14),
        ("rx", &3),
    ];
    let working: &[Attribute] = &[("x", &0), ("y", &-11), ("width", &4), ("height", &14)];
    let life: &[Attribute] = &[("d", &"M0 -4H26")];
    let mark: &[Attribute] = &[("d", &"M0 -8h8l-4 7z")];
    let unknown = "läuft; was es tut, ist nicht aufgezeichnet";
    let entries = [
        (used.waiting, "rect", "wartet", waiting, 32.0, "wartet"),
        (
            used.holding,
            "rect",
            "haelt",
            waiting,
            32.0,
            "hält den Thread fest",
        ),
        (used.working, "rect", "arbeitet", working, 10.0, work),
        (used.unknown, "path", "laeuft", life, 32.0, unknown),
        (used.marks, "path", "marke", mark, 12.0, "getippt"),
    ];
    let (mut x, mut y) = (EDGE, top);
    let shown = entries.into_iter().filter(|entry| entry.0);
    for (_, name, class, place, indent, text) in shown {
        let wide = indent + width(text, SMALL);
        if x > EDGE && x + wide > WIDTH - EDGE {
            (x, y) = (EDGE, y + 20.0);
        }
        let moved = format!("translate({} {})", number(x), number(y));
        svg.group("spur", &[("transform", &moved)]);
        svg.shape(name, class, place);
        svg.text("bild-klein", &[("x", &indent), ("y", &0)], text);
        svg.end_group();
        svg.end_line();
        x += wide + 24.0;
    }
    y + EDGE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame() -> Frame {
        Frame {
            id: "probe".into(),
            title: "Wer <wartet>?".into(),
            desc: "Anna {{wartet}}.".into(),
            from: None,
            to: None,
        }
    }

    fn span(from: u64, to: u64, kind: Kind, label: &str) -> Span {
        Span {
            from,
            to,
            kind,
            label: Some(label.into()),
            short: Some("read".into()),
        }
    }

    fn lane(spans: Vec<Span>) -> Lane {
        Lane {
            name: "Server · Thread für Anna".into(),
            colour: 2,
            from: spans[0].from,
            to: spans[spans.len() - 1].to,
            comes_and_goes: false,
            marks: Vec::new(),
            spans,
        }
    }

    fn drawn(lane: Lane) -> String {
        draw(&Timeline { lanes: vec![lane] }, &frame())
    }

    /// A wait of so many milliseconds within two seconds.
    fn waiting(milliseconds: u64) -> String {
        let end = milliseconds * 1_000;
        drawn(lane(vec![
            span(0, end, Kind::Waiting, "wartet in read auf Anna"),
            span(end, 2_000_000, Kind::Working, "rechnet"),
        ]))
    }

    fn texts(svg: &str) -> Vec<&str> {
        let texts = svg.split("<text").skip(1);
        texts
            .filter_map(|text| Some(text.split_once('>')?.1.split_once('<')?.0))
            .collect()
    }

    #[test]
    fn the_block_stays_whole_and_its_words_stay_words() {
        let svg = waiting(1_500);
        assert!(svg.lines().all(|line| !line.trim().is_empty()));
        assert!(svg.contains("<title id=\"probe-titel\">Wer &#60;wartet&#62;?</title>"));
        assert!(svg.contains("<desc id=\"probe-text\">Anna &#123;&#123;wartet}}.</desc>"));
        assert!(svg.contains("aria-labelledby=\"probe-titel probe-text\""));
        assert_eq!(svg, waiting(1_500), "the same lanes make the same picture");
    }

    #[test]
    fn a_label_is_whole_or_broken_or_short_or_left_out_as_its_wait_has_room() {
        let long = "wartet in read auf Anna";
        for (milliseconds, expected) in [
            (1_500, &[long][..]),
            (450, &["wartet in read", "auf Anna"]),
            (200, &["read"]),
            (50, &[]),
        ] {
            let svg = waiting(milliseconds);
            let all = texts(&svg);
            let labels: Vec<_> = all
                .iter()
                .filter(|text| long.contains(**text) && **text != "wartet")
                .collect();
            assert_eq!(
                labels,
                expected.iter().collect::<Vec<_>>(),
                "{milliseconds}"
            );
            assert!(
                svg.contains(&format!("<title>{long}</title>")),
                "{milliseconds}"
            );
        }
    }

    #[test]
    fn short_work_is_drawn_wide_enough_to_be_seen_and_the_legend_says_so() {
        let svg = drawn(lane(vec![
            span(0, 1_000_000, Kind::Waiting, "wartet"),
            span(1_000_000, 1_000_020, Kind::Working, "arbeitet"),
            span(1_000_020, 2_000_000, Kind::Waiting, "wartet"),
        ]));
        let strokes: Vec<_> =
            svg.lines().filter(|line| line.starts_with("<g class=\"spur farbe")).collect();
        assert_eq!(strokes.len(), 1);
        assert_eq!(strokes[0].matches("class=\"arbeitet\"").count(), 1);
        assert!(strokes[0].contains("width=\"3.5\" height=\"38\"><title>arbeitet"));
        assert!(svg.contains("kurze Arbeit ist breiter gezeichnet"));
        // One second of work is as long as it is.
        let svg = waiting(1_000);
        assert!(!svg.contains("kurze Arbeit"));
        assert!(svg.contains(">arbeitet</text>"));
    }

    #[test]
    fn what_holds_its_thread_has_a_box_and_an_entry_of_its_own() {
        let waits = waiting(1_500);
        assert!(!waits.contains("haelt") && !waits.contains("hält"));
        let svg = drawn(lane(vec![span(0, 2_000_000, Kind::Holding, "schläft")]));
        assert_eq!(svg.matches("class=\"haelt\"").count(), 2);
        assert!(
            svg.contains(">schläft</text>") && svg.contains(">hält den Thread fest</text>")
        );
        assert!(!svg.contains("class=\"wartet\"") && !svg.contains(">wartet</text>"));
    }

    #[test]
    fn strokes_that_would_touch_become_one() {
        let work = |from: u64| span(from, from + 10, Kind::Working, "arbeitet");
        let svg = drawn(lane(vec![
            work(0),
            work(2_000),
            work(4_000),
            work(2_000_000),
        ]));
        // Two in the lane, one in the legend.
        assert_eq!(svg.matches("<rect class=\"arbeitet\"").count(), 3);
    }

    #[test]
    fn where_nobody_looked_only_the_line_of_life_is_drawn() {
        let seen = waiting(1_000);
        assert!(!seen.contains("laeuft") && !seen.contains("nicht aufgezeichnet"));
        let svg = drawn(lane(vec![
            span(0, 0, Kind::Working, "Hallo"),
            span(2_000_000, 2_000_000, Kind::Working, "Ende"),
        ]));
        assert!(svg.contains("class=\"laeuft\"") && svg.contains("nicht aufgezeichnet"));
        let svg = drawn(Lane {
            comes_and_goes: true,
            ..lane(vec![
                span(0, 10, Kind::Waiting, "wartet"),
                span(1_900_000, 2_000_000, Kind::Waiting, "wartet"),
            ])
        });
        assert!(!svg.contains("laeuft") && !svg.contains("nicht aufgezeichnet"));
    }

    #[test]
    fn marks_that_would_meet_stand_one_above_the_other() {
        let mut lane = lane(vec![span(0, 2_000_000, Kind::Waiting, "wartet")]);
        let mark = |t: u64, text: &str| Mark {
            t,
            text: text.into(),
        };
        lane.marks = vec![
            mark(0, "„Hallo zusammen“"),
            mark(100_000, "„Na?“"),
            mark(1_000_000, "„time“"),
            mark(1_999_000, "Strg+C"),
        ];
        let scale = Scale {
            from: 0,
            to: 2_000_000,
            left: 100.0,
            right: 620.0,
        };
        let placed = place(&lane.marks, &scale);
        let lines: Vec<_> =
            placed.iter().map(|placed| (placed.line, placed.to_the_left)).collect();
        assert_eq!(lines, [(0, false), (1, false), (0, false), (0, true)]);
        let svg = drawn(lane);
        assert!(svg.contains("text-anchor=\"end\""));
        assert!(
            svg.contains(">„Hallo zusammen“</text>") && svg.contains(">getippt</text>")
        );
    }

    #[test]
    fn the_axis_has_round_numbers_in_german_and_a_window_shows_only_its_part() {
        let svg = waiting(1_500);
        for second in ["0", "0,5", "1,0", "1,5", "2,0"] {
            assert!(
                svg.contains(&format!(">{second}\u{202f}s</text>")),
                "{second}"
            );
        }
        assert_eq!(step(60_000_000), (10_000_000, 0));
        assert_eq!(step(3_000_000), (500_000, 1));
        assert_eq!(step(30_000), (5_000, 3));
        let timeline = Timeline {
            lanes: vec![lane(vec![
                span(0, 1_000_000, Kind::Waiting, "vorher"),
                span(1_000_001, 4_000_000, Kind::Waiting, "danach"),
            ])],
        };
        let window = Frame {
            from: Some(2_000_000),
            to: Some(3_000_000),
            ..frame()
        };
        let svg = draw(&timeline, &window);
        assert!(svg.contains("danach") && !svg.contains("vorher"));
        assert!(
            svg.contains(">2,0\u{202f}s</text>") && !svg.contains(">1,0\u{202f}s</text>")
        );
    }
}
