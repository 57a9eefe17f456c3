//! Whatever ends a measurement, its programs end with it – on Unix even if the measuring process is killed.
//! That process is this test program once more, with made-up programs that never end.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use measure::{chat, herd};
use programs::listings::Programs;
use testing::{DEADLINE, wait_until};

/// What the measuring process is told: what is measured, the folder of its program, and where that one "listens".
const MEASURED: &str = "CHATBUCH_TEST_MEASURED";
const FOLDER: &str = "CHATBUCH_TEST_FOLDER";
const ADDRESS: &str = "CHATBUCH_TEST_ADDRESS";

/// A server says where it listens – where in truth the test listens. Neither it nor a herd ends by itself.
const SCRIPT: &str = r#"#!/bin/sh
PATH=/usr/bin:/bin
case $1 in
--port) echo "Server lauscht auf $CHATBUCH_TEST_ADDRESS" ;;
esac
while :; do sleep 0.1; done
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
        .env(ADDRESS, listener.local_addr().unwrap().to_string())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let running = || {
        let script = script.display().to_string();
        !testing::processes::commands(|command| command.contains(&script)).is_empty()
    };
    wait_until("a program is measured", DEADLINE, running);
    measuring.kill().unwrap();
    measuring.wait().unwrap();
    wait_until("the program is gone", DEADLINE, || !running());
}
