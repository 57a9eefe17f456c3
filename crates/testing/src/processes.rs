//! What runs on this machine, as Linux tells it: to see that nothing is left of what a test has started.

use std::collections::BTreeMap;
use std::fs;

/// Every living process with its parent and its command line.
fn processes() -> BTreeMap<u32, (u32, String)> {
    let mut processes = BTreeMap::new();
    for entry in fs::read_dir("/proc").expect("/proc").flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else {
            continue;
        };
        // Whoever vanishes while we look is gone.
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else {
            continue;
        };
        let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        let mut fields = after_name.split_whitespace();
        let (state, parent) = (fields.next(), fields.next());
        if state != Some("Z")
            && let Some(parent) = parent.and_then(|parent| parent.parse::<u32>().ok())
        {
            let command = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let command = String::from_utf8_lossy(&command).replace('\0', " ");
            processes.insert(pid, (parent, command));
        }
    }
    processes
}

/// The command lines of all living processes that `wanted` is true of.
///
/// # Panics
///
/// There is no `/proc`.
pub fn commands(wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let commands = processes().into_values().map(|(_, command)| command);
    commands.filter(|command| wanted(command)).collect()
}

/// The living descendants of a process: number and command line.
///
/// # Panics
///
/// There is no `/proc`.
pub fn descendants(ancestor: u32) -> Vec<(u32, String)> {
    let all = processes();
    let descends = |pid: &u32| {
        let mut pid = *pid;
        while let Some((parent, _)) = all.get(&pid) {
            if *parent == ancestor {
                return true;
            }
            pid = *parent;
        }
        false
    };
    let below = all.iter().filter(|(pid, _)| descends(pid));
    below.map(|(pid, (_, command))| (*pid, command.clone())).collect()
}

/// Whether a process lives.
///
/// # Panics
///
/// There is no `/proc`.
pub fn is_alive(pid: u32) -> bool {
    processes().contains_key(&pid)
}
