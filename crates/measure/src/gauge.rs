//! What a program costs: on Linux to the nanosecond and the page, elsewhere what the system offers.
//! In flows a process id, out flow footprints, processor time and context switches.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sysinfo::{Pid, Process, ProcessRefreshKind, ProcessesToUpdate, System};

/// What a program occupies, in bytes. `None` where the system does not say.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Footprint {
    /// Memory that is really there, of the program.
    pub resident: u64,
    /// Addresses that are reserved, occupied or not, of the program.
    pub reserved: u64,
    /// The program's page tables.
    pub page_tables: Option<u64>,
    /// Kernel stacks of the whole system.
    pub kernel_stacks: Option<u64>,
    /// Kernel objects (slab) of the whole system: both ends of every connection are in there.
    pub slab: Option<u64>,
    /// Threads of the program.
    pub threads: Option<u64>,
}

impl Footprint {
    /// What is known of a program that never came up.
    pub const NONE: Footprint = Footprint {
        resident: 0,
        reserved: 0,
        page_tables: None,
        kernel_stacks: None,
        slab: None,
        threads: None,
    };
}

/// Reads what a process costs; 0 or nothing where the system does not say, or the process is gone.
pub struct Gauge {
    system: System,
    pid: u32,
}

impl Gauge {
    pub fn of(pid: u32) -> Gauge {
        Gauge {
            system: System::new(),
            pid,
        }
    }

    /// This very program.
    pub fn of_ourselves() -> Gauge {
        Gauge::of(std::process::id())
    }

    /// What it occupies right now.
    pub fn footprint(&mut self) -> Footprint {
        let kind = ProcessRefreshKind::nothing().with_memory().without_tasks();
        let memory = |process: &Process| (process.memory(), process.virtual_memory());
        let (resident, reserved) = self.refreshed(kind, memory).unwrap_or_default();
        let basics = Footprint {
            resident,
            reserved,
            ..Footprint::NONE
        };
        #[cfg(target_os = "linux")]
        {
            linux::footprint(self.pid, basics)
        }
        #[cfg(not(target_os = "linux"))]
        {
            basics
        }
    }

    /// Processor time of all its threads since its start.
    pub fn cpu(&mut self) -> Duration {
        #[cfg(target_os = "linux")]
        if let Some(time) = linux::cpu(self.pid) {
            return time;
        }
        let kind = ProcessRefreshKind::nothing().with_cpu().without_tasks();
        let time = self.refreshed(kind, Process::accumulated_cpu_time);
        Duration::from_millis(time.unwrap_or_default())
    }

    /// Context switches of all threads that it has now. With ten thousand of them this takes a while.
    pub fn switches(&self) -> Option<u64> {
        #[cfg(target_os = "linux")]
        {
            linux::switches(self.pid)
        }
        #[cfg(not(target_os = "linux"))]
        {
            None
        }
    }

    fn refreshed<T>(
        &mut self,
        kind: ProcessRefreshKind,
        read: impl Fn(&Process) -> T,
    ) -> Option<T> {
        let pid = Pid::from_u32(self.pid);
        let this = [pid];
        let this = ProcessesToUpdate::Some(&this);
        self.system.refresh_processes_specifics(this, true, kind);
        self.system.process(pid).map(read)
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs;
    use std::time::Duration;

    use nix::time::clock_getcpuclockid;
    use nix::unistd::Pid;

    use super::Footprint;

    pub fn footprint(pid: u32, basics: Footprint) -> Footprint {
        let read = |file: &str| fs::read_to_string(file).unwrap_or_default();
        let status = read(&format!("/proc/{pid}/status"));
        let system = read("/proc/meminfo");
        // The other files add up per-core counters only now and then: that can be off by some hundred KiB. This one
        // counts pages.
        let pages = read(&format!("/proc/{pid}/smaps_rollup"));
        Footprint {
            resident: bytes(&pages, "Rss:").unwrap_or(basics.resident),
            page_tables: bytes(&status, "VmPTE:"),
            kernel_stacks: bytes(&system, "KernelStack:"),
            slab: bytes(&system, "Slab:"),
            threads: number(&status, "Threads:"),
            ..basics
        }
    }

    /// To the nanosecond, also of threads that have ended.
    pub fn cpu(pid: u32) -> Option<Duration> {
        let clock = clock_getcpuclockid(Pid::from_raw(i32::try_from(pid).ok()?)).ok()?;
        Some(clock.now().ok()?.into())
    }

    pub fn switches(pid: u32) -> Option<u64> {
        let mut sum = 0;
        for task in fs::read_dir(format!("/proc/{pid}/task")).ok()? {
            // A thread that has gone meanwhile does not count.
            let Ok(status) = fs::read_to_string(task.ok()?.path().join("status")) else {
                continue;
            };
            sum += number(&status, "voluntary_ctxt_switches:")?;
            sum += number(&status, "nonvoluntary_ctxt_switches:")?;
        }
        Some(sum)
    }

    /// `Threads: 3`
    fn number(text: &str, key: &str) -> Option<u64> {
        let value = text.lines().find_map(|line| line.strip_prefix(key))?;
        value.split_whitespace().next()?.parse().ok()
    }

    /// `VmPTE: 40 kB`
    fn bytes(text: &str, key: &str) -> Option<u64> {
        Some(number(text, key)? * 1024)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn numbers_stand_behind_their_keys() {
            let status = "Threads:\t3\nVmPTE:\t      40 kB\nnonvoluntary_ctxt_switches:\t7\nvoluntary_ctxt_switches:\t9\n";
            assert_eq!(number(status, "Threads:"), Some(3));
            assert_eq!(bytes(status, "VmPTE:"), Some(40 << 10));
            assert_eq!(number(status, "voluntary_ctxt_switches:"), Some(9));
            assert_eq!(number(status, "Slab:"), None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hint::black_box;
    use std::sync::mpsc;
    use std::thread;

    #[test]
    fn what_a_process_does_shows_in_its_gauge() {
        let mut gauge = Gauge::of_ourselves();
        let (cpu, switches) = (gauge.cpu(), gauge.switches());
        let more = black_box(vec![1u8; 8 << 20]);
        let (answer, answers) = mpsc::channel::<()>();
        let (question, questions) = mpsc::channel::<()>();
        let other = thread::Builder::new().spawn(move || {
            for () in questions {
                answer.send(()).expect("somebody waits");
            }
        });
        let other = other.expect("a thread starts");
        for _ in 0..100 {
            question.send(()).expect("it listens");
            answers.recv().expect("it answers");
        }
        let full = gauge.footprint();
        assert!(gauge.cpu() > cpu);
        // Other tests give memory back meanwhile, but this much is there. What Windows calls reserved leaves out what is shared.
        assert!(full.resident > 8 << 20 && full.reserved > 8 << 20);
        assert!(!cfg!(unix) || full.reserved > full.resident);
        if cfg!(target_os = "linux") {
            // The threads of the other tests come and go, and their switches with them.
            assert!(full.threads >= Some(2) && switches.is_some());
            assert!(gauge.switches().is_some_and(|switches| switches >= 100));
            assert!(full.page_tables > Some(0) && full.slab > Some(0));
            assert!(full.kernel_stacks > Some(0));
        }
        drop((question, more));
        other.join().expect("it does not panic");
    }

    #[test]
    fn a_process_that_is_gone_costs_nothing() {
        // No system numbers that far.
        let mut gauge = Gauge::of(5_000_000);
        assert_eq!(gauge.cpu(), Duration::ZERO);
        let footprint = gauge.footprint();
        assert_eq!((footprint.resident, footprint.threads), (0, None));
        assert_eq!(gauge.switches(), None);
    }
}
