//! Choosing whom to ask next.
//!
//! Every nameserver of a zone is in play, as far as its addresses are known. The order is by price,
//! the time that an answer is expected to take; what was tried in vain is dearer, another address of
//! its name too. Who is lame, left alone or behind a broken path comes last.

mod estimates;
mod explore;
mod order;
mod outcomes;
mod silent_zone;

use std::net::SocketAddr;

use zoners_dns::{
    Counter, Delegation, DsStatus, Endpoint, Name, NameServer, Network, QueryMode, Transport,
};

use crate::env::environment::Env;
use crate::env::lookups::AddressSource;
use crate::infra::estimate::Price;
use crate::infra::unproven_addresses::is_watched;
use crate::model::context::Context;
use crate::selection::addresses::{addresses_of, is_known_without_address, own_addresses};
use crate::selection::candidates::silent_zone::has_answered;

pub(crate) use order::Attempt;

/// A server's address, in line.
#[derive(Clone, Debug)]
struct Candidate {
    address: SocketAddr,
    server: usize,
    price: Price,
    /// Microseconds that spread questions over servers that are alike.
    jitter: u16,
    edns: bool,
    troubled: bool,
    /// UDP does not work, TCP may.
    over_tcp: bool,
    /// TCP was tried and does not work.
    no_tcp: bool,
    /// TCP was tried.
    streamed: bool,
    /// Its family does not work from here.
    cut_off: bool,
    lame: bool,
    /// An outsider named it, and it has never answered.
    stranger: bool,
    /// It may not be asked just now.
    held: bool,
    tries: u8,
    /// It is not asked again until it is known what comes of the last try.
    rests: bool,
    /// Something came in its name that is no good reply.
    doubted: bool,
    out: bool,
    /// It is out since the network told that no answer will come.
    unheard: bool,
}

impl Candidate {
    /// Whether it may well answer, and as soon as is expected of it.
    fn is_well_known(&self) -> bool {
        self.price.met && self.price.doubt.is_zero() && self.tries == 0 && !self.out && !self.lame
    }
}

/// The servers of a zone in the order in which they are tried.
#[derive(Debug)]
pub(crate) struct Candidates {
    transport: Transport,
    list: Vec<Candidate>,
    limit: usize,
    /// An outsider named them.
    watched: bool,
    /// Names whose addresses are yet to be looked up, as indices into the delegation's servers.
    unresolved: Vec<usize>,
    /// Names whose addresses a parent's glue told: their own zone may know better.
    doubted: Vec<usize>,
    /// Whether all is tried that may help: those that were lame or never answered too, since they
    /// may have been mended.
    hopeful: bool,
    /// Addresses that gave bogus answers.
    avoided: Vec<SocketAddr>,
    /// Whether an answer without EDNS will do.
    plain: bool,
    /// Nobody has answered lately: UDP may be what does not work.
    silent: bool,
    /// Packets can be spared to meet servers beside the question.
    spare: bool,
    /// The zone is dead, and is asked over datagrams alone.
    dead: bool,
}

impl Candidates {
    /// Lines up the servers of `cut`, without the addresses to be avoided in this context.
    pub(crate) fn new<N: Network>(env: &Env<N>, cut: &Delegation, context: &Context) -> Self {
        let mut order: Vec<usize> = (0..cut.servers.len()).collect();
        env.shared().random.shuffle(&mut order);
        let in_play = env.settings().limits.servers_in_play;
        let limit = env.settings().limits.addresses;
        let addresses: usize = cut.servers.iter().map(|server| server.addresses.len()).sum();
        if order.len() > in_play || addresses > limit {
            // One that has answered is in play, and not left out by chance.
            order.sort_by_key(|server| !has_answered(env, cut, *server));
        }
        order.truncate(in_play);
        let mut candidates = Candidates::none(cut, context, limit);
        candidates.list.reserve_exact(addresses.min(limit));
        for server in order {
            let named = &cut.servers[server];
            let resolvable = is_resolvable(&named.name, cut);
            let addresses = match resolvable {
                true => addresses_of(env, named),
                false => named.addresses.as_slice().into(),
            };
            candidates.line_up(env, cut, server, &addresses);
            match (resolvable, addresses.is_empty()) {
                (true, false) => candidates.doubted.push(server),
                (true, true) if !is_known_without_address(env, &named.name) => {
                    candidates.unresolved.push(server);
                }
                _ => {}
            }
        }
        candidates.price(env);
        if cut.mode == QueryMode::Iterative {
            candidates.line_up_own(env, cut);
        }
        candidates
    }

    /// None in line yet.
    fn none(cut: &Delegation, context: &Context, limit: usize) -> Self {
        Candidates {
            transport: cut.transport,
            list: Vec::new(),
            limit,
            watched: is_watched(cut),
            unresolved: Vec::new(),
            doubted: Vec::new(),
            avoided: context.avoided().to_vec(),
            hopeful: context.depth == 0,
            // Without EDNS a signed zone's answer has no signatures.
            plain: !matches!(cut.signing, DsStatus::Signed(_)),
            silent: false,
            spare: false,
            dead: false,
        }
    }

    /// Lines up what the zones of servers say of their addresses beside glue that has yet to prove
    /// itself, since it may be out of date.
    fn line_up_own<N: Network>(&mut self, env: &Env<N>, cut: &Delegation) {
        let before = self.list.len();
        for (server, named) in cut.servers.iter().enumerate() {
            let mut of_name = self.list[..before].iter().filter(|other| other.server == server);
            if !of_name.clone().any(Candidate::is_well_known) && of_name.next().is_some() {
                let own = own_addresses(env, &named.name);
                if !own.is_empty() {
                    self.line_up(env, cut, server, &own);
                    self.doubted.retain(|doubted| *doubted != server);
                }
            }
        }
        if self.list.len() > before {
            self.price(env);
        }
    }

    /// Lines up addresses of a server that were found.
    pub(crate) fn add<N: Network>(
        &mut self,
        env: &Env<N>,
        cut: &Delegation,
        server: usize,
        addresses: &[SocketAddr],
    ) {
        self.line_up(env, cut, server, addresses);
        self.price(env);
    }

    /// Takes in a server that the zone itself names, counted on from those of `cut`.
    pub(crate) fn widen<N: Network>(
        &mut self,
        env: &Env<N>,
        cut: &Delegation,
        at: usize,
        server: &NameServer,
    ) {
        let addresses = addresses_of(env, server);
        if addresses.is_empty() {
            self.unresolved.push(at);
        }
        self.add(env, cut, at, &addresses);
    }

    fn line_up<N: Network>(
        &mut self,
        env: &Env<N>,
        cut: &Delegation,
        server: usize,
        addresses: &[SocketAddr],
    ) {
        let shared = env.shared();
        let now = shared.now();
        for address in addresses {
            let endpoint = Endpoint { address: *address, transport: self.transport };
            if self.avoided.contains(address)
                || self.has(*address)
                || !env.settings().has_family(address.ip())
            {
                continue;
            }
            if self.list.len() >= self.limit {
                env.count(Counter::LimitDelegationAddresses);
                return;
            }
            let lame = shared.cache.is_lame(&cut.zone, endpoint, now);
            // Referrals can name any number of nameservers in a victim's zone.
            if lame && !self.hopeful {
                continue;
            }
            self.list.push(Candidate {
                address: *address,
                server,
                price: Price::default(),
                jitter: shared.random.below(5000) as u16,
                edns: true,
                troubled: false,
                over_tcp: false,
                no_tcp: false,
                streamed: false,
                cut_off: false,
                lame,
                stranger: true,
                held: false,
                tries: 0,
                rests: false,
                doubted: false,
                out: false,
                unheard: false,
            });
        }
    }

    /// Whether there is one in line that was not tried at all.
    pub(crate) fn has_fresh(&self) -> bool {
        self.list.iter().any(|candidate| candidate.tries == 0 && !candidate.out)
    }

    /// The addresses of a server came out of glue; should they fail, its own zone is asked.
    pub(crate) fn doubt(&mut self, server: usize) {
        self.doubted.push(server);
    }

    /// A server whose name is yet to be looked up, and how, taken off the list of these.
    pub(crate) fn take_unresolved(&mut self) -> Option<(usize, AddressSource)> {
        if !self.unresolved.is_empty() {
            return Some((self.unresolved.remove(0), AddressSource::Glue));
        }
        if self.doubted.is_empty() || self.has_fresh() {
            return None;
        }
        Some((self.doubted.remove(0), AddressSource::OwnZone))
    }

    /// Whether names are left to be looked up.
    pub(crate) fn has_unresolved(&self) -> bool {
        !self.unresolved.is_empty() || (!self.doubted.is_empty() && !self.has_fresh())
    }

    /// Whether every address was tried twice, or as often as it is, or answered badly.
    pub(crate) fn is_spent(&self) -> bool {
        let enough = |candidate: &Candidate| self.most_tries(candidate).min(2);
        self.list.iter().all(|candidate| candidate.out || candidate.tries >= enough(candidate))
    }

    /// Whether every server in line has given a bad answer.
    pub(crate) fn have_all_answered(&self) -> bool {
        self.list.iter().all(|candidate| candidate.out && !candidate.unheard)
    }

    /// Whether all that are in line are lame, left alone or given up.
    pub(crate) fn are_in_trouble(&self) -> bool {
        let in_trouble = |candidate: &Candidate| {
            let price = &candidate.price;
            candidate.lame || candidate.troubled || price.given_up || price.skipped_until.is_some()
        };
        !self.list.is_empty() && self.list.iter().all(in_trouble)
    }

    /// Whether an address is in line, or was.
    pub(crate) fn has(&self, address: SocketAddr) -> bool {
        self.list.iter().any(|candidate| candidate.address == address)
    }

    /// Whether not one address is known.
    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

/// A name within the zone itself cannot be looked up without its address (RFC 1034 section 4.2.1).
fn is_resolvable(name: &Name, cut: &Delegation) -> bool {
    cut.mode == QueryMode::Iterative && !zoners_dns::name::is_within(name, &cut.zone)
}
