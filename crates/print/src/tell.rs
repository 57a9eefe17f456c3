//! What is shown and told: results on stdout, all else on stderr. Whoever has closed them (`… | head`) does not want to hear it:
//! that ends nothing.

use std::fmt::Display;
use std::io::{self, Write};

use crate::german;

/// Shows a result as it stands, line ends and all.
pub fn show(result: impl Display) {
    let mut stdout = io::stdout();
    let _ = write!(stdout, "{result}").and_then(|()| stdout.flush());
}

/// Tells a sentence; what the operating system reported in it is told in German.
pub fn tell(sentence: impl Display) {
    let _ = writeln!(io::stderr(), "{}", german::spoken(sentence));
}
