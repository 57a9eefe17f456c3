//! Many scenes, played side by side.

use std::sync::Mutex;
use std::thread;

use scenes::SceneId;

/// Plays every scene, so many at a time, and returns why some failed, in the order of the scenes.
/// Scenes mostly wait: a few side by side shorten the run without disturbing each other.
pub fn side_by_side(
    scenes: Vec<SceneId>,
    at_a_time: usize,
    play: impl Fn(&SceneId) -> anyhow::Result<()> + Sync,
) -> Vec<String> {
    let waiting = Mutex::new(scenes);
    let failures = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..at_a_time {
            scope.spawn(|| {
                loop {
                    let Some(id) = waiting.lock().unwrap().pop() else {
                        return;
                    };
                    if let Err(error) = play(&id) {
                        failures.lock().unwrap().push((id, format!("{error:?}")));
                    }
                }
            });
        }
    });
    let mut failures = failures.into_inner().unwrap();
    failures.sort();
    failures.into_iter().map(|(_, report)| report).collect()
}
