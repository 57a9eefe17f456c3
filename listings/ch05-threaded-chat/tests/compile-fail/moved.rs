fn main() {
    let first = String::from("Sockets");
    let second = first;
    println!("{first} {second}");
}
