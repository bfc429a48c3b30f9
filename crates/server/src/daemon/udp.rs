//! Clients over UDP.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::UdpSocket;
use zoners_dns::{Network, Transport};

use super::Current;
use super::worker::AtWork;
use crate::pipeline::{Client, Handled};

/// The longest query that is read; longer ones are cut and answered FORMERR.
const LONGEST_QUERY: usize = 4096;

pub(super) async fn serve<N: Network>(
    current: Current<N>,
    socket: Arc<UdpSocket>,
    at_work: AtWork,
) {
    let mut packet = vec![0; LONGEST_QUERY];
    loop {
        // What the kernel reports here is of clients that went away; the socket stays good.
        let Ok((length, client)) = socket.recv_from(&mut packet).await else { continue };
        let service = current.load_full();
        let asker = Client { address: client.ip(), transport: Transport::Udp };
        match service.handle(&packet[..length], asker) {
            Handled::Reply(reply) => send(&socket, &reply, client).await,
            Handled::Nothing => {}
            Handled::Miss(miss) => {
                let (socket, at_work) = (socket.clone(), at_work.clone());
                tokio::spawn(async move {
                    let _at_work = at_work;
                    let reply = service.recurse(*miss, None).await;
                    send(&socket, &reply, client).await;
                });
            }
        }
    }
}

async fn send(socket: &UdpSocket, reply: &[u8], client: SocketAddr) {
    if let Err(error) = socket.send_to(reply, client).await {
        tracing::debug!(%client, %error, "reply not sent");
    }
}
