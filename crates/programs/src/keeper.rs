//! No program outlives us, not even if we are killed: a small shell of our own watches over that. It reads from us which process
//! groups are ours; when nothing more can come, we are gone, and it kills them.
//!
//! On Linux the kernel could do it as well, but each program would have to ask for it between fork and exec. Whoever wants
//! to run something there copies the tables of all his memory first: a test run with 180 tests took 26 s that way instead of 19.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use process_wrap::std::{ChildWrapper, CommandWrap, CommandWrapper};

/// It goes on until it is alone; who wants it gone before has to kill it.
const SCRIPT: &str = r#"
trap '' HUP INT QUIT TERM
held=' '
while read -r change; do
  group=${change#?}
  case $change in
    +*) held="$held$group " ;;
    *) held="${held%% $group *} ${held#* $group }" ;;
  esac
done
for group in $held; do kill -s KILL -- "-$group"; done
"#;

/// The shell, if it runs, with what it reads from; and what it has to know.
struct Keeper {
    shell: Option<(Child, ChildStdin)>,
    groups: BTreeSet<u32>,
}

static KEEPER: Mutex<Keeper> = Mutex::new(Keeper::new());

impl Keeper {
    const fn new() -> Keeper {
        Keeper {
            shell: None,
            groups: BTreeSet::new(),
        }
    }

    /// Starts the shell if there is none.
    fn begin(&mut self) -> io::Result<()> {
        if self.shell.is_none() {
            let mut shell = Command::new("/bin/sh");
            shell.args(["-c", SCRIPT, "chatbuch-keeper"]).env_clear().current_dir("/");
            // In a group of its own: what the terminal sends to ours is not for it.
            shell.process_group(0).stdin(Stdio::piped());
            let mut shell = shell.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
            let mut input = shell.stdin.take().expect("it is piped");
            for group in &self.groups {
                writeln!(input, "+{group}")?;
            }
            self.shell = Some((shell, input));
        }
        Ok(())
    }

    fn tell(&mut self, change: &str) -> io::Result<()> {
        if let Some((shell, input)) = &mut self.shell {
            // That it is gone shows at its state. Not at the pipe: a program that is just being started may hold its other end.
            if shell.try_wait()?.is_none() && input.write_all(change.as_bytes()).is_ok() {
                return Ok(());
            }
            // It was killed: the next one hears all that is held.
            shell.wait()?;
            self.shell = None;
        }
        self.begin()
    }

    fn hold(&mut self, group: u32) -> io::Result<()> {
        self.groups.insert(group);
        self.tell(&format!("+{group}\n"))
    }

    fn release(&mut self, group: u32) {
        if self.groups.remove(&group) {
            // It fails if there is no shell to be had: then nobody kills anything.
            let _ = self.tell(&format!("-{group}\n"));
        }
    }
}

fn keeper() -> MutexGuard<'static, Keeper> {
    KEEPER.lock().unwrap_or_else(PoisonError::into_inner)
}

/// For a command whose program is the leader of its process group: with it the group ends when we do.
#[derive(Debug)]
pub struct EndsWithUs;

impl CommandWrapper for EndsWithUs {
    /// First the keeper, so that next to nothing happens between the start of a program and its being held.
    fn pre_spawn(&mut self, _command: &mut Command, _core: &CommandWrap) -> io::Result<()> {
        keeper().begin()
    }

    fn wrap_child(
        &mut self,
        inner: Box<dyn ChildWrapper>,
        _core: &CommandWrap,
    ) -> io::Result<Box<dyn ChildWrapper>> {
        let mut kept = Box::new(Watched { inner });
        if let Err(error) = keeper().hold(kept.id()) {
            let _ = kept.kill();
            return Err(error);
        }
        Ok(kept)
    }
}

/// A program that is held until its end is known: after that its number may become somebody else's.
#[derive(Debug)]
struct Watched {
    inner: Box<dyn ChildWrapper>,
}

impl ChildWrapper for Watched {
    fn inner(&self) -> &dyn ChildWrapper {
        self.inner.as_ref()
    }

    fn inner_mut(&mut self) -> &mut dyn ChildWrapper {
        self.inner.as_mut()
    }

    fn into_inner(self: Box<Self>) -> Box<dyn ChildWrapper> {
        self.inner
    }

    fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        let ended = self.inner.try_wait()?;
        if ended.is_some() {
            keeper().release(self.id());
        }
        Ok(ended)
    }

    fn wait(&mut self) -> io::Result<ExitStatus> {
        let status = self.inner.wait()?;
        keeper().release(self.id());
        Ok(status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program that would go on for ever, and what it leads.
    fn leader() -> Child {
        let mut forever = Command::new("/bin/sh");
        forever.args(["-c", "echo; read end"]).process_group(0);
        forever.stdin(Stdio::piped()).spawn().expect("sh starts")
    }

    fn killed(mut program: Child) -> bool {
        use std::os::unix::process::ExitStatusExt;
        // Its input stays open meanwhile: by itself it does not end.
        let input = program.stdin.take();
        let status = program.wait().expect("a status");
        drop(input);
        status.signal() == Some(9)
    }

    #[test]
    fn what_is_held_ends_with_us_and_what_was_released_goes_on() {
        let mut keeper = Keeper::new();
        let (first, mut second, third) = (leader(), leader(), leader());
        for program in [&first, &second, &third] {
            keeper.hold(program.id()).expect("a keeper");
        }
        keeper.release(second.id());
        // All that the shell sees of our end is that nothing more can come.
        let (mut shell, input) = keeper.shell.take().expect("it runs");
        drop(input);
        shell.wait().expect("it ends");
        assert!(killed(first) && killed(third));
        assert!(second.try_wait().expect("a state").is_none(), "it goes on");
        second.kill().and_then(|()| second.wait()).expect("it ends");
    }

    #[test]
    fn a_keeper_that_was_killed_is_replaced_and_the_next_one_knows_all_that_is_held() {
        let mut keeper = Keeper::new();
        let (early, late) = (leader(), leader());
        keeper.hold(early.id()).expect("a keeper");
        let (shell, _) = keeper.shell.as_mut().expect("it runs");
        shell.kill().and_then(|()| shell.wait()).expect("it ends");
        keeper.hold(late.id()).expect("another one");
        drop(keeper);
        assert!(killed(early) && killed(late));
    }
}
