//! Other languages at the other end: Python's `socket` and `nc` speak with the
//! programs of chapters 1 and 2 as raw bytes, and show what the book says of Python. Where one of them is not
//! installed its tests say so and pass; `CHATBUCH_INTEROP=pflicht` (set by
//! `.ci/run`) turns a missing program into a failure.

use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use programs::listings;
use testing::program::{Program, run};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// One of the book's programs, by name.
fn listing(name: &str, args: &[&str]) -> Program {
    let programs = listings::built(Path::new(ROOT)).expect("the listings build");
    let mut command = Command::new(programs.path(name).expect("a known program"));
    command.args(args);
    Program::start(command)
}

/// One of the book's servers on a free port, and that port.
fn server(name: &str) -> (Program, String) {
    let mut server = listing(name, &["--port", "0"]);
    let ready = server.line();
    let (_, port) = ready.rsplit_once(':').expect(&ready);
    (server, port.to_string())
}

/// A program of this machine.
fn start(program: &str, args: &[&str]) -> Program {
    let mut command = Command::new(program);
    command.args(args);
    Program::start(command)
}

/// Ends the input and returns what is printed until the program ends.
fn rest(mut program: Program) -> String {
    program.end_input();
    program.out.rest()
}

/// Is `program` there? Its absence is only allowed outside of CI.
fn installed(program: &str, probe: &[&str], word: &str) -> bool {
    let found = Command::new(program).args(probe).output().is_ok_and(|output| {
        let text = [output.stdout, output.stderr].concat();
        String::from_utf8_lossy(&text).contains(word)
    });
    let otherwise = format!("{program} ist nicht installiert: Vergleiche damit entfallen.");
    testing::available(found, &otherwise)
}

/// Python itself, if it is there: what is found by its name may be a script that looks for it anew each time.
fn python3() -> Option<&'static str> {
    static PYTHON: LazyLock<Option<String>> = LazyLock::new(|| {
        if !installed("python3", &["--version"], "Python 3") {
            return None;
        }
        let mut itself = Command::new("python3");
        itself.args(["-c", "import sys; print(sys.executable)"]);
        Some(run(itself).out.trim_end().to_owned())
    });
    PYTHON.as_deref()
}

fn nc_is_there() -> bool {
    installed("nc", &["-h"], "OpenBSD")
}

/// Runs a Python program with one argument and returns what it prints.
fn printed_by(python: &str, program: &str, argument: &str) -> String {
    let mut command = Command::new(python);
    command.args(["-c", program, argument]).env("PYTHONIOENCODING", "utf-8");
    let finished = run(command);
    assert_eq!(finished.status, Some(0), "{}", finished.err);
    finished.out.trim_end().replace("\r\n", "\n")
}

/// What a chapter shows below `$ COMMAND` in a console block, line by line.
fn shown_below(chapter: &str, command: &str) -> Vec<String> {
    let path = Path::new(ROOT).join("book/text").join(chapter);
    let text = std::fs::read_to_string(path).expect("the chapter");
    let shown: Vec<String> = text
        .lines()
        .skip_while(|line| *line != format!("$ {command}"))
        .skip(1)
        .take_while(|line| !line.starts_with("$ ") && !line.starts_with("```"))
        .map(str::to_owned)
        .collect();
    assert!(
        !shown.is_empty(),
        "{chapter} shows nothing below „{command}“"
    );
    shown
}

#[test]
fn the_python_client_of_chapter_1_gets_the_answer_the_chapter_shows() {
    let Some(python) = python3() else { return };
    let (mut server, port) = server("ch01-server");
    server.end_input();
    let client = Path::new(ROOT).join("listings/ch01-socket-basics/python/client.py");
    let mut command = Command::new(python);
    command.arg(client).args(["127.0.0.1", &port]);
    let shown = shown_below(
        "sockets.md",
        "python3 listings/ch01-socket-basics/python/client.py 127.0.0.1 5000",
    );
    assert_eq!(run(command).out.lines().collect::<Vec<_>>(), shown);
    let text = server_lines(&mut server, 4);
    assert_eq!(text[1], "Client: Grüße aus Python");
    assert_eq!(text[3], "Client: bye");
}

fn server_lines(server: &mut Program, count: usize) -> Vec<String> {
    (0..count).map(|_| server.line()).collect()
}

#[test]
fn the_client_of_chapter_1_talks_with_a_raw_python_server() {
    let Some(python) = python3() else { return };
    let program = "
import socket
with socket.create_server(('127.0.0.1', 0)) as server:
    print(server.getsockname()[1], flush=True)
    connection, _ = server.accept()
    with connection:
        while True:
            data = connection.recv(1024)
            if not data or data == b'bye':
                break
            print(data.decode(), flush=True)
            connection.sendall('schön: '.encode() + data)
";
    let mut server = start(python, &["-c", program]);
    let port = server.line();
    let mut client = listing("ch01-client", &["--port", &port]);
    assert!(client.line().starts_with("Verbunden."));
    client.type_line("Hallo");
    assert_eq!(client.line(), "Server: schön: Hallo");
    assert_eq!(server.line(), "Hallo");
    client.type_line("bye");
    assert_eq!(rest(server), "");
}

#[test]
fn half_a_character_from_python_does_no_harm() {
    let Some(python) = python3() else { return };
    let (mut server, port) = server("ch01-server");
    server.end_input();
    let program = "
import socket, sys
with socket.create_connection(('127.0.0.1', int(sys.argv[1]))) as connection:
    connection.sendall(('x' * 1023 + 'ü').encode())
    print(connection.recv(20).decode())
";
    assert_eq!(printed_by(python, program, &port), "Bytes erhalten: 1024");
    assert_eq!(printed_by(python, program, &port), "Bytes erhalten: 1024");
}

#[test]
fn both_time_servers_answer_python_with_and_without_line_end() {
    let Some(python) = python3() else { return };
    let program = "
import socket, sys
from datetime import datetime
with socket.create_connection(('127.0.0.1', int(sys.argv[1]))) as connection:
    for request in [b'time', b'send time', b'time\\n', b'send time\\r\\n']:
        connection.sendall(request)
        datetime.strptime(connection.recv(1024).decode(), '%Y-%m-%d %H:%M:%S\\n')
    connection.sendall('Wie spät?'.encode())
    print(connection.recv(1024).decode())
";
    for name in ["ch02-server", "ch02-threaded-server"] {
        let (_server, port) = server(name);
        assert_eq!(printed_by(python, program, &port), "Unbekannte Anfrage");
    }
}

/// Chapter 2: a Rust program ends with `main`, a Python program waits for every thread that is no daemon.
#[test]
fn python_waits_for_its_threads_unless_they_are_daemons() {
    let Some(python) = python3() else { return };
    let program = "
import sys, threading, time
def work():
    time.sleep(0.2)
    print('thread')
threading.Thread(target=work, daemon=sys.argv[1] == 'daemon').start()
print('main')
";
    assert_eq!(printed_by(python, program, "kein Daemon"), "main\nthread");
    assert_eq!(printed_by(python, program, "daemon"), "main");
}

/// Chapter 6: asyncio interleaves its tasks on one thread, it does not run them in parallel.
#[test]
fn the_tasks_of_asyncio_take_turns_on_one_thread() {
    let Some(python) = python3() else { return };
    let program = "
import asyncio, threading
async def task(name, seen):
    for _ in range(3):
        seen.append((name, threading.get_ident()))
        await asyncio.sleep(0)
async def main():
    seen = []
    await asyncio.gather(task('a', seen), task('b', seen))
    print(''.join(name for name, _ in seen), len({thread for _, thread in seen}))
asyncio.run(main())
";
    assert_eq!(printed_by(python, program, ""), "ababab 1");
}

/// Chapter 11: what looks like unstable threads is a short queue in front of them. Only Linux drops who does not fit.
#[cfg(target_os = "linux")]
#[test]
fn five_hundred_callers_at_once_need_a_long_queue() {
    let Some(python) = python3() else { return };
    let file =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("listings/ch11-c10k/python/ansturm.py");
    let program = std::fs::read_to_string(file).expect("the program");
    let served = |line: &str, queue: u32| -> u32 {
        let before = format!("Warteschlange {queue}: nach 1 s sind ");
        let number = line
            .strip_prefix(&before)
            .and_then(|rest| rest.strip_suffix(" von 500 bedient"));
        number.expect(line).parse().expect("a number")
    };
    // On a busy machine the second is over before all are served, and once in a while chance decides.
    let mut seen = Vec::new();
    let more_with_the_long_one = (0..5).any(|_| {
        let printed = printed_by(python, &program, "");
        let [short, long] = printed.lines().collect::<Vec<_>>()[..] else {
            panic!("two lines: {printed}");
        };
        let numbers = (served(short, 5), served(long, 1024));
        seen.push(numbers);
        numbers.0 < 500 && numbers.0 < numbers.1
    });
    assert!(more_with_the_long_one, "{seen:?}");
}

#[test]
fn nc_gets_the_answer_the_chapter_shows() {
    if !nc_is_there() {
        return;
    }
    let shown = shown_below("sockets.md", "nc 127.0.0.1 5000");
    let [typed, answer] = shown.as_slice() else {
        panic!("a line typed and a line answered: {shown:?}");
    };
    let (mut server, port) = server("ch01-server");
    server.end_input();
    let mut nc = start("nc", &["-N", "127.0.0.1", &port]);
    nc.type_line(typed);
    assert_eq!(&rest(nc), answer);
}

#[test]
fn nc_talks_with_the_server_of_chapter_1() {
    if !nc_is_there() {
        return;
    }
    let (mut server, port) = server("ch01-server");
    let mut nc = start("nc", &["127.0.0.1", &port]);
    nc.type_line("Hallo");
    assert!(server.line().starts_with("Verbindung von"));
    assert_eq!(server.line(), "Client: Hallo\\n");
    server.type_line("bye");
    assert_eq!(rest(nc), "bye");
}

#[test]
fn nc_asks_the_time_with_and_without_line_end() {
    if !nc_is_there() {
        return;
    }
    for name in ["ch02-server", "ch02-threaded-server"] {
        let (_server, port) = server(name);
        for (request, length) in [
            ("time", 20),
            ("send time", 20),
            ("time\n", 20),
            ("send", 19),
        ] {
            let mut nc = start("nc", &["-N", "127.0.0.1", &port]);
            nc.write(request);
            let answer = rest(nc);
            assert_eq!(answer.len(), length, "{request:?} → {answer:?}");
        }
    }
}

/// Where a page shows a Python program, the next block of text is what it prints. (The appendix shows the same program in
/// Rust in between; skeptic runs that.)
#[test]
fn the_python_programs_of_the_book_print_what_stands_below_them() {
    let Some(python) = python3() else { return };
    let mut programs = Vec::new();
    for page in pages(&Path::new(ROOT).join("book/text")) {
        let page = std::fs::read_to_string(page).expect("a page").replace("\r\n", "\n");
        let blocks: Vec<(&str, &str)> = page
            .split("```")
            .skip(1)
            .step_by(2)
            .filter_map(|block| block.split_once('\n'))
            .collect();
        for (index, (kind, program)) in blocks.iter().enumerate() {
            let is_shown_from_a_file = program.contains("{{#include");
            let is_possible = cfg!(unix) || !program.contains("os.fork()");
            if *kind == "python" && !is_shown_from_a_file && is_possible {
                let below =
                    blocks[index..].iter().find(|(kind, _)| kind.starts_with("text"));
                let (_, printed) = below.expect("every program shows what it prints");
                programs.push((program.to_string(), printed.trim_end().to_owned()));
            }
        }
    }
    assert!(programs.len() >= 12, "{}", programs.len());
    std::thread::scope(|scope| {
        for (program, printed) in &programs {
            scope.spawn(move || {
                assert_eq!(&printed_by(python, program, ""), printed, "{program}")
            });
        }
    });
}

/// The pages of the book and of its appendix.
fn pages(text: &Path) -> Vec<std::path::PathBuf> {
    let files = [text.to_owned(), text.join("anhang")].into_iter().flat_map(|folder| {
        let entries = std::fs::read_dir(folder).expect("a folder of pages");
        entries.map(|entry| entry.expect("a readable folder").path())
    });
    files.filter(|path| path.extension().is_some_and(|end| end == "md")).collect()
}
