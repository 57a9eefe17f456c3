//! What we ask of the system beyond starting programs: a core to run on, to come last.
//! Where a system cannot do it, the first says so and the other does nothing: it only makes things quicker.

use std::io;

/// Does `work` on that core alone; a program that it starts stays there. Only Linux can.
///
/// # Errors
///
/// The core is not ours to choose, or what `work` says.
pub fn on_core<T>(core: usize, work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    #[cfg(target_os = "linux")]
    {
        use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
        if core >= CpuSet::MAX_CPU {
            return Err(rustix::io::Errno::INVAL.into());
        }
        let mut only = CpuSet::new();
        only.set(core);
        let usual = sched_getaffinity(None)?;
        sched_setaffinity(None, &only)?;
        let done = work();
        // What was ours before cannot be refused, and what is done is done.
        let _ = sched_setaffinity(None, &usual);
        done
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (core, work);
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Lets a process that has only just started, and all that it will start, run when nobody else needs the processor.
pub fn give_way(process: u32) {
    #[cfg(unix)]
    {
        use rustix::process::{Pid, getpriority_process, setpriority_process};
        let process = i32::try_from(process).ok().and_then(Pid::from_raw);
        // A refusal, or an end that came first, changes nothing but the speed.
        if let (Some(process), Ok(ours)) = (process, getpriority_process(None)) {
            let _ = setpriority_process(Some(process), ours + 10);
        }
    }
    #[cfg(not(unix))]
    {
        let _ = process;
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::Command;
    use std::sync::mpsc::sync_channel;
    use std::time::Duration;

    use rustix::process::getpriority_process;
    use rustix::thread::{CpuSet, sched_getaffinity};

    use crate::processes::{Launch, Stream};

    /// What `program` prints, as a number.
    fn number(launch: Launch, program: &str) -> i32 {
        let (sender, heard) = sync_channel(64);
        let mut command = Command::new("/bin/sh");
        command.env("PATH", "/usr/bin:/bin");
        // It waits for the end of its input: by then it has been told how it shall run.
        command.args(["-c", &format!("read end; exec {program}")]);
        command.env_remove("OMP_NUM_THREADS");
        let mut running = launch.start(command, 1, &sender).expect("sh starts");
        running.stdin = None;
        loop {
            let line = heard.recv_timeout(Duration::from_secs(10)).expect("a number");
            if let (Stream::Out, Some(line)) = (line.stream, line.line) {
                return line.parse().expect("a number");
            }
        }
    }

    #[test]
    fn a_program_for_one_core_stays_there_and_the_next_one_is_free_again() {
        let allowed = sched_getaffinity(None).expect("it is asked of ourselves");
        let cores: Vec<usize> =
            (0..CpuSet::MAX_CPU).filter(|&core| allowed.is_set(core)).collect();
        let on = |core| Launch {
            core,
            ..Launch::default()
        };
        assert_eq!(number(on(cores.last().copied()), "nproc"), 1);
        assert_eq!(usize::try_from(number(on(None), "nproc")), Ok(cores.len()));
        let (sender, _heard) = sync_channel(1);
        let nowhere = on(Some(CpuSet::MAX_CPU - 1));
        assert!(nowhere.start(Command::new("/bin/sh"), 1, &sender).is_err());
    }

    #[test]
    fn a_program_that_gives_way_is_nicer_than_we_are_and_the_next_one_is_not() {
        let ours = getpriority_process(None).expect("it is asked of ourselves");
        let gives_way = |gives_way| Launch {
            gives_way,
            ..Launch::default()
        };
        assert_eq!(number(gives_way(true), "nice"), (ours + 10).min(19));
        assert_eq!(number(gives_way(false), "nice"), ours);
    }
}
