//! A client that sends what it is told, byte for byte, and remembers every line it read. Waiting
//! has a deadline and fails loudly, with the lines that came instead.

use std::fmt::Display;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

use super::record::{clip, packed};
use super::server::DEADLINE;

/// One connection to a chat server.
pub struct Client {
    stream: BufReader<TcpStream>,
    /// All lines read so far, packed, without their ends, except for refusals (`! …`).
    pub heard: Vec<String>,
}

impl Client {
    /// Connects and says nothing, not even a name.
    pub fn connect(address: SocketAddr) -> Client {
        let stream = TcpStream::connect_timeout(&address, DEADLINE);
        Client::new(stream.expect("the server listens"))
    }

    /// Speaks over a connection that somebody else has opened.
    pub fn new(stream: TcpStream) -> Client {
        stream.set_write_timeout(Some(DEADLINE)).expect("valid");
        stream.set_read_timeout(Some(DEADLINE)).expect("valid");
        stream.set_nodelay(true).expect("a connected socket");
        Client {
            stream: BufReader::new(stream),
            heard: Vec::new(),
        }
    }

    /// Connects, gives the name and waits until the server has taken it.
    pub fn join(address: SocketAddr, name: &str) -> Client {
        let mut client = Client::connect(address);
        client.say(name);
        client.settle();
        client
    }

    /// The same by a connection with small segments and buffers: the operating systems hold back less.
    pub fn join_by_a_slow_line(address: SocketAddr, name: &str) -> Client {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        socket.set_recv_buffer_size(4096).expect("a size");
        #[cfg(target_os = "linux")] // others refuse it before there is a connection
        socket.set_tcp_mss(536).expect("a segment size");
        socket.connect(&address.into()).expect("the server listens");
        let mut client = Client::new(socket.into());
        client.say(name);
        client.settle();
        client
    }

    /// The connection itself.
    pub fn socket(&self) -> &TcpStream {
        self.stream.get_ref()
    }

    /// Sends just these bytes.
    pub fn send(&self, bytes: impl AsRef<[u8]>) {
        let sent = self.socket().write_all(bytes.as_ref());
        sent.expect("the server takes what is sent");
    }

    /// Sends a line.
    pub fn say(&self, text: &str) {
        self.send(format!("{text}\n"));
    }

    /// Says that nothing more will be sent.
    pub fn half_close(&self) {
        let closed = self.socket().shutdown(Shutdown::Write);
        closed.expect("the connection is open");
    }

    /// Waits until the server has dealt with all that was sent: it answers a line that is no text.
    /// What it reads at one go it may answer before it passes the rest on; so it is asked twice.
    pub fn settle(&mut self) {
        for _ in 0..2 {
            self.send(b"\xFF\n");
            self.hear_refusal("UTF-8");
        }
    }

    /// The next line, without its end; `None` at the end of the stream.
    pub fn next_line(&mut self) -> Option<String> {
        self.read_line().unwrap_or_else(|error| self.fail(&error, "a line"))
    }

    fn read_line(&mut self) -> io::Result<Option<String>> {
        let mut bytes = Vec::new();
        if self.stream.read_until(b'\n', &mut bytes)? == 0 {
            return Ok(None);
        }
        let line = String::from_utf8(bytes).expect("the server sends UTF-8");
        let Some(line) = line.strip_suffix('\n') else {
            panic!("the stream ends within the line {:?}", clip(&line));
        };
        if !line.starts_with("! ") {
            self.heard.push(packed(line));
        }
        Ok(Some(line.into()))
    }

    /// The very next line has to be this one.
    #[track_caller]
    pub fn expect(&mut self, line: &str) {
        let next = self.next_line().expect(line);
        assert_eq!(clip(&next), clip(line));
        assert_eq!(next, line);
    }

    /// The very next line has to be a refusal which contains `word`.
    #[track_caller]
    pub fn expect_refusal(&mut self, word: &str) {
        let line = self.next_line().expect(word);
        let good = line.starts_with("! ") && line.contains(word);
        assert!(good, "no refusal with „{word}“: {:?}", clip(&line));
    }

    /// Reads on until this line comes, which has to happen within `patience`.
    #[track_caller]
    pub fn hear(&mut self, line: &str, patience: Duration) {
        self.find(patience, line, |next| next == line);
    }

    /// Reads on until a refusal comes, which has to contain `word`.
    #[track_caller]
    pub fn hear_refusal(&mut self, word: &str) {
        let line = self.find(DEADLINE, "refusal", |line| line.starts_with("! "));
        assert!(line.contains(word), "no „{word}“ in {line:?}");
    }

    fn find(
        &mut self,
        patience: Duration,
        what: &str,
        is_it: impl Fn(&str) -> bool,
    ) -> String {
        let start = Instant::now();
        self.socket().set_read_timeout(Some(patience)).expect("valid");
        loop {
            let line = match self.read_line() {
                Ok(Some(line)) if start.elapsed() <= patience => line,
                Ok(Some(_)) => self.fail(&"other lines", what),
                Ok(None) => self.fail(&"the end of the stream", what),
                Err(error) => self.fail(&error, what),
            };
            if is_it(&line) {
                self.socket().set_read_timeout(Some(DEADLINE)).expect("valid");
                return line;
            }
        }
    }

    /// Reads on to the end of the stream; returns the lines that came, refusals too.
    pub fn rest(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.next_line()).collect()
    }

    fn fail(&self, found: &dyn Display, what: &str) -> ! {
        let last = &self.heard[self.heard.len().saturating_sub(5)..];
        let last: Vec<String> = last.iter().map(|line| clip(line)).collect();
        panic!("{found} instead of {:?}, after {last:#?}", clip(what));
    }
}
