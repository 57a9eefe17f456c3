//! Was ein Thread einmal an Stapel benutzt hat, bleibt belegt, solange es ihn gibt.

use std::fs;
use std::hint::black_box;
use std::sync::mpsc::channel;
use std::thread;

/// So tief ruft der Thread, in KiB.
const DEEP: u64 = 1024;

/// Wie viel von dem Speicherbereich belegt ist, in dem diese Adresse liegt, in KiB.
fn resident(address: usize) -> u64 {
    let areas = fs::read_to_string("/proc/self/smaps").unwrap();
    let mut lines = areas.lines().skip_while(|line| {
        let area = line.split(' ').next().and_then(|area| area.split_once('-'));
        let (from, to) = area.unwrap_or_default();
        let [from, to] = [from, to].map(|end| usize::from_str_radix(end, 16).unwrap_or(0));
        !(from..to).contains(&address)
    });
    let line = lines.find_map(|line| line.strip_prefix("Rss:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
}

/// Benutzt `DEEP` KiB des Stapels und kehrt zurück.
#[inline(never)]
fn call_deep() {
    black_box(&mut [1_u8; DEEP as usize * 1024]);
}

#[test]
fn a_thread_that_waits_keeps_the_stack_it_once_used() {
    let (tell, told) = channel();
    let (leave, may_leave) = channel::<()>();
    let thread = thread::spawn(move || {
        let here = 0;
        let address = &raw const here as usize;
        tell.send((address, resident(address))).unwrap();
        call_deep();
        tell.send((address, resident(address))).unwrap();
        let _ = may_leave.recv(); // wartet, und dafür braucht er so viel nicht
    });
    let (_, before) = told.recv().unwrap();
    let (address, _) = told.recv().unwrap();
    let kept = resident(address) - before;
    assert!((DEEP - 64..DEEP + 64).contains(&kept), "{kept} KiB");
    drop(leave);
    thread.join().unwrap();
}
