//! What a page says over the WebSocket.

use serde_json::Value;

/// Every message with its fields; one with `?` may be missing.
const MESSAGES: [(&str, &[&str]); 10] = [
    ("hello", &["token", "path?"]),
    ("play", &["scene", "mode", "run"]),
    ("input", &["run", "process", "line"]),
    ("eof", &["run", "process"]),
    ("stop-process", &["run", "process"]),
    ("start-process", &["run", "process"]),
    ("add-client", &["run", "like"]),
    ("stop", &["run"]),
    ("measure", &["run", "measurement"]),
    ("run-cell", &["run", "cell", "source?"]),
];

/// The server takes the messages there are, however they are written, and nothing else.
pub fn messages(data: &[u8]) {
    // A text that is none does not get past the WebSocket.
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let taken = live::is_message(text);
    let value = serde_json::from_str::<Value>(text).ok();
    let known = value.filter(is_known);
    assert!(!taken || known.is_some(), "taken: {text}");
    if let Some(known) = known {
        // Written anew, no field stands there twice.
        let plain = known.to_string();
        assert!(live::is_message(&plain), "not taken: {plain}");
    }
}

fn is_known(message: &Value) -> bool {
    let Some(fields) = message.as_object() else {
        return false;
    };
    MESSAGES.iter().any(|(kind, known)| {
        let names = known.iter().map(|name| name.trim_end_matches('?'));
        fields.get("type").is_some_and(|name| name == kind)
            && fields
                .keys()
                .all(|name| name == "type" || names.clone().any(|own| own == name))
            && known.iter().all(|name| name.ends_with('?') || fields.contains_key(*name))
            && fields.iter().all(|(name, value)| fits(name, value))
    })
}

fn fits(name: &str, value: &Value) -> bool {
    match (name, value) {
        ("run", value) => value.as_u64().is_some_and(|run| u32::try_from(run).is_ok()),
        ("mode", value) => value == "perform" || value == "self",
        ("line", Value::String(line)) => {
            line.len() <= 8 * 1024 && !line.contains(['\n', '\r', '\0'])
        }
        ("source", Value::String(source)) => source.len() <= 32 * 1024,
        ("source", value) => value.is_null(),
        (_, value) => value.is_string(),
    }
}
