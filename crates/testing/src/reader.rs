//! A reader of the book's pages: an address as the program prints it goes in; out come answers over HTTP and what
//! an open page hears over its WebSocket.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use scraper::Html;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::client::{IntoClientRequest, client};
use tokio_tungstenite::tungstenite::{Error, Message, WebSocket};

use crate::{BUILD, DEADLINE};

/// Where a server is, and what its reader knows.
#[derive(Debug, Clone)]
pub struct Reader {
    /// On 127.0.0.1.
    pub port: u16,
    /// What proves that the reader is the reader.
    pub token: String,
}

/// An answer to a request: its head is in lower case.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub content: String,
}

impl Reader {
    /// Who has been given this address.
    ///
    /// # Panics
    ///
    /// It is none of a book.
    #[track_caller]
    pub fn of(address: &str) -> Reader {
        let parts = address
            .strip_prefix("http://127.0.0.1:")
            .and_then(|rest| rest.split_once("/#token="));
        let (port, token) = parts
            .unwrap_or_else(|| panic!("the address stands alone on its line: {address:?}"));
        Reader {
            port: port.parse().expect("a port"),
            token: token.to_owned(),
        }
    }

    /// A connection that has said nothing yet.
    ///
    /// # Panics
    ///
    /// Nobody listens.
    #[track_caller]
    pub fn connect(&self) -> TcpStream {
        let stream =
            TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).expect("a connection");
        stream.set_read_timeout(Some(DEADLINE)).expect("a timeout");
        stream
    }

    /// Sends a request as it stands, with the real port and token for `PORT` and `TOKEN`.
    fn send(&self, request: &str) -> TcpStream {
        let request = request.replace("PORT", &self.port.to_string());
        let request = request.replace("TOKEN", &self.token);
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).expect("the request is sent");
        stream
    }

    /// The whole answer to a request after which the server closes the connection.
    ///
    /// # Panics
    ///
    /// It is no answer, or does not come.
    #[track_caller]
    pub fn answer_to(&self, request: &str) -> Answer {
        let mut answer = Vec::new();
        self.send(request).read_to_end(&mut answer).expect("the answer");
        let answer = String::from_utf8_lossy(&answer);
        let (head, content) = answer.split_once("\r\n\r\n").expect("a head and a content");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        Answer {
            status: status.expect("a status"),
            head: head.to_lowercase(),
            content: content.to_owned(),
        }
    }

    /// The answer to a plain request for `path`.
    ///
    /// # Panics
    ///
    /// It does not come.
    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        self.answer_to(&format!(
            "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nConnection: close\r\n\r\n"
        ))
    }

    /// The status that answers a WebSocket handshake with these headers.
    ///
    /// # Panics
    ///
    /// No answer comes.
    #[track_caller]
    pub fn handshake(&self, path: &str, headers: &str) -> u16 {
        let mut stream = self.send(&format!(
            "GET {path} HTTP/1.1\r\n{headers}Connection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        ));
        // The connection may stay open after such a request, so only the answer's beginning may be awaited.
        let mut beginning = [0; 12];
        stream.read_exact(&mut beginning).expect("the answer's beginning");
        let status = String::from_utf8_lossy(&beginning[9..]).parse();
        status.expect("a status")
    }

    /// A page that has not said anything yet.
    ///
    /// # Panics
    ///
    /// It is not let in.
    #[track_caller]
    pub fn silent_page(&self) -> Page {
        let address = format!("ws://127.0.0.1:{}/-/live", self.port);
        let mut request = address.into_client_request().expect("a request");
        let origin = format!("http://127.0.0.1:{}", self.port);
        request.headers_mut().insert("origin", origin.parse().expect("a header value"));
        Page {
            socket: client(request, self.connect()).expect("the page is let in").0,
            is_built: true,
        }
    }

    /// The reader's page, which has greeted.
    ///
    /// # Panics
    ///
    /// It is not let in.
    #[track_caller]
    pub fn page(&self) -> Page {
        self.page_at("")
    }

    /// The same for the page with this path in its address: `/sockets.html`.
    ///
    /// # Panics
    ///
    /// It is not let in.
    #[track_caller]
    pub fn page_at(&self, path: &str) -> Page {
        let mut page = self.silent_page();
        page.send(json!({"type": "hello", "token": self.token, "path": path}));
        page
    }
}

impl Answer {
    /// Its content as a page.
    pub fn html(&self) -> Html {
        Html::parse_document(&self.content)
    }

    /// Whether it has this header, in lower case.
    pub fn has(&self, header: &str) -> bool {
        self.head.lines().any(|line| line == header)
    }

    /// The value of a header; empty if it has none.
    pub fn header(&self, name: &str) -> &str {
        let mut lines = self.head.lines();
        lines
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
            .unwrap_or_default()
    }
}

/// What a page heard when it listened.
enum Received {
    Message(Value),
    /// How the connection ended.
    Closed(String),
    Nothing,
}

/// An open page, which says and hears what a browser's would.
#[derive(Debug)]
pub struct Page {
    socket: WebSocket<TcpStream>,
    /// Whether the server has said that nothing is being built.
    is_built: bool,
}

impl Page {
    /// Sends a message.
    ///
    /// # Panics
    ///
    /// The connection is gone.
    #[track_caller]
    pub fn send(&mut self, message: Value) {
        self.say(&message.to_string());
    }

    /// Sends a text, whatever it is.
    ///
    /// # Panics
    ///
    /// The connection is gone.
    #[track_caller]
    pub fn say(&mut self, text: &str) {
        self.socket.send(Message::text(text)).expect("the message is sent");
    }

    /// Sends a text to a server that may have hung up already.
    pub fn try_say(&mut self, text: &str) {
        // Whether it is heard is the server's choice.
        let _ = self.socket.send(Message::text(text));
    }

    /// Sends bytes instead of a text.
    ///
    /// # Panics
    ///
    /// The connection is gone.
    #[track_caller]
    pub fn say_bytes(&mut self, bytes: Vec<u8>) {
        self.socket.send(Message::binary(bytes)).expect("the message is sent");
    }

    /// The next message; `None` once the server has closed. While it says that it is building, it has the patience of
    /// a [`BUILD`] from message to message, else that of the [`DEADLINE`].
    ///
    /// # Panics
    ///
    /// None comes in time, or something cannot be built.
    #[track_caller]
    pub fn hear(&mut self) -> Option<Value> {
        match self.next() {
            Received::Message(message) => Some(message),
            Received::Closed(_) => None,
            Received::Nothing => panic!("a message comes before the deadline"),
        }
    }

    fn next(&mut self) -> Received {
        let patience = if self.is_built { DEADLINE } else { BUILD };
        let end = Instant::now() + patience;
        self.socket.get_ref().set_read_timeout(Some(patience)).expect("a timeout");
        while Instant::now() < end {
            match self.socket.read() {
                Ok(Message::Text(text)) => {
                    let message: Value = serde_json::from_str(&text).expect("JSON");
                    if message["type"] == "ready" {
                        assert_eq!(message["problem"], Value::Null);
                        self.is_built = is_built(&message);
                    }
                    return Received::Message(message);
                }
                Ok(Message::Close(_)) => {
                    return Received::Closed("with a farewell".to_owned());
                }
                Ok(_) => {}
                // A read with a timeout is not repeated by the system when a signal interrupts it.
                Err(Error::Io(cause))
                    if matches!(
                        cause.kind(),
                        ErrorKind::WouldBlock
                            | ErrorKind::TimedOut
                            | ErrorKind::Interrupted
                    ) => {}
                Err(error) => return Received::Closed(error.to_string()),
            }
        }
        Received::Nothing
    }

    /// The next message that fulfils `wanted`.
    ///
    /// # Panics
    ///
    /// The server closes before, or falls silent; told is what came instead.
    #[track_caller]
    pub fn find(&mut self, what: &str, mut wanted: impl FnMut(&Value) -> bool) -> Value {
        let mut seen = Vec::new();
        let end = loop {
            match self.next() {
                Received::Message(message) if wanted(&message) => return message,
                Received::Message(message) => seen.push(message.to_string()),
                Received::Closed(how) => break format!("the server has closed ({how})"),
                Received::Nothing => {
                    break "nothing more came before the deadline".to_owned();
                }
            }
        };
        panic!("{what}: {end}; there was only\n{}", seen.join("\n"));
    }

    /// The next message of that kind.
    ///
    /// # Panics
    ///
    /// As [`Page::find`].
    #[track_caller]
    pub fn wait_for(&mut self, kind: &str) -> Value {
        self.find(kind, |message| message["type"] == kind)
    }

    /// Everything up to and including the message of that kind.
    ///
    /// # Panics
    ///
    /// As [`Page::find`].
    #[track_caller]
    pub fn all_until(&mut self, kind: &str) -> Vec<Value> {
        let mut all = Vec::new();
        self.find(kind, |message| {
            all.push(message.clone());
            message["type"] == kind
        });
        all
    }

    /// Waits until nothing is being built in the background any more.
    ///
    /// # Panics
    ///
    /// As [`Page::find`].
    #[track_caller]
    pub fn wait_until_built(&mut self) {
        self.find("everything is built", |message| {
            message["type"] == "ready" && is_built(message)
        });
    }

    /// Waits for a line that a process prints.
    ///
    /// # Panics
    ///
    /// As [`Page::find`].
    #[track_caller]
    pub fn wait_for_line(&mut self, process: &str, part: &str) -> String {
        let line = self.find(&format!("{process}: {part}"), |message| {
            matches!(message["kind"].as_str(), Some("out" | "err"))
                && message["process"] == process
                && message["text"].as_str().is_some_and(|text| text.contains(part))
        });
        line["text"].as_str().expect("a text").to_owned()
    }

    /// Starts a scene with a process „Server“ in which the reader types, and waits until that one listens on the returned port.
    ///
    /// # Panics
    ///
    /// As [`Page::find`].
    #[track_caller]
    pub fn play_myself(&mut self, scene: &str, run: u32) -> u16 {
        let _alone = one_server_at_a_time();
        self.send(json!({"type": "play", "scene": scene, "mode": "self", "run": run}));
        let line = self.wait_for_line("Server", "Server lauscht auf");
        line.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port")
    }

    /// Runs a cell, as it is in the book or changed; returns what it prints and how it ends.
    ///
    /// # Panics
    ///
    /// As [`Page::find`].
    #[track_caller]
    pub fn run_cell(&mut self, cell: &str, run: u32, source: Option<&str>) -> Vec<Value> {
        let mut message = json!({"type": "run-cell", "run": run, "cell": cell});
        if let Some(source) = source {
            message["source"] = source.into();
        }
        self.send(message);
        self.all_until("cell-ended")
    }

    /// Whether the server refuses this page, saying nothing else before, and closes.
    ///
    /// # Panics
    ///
    /// It says nothing before the [`DEADLINE`].
    #[track_caller]
    pub fn is_refused(&mut self) -> bool {
        let refused = self.hear().is_some_and(|message| {
            message["type"] == "refused" && message["reason"].is_string()
        });
        refused && self.hear().is_none()
    }
}

/// Several servers that look for a free port at the same moment find the same: so they start one after the other.
pub fn one_server_at_a_time() -> MutexGuard<'static, ()> {
    static STARTING: Mutex<()> = Mutex::new(());
    STARTING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The texts of all messages of a kind.
///
/// # Panics
///
/// One of them has none.
pub fn texts(messages: &[Value], kind: &str) -> Vec<String> {
    let of_kind = |message: &&Value| message["type"] == kind || message["kind"] == kind;
    let messages = messages.iter().filter(of_kind);
    messages
        .map(|message| message["text"].as_str().expect("a text").to_owned())
        .collect()
}

/// Whether a message about what is ready says that everything is.
fn is_built(ready: &Value) -> bool {
    let done = |what: &str| ready[what]["done"] == ready[what]["of"];
    let any = ["scenes", "cells"].iter().any(|what| ready[what]["of"] != 0);
    any && done("scenes") && done("cells")
}
