//! Whether what was made of foreign text is the markup it is meant to be.

/// Every tag is closed, text stays text, and no line is empty: in Markdown that would end the block.
pub fn assert_whole(markup: &str) {
    let mut open = Vec::new();
    let mut rest = markup;
    while let Some((text, after)) = rest.split_once('<') {
        assert_plain(text);
        let (tag, after) = cut_tag(after);
        rest = after;
        let name = tag.split([' ', '\n']).next().unwrap_or(tag);
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name), "{markup}"),
            None if tag.ends_with('/') => {}
            None => open.push(name),
        }
    }
    assert_plain(rest);
    assert!(open.is_empty(), "{open:?} in {markup}");
    assert!(
        markup.lines().all(|line| !line.trim().is_empty()),
        "an empty line in {markup}"
    );
}

/// What stands before the `>` of a tag, and what behind it.
fn cut_tag(text: &str) -> (&str, &str) {
    let mut quoted = false;
    for (at, character) in text.char_indices() {
        match character {
            '"' => quoted = !quoted,
            '>' if !quoted => {
                for value in text[..at].split('"').skip(1).step_by(2) {
                    assert_plain(value);
                }
                return (&text[..at], &text[at + 1..]);
            }
            _ => {}
        }
    }
    panic!("a tag without end: {text}");
}

/// Nothing in it is a sign of HTML or of mdBook, or moves anything on a screen.
fn assert_plain(text: &str) {
    assert!(!text.contains(['<', '>']) && !text.contains("{{"), "{text}");
    assert!(
        text.chars().all(|sign| sign == '\n' || !sign.is_control()),
        "{text:?}"
    );
    for entity in text.split('&').skip(1) {
        let name = entity.split_once(';').map(|(name, _)| name);
        let is_name = |name: &str| {
            name.trim_start_matches('#').chars().all(|sign| sign.is_ascii_alphanumeric())
        };
        assert!(name.is_some_and(is_name), "&{entity}");
    }
}
