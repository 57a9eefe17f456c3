//! Der Executor: viele Tasks in einem Thread. Er fragt nur die, die geweckt wurden;
//! sind es keine, wartet er.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Wake, Waker};
use std::thread::{self, ThreadId};
use std::time::Duration;

use crate::timer;
use crate::wait::{Bell, Wait};

// ANCHOR: task
/// Eine Task: ein Future, den der Executor bis zu seinem Ende bringt.
type Task = Pin<Box<dyn Future<Output = ()>>>;

thread_local! {
    /// Was in diesem Thread gestartet ist und noch keinem Executor gehört.
    static NEW_TASKS: RefCell<Vec<Task>> = const { RefCell::new(Vec::new()) };
}

/// Startet eine Task. Der Executor dieses Threads führt sie aus, sobald er dazu kommt.
pub fn spawn(task: impl Future<Output = ()> + 'static) {
    NEW_TASKS.with_borrow_mut(|tasks| tasks.push(Box::pin(task)));
}
// ANCHOR_END: task

// ANCHOR: waker
type TaskId = u64;

/// Wer geweckt ist und in der nächsten Runde gefragt wird.
struct Woken {
    tasks: Mutex<BTreeSet<TaskId>>,
    /// Der Thread des Executors, und womit man ihn weckt.
    thread: ThreadId,
    bell: Bell,
}

impl Woken {
    fn lock(&self) -> MutexGuard<'_, BTreeSet<TaskId>> {
        self.tasks.lock().expect("mit diesem Lock in der Hand bricht niemand ab")
    }
}

/// Was eine wartende Task hinterlässt: Wer das hat, kann sie wecken, aus jedem Thread.
struct TaskWaker {
    task: TaskId,
    woken: Arc<Woken>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        let is_new = self.woken.lock().insert(self.task);
        if is_new && thread::current().id() != self.woken.thread {
            (self.woken.bell)(); // im eigenen Thread ist der Executor ja wach
        }
    }
}
// ANCHOR_END: waker

// ANCHOR: executor
/// Führt Tasks aus, alle in dem Thread, in dem er entstand.
pub struct Executor {
    tasks: BTreeMap<TaskId, (Task, Waker)>,
    last_task: TaskId,
    woken: Arc<Woken>,
    wait: Box<dyn Wait>,
}
// ANCHOR_END: executor

impl Executor {
    pub fn new(wait: impl Wait + 'static) -> Executor {
        let woken = Woken {
            tasks: Mutex::default(),
            thread: thread::current().id(),
            bell: wait.bell(),
        };
        Executor {
            tasks: BTreeMap::new(),
            last_task: 0,
            woken: Arc::new(woken),
            wait: Box::new(wait),
        }
    }

    // ANCHOR: run
    /// Führt aus, was mit [`spawn`] gestartet ist, bis alle Tasks fertig sind.
    pub fn run(&mut self) -> io::Result<()> {
        loop {
            NEW_TASKS.take().into_iter().for_each(|task| self.adopt(task));
            if self.tasks.is_empty() {
                return Ok(());
            }
            self.wait.wait(self.patience())?; // gewartet wird hier und sonst nirgends
            timer::wake_due();
            let woken = mem::take(&mut *self.woken.lock());
            woken.into_iter().for_each(|id| self.poll(id));
        }
    }

    /// So lange darf er warten: gar nicht, bis zum nächsten Termin oder beliebig lange.
    fn patience(&self) -> Option<Duration> {
        if !self.woken.lock().is_empty() {
            return Some(Duration::ZERO);
        }
        timer::until_next()
    }

    /// Nimmt eine neue Task auf. Geweckt ist sie von Anfang an.
    fn adopt(&mut self, task: Task) {
        self.last_task += 1;
        let waker = Waker::from(Arc::new(TaskWaker {
            task: self.last_task,
            woken: self.woken.clone(),
        }));
        waker.wake_by_ref();
        self.tasks.insert(self.last_task, (task, waker));
    }

    /// Fragt eine Task, ob sie fertig ist.
    fn poll(&mut self, id: TaskId) {
        let Some((task, waker)) = self.tasks.get_mut(&id) else { return }; // schon fertig
        if task.as_mut().poll(&mut Context::from_waker(waker)).is_ready() {
            self.tasks.remove(&id);
        }
    }
    // ANCHOR_END: run
}
