//! Everything under `fuzz/seeds/`, read as the fuzzer reads it: what it has found once stays found.

use std::fs;
use std::path::Path;

#[path = "../../fuzz/src/lib.rs"]
mod properties;

type Property = fn(&[u8]);

#[test]
fn what_must_hold_of_any_bytes_holds_of_every_seed() {
    let targets: [(&str, Property); 4] = [
        ("lines", properties::lines),
        ("messages", properties::messages),
        ("recordings", properties::recordings),
        ("scripts", properties::scripts),
    ];
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
    for (target, holds) in targets {
        let seeds: Vec<_> = fs::read_dir(root.join(target)).unwrap().collect();
        assert!(seeds.len() > 5, "{target}");
        for seed in seeds {
            let path = seed.unwrap().path();
            eprintln!("{}", path.display());
            holds(&fs::read(path).unwrap());
        }
    }
}
