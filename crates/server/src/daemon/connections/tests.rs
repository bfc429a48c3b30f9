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

/// A connection, if none is closed for it.
fn admit(
    connections: &Connections,
    rules: &Rules,
    address: [u8; 4],
) -> Option<Arc<ClientConnection>> {
    let admitted = connections.admit(rules, address.into());
    admitted.connection.filter(|_| !admitted.made_room)
}

/// As many as there are, all busy.
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
async fn one_client_has_so_many_and_this_machine_more() {
    let (connections, rules) = (connections(), rules(""));
    let client = open(&connections, &rules, [192, 168, 2, 1]);
    let here = open(&connections, &rules, [127, 0, 0, 1]);
    assert_eq!((client.len(), here.len()), (MOST_OF_CLIENT, MOST_FROM_HERE));
}

#[tokio::test]
async fn those_that_are_not_served_have_few_of_their_own_and_little_time() {
    let (connections, silent) = (connections(), rules("[server]\nrefuse = \"drop\"\n"));
    let told = rules("");
    assert!(admit(&connections, &silent, [192, 0, 2, 1]).is_none());
    let strangers: Vec<_> =
        (0..=255).flat_map(|last| open(&connections, &told, [192, 0, 2, last])).collect();
    assert_eq!(strangers.len(), STRANGERS);
    assert_eq!(strangers[0].patience(), IDLE_CROWDED);
    drop(strangers);
    assert_eq!(open(&connections, &told, [192, 0, 2, 1]).len(), STRANGERS_OF_CLIENT);
    assert_eq!(open(&connections, &told, [10, 0, 0, 1]).len(), MOST_OF_CLIENT);
}

#[tokio::test]
async fn idle_connections_make_room_when_it_is_crowded() {
    let (connections, rules) = (connections(), rules(""));
    let next = |number: usize| {
        let open = admit(&connections, &rules, [10, 0, (number >> 8) as u8, number as u8]);
        open.inspect(|open| keep_busy(open))
    };
    let mut open: Vec<_> = (1..CROWDED).map(|number| next(number).unwrap()).collect();
    assert_eq!(open[0].patience(), IDLE);
    open.push(next(0).unwrap());
    assert_eq!(open[0].patience(), IDLE_CROWDED);
    open.extend((CROWDED..MOST).map(|number| next(number).unwrap()));
    assert!(next(MOST).is_none(), "none is idle");
}

#[tokio::test(start_paused = true)]
async fn the_oldest_idle_one_of_the_same_client_is_closed_at_its_limit() {
    let (connections, rules) = (connections(), rules(""));
    let other = admit(&connections, &rules, [10, 0, 0, 1]).unwrap();
    for address in [[127, 0, 0, 1], [192, 168, 2, 1]] {
        let most = if address[0] == 127 { MOST_FROM_HERE } else { MOST_OF_CLIENT };
        let mut all = Vec::new();
        for _ in 0..most {
            tokio::time::advance(Duration::from_millis(1)).await;
            all.push(admit(&connections, &rules, address).unwrap());
        }
        keep_busy(&all[0]);
        all[1].asks(Instant::now());
        let admitted = connections.admit(&rules, address.into());
        assert!(admitted.made_room && admitted.connection.is_some());
        let closing = all.iter().position(|connection| is_closing(connection));
        assert_eq!(closing, Some(2), "one is busy, and one has just asked");
        assert!(!is_closing(&other));
        assert_eq!(connections.slots.of(address.into()), most);
    }
}

#[tokio::test]
async fn a_worker_without_descriptors_gets_one_of_another() {
    let shares = ConnectionShares::new(4);
    let (one, other) = (Connections::new(shares.clone()), Connections::new(shares));
    let rules = rules("");
    let address = [127, 0, 0, 1];
    let all: Vec<_> = (0..4).map(|_| admit(&one, &rules, address).unwrap()).collect();
    let admitted = other.admit(&rules, address.into());
    assert!(admitted.made_room && admitted.connection.is_some());
    assert!(is_closing(&all[0]) && !all[1..].iter().any(|c| is_closing(c)));
    // One that has no client_slot left closes its own.
    assert!(other.make_room(Some(address.into())));
    assert!(!all[1..].iter().any(|c| is_closing(c)));
}

#[tokio::test(start_paused = true)]
async fn the_greediest_client_makes_room_where_all_places_are_taken() {
    for few in [true, false] {
        let most = if few { 40 } else { MOST };
        let connections =
            Connections::new(ConnectionShares::new(if few { most } else { usize::MAX }));
        let rules = rules("");
        let mut modest = Vec::new();
        let mut greedy = Vec::new();
        for number in 0..most {
            let last = number as u8 % 64;
            let address = [10, 0, (number >> 6) as u8, last];
            // Half of the first ones are of one client.
            match number {
                0..20 => greedy.push(admit(&connections, &rules, [10, 9, 9, 9]).unwrap()),
                _ => modest.push(admit(&connections, &rules, address).unwrap()),
            }
        }
        assert_eq!(greedy[0].patience(), IDLE_CROWDED);
        let admitted = connections.admit(&rules, [10, 7, 7, 7].into());
        assert!(admitted.made_room && admitted.connection.is_some());
        assert!(is_closing(&greedy[0]) && !greedy[1..].iter().any(|c| is_closing(c)));
        assert!(!modest.iter().any(|c| is_closing(c)));
        // One that is closing has no client_slot any more.
        drop(greedy.remove(0));
        assert!(connections.make_room(None) && is_closing(&greedy[0]));
        modest.iter().chain(&greedy).for_each(|connection| keep_busy(connection));
        drop(admitted);
        let last = open(&connections, &rules, [10, 7, 7, 7]).len();
        assert!((1..=2).contains(&last), "{last}");
    }
}
