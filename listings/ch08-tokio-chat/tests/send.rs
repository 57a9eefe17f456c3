//! Was zwischen Threads wandern (`Send`) und von mehreren angesehen werden darf (`Sync`): Die
//! Tabelle des Kapitels, vom Compiler beantwortet.

use std::cell::RefCell;
use std::fs;
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard};

/// Für jeden Typ heißt die Antwort „nein“ …
trait No {
    const SEND: bool = false;
    const SYNC: bool = false;
}

struct Is<T>(PhantomData<T>);

impl<T> No for Is<T> {}

/// … und wo ein Typ die Bedingung erfüllt, geht die eigene Konstante der des Traits vor.
impl<T: Send> Is<T> {
    const SEND: bool = true;
}

impl<T: Sync> Is<T> {
    const SYNC: bool = true;
}

#[test]
fn the_table_of_the_chapter_is_right() {
    type Shared = Arc<Mutex<u32>>;
    assert_eq!((Is::<Shared>::SEND, Is::<Shared>::SYNC), (true, true));
    assert_eq!((Is::<Rc<u32>>::SEND, Is::<Rc<u32>>::SYNC), (false, false));
    type Cell = RefCell<u32>;
    assert_eq!((Is::<Cell>::SEND, Is::<Cell>::SYNC), (true, false));
    type Guard = MutexGuard<'static, u32>;
    assert_eq!((Is::<Guard>::SEND, Is::<Guard>::SYNC), (false, true));
}

/// Was nicht übersetzbar sein soll, prüft `cargo test` als Beispiel in `guard.rs`, mit tokio
/// und ohne es dafür noch einmal zu bauen.
#[test]
fn whatever_must_not_compile_is_an_example_that_does_not() {
    let examples = include_str!("../src/guard.rs");
    for file in fs::read_dir("tests/compile-fail/").unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        let example = format!(
            "//! ```compile_fail\n#![doc = include_str!(\"../tests/compile-fail/{name}\")]\n//! ```\n"
        );
        assert!(examples.contains(&example), "{name}");
    }
}
