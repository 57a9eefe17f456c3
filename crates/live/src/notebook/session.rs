//! One open page. In flow its messages, out flow ours; programs start here and nowhere else.
//! The first message has to show the token. When the page leaves – by closing, by falling silent, by saying
//! something wrong –, everything it started ends.

use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::ws::{Message, WebSocket};
use print::tell;
use tokio::sync::{mpsc as async_mpsc, watch};
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::contents::Cell;
use super::messages::{CellOfPage, FromPage, Readiness, ToPage};
use super::run::{Outbox, Run, Stop};
use super::{Notebook, cells, limits, measure, scene};
use scenes::improvise::Cue;

/// So many messages may wait for a page; then its programs wait.
const WAITING: usize = 256;
/// A page that lets so many beats pass without an answer is gone.
const BEATS: u32 = 5;
/// How long a page that is refused may take to hear it.
const FAREWELL: Duration = Duration::from_millis(500);

/// Serves one page until it leaves.
pub async fn attend(notebook: Arc<Notebook>, socket: WebSocket) {
    let mut socket = socket;
    let path = match greet(&notebook, &mut socket).await {
        Ok(path) => path,
        Err(reason) => return refuse(socket, reason).await,
    };
    notebook.workshop.look_at(&path);
    let mut page = Visit {
        path: Some(path),
        book: notebook.book.subscribe(),
        ready: notebook.workshop.ready(),
        patience: notebook.limits.silence,
        desk: Desk::new(notebook),
        unanswered: 0,
    };
    if let Err(Leaving::Refused(reason)) = page.serve(&mut socket).await {
        drop(page);
        refuse(socket, reason).await;
    }
}

/// Waits for the token and returns the path of the page; the error is the sentence of refusal.
async fn greet(notebook: &Notebook, socket: &mut WebSocket) -> Result<String, String> {
    let first = async {
        loop {
            match socket.recv().await {
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => return other,
            }
        }
    };
    let limits = &notebook.limits;
    let first = timeout(limits.hello, first)
        .await
        .map_err(|_| "Der Gruß kam zu spät.".to_owned())?;
    if let Some(Ok(Message::Text(text))) = first
        && let Ok(FromPage::Hello { token, path }) = FromPage::read(&text, limits)
        && notebook.token.is(&token)
    {
        return Ok(path);
    }
    Err("Diese Seite kennt das Kennwort dieses Starts nicht: Öffnen Sie die Adresse, die „cargo run“ zeigt.".to_owned())
}

/// Says why, and closes.
async fn refuse(socket: WebSocket, reason: String) {
    let mut socket = socket;
    let farewell = async {
        let sent = socket.send(encode(&ToPage::Refused { reason })).await;
        if sent.is_err() || socket.send(Message::Close(None)).await.is_err() {
            return;
        }
        // What is still on its way is read, or the page might never get to hear why.
        while let Some(Ok(_)) = socket.recv().await {}
    };
    // Who does not listen misses it.
    let _ = timeout(FAREWELL, farewell).await;
}

fn encode(message: &ToPage) -> Message {
    Message::text(serde_json::to_string(message).expect("only string keys"))
}

/// Why a page is served no longer.
enum Leaving {
    /// It is gone.
    Gone,
    /// It said something wrong.
    Refused(String),
}

struct Visit {
    /// Where it is in the book, until it has heard which cells it has.
    path: Option<String>,
    book: watch::Receiver<Option<ToPage>>,
    ready: watch::Receiver<Readiness>,
    patience: Duration,
    desk: Desk,
    /// So many beats have passed without a sign of life. Beats, not seconds: when we have slept ourselves, or the whole
    /// machine, it is not the page that was silent.
    unanswered: u32,
}

impl Visit {
    async fn serve(&mut self, socket: &mut WebSocket) -> Result<(), Leaving> {
        self.book.mark_changed();
        self.ready.mark_changed();
        // Often enough that a lost page is noticed in time.
        let mut beat = interval((self.patience / BEATS).max(Duration::from_millis(10)));
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                // What the page says comes first: neither a flood of output nor our own
                // delay may make it look silent.
                biased;
                received = socket.recv() => {
                    self.unanswered = 0;
                    match received {
                        Some(Ok(Message::Text(text))) => {
                            self.desk.take(&text).map_err(Leaving::Refused)?;
                        }
                        Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                        Some(Ok(Message::Close(_))) | None => return Err(Leaving::Gone),
                        Some(Ok(Message::Binary(_)) | Err(_)) => {
                            return Err(Leaving::Refused("Diese Nachricht gibt es nicht.".to_owned()));
                        }
                    }
                }
                _ = beat.tick() => {
                    self.desk.mind_the_time();
                    if self.desk.is_busy() {
                        if self.unanswered >= BEATS {
                            return Err(Leaving::Gone);
                        }
                        self.unanswered += 1;
                        self.send(socket, Message::Ping(Bytes::new())).await?;
                    } else {
                        self.unanswered = 0;
                    }
                }
                changed = self.book.changed() => {
                    changed.map_err(|_| Leaving::Gone)?;
                    let message = self.book.borrow_and_update().as_ref().map(encode);
                    if let Some(message) = message {
                        self.send(socket, message).await?;
                    }
                }
                changed = self.ready.changed() => {
                    changed.map_err(|_| Leaving::Gone)?;
                    let message = ToPage::Ready {
                        state: self.ready.borrow_and_update().clone(),
                        limits: self.desk.notebook.limits.longest(),
                    };
                    self.send(socket, encode(&message)).await?;
                    if let Some(cells) = self.cells() {
                        self.send(socket, encode(&cells)).await?;
                    }
                }
                Some(message) = self.desk.printed.recv() => {
                    self.send(socket, encode(&message)).await?;
                }
            }
        }
    }

    /// The message about the cells of the page, once, as soon as they are known.
    fn cells(&mut self) -> Option<ToPage> {
        let cells = self.desk.notebook.workshop.cells_of(self.path.as_ref()?)?;
        self.path = None;
        let shown = |cell: &Arc<Cell>| CellOfPage {
            id: cell.id.clone(),
            program: cell.program.clone(),
        };
        Some(ToPage::Cells {
            cells: cells.iter().map(shown).collect(),
        })
    }

    /// A page that takes nothing any more is gone.
    async fn send(&self, socket: &mut WebSocket, message: Message) -> Result<(), Leaving> {
        match timeout(self.patience, socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(Leaving::Gone),
        }
    }
}

/// What ends a run that the reader has not stopped.
const REPLACED: &str = "Beendet, weil auf dieser Seite anderes gestartet wurde.";

/// What a page has running: one group at most.
struct Desk {
    notebook: Arc<Notebook>,
    run: Option<Run>,
    page: async_mpsc::Sender<ToPage>,
    printed: async_mpsc::Receiver<ToPage>,
}

impl Desk {
    fn new(notebook: Arc<Notebook>) -> Desk {
        let (page, printed) = async_mpsc::channel(WAITING);
        Desk {
            notebook,
            run: None,
            page,
            printed,
        }
    }

    fn is_busy(&self) -> bool {
        self.run.as_ref().is_some_and(Run::goes_on)
    }

    /// Ends a run that has lasted long enough. (A cell minds its own time.)
    fn mind_the_time(&self) {
        let most = self.notebook.limits.scene;
        if let Some(run) = self.run.as_ref().filter(|run| run.begun.elapsed() > most) {
            let most = limits::in_words(most);
            run.stop.stop(Some(format!("Nach {most} ist Schluss. Starten Sie neu.")));
        }
    }

    /// Acts on a message; the error is the sentence of refusal.
    fn take(&mut self, text: &str) -> Result<(), String> {
        let limits = &self.notebook.limits;
        match FromPage::read(text, limits)? {
            FromPage::Hello { .. } => return Err("Der Gruß kam schon.".to_owned()),
            FromPage::Play { scene, mode, run } => {
                self.start(run, move |notebook, stop, cues, outbox| {
                    let reason = scene::play(
                        notebook,
                        &notebook.groups,
                        &scene,
                        mode,
                        stop,
                        cues,
                        outbox,
                    );
                    outbox.send(ToPage::Over {
                        run: outbox.run,
                        reason,
                    });
                });
            }
            FromPage::Measure { run, measurement } => {
                self.start(run, move |notebook, stop, _, outbox| {
                    let reason = measure::measure(notebook, &measurement, stop, outbox);
                    outbox.send(ToPage::Over {
                        run: outbox.run,
                        reason,
                    });
                });
            }
            FromPage::RunCell { run, cell, source } => {
                self.start(run, move |notebook, stop, _, outbox| {
                    cells::run(notebook, &cell, source, stop, outbox);
                });
            }
            FromPage::Input { run, process, line } => {
                self.cue(run, Cue::Type(process, line));
            }
            FromPage::Eof { run, process } => self.cue(run, Cue::Eof(process)),
            FromPage::StopProcess { run, process } => {
                self.cue(run, Cue::Interrupt(process));
            }
            FromPage::StartProcess { run, process } => self.cue(run, Cue::Start(process)),
            FromPage::AddClient { run, like } => self.cue(run, Cue::AddClient(like)),
            FromPage::Stop { run } => {
                if let Some(running) = self.run.as_ref().filter(|one| one.number == run) {
                    running.stop.stop(None);
                }
            }
        }
        Ok(())
    }

    /// Hands a cue to the run it is meant for; one that is over needs none.
    fn cue(&self, run: u32, cue: Cue) {
        if let Some(running) = self.run.as_ref().filter(|one| one.number == run) {
            // Fails if it has ended just now.
            let _ = running.cues.send(cue);
        }
    }

    /// Starts a run, once the one before is gone.
    fn start(
        &mut self,
        number: u32,
        work: impl FnOnce(&Notebook, &Arc<Stop>, &mpsc::Receiver<Cue>, &Arc<Outbox>)
        + Send
        + 'static,
    ) {
        let before = self.run.take().and_then(|mut run| {
            run.stop.stop(Some(REPLACED.to_owned()));
            run.thread.take()
        });
        let stop = Arc::new(Stop::default());
        let (cues, pending) = mpsc::channel();
        let outbox = Outbox::new(number, self.page.clone(), self.notebook.limits.clone());
        let outbox = Arc::new(outbox);
        let notebook = Arc::clone(&self.notebook);
        let wished = Arc::clone(&stop);
        let thread =
            thread::Builder::new().name(format!("run {number}")).spawn(move || {
                if let Some(before) = before {
                    // Should it have panicked, its programs are gone all the same.
                    let _ = before.join();
                }
                work(&notebook, &wished, &pending, &outbox);
            });
        match thread {
            Ok(thread) => {
                self.run = Some(Run {
                    number,
                    begun: Instant::now(),
                    stop,
                    cues,
                    thread: Some(thread),
                });
            }
            Err(_) => tell("Das System gibt keinen Thread mehr her."),
        }
    }
}
