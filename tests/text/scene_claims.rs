//! What the chapters say about several scenes at once: that a later server shows the same lines as an earlier one.

use std::collections::BTreeMap;
use std::path::Path;

use scenes::SceneId;
use scenes::recording::EventKind;

/// What each program printed and what was typed into it, in order.
fn lines(listing: &str, scene: &str) -> BTreeMap<String, Vec<String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let recording = scenes::load_recording(root, &SceneId::new(listing, scene)).unwrap();
    let mut lines = BTreeMap::<String, Vec<String>>::new();
    for event in recording.events {
        if matches!(event.kind, EventKind::Out | EventKind::Err | EventKind::In) {
            lines.entry(event.process).or_default().extend(event.text);
        }
    }
    assert!(lines.len() > 2, "{listing}/{scene} has several programs");
    lines
}

#[test]
fn the_event_loop_shows_the_lines_of_the_threads() {
    for scene in ["drei-clients", "langsamer-leser"] {
        let threads = lines("ch05-threaded-chat", scene);
        assert_eq!(lines("ch06-event-loop-chat", scene), threads, "{scene}");
    }
}

/// „Anders ist nur das Ende.“
#[test]
fn tokio_differs_in_the_end_only() {
    for scene in ["drei-clients", "langsamer-leser"] {
        let threads = lines("ch05-threaded-chat", scene);
        let tokio = lines("ch08-tokio-chat", scene);
        assert_ne!(tokio, threads, "{scene}");
        let closes = |line: &String| line.starts_with("Der Server schließt");
        assert!(tokio["Server"].iter().any(closes), "{:?}", tokio["Server"]);
        for (program, earlier) in &threads {
            let common =
                tokio[program].iter().zip(earlier).take_while(|(a, b)| a == b).count();
            // Until the end they agree: what follows is about leaving or hanging up.
            for line in tokio[program][common..].iter().chain(&earlier[common..]) {
                let closing = ["ist weg", "aufgelegt", "schließt", "Alle sind fort"];
                assert!(
                    closing.iter().any(|word| line.contains(word)),
                    "{program}: {line}"
                );
            }
        }
    }
}
