//! A server of lists over HTTP, which a test may spoil.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What the server does with a request.
#[derive(Clone, Debug)]
pub(crate) enum ListConduct {
    /// Sends these octets, and closes.
    Reply(Vec<u8>),
    /// Sends these octets again and again, until the client has enough.
    Endless(Vec<u8>),
    /// Says nothing.
    Hang,
}

/// A server on a free port of 127.0.0.1, while the test lives.
#[derive(Clone)]
pub(crate) struct ListServer {
    pub(crate) address: SocketAddr,
    conduct: Arc<Mutex<ListConduct>>,
    requests: Arc<Mutex<Vec<String>>>,
    /// Connections of clients that wait.
    hanging: Arc<Mutex<Vec<TcpStream>>>,
}

impl ListServer {
    /// A server with this list.
    pub(crate) fn start(list: &str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let server = ListServer {
            address: listener.local_addr().unwrap(),
            conduct: Arc::new(Mutex::new(ListConduct::Hang)),
            requests: Arc::default(),
            hanging: Arc::default(),
        };
        server.has(list);
        let own = server.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                own.serve(stream);
            }
        });
        server
    }

    /// Serves this list from now on.
    pub(crate) fn has(&self, list: &str) {
        self.replies(&format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{list}",
            list.len()
        ));
    }

    /// Sends these octets from now on, and closes.
    pub(crate) fn replies(&self, reply: &str) {
        self.does(ListConduct::Reply(reply.as_bytes().to_vec()));
    }

    pub(crate) fn does(&self, conduct: ListConduct) {
        *self.conduct.lock().unwrap() = conduct;
    }

    /// The requests so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    fn serve(&self, mut stream: TcpStream) {
        let mut request = Vec::new();
        let mut octet = [0];
        while !request.ends_with(b"\r\n\r\n") && stream.read(&mut octet).is_ok_and(|read| read > 0)
        {
            request.push(octet[0]);
        }
        self.requests.lock().unwrap().push(String::from_utf8_lossy(&request).into_owned());
        let conduct = self.conduct.lock().unwrap().clone();
        match conduct {
            ListConduct::Reply(reply) => drop(stream.write_all(&reply)),
            ListConduct::Endless(part) => while stream.write_all(&part).is_ok() {},
            ListConduct::Hang => self.hanging.lock().unwrap().push(stream),
        }
    }
}
