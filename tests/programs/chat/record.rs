//! Judges what one client heard. In flow the lines it read and what the others had said, out flow
//! faults in plain words: a message lost, doubled, out of order, from a stranger, after a farewell.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

/// Longer than any line.
static PADDING: LazyLock<String> = LazyLock::new(|| "x".repeat(1 << 14));

/// What somebody said, line by line.
#[derive(Debug, Clone)]
pub struct Said {
    pub name: String,
    /// Packed.
    pub texts: Vec<String>,
    /// The server may have cut off the speaker, or the listener, somewhere on the way.
    pub may_end_early: bool,
}

impl Said {
    /// All of it was said and has to arrive.
    pub fn all(name: &str, texts: impl IntoIterator<Item = String>) -> Said {
        Said {
            name: name.into(),
            texts: texts.into_iter().map(|text| packed(&text)).collect(),
            may_end_early: false,
        }
    }

    /// The first part of it arrives, however long that is.
    pub fn beginning(name: &str, texts: impl IntoIterator<Item = String>) -> Said {
        Said {
            may_end_early: true,
            ..Said::all(name, texts)
        }
    }
}

/// Everything that is wrong with what one client heard, if the others said just this.
pub fn faults<'a>(
    heard: &[String],
    said: impl IntoIterator<Item = &'a Said>,
) -> Vec<String> {
    let mut faults = Vec::new();
    let mut others: HashMap<&str, Other> = HashMap::new();
    for line in heard {
        if let Some((name, arrived)) = coming_or_going(line) {
            let other = others.entry(name).or_default();
            if other.present.replace(arrived) == Some(arrived) {
                faults.push(format!("twice in a row: {line:?}"));
            }
        } else if let Some((name, text)) = line.split_once(": ") {
            let other = others.entry(name).or_default();
            if other.present == Some(false) {
                faults.push(format!("after the farewell: {line:?}"));
            }
            other.texts.push(text);
        } else {
            faults.push(format!("neither message nor event: {line:?}"));
        }
    }
    for said in said {
        let other = others.remove(said.name.as_str()).unwrap_or_default();
        faults.extend(differences(said, &other.texts));
    }
    let talked = others.into_iter().filter(|(_, other)| !other.texts.is_empty());
    let strangers =
        talked.map(|(name, other)| format!("from nobody: {name}: {:?}", other.texts));
    faults.extend(strangers);
    faults
}

/// What was heard of one name.
#[derive(Default)]
struct Other<'a> {
    /// Said to be here, or gone; `None` before either was said.
    present: Option<bool>,
    texts: Vec<&'a str>,
}

/// `* NAME ist da` and `* NAME ist weg`.
fn coming_or_going(line: &str) -> Option<(&str, bool)> {
    let event = line.strip_prefix("* ")?;
    let arrival = event.strip_suffix(" ist da").map(|name| (name, true));
    arrival.or_else(|| Some((event.strip_suffix(" ist weg")?, false)))
}

/// Lost, doubled, invented; or all there but in another order.
fn differences(said: &Said, heard: &[&str]) -> Vec<String> {
    let texts = match said.may_end_early {
        true => &said.texts[..heard.len().min(said.texts.len())],
        false => &said.texts[..],
    };
    if texts == heard {
        return Vec::new();
    }
    let mut surplus: BTreeMap<&str, isize> = BTreeMap::new();
    for text in heard {
        *surplus.entry(text).or_default() += 1;
    }
    for text in texts {
        *surplus.entry(text).or_default() -= 1;
    }
    let name = &said.name;
    let faults: Vec<String> = surplus
        .iter()
        .filter(|(_, surplus)| **surplus != 0)
        .map(|(text, surplus)| match surplus {
            ..0 => format!("lost: {name}: {text:?}"),
            _ => format!("once too often: {name}: {text:?}"),
        })
        .collect();
    if !faults.is_empty() {
        return faults;
    }
    let place = texts.iter().zip(heard).position(|(said, heard)| said != heard);
    let place = place.expect("two lists of the same length that differ somewhere");
    vec![format!("out of order: {name}: {:?}", heard[place])]
}

/// Fails with the first few faults, if there are any.
#[track_caller]
pub fn assert_heard<'a>(
    who: &str,
    heard: &[String],
    said: impl IntoIterator<Item = &'a Said>,
) {
    let faults = faults(heard, said);
    let shown: Vec<String> = faults.iter().take(10).map(|fault| clip(fault)).collect();
    assert!(
        faults.is_empty(),
        "{who} heard {} faults:\n{}",
        faults.len(),
        shown.join("\n")
    );
}

/// A line as it is remembered: of a long padding with `x` at its end only the length. (Some hundred megabytes would be
/// remembered otherwise, and every program that is started copies the tables of all pages.)
pub fn packed(line: &str) -> String {
    // Most lines are short. To look for a hundred `x` in each of them would cost a tenth of the whole run.
    let long = Some(line).filter(|line| line.len() >= 100);
    let padding = long
        .and_then(|line| line.find(&PADDING[..100]))
        .map(|start| line.split_at(start));
    match padding {
        Some((text, padding)) if PADDING.starts_with(padding) => {
            format!("{text}x × {}", padding.len())
        }
        _ => line.to_owned(),
    }
}

/// A line for a report: long ones are cut.
pub fn clip(line: &str) -> String {
    match line.char_indices().nth(100) {
        Some((place, _)) => format!("{}… ({} bytes)", &line[..place], line.len()),
        None => line.to_string(),
    }
}
