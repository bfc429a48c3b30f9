//! Where the loop lives that serves a socket: beside tokio, woken by it, or on a thread of its own
//! that blocks. Both send back what they receive, a system call for each datagram, so that what
//! differs is the waiting alone. CPU of the serving thread, for bursts of one and of many.

#![allow(clippy::print_stdout, clippy::expect_used, reason = "a bench")]

use std::io;
use std::net::UdpSocket;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

const ROUNDS: usize = 5;
const DATAGRAMS: usize = 200_000;
/// Ends a loop.
const STOP: &[u8] = b"stop";

type Serve = fn(UdpSocket) -> io::Result<()>;

fn main() {
    for burst in [1, 8, 64] {
        let mut each = [("beside tokio", beside_tokio as Serve), ("blocking", blocking)]
            .map(|(name, serve)| (name, serve, Vec::new()));
        for _ in 0..ROUNDS {
            for (_, serve, costs) in &mut each {
                costs.push(cost(*serve, burst));
            }
        }
        for (name, _, costs) in &mut each {
            costs.sort_by(f64::total_cmp);
            println!("bursts of {burst}, {name}: {:.2} us a datagram", costs[ROUNDS / 2]);
        }
    }
}

fn beside_tokio(socket: UdpSocket) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(async {
        socket.set_nonblocking(true)?;
        let socket = tokio::net::UdpSocket::from_std(socket)?;
        let mut buffer = [0; 512];
        loop {
            socket.readable().await?;
            while let Ok((length, from)) = socket.try_recv_from(&mut buffer) {
                if &buffer[..length] == STOP {
                    return Ok(());
                }
                socket.try_send_to(&buffer[..length], from)?;
            }
        }
    })
}

fn blocking(socket: UdpSocket) -> io::Result<()> {
    let mut buffer = [0; 512];
    loop {
        let (length, from) = socket.recv_from(&mut buffer)?;
        if &buffer[..length] == STOP {
            return Ok(());
        }
        socket.send_to(&buffer[..length], from)?;
    }
}

/// CPU microseconds a datagram, when so many come at once.
fn cost(serve: Serve, burst: usize) -> f64 {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let client = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    client.connect(socket.local_addr().expect("its address")).expect("a route");
    client.set_read_timeout(Some(Duration::from_secs(1))).expect("a timeout");
    let (told, cpu) = mpsc::channel();
    let server = thread::spawn(move || {
        serve(socket).expect("datagrams");
        told.send(cpu_of_this_thread()).expect("someone listens");
    });
    let mut buffer = [0; 512];
    for _ in 0..DATAGRAMS / burst {
        for _ in 0..burst {
            client.send(&[7; 40]).expect("sent");
        }
        for _ in 0..burst {
            client.recv(&mut buffer).expect("an echo");
        }
    }
    client.send(STOP).expect("sent");
    server.join().expect("no panic");
    cpu.recv().expect("told") / DATAGRAMS as f64
}

/// Microseconds that this thread has run, as the kernel counts them.
fn cpu_of_this_thread() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    let nanos: f64 = text.split(' ').next().and_then(|ran| ran.parse().ok()).expect("a number");
    nanos / 1000.0
}
