use super::*;
use crate::Config;
use crate::pipeline::Cookies;
use zoners_dns::Random;

fn rules(config: &str) -> Rules {
    let random = Random::seeded(1);
    let config = Config::parse(config, "zoners.toml").unwrap();
    Rules::new(&config, &[], Cookies::new(&random), &random, 0).unwrap()
}

fn connections() -> Connections {
    Connections::new(ConnectionShares::new(usize::MAX))
}

fn client(address: [u8; 4]) -> Client {
    Client::new(address.into(), Transport::Tcp)
}

/// A connection, if the admission closes no other.
fn admit(
    connections: &Connections,
    rules: &Rules,
    address: [u8; 4],
) -> Option<Arc<ClientConnection>> {
    let admitted = connections.admit(rules, &client(address));
    admitted.connection.filter(|_| !admitted.made_room)
}

/// As many connections as admitted, every one busy.
fn open(connections: &Connections, rules: &Rules, address: [u8; 4]) -> Vec<Arc<ClientConnection>> {
    let busy = || admit(connections, rules, address).inspect(|open| keep_busy(open));
    std::iter::from_fn(busy).collect()
}

fn keep_busy(connection: &ClientConnection) {
    if let Ok(slot) = connection.in_flight.clone().try_acquire_owned() {
        slot.forget();
    }
}

fn is_closing(connection: &ClientConnection) -> bool {
    let mut closing = std::pin::pin!(connection.closing());
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    closing.as_mut().poll(&mut context).is_ready()
}

#[tokio::test]
async fn a_client_has_a_limit_and_this_machine_a_higher_one() {
    let (connections, rules) = (connections(), rules(""));
    let client = open(&connections, &rules, [192, 168, 2, 1]);
    let here = open(&connections, &rules, [127, 0, 0, 1]);
    assert_eq!((client.len(), here.len()), (MAX_CLIENT_CONNECTIONS, MAX_LOCAL_CONNECTIONS));
}

#[tokio::test]
async fn clients_without_access_have_few_connections_and_little_time() {
    let (connections, silent) = (connections(), rules("[server]\nrefuse = \"drop\"\n"));
    let refusing = rules("");
    assert!(admit(&connections, &silent, [192, 0, 2, 1]).is_none());
    let strangers: Vec<_> =
        (0..=255).flat_map(|last| open(&connections, &refusing, [192, 0, 2, last])).collect();
    assert_eq!(strangers.len(), MAX_STRANGERS);
    assert_eq!(strangers[0].idle_timeout(), CROWDED_IDLE_TIMEOUT);
    drop(strangers);
    assert_eq!(open(&connections, &refusing, [192, 0, 2, 1]).len(), MAX_CLIENT_STRANGERS);
    assert_eq!(open(&connections, &refusing, [10, 0, 0, 1]).len(), MAX_CLIENT_CONNECTIONS);
}

#[tokio::test]
async fn idle_connections_make_room_under_crowding() {
    let (connections, rules) = (connections(), rules(""));
    let next = |number: usize| {
        let open = admit(&connections, &rules, [10, 0, (number >> 8) as u8, number as u8]);
        open.inspect(|open| keep_busy(open))
    };
    let mut open: Vec<_> = (1..CROWDED).map(|number| next(number).unwrap()).collect();
    assert_eq!(open[0].idle_timeout(), Duration::from_secs(10));
    open.push(next(0).unwrap());
    assert_eq!(open[0].idle_timeout(), CROWDED_IDLE_TIMEOUT);
    open.extend((CROWDED..MAX_CONNECTIONS).map(|number| next(number).unwrap()));
    assert!(next(MAX_CONNECTIONS).is_none(), "none is idle");
}

#[tokio::test(start_paused = true)]
async fn a_client_at_its_limit_loses_its_oldest_idle_connection() {
    let (connections, rules) = (connections(), rules(""));
    let other = admit(&connections, &rules, [10, 0, 0, 1]).unwrap();
    for address in [[127, 0, 0, 1], [192, 168, 2, 1]] {
        let most = if address[0] == 127 { MAX_LOCAL_CONNECTIONS } else { MAX_CLIENT_CONNECTIONS };
        let mut all = Vec::new();
        for _ in 0..most {
            tokio::time::advance(Duration::from_millis(1)).await;
            all.push(admit(&connections, &rules, address).unwrap());
        }
        keep_busy(&all[0]);
        all[1].note_query(Instant::now());
        let admitted = connections.admit(&rules, &client(address));
        assert!(admitted.made_room && admitted.connection.is_some());
        let closing = all.iter().position(|connection| is_closing(connection));
        assert_eq!(closing, Some(2), "one is busy, and one has just asked");
        assert!(!is_closing(&other));
        assert_eq!(connections.slots.of(address.into()), most);
    }
}

#[tokio::test]
async fn a_worker_without_descriptors_gets_a_descriptor_of_another_worker() {
    let shares = ConnectionShares::new(4);
    let (one, other) = (Connections::new(shares.clone()), Connections::new(shares));
    let rules = rules("");
    let address = [127, 0, 0, 1];
    let all: Vec<_> = (0..4).map(|_| admit(&one, &rules, address).unwrap()).collect();
    let admitted = other.admit(&rules, &client(address));
    assert!(admitted.made_room && admitted.connection.is_some());
    assert!(is_closing(&all[0]) && !all[1..].iter().any(|c| is_closing(c)));
    // A client without a slot closes a connection of its own.
    assert!(other.make_room(Some(address.into())));
    assert!(!all[1..].iter().any(|c| is_closing(c)));
}

#[tokio::test(start_paused = true)]
async fn the_greediest_client_makes_room_where_all_slots_are_taken() {
    for few in [true, false] {
        let most = if few { 40 } else { MAX_CONNECTIONS };
        let connections =
            Connections::new(ConnectionShares::new(if few { most } else { usize::MAX }));
        let rules = rules("");
        let mut modest = Vec::new();
        let mut greedy = Vec::new();
        for number in 0..most {
            let last = number as u8 % 64;
            let address = [10, 0, (number >> 6) as u8, last];
            // Half of the first connections belong to one client.
            match number {
                0..20 => greedy.push(admit(&connections, &rules, [10, 9, 9, 9]).unwrap()),
                _ => modest.push(admit(&connections, &rules, address).unwrap()),
            }
        }
        assert_eq!(greedy[0].idle_timeout(), CROWDED_IDLE_TIMEOUT);
        let admitted = connections.admit(&rules, &client([10, 7, 7, 7]));
        assert!(admitted.made_room && admitted.connection.is_some());
        assert!(is_closing(&greedy[0]) && !greedy[1..].iter().any(|c| is_closing(c)));
        assert!(!modest.iter().any(|c| is_closing(c)));
        // A closing connection has no slot any more.
        drop(greedy.remove(0));
        assert!(connections.make_room(None) && is_closing(&greedy[0]));
        modest.iter().chain(&greedy).for_each(|connection| keep_busy(connection));
        drop(admitted);
        let last = open(&connections, &rules, [10, 7, 7, 7]).len();
        assert!((1..=2).contains(&last), "{last}");
    }
}
