//! A server that is measured: started, asked for its port, observed, and ended with its value.
//! In flows a command, out flow the address it listens on and what it costs: memory, threads, processor time.

use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

/// How long a server may take until it listens.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a ready server prints before its address.
const READY: &str = "Server lauscht auf ";

/// A running server. Dropping it ends it.
///
/// It stays in our own process group: Ctrl-C at the terminal, or closing it, ends both.
pub struct Server {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Server {
    /// Starts `command` and waits until it listens; `name` is what error sentences call it.
    pub fn start(command: &mut Command, name: &str) -> Result<Server, String> {
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("„{name}“ lässt sich nicht starten ({error})."))?;
        // From here on whatever goes wrong ends the child.
        let mut server = Server {
            child,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
        };
        let stdout = server.child.stdout.take().expect("piped above");
        let (sender, ready) = mpsc::channel();
        thread::spawn(move || {
            let mut stdout = BufReader::new(stdout);
            let mut line = String::new();
            // Unreadable is as good as silent; the address below is missing either way.
            let _ = stdout.read_line(&mut line);
            let _ = sender.send(line);
            // What else it prints must not fill the pipe, or the server would wait for us.
            let _ = io::copy(&mut stdout, &mut io::sink());
        });
        let line = ready.recv_timeout(PATIENCE).unwrap_or_default();
        server.address = line
            .trim_end()
            .strip_prefix(READY)
            .and_then(|address| address.parse().ok())
            .ok_or_else(|| {
                format!(
                    "„{name}“ meldet nicht, wo es lauscht, sondern „{}“.",
                    line.trim_end()
                )
            })?;
        Ok(server)
    }

    /// What it has cost so far.
    pub fn gauge(&self) -> Gauge {
        Gauge::of(self.child.id())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only if it is gone already, which is what we want.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads what a process costs. 0 where the system does not say, or the process is gone.
pub struct Gauge {
    system: System,
    pid: Pid,
}

impl Gauge {
    /// The process of that id.
    pub fn of(pid: u32) -> Gauge {
        Gauge {
            system: System::new(),
            pid: Pid::from_u32(pid),
        }
    }

    /// This very program.
    pub fn of_ourselves() -> Gauge {
        Gauge::of(std::process::id())
    }

    /// Processor time of all its threads since its start; systems count in steps of 10 ms or finer.
    pub fn cpu(&mut self) -> Duration {
        let kind = ProcessRefreshKind::nothing().with_cpu().without_tasks();
        Duration::from_millis(
            self.refreshed(kind, |process| process.accumulated_cpu_time()),
        )
    }

    /// Resident memory in bytes.
    pub fn memory(&mut self) -> u64 {
        let kind = ProcessRefreshKind::nothing().with_memory().without_tasks();
        self.refreshed(kind, |process| process.memory())
    }

    /// Addresses that are reserved, occupied or not, in bytes.
    pub fn reserved(&mut self) -> u64 {
        let kind = ProcessRefreshKind::nothing().with_memory().without_tasks();
        self.refreshed(kind, |process| process.virtual_memory())
    }

    /// Number of threads; `None` where the system does not say.
    pub fn threads(&mut self) -> Option<u64> {
        let kind = ProcessRefreshKind::nothing().with_tasks();
        let others = self.refreshed(kind, |process| {
            process.tasks().map_or(0, |tasks| tasks.len() as u64)
        });
        // Only Linux counts them, and it does not count the first one.
        cfg!(target_os = "linux").then_some(others + 1)
    }

    fn refreshed(
        &mut self,
        kind: ProcessRefreshKind,
        read: impl Fn(&sysinfo::Process) -> u64,
    ) -> u64 {
        let pids = [self.pid];
        let these = ProcessesToUpdate::Some(&pids);
        self.system.refresh_processes_specifics(these, true, kind);
        self.system.process(self.pid).map_or(0, read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hint::black_box;
    use std::time::Instant;

    #[test]
    fn a_process_uses_time_memory_and_threads() {
        let mut gauge = Gauge::of_ourselves();
        let before = gauge.cpu();
        let begin = Instant::now();
        while gauge.cpu() < before + Duration::from_millis(30) {
            for number in 0..100_000u64 {
                black_box(number);
            }
            assert!(
                begin.elapsed() < Duration::from_secs(10),
                "no time is counted"
            );
        }
        assert!(gauge.memory() > 100_000);
        // The threads of the other tests come and go.
        let (release, wait) = mpsc::channel::<()>();
        let waiting = thread::spawn(move || wait.recv());
        if cfg!(target_os = "linux") {
            assert!(gauge.threads() >= Some(2));
        }
        drop(release);
        assert!(waiting.join().expect("it does not panic").is_err());
    }

    #[test]
    fn a_program_that_does_not_listen_is_told_in_one_sentence() {
        let mut command = Command::new("rustc");
        let message =
            Server::start(command.arg("--version"), "rustc").map(drop).unwrap_err();
        assert!(
            message.starts_with("„rustc“ meldet nicht, wo es lauscht, sondern „rustc 1."),
            "{message}"
        );
        let message = Server::start(&mut Command::new("gibt-es-nicht"), "Nichts").map(drop);
        let message = message.unwrap_err();
        assert!(
            message.starts_with("„Nichts“ lässt sich nicht starten ("),
            "{message}"
        );
    }
}
