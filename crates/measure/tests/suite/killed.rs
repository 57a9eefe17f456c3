//! Whatever ends a measurement, its programs end with it – on Linux even if the measuring process is killed.
//! That process is this test program once more, with made-up programs that would go on for a minute.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::{Duration, Instant};

use measure::{chat, herd};
use programs::listings::Programs;

/// The name of what is measured, and the folder of its program, for the measuring process.
const MEASURED: &str = "CHATBUCH_TEST_MEASURED";
const FOLDER: &str = "CHATBUCH_TEST_FOLDER";

/// Says who it is and, as a server does, where it listens – where in truth the test listens.
const SCRIPT: &str = r#"#!/bin/sh
echo $$ >"$CHATBUCH_TEST_FOLDER/neu"
mv "$CHATBUCH_TEST_FOLDER/neu" "$CHATBUCH_TEST_FOLDER/pid"
case $1 in
--port) echo "Server lauscht auf $CHATBUCH_TEST_ADDRESS" ;;
esac
exec sleep 60
"#;

#[test]
#[ignore = "runs in a process of its own, which the tests below start and kill"]
fn the_measuring_process() {
    let folder = PathBuf::from(env::var_os(FOLDER).unwrap());
    let programs = ["ch05-server", "ch06-server", "ch08-server", "ch10-herd"]
        .map(|name| (name.to_owned(), folder.join("program")));
    let programs: Programs = BTreeMap::from(programs).into();
    let cancelled = Arc::new(AtomicBool::new(false));
    let outcome = match env::var(MEASURED).unwrap().as_str() {
        "chat" => chat::measure(&folder, &programs, 1, 1, &cancelled).map(drop),
        _ => herd::measure(&folder, &programs, 1, &cancelled).map(drop),
    };
    panic!("it was not killed in time: {outcome:?}");
}

#[test]
fn killing_a_measurement_of_the_chat_servers_leaves_nothing_behind() {
    killing_leaves_nothing_behind("chat");
}

#[test]
fn killing_a_measurement_of_the_herd_leaves_nothing_behind() {
    killing_leaves_nothing_behind("herd");
}

fn killing_leaves_nothing_behind(measured: &str) {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("program");
    fs::write(&script, SCRIPT).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    // Whoever connects here waits in vain.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut measuring = Command::new(env::current_exe().unwrap())
        .args(["--exact", "killed::the_measuring_process", "--ignored"])
        .env(MEASURED, measured)
        .env(FOLDER, folder.path())
        .env(
            "CHATBUCH_TEST_ADDRESS",
            listener.local_addr().unwrap().to_string(),
        )
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let pid = folder.path().join("pid");
    wait_until("a program is measured", || pid.is_file());
    let pid: u32 = fs::read_to_string(pid).unwrap().trim().parse().unwrap();
    assert!(runs(pid));
    measuring.kill().unwrap();
    measuring.wait().unwrap();
    wait_until("the program is gone", || !runs(pid));
}

/// A process that has ended and that nobody has asked about does not run.
fn runs(pid: u32) -> bool {
    let status = Path::new("/proc").join(pid.to_string()).join("status");
    fs::read_to_string(status).is_ok_and(|status| !status.contains("State:\tZ"))
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}: not in time");
        thread::sleep(Duration::from_millis(5));
    }
}
