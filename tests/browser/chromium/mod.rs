//! A real browser: Chromium, spoken to in its own protocol (CDP) over one WebSocket.
//! In go addresses, clicks and keys as a reader gives them; out come the values of JavaScript expressions,
//! and in the end everything that went wrong inside the pages.

use std::cell::RefCell;
use std::fs;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use process_wrap::std::{ChildWrapper, CommandWrap};
use serde_json::{Value, json};
use tempfile::TempDir;
use testing::DEADLINE;
use tokio_tungstenite::tungstenite::client::client;
use tokio_tungstenite::tungstenite::{Message, WebSocket};

/// How often a condition in a page is looked at.
const GLANCE: Duration = Duration::from_millis(20);

const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

/// The first Chromium of the search path.
pub fn find() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let files = NAMES.iter().flat_map(|name| {
        folders.iter().map(move |folder| {
            folder.join(name).with_extension(std::env::consts::EXE_EXTENSION)
        })
    });
    files.into_iter().find(|file| file.is_file())
}

/// A running Chromium; it ends with the test, and its files with it.
pub struct Browser {
    process: Box<dyn ChildWrapper>,
    line: RefCell<Line>,
    _profile: TempDir,
}

/// The connection and what came over it unasked.
struct Line {
    socket: WebSocket<TcpStream>,
    last_id: u64,
    complaints: Vec<String>,
}

impl Browser {
    pub fn start(program: &PathBuf) -> Browser {
        let profile = tempfile::tempdir().expect("a temporary folder");
        let mut command = Command::new(program);
        command
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--remote-debugging-port=0",
                "--window-size=1200,900",
            ])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut command = CommandWrap::from(command);
        #[cfg(unix)]
        command.wrap(process_wrap::std::ProcessGroup::leader());
        #[cfg(windows)]
        command.wrap(process_wrap::std::JobObject);
        let process = command.spawn().expect("Chromium starts");

        // It writes down where it listens: the port and the path.
        let note = profile.path().join("DevToolsActivePort");
        let end = Instant::now() + DEADLINE;
        let (port, path) = loop {
            let text = fs::read_to_string(&note).unwrap_or_default();
            if let Some((port, path)) = text.split_once('\n')
                && !path.is_empty()
            {
                break (port.to_owned(), path.trim().to_owned());
            }
            assert!(Instant::now() < end, "Chromium listens before the deadline");
            thread::sleep(GLANCE);
        };
        let stream = TcpStream::connect(format!("127.0.0.1:{port}")).expect("a connection");
        stream.set_read_timeout(Some(DEADLINE)).expect("a timeout");
        let (socket, _) =
            client(format!("ws://127.0.0.1:{port}{path}"), stream).expect("a WebSocket");
        let line = Line {
            socket,
            last_id: 0,
            complaints: Vec::new(),
        };
        Browser {
            process,
            line: RefCell::new(line),
            _profile: profile,
        }
    }

    /// A new tab with nothing in it.
    pub fn tab(&self) -> Tab<'_> {
        let made = self.ask(None, "Target.createTarget", json!({"url": "about:blank"}));
        let target = made["targetId"].as_str().expect("a target").to_owned();
        let attached = self.ask(
            None,
            "Target.attachToTarget",
            json!({"targetId": target, "flatten": true}),
        );
        let session = attached["sessionId"].as_str().expect("a session").to_owned();
        let tab = Tab {
            browser: self,
            session,
            target,
        };
        for domain in ["Page.enable", "Runtime.enable", "Log.enable"] {
            tab.ask(domain, json!({}));
        }
        tab.ask(
            "Emulation.setFocusEmulationEnabled",
            json!({"enabled": true}),
        );
        tab
    }

    /// Exceptions and errors of all pages so far.
    pub fn complaints(&self) -> Vec<String> {
        self.line.borrow().complaints.clone()
    }

    fn ask(&self, session: Option<&str>, method: &str, params: Value) -> Value {
        match self.line.borrow_mut().ask(session, method, params) {
            Ok(result) => result,
            Err(error) => panic!("{method}: {error}"),
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Line {
    /// Sends a command and waits for its answer.
    fn ask(
        &mut self,
        session: Option<&str>,
        method: &str,
        params: Value,
    ) -> Result<Value, String> {
        self.last_id += 1;
        let id = self.last_id;
        let mut command = json!({"id": id, "method": method, "params": params});
        if let Some(session) = session {
            command["sessionId"] = session.into();
        }
        let sent = self.socket.send(Message::text(command.to_string()));
        sent.expect("Chromium listens");
        loop {
            let Message::Text(text) = self.socket.read().expect("Chromium answers") else {
                continue;
            };
            let message: Value = serde_json::from_str(&text).expect("JSON");
            if message["id"] == id {
                return match message.get("error") {
                    Some(error) => Err(error["message"].to_string()),
                    None => Ok(message["result"].clone()),
                };
            }
            self.note(&message);
        }
    }

    /// Remembers what a page complains about.
    fn note(&mut self, message: &Value) {
        let params = &message["params"];
        let complaint = match message["method"].as_str() {
            Some("Runtime.exceptionThrown") => &params["exceptionDetails"],
            Some("Log.entryAdded") if params["entry"]["level"] == "error" => {
                &params["entry"]
            }
            _ => return,
        };
        self.complaints.push(complaint.to_string());
    }
}

/// A tab of the browser.
pub struct Tab<'a> {
    browser: &'a Browser,
    session: String,
    target: String,
}

/// A key that is no letter.
#[derive(Clone, Copy)]
pub enum Key {
    Tab,
    Enter,
    Escape,
    Space,
    Right,
}

impl Key {
    /// Name, code of old, and the text it types.
    fn parts(self) -> (&'static str, u32, &'static str) {
        match self {
            Key::Tab => ("Tab", 9, ""),
            Key::Enter => ("Enter", 13, "\r"),
            Key::Escape => ("Escape", 27, ""),
            Key::Space => (" ", 32, " "),
            Key::Right => ("ArrowRight", 39, ""),
        }
    }
}

impl Tab<'_> {
    fn ask(&self, method: &str, params: Value) -> Value {
        self.browser.ask(Some(&self.session), method, params)
    }

    /// Opens an address and waits until the page is there.
    pub fn open(&self, address: &str) {
        let opened = self.ask("Page.navigate", json!({"url": address}));
        assert_eq!(opened.get("errorText"), None, "{address}");
        self.wait_for(
            "document.readyState === 'complete' && location.href !== 'about:blank'",
        );
    }

    /// Loads the page anew.
    pub fn reload(&self) {
        self.js("window.before = true");
        self.ask("Page.reload", json!({}));
        self.wait_for("!window.before && document.readyState === 'complete'");
    }

    /// Closes the tab, as a reader does.
    pub fn close(self) {
        self.browser.ask(None, "Target.closeTarget", json!({"targetId": self.target}));
    }

    /// Lets the page believe what the system prefers, such as `prefers-reduced-motion`.
    pub fn prefer(&self, feature: &str, value: &str) {
        let features = json!([{"name": feature, "value": value}]);
        self.ask("Emulation.setEmulatedMedia", json!({"features": features}));
    }

    /// A page so wide, in pixels.
    pub fn width(&self, width: u32) {
        self.ask(
            "Emulation.setDeviceMetricsOverride",
            json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}),
        );
    }

    /// The value of an expression; a promise is awaited.
    pub fn try_js(&self, expression: &str) -> Result<Value, String> {
        let params =
            json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        let mut line = self.browser.line.borrow_mut();
        let answer = line.ask(Some(&self.session), "Runtime.evaluate", params)?;
        match answer.get("exceptionDetails") {
            Some(details) => Err(details.to_string()),
            None => Ok(answer["result"]["value"].clone()),
        }
    }

    /// The value of an expression that must have one.
    #[track_caller]
    pub fn js(&self, expression: &str) -> Value {
        match self.try_js(expression) {
            Ok(value) => value,
            Err(error) => panic!("{expression}: {error}"),
        }
    }

    /// The text of the element, without the white space around it.
    pub fn text(&self, selector: &str) -> String {
        let text = self.js(&format!("{}?.textContent ?? ''", element(selector)));
        text.as_str().expect("text").trim().to_owned()
    }

    /// Waits until the expression is true.
    #[track_caller]
    pub fn wait_for(&self, expression: &str) {
        self.wait_at_most(DEADLINE, expression);
    }

    /// Waits so long for something that may take its time.
    #[track_caller]
    pub fn wait_at_most(&self, patience: Duration, expression: &str) {
        let end = Instant::now() + patience;
        loop {
            // While one page goes and another comes, there is nobody to answer.
            let answer = self.try_js(&format!("Boolean({expression})"));
            if answer == Ok(Value::Bool(true)) {
                return;
            }
            if Instant::now() > end {
                let page = self.try_js("[...document.querySelectorAll('.szene.spielt, .zelle, .notizbuch-stand')].map((part) => part.innerText).join()");
                panic!("never true: {expression}\n{answer:?}\n{page:?}");
            }
            thread::sleep(GLANCE);
        }
    }

    /// Waits until the element contains the text.
    #[track_caller]
    pub fn wait_for_text(&self, selector: &str, text: &str) {
        self.wait_for(&format!(
            "{}?.textContent.includes({})",
            element(selector),
            json!(text)
        ));
    }

    /// Clicks with the mouse where the element is; it must be visible and nothing may cover it.
    /// While the page is still arranging itself a click can miss; then it is tried again, as a reader would.
    #[track_caller]
    pub fn click(&self, selector: &str) {
        self.ask("Page.bringToFront", json!({}));
        let end = Instant::now() + DEADLINE;
        loop {
            self.wait_for(&format!("{}?.checkVisibility()", element(selector)));
            let place = self.js(&format!(
                "new Promise((done) => {{ const e = {};
                   e.scrollIntoView({{block: 'center', behavior: 'instant'}});
                   window.clicked = false;
                   e.addEventListener('click', () => {{ window.clicked = true; }}, {{capture: true, once: true}});
                   requestAnimationFrame(() => {{
                     const {{x, y, width, height}} = e.getBoundingClientRect();
                     const [cx, cy] = [x + width / 2, y + height / 2];
                     done({{x: cx, y: cy, hit: e.contains(document.elementFromPoint(cx, cy))}}); }}); }})",
                element(selector)
            ));
            if place["hit"] == true {
                for kind in ["mousePressed", "mouseReleased"] {
                    self.ask(
                        "Input.dispatchMouseEvent",
                        json!({"type": kind, "x": place["x"], "y": place["y"], "button": "left", "clickCount": 1}),
                    );
                }
                if self.js("window.clicked") == true {
                    return;
                }
            }
            assert!(
                Instant::now() < end,
                "{selector} cannot be clicked: {place}"
            );
        }
    }

    /// Types a text into whatever has the focus.
    pub fn type_text(&self, text: &str) {
        self.ask("Input.insertText", json!({"text": text}));
    }

    pub fn press(&self, key: Key) {
        self.press_with(key, false);
    }

    /// Presses a key, perhaps with Ctrl.
    pub fn press_with(&self, key: Key, ctrl: bool) {
        let (name, code, text) = key.parts();
        let modifiers = if ctrl { 2 } else { 0 };
        let text = if ctrl { "" } else { text };
        for kind in ["keyDown", "keyUp"] {
            self.ask(
                "Input.dispatchKeyEvent",
                json!({"type": kind, "key": name, "code": name, "windowsVirtualKeyCode": code,
                       "text": if kind == "keyDown" { text } else { "" }, "modifiers": modifiers}),
            );
        }
    }

    /// Presses Tab until the focus is on the element.
    #[track_caller]
    pub fn tab_to(&self, selector: &str) {
        for _ in 0..200 {
            self.press(Key::Tab);
            let there = format!("document.activeElement === {}", element(selector));
            if self.js(&there) == true {
                return;
            }
        }
        panic!("{selector} cannot be reached with Tab");
    }
}

/// The expression for the first element that fits.
pub fn element(selector: &str) -> String {
    format!("document.querySelector({})", json!(selector))
}
