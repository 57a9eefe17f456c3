use std::thread;

fn main() {
    let mut messages = 0;
    thread::scope(|scope| {
        scope.spawn(|| messages += 1);
        scope.spawn(|| messages += 1);
    });
    println!("{messages}");
}
