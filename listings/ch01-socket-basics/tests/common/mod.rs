//! Startet ein Programm dieses Listings und liest mit, was es druckt.
//! Diese Datei ist in allen Listings gleich.

#![allow(dead_code, reason = "nicht jedes Listing braucht alles")]

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

/// Worauf ein Test wartet, muss in dieser Zeit geschehen; sonst schlägt er fehl.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// Ein laufendes Programm; endet spätestens mit dem Test.
pub struct Program {
    child: Child,
    keyboard: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Program {
    pub fn start(executable: &str, args: &[&str]) -> Program {
        Program::start_heard(executable, args, usize::MAX)
    }

    /// Wie [`Program::start`]; nach so vielen Zeilen ist die Pipe zu, in die es druckt.
    fn start_heard(executable: &str, args: &[&str], heard: usize) -> Program {
        let mut child = Command::new(executable)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("das Programm startet");
        let (sender, lines) = channel();
        forward(child.stdout.take(), heard, sender.clone());
        forward(child.stderr.take(), usize::MAX, sender);
        let keyboard = child.stdin.take();
        Program {
            child,
            keyboard,
            lines,
        }
    }

    /// Startet einen Server auf einem freien Port und wartet, bis er lauscht.
    pub fn server(executable: &str) -> (Program, SocketAddr) {
        Program::server_with(executable, &[])
    }

    /// Wie [`Program::server`], mit weiteren Schaltern.
    pub fn server_with(executable: &str, args: &[&str]) -> (Program, SocketAddr) {
        let server = Program::start(executable, &[args, &["--port", "0"]].concat());
        let address = server.address();
        (server, address)
    }

    /// Startet einen Server, der nur so viele Dateideskriptoren bekommt. Allzu wenige dürfen es nicht sein:
    /// Einige hat vielleicht schon vererbt, was den Test gestartet hat.
    #[cfg(unix)]
    pub fn server_with_descriptors(
        executable: &str,
        count: usize,
    ) -> (Program, SocketAddr) {
        let limited = format!(r#"ulimit -n {count}; exec "$0" --port 0"#);
        let server = Program::start("/bin/sh", &["-c", &limited, executable]);
        let address = server.address();
        (server, address)
    }

    /// Startet einen Server und schließt die Pipe, in die er druckt, sobald er lauscht.
    pub fn unheard_server(executable: &str) -> (Program, SocketAddr) {
        let mut server = Program::start_heard(executable, &["--port", "0"], 1);
        let address = server.address();
        server.end_input(); // auf die Tastatur soll der Server nicht warten
        (server, address)
    }

    fn address(&self) -> SocketAddr {
        let ready = self.line();
        let address = ready.strip_prefix("Server lauscht auf ").expect(&ready);
        address.parse().expect("eine Adresse mit Port")
    }

    /// Die nächste gedruckte Zeile.
    pub fn line(&self) -> String {
        self.lines.recv_timeout(DEADLINE).expect("das Programm druckt noch eine Zeile")
    }

    /// Überliest Zeilen, bis eine mit `beginning` anfängt.
    pub fn line_with(&self, beginning: &str) -> String {
        loop {
            let line = self.line();
            if line.starts_with(beginning) {
                return line;
            }
        }
    }

    /// Das Programm druckt so lange nichts – auch, weil es vielleicht schon zu Ende ist.
    pub fn stays_quiet(&self, window: Duration) {
        if let Ok(line) = self.lines.recv_timeout(window) {
            panic!("gedruckt, obwohl nichts zu sagen war: {line}");
        }
    }

    /// Besucht einen Server immer wieder, bis das Programm eine Zeile druckt.
    pub fn line_after_visits(&self, address: SocketAddr) -> String {
        line_after(&self.lines, || {
            // Antwortet niemand mehr, soll der Besuch nicht warten.
            let visit = TcpStream::connect_timeout(&address, Duration::from_secs(1));
            visit.and_then(|mut stream| stream.write_all(b"Anna\n"))
        })
    }

    /// Tippt eine Zeile, wieder und wieder, bis das Programm eine druckt.
    pub fn line_after_typing(&mut self, typed: &str) -> String {
        let mut keyboard = self.keyboard.as_ref().expect("die Eingabe ist noch offen");
        line_after(&self.lines, || writeln!(keyboard, "{typed}"))
    }

    pub fn type_line(&mut self, line: &str) {
        self.type_bytes(format!("{line}\n").as_bytes());
    }

    pub fn type_bytes(&mut self, bytes: &[u8]) {
        let keyboard = self.keyboard.as_mut().expect("die Eingabe ist noch offen");
        keyboard.write_all(bytes).expect("das Programm liest");
    }

    pub fn end_input(&mut self) {
        self.keyboard = None;
    }

    /// Schickt dem Programm, was Strg+C schickt.
    #[cfg(unix)]
    pub fn interrupt(&self) {
        let kill = format!("kill -INT {}", self.child.id());
        let status = Command::new("/bin/sh").args(["-c", &kill]).status();
        assert!(status.expect("sh gehört zu jedem Unix").success());
    }

    /// Die Nummer des Prozesses.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Wartet auf das Ende und gibt den Status zurück.
    pub fn status(&mut self) -> i32 {
        let start = Instant::now();
        while start.elapsed() < DEADLINE {
            if let Some(status) = self.child.try_wait().expect("der Prozess ist unserer") {
                return status.code().expect("kein Signal");
            }
            thread::sleep(Duration::from_millis(5)); // std kann nicht mit Frist warten
        }
        panic!("das Programm endet nicht");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Gibt die ersten `count` Zeilen weiter und liest dann nicht mehr.
fn forward(pipe: Option<impl Read + Send + 'static>, count: usize, lines: Sender<String>) {
    let pipe = BufReader::new(pipe.expect("eine Pipe"));
    thread::spawn(move || {
        for line in pipe.lines().map_while(Result::ok).take(count) {
            let _ = lines.send(line); // der Test ist vielleicht schon fertig
        }
    });
}

/// Versucht etwas so oft, bis eine Zeile kommt. Einmal genügt nicht: Startet ein anderer Test
/// gerade ein Programm, hält das eine geschlossene Pipe noch einen Augenblick lang offen.
fn line_after(
    lines: &Receiver<String>,
    mut attempt: impl FnMut() -> io::Result<()>,
) -> String {
    let start = Instant::now();
    while start.elapsed() < DEADLINE {
        let _ = attempt(); // vielleicht ist das Programm schon zu Ende
        if let Ok(line) = lines.recv_timeout(Duration::from_millis(50)) {
            return line;
        }
    }
    panic!("das Programm druckt noch eine Zeile");
}

/// Das Programm druckt diesen einen Satz und endet mit diesem Status.
pub fn refuses(executable: &str, args: &[&str], sentence: &str, status: i32) {
    let mut program = Program::start(executable, args);
    assert_eq!(
        (program.line().as_str(), program.status()),
        (sentence, status)
    );
    assert_eq!(
        program.lines.recv_timeout(DEADLINE),
        Err(RecvTimeoutError::Disconnected)
    );
}

/// Eine Adresse, an der niemand lauscht, solange es den Socket gibt: Er ist gebunden, und den Port bekommt niemand sonst.
pub fn deserted() -> (Socket, SocketAddr) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("ein Socket");
    socket
        .bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())
        .expect("ein freier Port");
    let address = socket.local_addr().expect("gebunden").as_socket();
    (socket, address.expect("eine Adresse mit Port"))
}

/// Eine Verbindung, deren Lesen und Schreiben nicht ewig warten.
pub fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("der Server lauscht");
    stream.set_read_timeout(Some(DEADLINE)).expect("eine gültige Frist");
    stream.set_write_timeout(Some(DEADLINE)).expect("eine gültige Frist");
    stream
}
