//! What Linux's `strace` sees of a program: when each of its threads called the operating system.
//! In flows the file strace wrote for one program, out flow its threads with the calls in which
//! a program may have to wait, each with its beginning and end in microseconds since 1970.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The program's name.
pub const PROGRAM: &str = "strace";

/// The calls in which a thread may have to wait. `?`: not every processor has all of them.
const WAITING: &str = "?read,?readv,?recvfrom,?recvmsg,?write,?writev,?sendto,?sendmsg,\
    ?accept,?accept4,?connect,?poll,?ppoll,?select,?pselect6,\
    ?epoll_wait,?epoll_pwait,?epoll_pwait2,?futex,?nanosleep,?clock_nanosleep,?wait4,?waitid";

/// The calls that tell how threads begin and what they are called.
const LIVING: &str = "?execve,?clone,?clone3,?fork,?vfork,?prctl";

/// The calls that do not wait and are only there to learn which port a program's socket has.
const TELLING: &str =
    "?close,?shutdown,?setsockopt,?getsockname,?getpeername,?fcntl,?ioctl";

/// One thread of a traced program.
#[derive(Debug, Clone, PartialEq)]
pub struct Thread {
    /// Its number, which calls tell it apart by.
    pub id: u32,
    /// The name the program gave it.
    pub name: Option<String>,
    /// When it began.
    pub begin: u64,
    /// When it ended.
    pub end: u64,
    /// What it called that may wait, in order.
    pub calls: Vec<Call>,
    /// The ports of the sockets it used.
    pub ports: BTreeSet<u16>,
}

/// One call of the operating system.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// When it was called.
    pub from: u64,
    /// When it returned.
    pub to: u64,
    /// Its name as Linux has it: `recvfrom`.
    pub name: String,
    /// What it was called on.
    pub on: On,
}

/// What a call concerns: the file descriptor it begins with, if it does.
#[derive(Debug, Clone, PartialEq)]
pub enum On {
    /// Standard input.
    Input,
    /// Standard output or standard error.
    Output,
    /// A connected TCP socket with its own port and that of the other side.
    Connection(u16, u16),
    /// A listening TCP socket with its port.
    Listener(u16),
    /// A file with a name, such as `/etc/localtime`.
    File,
    /// Another descriptor: a pipe, a socket that is not connected, an epoll.
    Other,
    /// No descriptor.
    Nothing,
}

/// Whether strace is installed and may watch other programs here.
pub fn is_there() -> bool {
    // Watched is strace itself: what it is asked to start is then certainly there.
    Command::new(PROGRAM)
        .args(arguments(Path::new("/dev/null"), Path::new(PROGRAM)))
        .arg("-V")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Where the calls of the process with that index are written down.
pub fn file(folder: &Path, process: usize) -> PathBuf {
    folder.join(format!("{process}.strace"))
}

/// The arguments of strace that stand before those of the program at `path`.
///
/// With `-o` strace itself ignores Ctrl-C, which reaches the whole process group: the program
/// decides how it ends, and strace ends with the same status.
pub fn arguments(file: &Path, path: &Path) -> Vec<OsString> {
    let mut arguments: Vec<OsString> =
        // All threads, stopped at no other calls than these; the time by the clock on the wall;
        // durations; whom a socket is connected to.
        ["-f", "--seccomp-bpf", "-q", "-ttt", "-T", "-yy", "-s", "64", "-o"].map(OsString::from).into();
    arguments.push(file.into());
    arguments.push("-e".into());
    arguments.push(format!("trace={WAITING},{LIVING},{TELLING}").into());
    arguments.push("--".into());
    arguments.push(path.into());
    arguments
}

/// Reads what strace wrote; the first thread is the one that runs `main`.
/// Lines that are none of the expected ones (signals, for instance) say nothing about waiting.
pub fn parse(text: &str) -> Vec<Thread> {
    let mut threads: Vec<Thread> = Vec::new();
    // Calls that have begun and not returned yet: thread, beginning, the call's text.
    let mut open: Vec<(u32, u64, String)> = Vec::new();
    for (id, now, what) in text.lines().filter_map(line) {
        let thread = thread(&mut threads, id, now);
        thread.end = thread.end.max(now);
        if let Some(text) = what.strip_suffix("<unfinished ...>")
            && !what.starts_with("<...")
        {
            open.push((id, now, text.to_owned()));
            continue;
        }
        let (from, to, text) = if what.starts_with("<...") {
            let Some(at) = open.iter().position(|(of, ..)| *of == id) else {
                continue;
            };
            let (_, from, begun) = open.remove(at);
            let (_, rest) = what.split_once("resumed>").unwrap_or_default();
            (from, now, begun + rest)
        } else {
            (now, now + duration(what).unwrap_or(0), what.to_owned())
        };
        thread.end = thread.end.max(to);
        let Some((name, arguments)) = text.split_once('(') else {
            continue;
        };
        match name {
            "prctl" => {
                if let Some(quoted) = arguments.strip_prefix("PR_SET_NAME, \"") {
                    thread.name = Some(unescape(quoted));
                }
            }
            "clone" | "clone3" | "fork" | "vfork" => {
                let born = text.rsplit_once(" = ").map(|(_, result)| result);
                let born = born.and_then(|result| result.split(' ').next());
                if let Some(born) = born.and_then(|id| id.parse().ok()) {
                    let child = self::thread(&mut threads, born, to);
                    child.begin = child.begin.min(to);
                }
            }
            "execve" => {}
            _ if in_list(WAITING, name) || in_list(TELLING, name) => {
                let on = on(name, arguments);
                if let On::Connection(own, _) | On::Listener(own) = on {
                    thread.ports.insert(own);
                }
                if in_list(WAITING, name) {
                    thread.calls.push(Call {
                        from,
                        to,
                        name: name.to_owned(),
                        on,
                    });
                }
            }
            _ => {}
        }
    }
    threads
}

/// Whether strace is asked for this call by that list.
fn in_list(list: &str, name: &str) -> bool {
    list.split(',').any(|entry| entry.strip_prefix('?') == Some(name))
}

/// `17900 1795538614.463792 accept4(3<TCP:[127.0.0.1:5077]>, …`: thread, microseconds, the rest.
fn line(line: &str) -> Option<(u32, u64, &str)> {
    let (id, rest) = line.split_once(' ')?;
    let (time, what) = rest.trim_start().split_once(' ')?;
    let (seconds, micros) = time.split_once('.')?;
    let seconds: u64 = seconds.parse().ok()?;
    let micros: u64 = micros.parse().ok()?;
    Some((id.parse().ok()?, seconds * 1_000_000 + micros, what.trim()))
}

fn thread(threads: &mut Vec<Thread>, id: u32, now: u64) -> &mut Thread {
    let at = threads.iter().position(|thread| thread.id == id);
    let at = at.unwrap_or_else(|| {
        threads.push(Thread {
            id,
            name: None,
            begin: now,
            end: now,
            calls: Vec::new(),
            ports: BTreeSet::new(),
        });
        threads.len() - 1
    });
    &mut threads[at]
}

/// The `<0.000011>` at the end of a line, in microseconds.
fn duration(what: &str) -> Option<u64> {
    let (_, last) = what.strip_suffix('>')?.rsplit_once('<')?;
    let (seconds, micros) = last.split_once('.')?;
    let seconds: u64 = seconds.parse().ok()?;
    Some(seconds * 1_000_000 + micros.parse::<u64>().ok()?)
}

/// What a call's first argument is, where strace says so: `4<TCP:[127.0.0.1:5000->127.0.0.1:50000]>, …`.
fn on(call: &str, arguments: &str) -> On {
    let digits = arguments.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = arguments.split_at(digits);
    // A futex is known by its address, which begins with a digit as well.
    let Some(rest) = rest.strip_prefix('<').filter(|_| call != "futex") else {
        return On::Nothing;
    };
    match number {
        "0" => return On::Input,
        "1" | "2" => return On::Output,
        _ => {}
    }
    if rest.starts_with('/') {
        return On::File;
    }
    let Some(socket) = rest.strip_prefix("TCP:[").or(rest.strip_prefix("TCPv6:[")) else {
        return On::Other;
    };
    let socket = socket.split_once("]>").map_or(socket, |(socket, _)| socket);
    match socket.split_once("->") {
        Some((own, other)) => match (port(own), port(other)) {
            (Some(own), Some(other)) => On::Connection(own, other),
            _ => On::Other,
        },
        None => port(socket).map_or(On::Other, On::Listener),
    }
}

/// The port of `127.0.0.1:5000` or `[::1]:5000`; a socket without an address has only a number.
fn port(address: &str) -> Option<u16> {
    address.rsplit_once(':')?.1.parse().ok()
}

/// The text up to the closing quote, of which strace writes as C would what is not ASCII.
fn unescape(quoted: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = quoted.bytes().peekable();
    while let Some(byte) = rest.next() {
        match byte {
            b'"' => break,
            b'\\' => match rest.next() {
                Some(first @ b'0'..=b'7') => {
                    let mut value = u32::from(first - b'0');
                    for _ in 0..2 {
                        let Some(digit) = rest.next_if(|byte| (b'0'..=b'7').contains(byte))
                        else {
                            break;
                        };
                        value = value * 8 + u32::from(digit - b'0');
                    }
                    bytes.push(u8::try_from(value).unwrap_or(b'?'));
                }
                Some(b'n') => bytes.push(b'\n'),
                Some(b't') => bytes.push(b'\t'),
                Some(other) => bytes.push(other),
                None => {}
            },
            other => bytes.push(other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As strace 6.1 wrote it, shortened; a server whose second thread serves one connection.
    const SERVER: &str = r#"17900 10.000000 execve("/x/server", ["/x/server"], 0x7f /* 35 vars */) = 0 <0.004191>
17900 10.010000 clone3({flags=CLONE_VM, exit_signal=0} => {parent_tid=[17901]}, 88) = 17901 <0.000048>
17901 10.011000 prctl(PR_SET_NAME, "f\303\274r \"Ben\"") = 0 <0.000009>
17900 10.011500 accept4(3<TCP:[127.0.0.1:5000]>,  <unfinished ...>
17901 10.012000 read(5</etc/localtime>, "TZif2 <unfinished ...>"..., 114) = 114 <0.000014>
17901 10.012500 write(1<pipe:[7]>, "Verbindung (neu) = 1"..., 31) = 31 <0.000013>
17901 10.013000 recvfrom(4<TCP:[127.0.0.1:5000->127.0.0.1:33620]>, "time\n", 1024, 0, NULL, NULL) = 5 <0.974089>
17901 10.990000 futex(0x55565fc29430, FUTEX_WAIT_PRIVATE, 0, NULL) = 0 <0.010000>
17901 11.000500 close(9<TCP:[127.0.0.1:5001->127.0.0.1:7]>) = 0 <0.000011>
17901 11.001000 +++ exited with 0 +++
17900 12.000000 <... accept4 resumed>0x7ffe7c355e98, [128], SOCK_CLOEXEC) = ? ERESTARTSYS (To be restarted if SA_RESTART is set) <1.989529>
17900 12.000100 --- SIGINT {si_signo=SIGINT, si_code=SI_USER, si_pid=1, si_uid=0} ---
17900 12.000200 accept4(3<TCP:[127.0.0.1:5000]>,  <unfinished ...>
17900 12.000300 <... accept4 resumed> <unfinished ...>) = ?
17900 12.000400 +++ exited with 0 +++
"#;

    fn call(name: &str, on: On, from: u64, to: u64) -> Call {
        Call {
            from,
            to,
            name: name.into(),
            on,
        }
    }

    #[test]
    fn threads_have_their_names_their_lives_and_their_calls() {
        let threads = parse(SERVER);
        assert_eq!(threads.len(), 2);
        let (main, worker) = (&threads[0], &threads[1]);
        assert_eq!(
            (main.name.as_deref(), main.begin, main.end),
            (None, 10_000_000, 12_000_400)
        );
        assert_eq!(
            main.calls,
            [
                call("accept4", On::Listener(5000), 10_011_500, 12_000_000),
                call("accept4", On::Listener(5000), 12_000_200, 12_000_300),
            ]
        );
        assert_eq!(
            (&main.ports, &worker.ports),
            (&[5000].into(), &[5000, 5001].into())
        );
        assert_eq!(worker.name.as_deref(), Some("für \"Ben\""));
        // It began when it was made, not when it was first heard of.
        assert_eq!((worker.begin, worker.end), (10_010_048, 11_001_000));
        assert_eq!(
            worker.calls,
            [
                call("read", On::File, 10_012_000, 10_012_014),
                call("write", On::Output, 10_012_500, 10_012_513),
                call(
                    "recvfrom",
                    On::Connection(5000, 33620),
                    10_013_000,
                    10_987_089
                ),
                call("futex", On::Nothing, 10_990_000, 11_000_000),
            ]
        );
    }

    #[test]
    fn descriptors_are_told_apart() {
        for (call, arguments, expected) in [
            ("read", "0<pipe:[27560]>, \"\", 8192) = 0", On::Input),
            ("write", "2</dev/null>, \"x\", 1) = 1", On::Output),
            ("read", "7<pipe:[1]>, \"\", 1) = 0", On::Other),
            (
                "connect",
                "3<TCP:[27574]>, {sa_family=AF_INET}, 16) = 0",
                On::Other,
            ),
            (
                "recvfrom",
                "3<TCPv6:[[::1]:40000->[::1]:5000]>, \"\"",
                On::Connection(40000, 5000),
            ),
            (
                "epoll_wait",
                "5<anon_inode:[eventpoll]>, [], 1024, -1) = 1",
                On::Other,
            ),
            (
                "poll",
                "[{fd=3<TCP:[127.0.0.1:1]>, events=POLLIN}], 1, -1) = 1",
                On::Nothing,
            ),
            ("futex", "0x5556, FUTEX_WAIT", On::Nothing),
            (
                "clock_nanosleep",
                "CLOCK_REALTIME, 0, {tv_sec=0}, NULL) = 0",
                On::Nothing,
            ),
        ] {
            assert_eq!(on(call, arguments), expected, "{call}({arguments}");
        }
    }

    #[test]
    fn what_is_no_call_is_passed_over() {
        assert_eq!(parse(""), []);
        assert_eq!(parse("strace: kaputt\n\n17 unsinn\n"), []);
        let threads = parse(
            "7 1.000000 <... read resumed>\"\", 1) = 0 <0.1>\n7 1.000001 +++ killed by SIGKILL +++",
        );
        assert_eq!(threads.len(), 1);
        assert_eq!(threads[0].calls, []);
    }
}
