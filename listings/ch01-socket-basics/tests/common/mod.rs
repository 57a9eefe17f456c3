//! Startet ein Programm dieses Listings und liest mit, was es druckt.
//! Diese Datei ist in allen Listings gleich.

#![allow(dead_code, reason = "nicht jedes Listing braucht alles")]

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

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
        let mut child = Command::new(executable)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("das Programm startet");
        let (sender, lines) = channel();
        let outputs: [Box<dyn std::io::Read + Send>; 2] = [
            Box::new(child.stdout.take().expect("stdout ist eine Pipe")),
            Box::new(child.stderr.take().expect("stderr ist eine Pipe")),
        ];
        for output in outputs {
            let sender = sender.clone();
            thread::spawn(move || {
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    let _ = sender.send(line); // der Test ist vielleicht schon fertig
                }
            });
        }
        let keyboard = child.stdin.take();
        Program {
            child,
            keyboard,
            lines,
        }
    }

    /// Startet einen Server auf einem freien Port und wartet, bis er lauscht.
    pub fn server(executable: &str) -> (Program, SocketAddr) {
        let server = Program::start(executable, &["--port", "0"]);
        let ready = server.line();
        let address = ready.strip_prefix("Server lauscht auf ").expect(&ready);
        let address = address.parse().expect("eine Adresse mit Port");
        (server, address)
    }

    /// Die nächste gedruckte Zeile.
    pub fn line(&self) -> String {
        self.lines
            .recv_timeout(DEADLINE)
            .expect("das Programm druckt noch eine Zeile")
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

    pub fn type_line(&mut self, line: &str) {
        let keyboard = self.keyboard.as_mut().expect("die Eingabe ist noch offen");
        writeln!(keyboard, "{line}").expect("das Programm liest");
    }

    pub fn end_input(&mut self) {
        self.keyboard = None;
    }

    /// Schickt dem Programm, was Strg+C schickt.
    #[cfg(unix)]
    pub fn interrupt(&self) {
        let pid = self.child.id().to_string();
        let status = Command::new("kill").args(["-INT", &pid]).status();
        assert!(status.expect("kill gehört zu jedem Unix").success());
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

/// Eine Verbindung, deren Lesen und Schreiben nicht ewig warten.
pub fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("der Server lauscht");
    stream
        .set_read_timeout(Some(DEADLINE))
        .expect("eine gültige Frist");
    stream
        .set_write_timeout(Some(DEADLINE))
        .expect("eine gültige Frist");
    stream
}
