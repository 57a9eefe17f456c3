//! Was nicht übersetzbar sein soll, weist der Compiler zurück – und aus dem Grund, der im
//! Buch steht.

use std::env;
use std::fs;
use std::process::Command;

/// Die Programme und der Fehler, an dem jedes scheitern soll.
const REFUSED: [(&str, &str); 3] = [
    ("data_race.rs", "E0499"),
    ("moved.rs", "E0382"),
    ("rc.rs", "E0277"),
];

#[test]
fn each_program_is_refused_for_one_reason_only() {
    for (file, code) in REFUSED {
        let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let output = Command::new(rustc)
            .args(["--edition=2024", "--emit=metadata"])
            .args(["--out-dir", env!("CARGO_TARGET_TMPDIR")])
            .arg(format!("tests/compile-fail/{file}"))
            .output()
            .expect("wer cargo hat, hat auch rustc");
        let message = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{file} ist übersetzbar");
        let errors: Vec<&str> =
            message.lines().filter(|line| line.starts_with("error[")).collect();
        assert_eq!(errors.len(), 1, "{message}");
        assert!(
            errors[0].starts_with(&format!("error[{code}]")),
            "{message}"
        );
    }
}

#[test]
fn no_program_is_forgotten() {
    let files = fs::read_dir("tests/compile-fail").unwrap();
    let mut programs: Vec<String> = files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".rs"))
        .collect();
    programs.sort();
    assert_eq!(programs, REFUSED.map(|(file, _)| file));
}
