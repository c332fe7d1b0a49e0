# Rust: compiles and runs threads, channels, locks, processes, Unix sockets, files, a caught panic.
d=$(mktemp -d); trap 'rm -rf "$d"' EXIT; cd "$d" || exit 1
cat > m.rs <<'R'
use std::io::{Read, Write}; use std::os::unix::net::{UnixListener, UnixStream, UnixDatagram};
use std::process::{Command, Stdio}; use std::sync::{mpsc, Arc, Condvar, Mutex, RwLock}; use std::{fs, thread, time::Duration};
fn main() {
    let (tx, rx) = mpsc::channel();
    let ts: Vec<_> = (0..8u64).map(|n| { let tx = tx.clone(); thread::spawn(move || tx.send((0..n * 1000).sum::<u64>()).unwrap()) }).collect();
    for t in ts { t.join().unwrap(); }
    drop(tx);
    let mut v: Vec<u64> = rx.iter().collect(); v.sort(); println!("{:?}", v);
    let m = Arc::new((Mutex::new(0), Condvar::new()));
    for _ in 0..4 { let m = m.clone(); thread::spawn(move || { for _ in 0..1000 { *m.0.lock().unwrap() += 1; } m.1.notify_all(); }); }
    let mut g = m.0.lock().unwrap(); while *g < 4000 { g = m.1.wait(g).unwrap(); } println!("{}", *g);
    let l = RwLock::new(5); { let a = l.read().unwrap(); let b = l.read().unwrap(); println!("{}", *a + *b); }
    let s = UnixListener::bind("s").unwrap();
    let t = thread::spawn(|| { let mut c = UnixStream::connect("s").unwrap(); c.write_all(b"hello").unwrap(); });
    let mut text = String::new(); s.accept().unwrap().0.read_to_string(&mut text).unwrap(); t.join().unwrap(); println!("{}", text);
    let (a, b) = UnixDatagram::pair().unwrap(); a.send(b"dgram").unwrap(); let mut buf = [0; 10]; println!("{}", b.recv(&mut buf).unwrap());
    b.set_read_timeout(Some(Duration::from_millis(10))).unwrap(); println!("{:?}", b.recv(&mut buf).unwrap_err().kind());
    let mut c = Command::new("sh").args(["-c", "cat; exit 3"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    c.stdin.take().unwrap().write_all(b"child").unwrap(); let o = c.wait_with_output().unwrap();
    println!("{} {:?}", String::from_utf8_lossy(&o.stdout), o.status.code());
    println!("{:?}", Command::new("/nonexistent").spawn().err().map(|e| e.kind()));
    fs::create_dir_all("a/b/c").unwrap(); fs::write("a/b/c/f", "x".repeat(100000)).unwrap(); fs::copy("a/b/c/f", "g").unwrap();
    println!("{} {}", fs::metadata("g").unwrap().len(), fs::read_dir("a").unwrap().count()); fs::remove_dir_all("a").unwrap();
    println!("{}", thread::spawn(|| { std::panic::set_hook(Box::new(|_| {})); panic!("x") }).join().is_err());
    println!("{}", thread::available_parallelism().unwrap().get() > 0);
    std::process::exit(6);
}
R
rustc -O m.rs 2>&1 && ./m
