use std::rc::Rc;
use std::thread;

fn main() {
    let name = Rc::new(String::from("Anna"));
    let same_name = Rc::clone(&name);
    let thread = thread::spawn(move || println!("{same_name} ist da"));
    println!("{name} wartet");
    thread.join().unwrap();
}
