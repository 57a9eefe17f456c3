//! The running programs of a scene, whoever types into them: the script, in a terminal or for the page, or a reader.
//! In flows what is done to whom, out flows everything that happens – returned, and told to the settings' watcher.
//! Whatever happens, no program outlives its cast.

use std::io::{self, Write};
use std::path::Path;
use std::process::{ChildStdin, Command};
use std::sync::mpsc::{Receiver, Sender, SyncSender, TrySendError, channel, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::observe::strace;
use crate::recording::EventKind;
use crate::script::{Process, fill_in};
use crate::settings::{Seen, Settings, Watcher};
use programs::listings::Programs;
use programs::processes::{
    Ending, Heard, Launch, Running, Stream, exit_code, reduce_environment,
};

/// While everybody is ended, how soon an end is noticed.
const TICK: Duration = Duration::from_millis(5);
/// A program that has ended but whose output is still open gets so much time for its last lines.
const LAST_LINES: Duration = Duration::from_millis(200);
/// So many lines may wait for a program that does not read.
const UNREAD_LINES: usize = 64;

/// Those who take part, running or not, by the number of their column.
pub struct Cast<'a> {
    programs: &'a Programs,
    root: &'a Path,
    settings: &'a Settings,
    members: Vec<Member>,
    /// The columns of all programs that were ever started; they are heard by their place in this list, for a column's
    /// last program may still have something to say when the next one runs.
    started: Vec<usize>,
    heard: Receiver<Heard>,
    sender: SyncSender<Heard>,
}

struct Member {
    role: Process,
    part: Option<Performance>,
}

/// What a member has while its program runs.
struct Performance {
    number: usize,
    program: Running,
    /// Where lines for it go; `None` after the end of input.
    input: Option<SyncSender<Typed>>,
    open_streams: usize,
    /// When it was last heard of.
    heard_at: Instant,
    /// When its end was noticed.
    ended_at: Option<Instant>,
}

/// A line, and who wants to know what became of it.
type Typed = (String, Sender<io::Result<()>>);

/// Why a line is not typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Untyped {
    /// The input has ended.
    Closed,
    /// The program has not read so many lines that no more are taken.
    Full,
    /// The program takes no input any more.
    Refused,
}

impl<'a> Cast<'a> {
    /// Nobody runs yet.
    pub fn new(
        roles: &[Process],
        programs: &'a Programs,
        root: &'a Path,
        settings: &'a Settings,
    ) -> Self {
        // Bounded: a program running wild has to wait for us instead of filling the memory.
        let (sender, heard) = sync_channel(256);
        let mut cast = Cast {
            programs,
            root,
            settings,
            members: Vec::new(),
            started: Vec::new(),
            heard,
            sender,
        };
        roles.iter().for_each(|role| cast.add(role.clone()));
        cast
    }

    /// One more takes part.
    pub fn add(&mut self, role: Process) {
        self.members.push(Member { role, part: None });
    }

    /// The last one takes part no longer.
    pub fn remove_last(&mut self) {
        self.members.pop();
    }

    /// Those who take part.
    pub fn roles(&self) -> impl ExactSizeIterator<Item = &Process> {
        self.members.iter().map(|member| &member.role)
    }

    /// The name of a column.
    pub fn name(&self, column: usize) -> &str {
        &self.members[column].role.name
    }

    /// Whether its program was started and its end not yet reported.
    pub fn is_running(&self, column: usize) -> bool {
        self.members[column].part.is_some()
    }

    /// How many are running.
    pub fn running(&self) -> usize {
        self.parts().count()
    }

    /// Whether nothing more will come from it.
    pub fn is_silent(&self, column: usize) -> bool {
        self.members[column].part.as_ref().is_none_or(|part| part.open_streams == 0)
    }

    /// Starts its program.
    ///
    /// # Errors
    ///
    /// One German sentence: there is no such program, or it cannot be started.
    pub fn start(&mut self, column: usize) -> Result<Seen, String> {
        let command = self.command(column)?;
        let seen = self.tell(Instant::now(), column, EventKind::Start, None, None);
        let number = self.started.len();
        self.started.push(column);
        let program = Launch::default().start(command, number, &self.sender);
        let started = program.and_then(|mut program| {
            let input = program.stdin.take().map(write_on).transpose()?;
            Ok(Performance {
                number,
                program,
                input,
                open_streams: 2,
                heard_at: Instant::now(),
                ended_at: None,
            })
        });
        let part = started.map_err(|cause| {
            let program = &self.members[column].role.program;
            format!("„{program}“ lässt sich nicht starten ({cause}).")
        })?;
        self.members[column].part = Some(part);
        Ok(seen)
    }

    /// What is started for it, under strace if the settings want traces.
    fn command(&self, column: usize) -> Result<Command, String> {
        let role = &self.members[column].role;
        let path = self.programs.path(&role.program)?;
        let mut command = match &self.settings.traces {
            None => Command::new(path),
            Some(folder) => {
                let mut command = Command::new(strace::PROGRAM);
                command.args(strace::arguments(&strace::file(folder, column), path));
                command
            }
        };
        for arg in &role.args {
            let arg = fill_in(arg, &self.settings.ports);
            command.arg(arg.expect("checked when the script was read"));
        }
        command.current_dir(self.root);
        reduce_environment(&mut command);
        Ok(command)
    }

    /// Types a line into a running program; what becomes of it comes later, through the returned receiver.
    ///
    /// # Errors
    ///
    /// Nothing was typed.
    pub fn type_line(
        &mut self,
        column: usize,
        line: &str,
    ) -> Result<(Seen, Receiver<io::Result<()>>), Untyped> {
        let at = Instant::now();
        let (fate, fated) = channel();
        let input = self.part(column).input.as_ref().ok_or(Untyped::Closed)?;
        input.try_send((line.to_owned(), fate)).map_err(|error| match error {
            TrySendError::Full(_) => Untyped::Full,
            TrySendError::Disconnected(_) => Untyped::Refused,
        })?;
        Ok((
            self.tell(at, column, EventKind::In, Some(line.into()), None),
            fated,
        ))
    }

    /// Ends the input of a running program; `None` if it has ended before.
    pub fn end_input(&mut self, column: usize) -> Option<Seen> {
        let at = Instant::now();
        self.part(column).input.take()?;
        Some(self.tell(at, column, EventKind::Eof, None, None))
    }

    /// Sends Ctrl-C to a running program.
    pub fn interrupt(&mut self, column: usize) -> (Seen, io::Result<()>) {
        let seen = self.tell(Instant::now(), column, EventKind::Stop, None, None);
        (seen, self.part(column).program.interrupt())
    }

    /// Says of a running program that it waits, and for what.
    pub fn wait(&self, at: Instant, column: usize, why: &str) -> Seen {
        self.tell(at, column, EventKind::Quiet, Some(why.to_owned()), None)
    }

    /// The next line that anybody prints, if it comes within `patience`.
    pub fn listen(&mut self, patience: Duration) -> Option<Seen> {
        let Heard {
            program: number,
            stream,
            at,
            line,
        } = self.heard.recv_timeout(patience).ok()?;
        let column = self.started[number];
        let part = self.members[column].part.as_mut();
        if let Some(part) = part.filter(|part| part.number == number) {
            part.heard_at = at;
            part.open_streams -= usize::from(line.is_none());
        }
        let kind = match stream {
            Stream::Out => EventKind::Out,
            Stream::Err => EventKind::Err,
        };
        line.map(|line| self.tell(at, column, kind, Some(line), None))
    }

    /// The end of a running program, if it has ended and all it printed has been heard; then it runs no longer.
    ///
    /// # Errors
    ///
    /// The operating system does not tell.
    pub fn end_of(&mut self, column: usize) -> io::Result<Option<Seen>> {
        let part = self.part(column);
        let Some(status) = part.program.poll()? else {
            return Ok(None);
        };
        let ended_at = *part.ended_at.get_or_insert_with(Instant::now);
        let at = match part.open_streams {
            0 => part.heard_at,
            _ if ended_at.elapsed() > LAST_LINES => ended_at.max(part.heard_at),
            _ => return Ok(None),
        };
        self.members[column].part = None;
        let status = Some(exit_code(status));
        Ok(Some(self.tell(at, column, EventKind::Exit, None, status)))
    }

    /// The programs that have ended since the last call. One whose state cannot be learned counts as still running.
    pub fn ends(&mut self) -> Vec<Seen> {
        let running = |column: &usize| self.is_running(*column);
        let running: Vec<usize> = (0..self.members.len()).filter(running).collect();
        let end = |column| self.end_of(column).ok().flatten();
        running.into_iter().filter_map(end).collect()
    }

    /// Ends everybody – by the end of input, then TERM, then KILL –, and listens until all are gone.
    pub fn leave(&mut self) {
        fn programs<'c>(cast: &'c mut Cast<'_>) -> impl Iterator<Item = &'c mut Running> {
            let parts = cast.members.iter_mut().filter_map(|member| member.part.as_mut());
            parts.map(|part| &mut part.program)
        }
        self.members.iter_mut().filter_map(|member| member.part.as_mut()).for_each(
            |part| {
                part.input = None;
            },
        );
        let mut ending = Ending::begin(programs(self));
        while self.running() > 0 {
            ending.go_on(programs(self));
            // The first look waits a moment for the last lines, the others take what is there.
            let mut patience = TICK;
            while self.listen(patience).is_some() {
                patience = Duration::ZERO;
            }
            self.ends();
        }
    }

    fn parts(&self) -> impl Iterator<Item = &Performance> {
        self.members.iter().filter_map(|member| member.part.as_ref())
    }

    fn part(&mut self, column: usize) -> &mut Performance {
        self.members[column].part.as_mut().expect("asked for only while it runs")
    }

    /// Tells the watcher, if there is one, and hands on what it was told.
    fn tell(
        &self,
        at: Instant,
        column: usize,
        kind: EventKind,
        text: Option<String>,
        status: Option<i32>,
    ) -> Seen {
        let seen = Seen {
            at,
            column,
            process: self.members[column].role.name.clone(),
            kind,
            text,
            status,
        };
        if let Some(Watcher(tell)) = &self.settings.watcher {
            tell(seen.clone());
        }
        seen
    }
}

/// A thread that writes lines into a program: one that does not read makes it wait, and nobody else.
/// When nobody sends any more, the input ends.
fn write_on(stdin: ChildStdin) -> io::Result<SyncSender<Typed>> {
    let (lines, pending) = sync_channel::<Typed>(UNREAD_LINES);
    let mut stdin = stdin;
    let write = move || {
        for (line, fate) in pending {
            let written = stdin.write_all(format!("{line}\n").as_bytes());
            let reads = written.is_ok();
            // Not everybody wants to know it.
            let _ = fate.send(written);
            if !reads {
                return;
            }
        }
    };
    thread::Builder::new().spawn(write)?;
    Ok(lines)
}
