//! What a server costs the machine: memory, threads, open descriptors, computing time, read from
//! `/proc`. Elsewhere than on Linux nothing is measured, and every comparison holds.

use std::thread;
use std::time::{Duration, Instant};

use super::server::{DEADLINE, Server};

/// What an allocator may keep of memory that was given back to it, in KiB. Measured after these
/// tests: less than 1 MiB, in the arenas and stacks of the threaded server.
const KEPT: usize = 3 * 1024;

/// What a process holds at one moment.
#[derive(Debug, Default)]
pub struct Footprint {
    /// Resident memory in KiB.
    pub memory: usize,
    pub threads: usize,
    pub descriptors: usize,
}

impl Footprint {
    #[cfg(target_os = "linux")]
    pub fn of(server: &Server) -> Footprint {
        let process = format!("/proc/{}", server.id());
        let status = std::fs::read_to_string(format!("{process}/status"));
        let status = status.expect("the server is alive");
        let number = |key: &str| {
            let line = status.lines().find(|line| line.starts_with(key));
            let number = line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
            number.unwrap_or_else(|| panic!("no {key} in {status}"))
        };
        let descriptors = std::fs::read_dir(format!("{process}/fd"));
        Footprint {
            memory: number("VmRSS:"),
            threads: number("Threads:"),
            descriptors: descriptors.expect("the server is ours").count(),
        }
    }

    #[cfg(not(target_os = "linux"))]
    pub fn of(_: &Server) -> Footprint {
        Footprint::default()
    }

    /// Waits until the server holds no more than at this moment, apart from what allocators keep.
    #[track_caller]
    pub fn wait_until_back(&self, server: &Server) {
        let start = Instant::now();
        loop {
            let now = Footprint::of(server);
            let back = now.memory <= self.memory + KEPT
                && now.threads <= self.threads
                && now.descriptors <= self.descriptors;
            if back {
                return;
            }
            assert!(start.elapsed() < DEADLINE, "not back to {self:?}: {now:?}");
            thread::sleep(Duration::from_millis(5)); // nobody reports a change in /proc
        }
    }
}

/// The share of one core that the server uses in this time.
#[cfg(target_os = "linux")]
pub fn load(server: &Server, during: Duration) -> f64 {
    let computed = || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", server.id()));
        let stat = stat.expect("the server is alive");
        let (_, fields) = stat.rsplit_once(") ").expect("the name stands in brackets");
        let ticks = |field: &str| field.parse::<u64>().expect("a number of ticks");
        let ticks: u64 = fields.split(' ').skip(11).take(2).map(ticks).sum();
        Duration::from_millis(10 * ticks)
    };
    let before = computed();
    thread::sleep(during); // the window of the measurement
    (computed() - before).as_secs_f64() / during.as_secs_f64()
}

#[cfg(not(target_os = "linux"))]
pub fn load(_: &Server, _: Duration) -> f64 {
    0.0
}
