//! Every figure that Zoners counts, in one table.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($variant:ident $name:literal $unit:literal $help:literal;)*) => {
        /// Something that is counted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(usize)]
        pub enum Counter { $(#[doc = $help] $variant,)* }

        impl Counter {
            /// All counters, in the order of the table.
            pub const ALL: &[Counter] = &[$(Counter::$variant,)*];

            /// The name under which it is reported.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Counter::$variant => $name,)* }
            }

            /// What one step of it stands for.
            #[must_use]
            pub const fn unit(self) -> &'static str {
                match self { $(Counter::$variant => $unit,)* }
            }

            /// A sentence for the person who reads the report.
            #[must_use]
            pub const fn help(self) -> &'static str {
                match self { $(Counter::$variant => $help,)* }
            }
        }
    };
}

counters! {
    ClientQueries "client_queries" "queries" "Messages received from clients, malformed ones included.";
    ClientLocal "client_local" "queries" "Answered from local data or by the rules of special-use names.";
    ClientCached "client_cached" "queries" "Answered from the cache without asking anyone.";
    ClientSynthesised "client_synthesised" "queries" "Of these, answered from what is proven of other names of the zone.";
    ClientRecursed "client_recursed" "queries" "Answered after asking other servers.";
    ClientStale "client_stale" "queries" "Answered with what had expired, since nobody answered in time.";
    ClientFailed "client_failed" "queries" "Answered SERVFAIL; the reply says why.";
    ClientRefused "client_refused" "queries" "Answered REFUSED, NOTIMP, FORMERR or BADVERS.";
    ClientLimited "client_limited" "queries" "Told to come back with a cookie or over TCP: too many a second of one client.";
    ClientLate "client_late" "queries" "Answered too late to be sent to a client that may be the victim of another.";
    ClientShed "client_shed" "queries" "Dropped unread: one client sent so much that the others would have found no room.";
    ClientDropped "client_dropped" "queries" "Not answered at all: no query, or too broken to answer.";
    ClientUnheard "client_unheard" "queries" "Not answered at all: refusals and errors that are too many a second, of a network that is not served or of one client.";
    ClientWaitingFull "client_waiting_full" "queries" "Answered SERVFAIL at once: too many queries waiting, in all or of one client.";
    ClientUnsent "client_unsent" "messages" "Replies over UDP that the system did not take.";
    ClientTcpRefused "client_tcp_refused" "connections" "TCP connections closed at once: too many in all or of one address, and none of them idle.";
    ClientTcpMadeRoom "client_tcp_made_room" "connections" "Idle TCP connections closed to make room for others: those of the client that had the most.";
    ClientTcpGivenUp "client_tcp_given_up" "connections" "TCP connections closed for holding the most: of unfinished messages and replies that were not taken.";
    UpstreamQueries "upstream_queries" "queries" "Queries sent to other servers, retries included.";
    UpstreamTcp "upstream_tcp" "queries" "Of these, sent over TCP.";
    UpstreamResent "upstream_resent" "queries" "Of these, sent again as they were, since no reply had come yet.";
    UpstreamRenewed "upstream_renewed" "queries" "Of these, sent again over another TCP connection, since theirs was silent and may have died.";
    UpstreamAwaited "upstream_awaited" "queries" "Queries that waited for a socket, since all that this process may have were in use.";
    UpstreamReplies "upstream_replies" "messages" "Replies that matched their query.";
    UpstreamTimeouts "upstream_timeouts" "queries" "Queries that stayed unanswered.";
    UpstreamErrors "upstream_errors" "queries" "Queries that the network refused to carry.";
    UpstreamRefused "upstream_refused" "queries" "Of these, to a host that says that the port is closed, or that closed the connection.";
    UpstreamUnreachable "upstream_unreachable" "queries" "Of these, with no way to the host: ICMP unreachable, no route, family not available.";
    UpstreamMismatched "upstream_mismatched" "messages" "Messages with a wrong ID or question; discarded.";
    UpstreamMalformed "upstream_malformed" "messages" "Replies that are no usable DNS message; discarded.";
    UpstreamDoubted "upstream_doubted" "queries" "Queries to which something came that is no good reply: asked over TCP too, and another server beside.";
    UpstreamUncleared "upstream_uncleared" "queries" "Of these and of those with TC, to which TCP brought nothing better.";
    UpstreamTruncated "upstream_truncated" "messages" "Replies with TC, asked again over TCP.";
    UpstreamUnproven "upstream_unproven" "messages" "Replies without the cookie that their server sends, or with the letters of the name changed: asked again over TCP.";
    UpstreamBadCookie "upstream_badcookie" "messages" "Replies that ask for a cookie of the server; asked again with the one that came along.";
    UpstreamCookieless "upstream_cookieless" "queries" "Queries repeated without a cookie for a server that mishandles it.";
    UpstreamPlain "upstream_plain" "queries" "Queries repeated without EDNS for a server that mishandles it.";
    UpstreamLame "upstream_lame" "messages" "Replies of servers that do not serve the zone: refusals and referrals elsewhere.";
    UpstreamServfail "upstream_servfail" "messages" "Replies with SERVFAIL, or another failure that says nothing of the name.";
    UpstreamFormerr "upstream_formerr" "messages" "Replies that call the query malformed, or are malformed themselves.";
    UpstreamBogus "upstream_bogus" "messages" "Replies that could not be proven; another server was asked.";
    ChildServers "child_servers" "servers" "Servers tried that only the zone itself names, because all that its parent names had failed.";
    UpstreamSkipped "upstream_skipped" "servers" "Servers left alone because they did not answer, when others of their zone were asked.";
    UpstreamHedged "upstream_hedged" "queries" "Queries sent beside one that was later than expected.";
    UpstreamExplored "upstream_explored" "queries" "Queries sent beside the first, to meet a server or to see whether a way out, or the line, works.";
    Soundings "soundings" "times" "Times that root servers were asked whether this network lets DNS pass.";
    SoundingsObstructed "soundings_obstructed" "times" "Of these, those that found it intercepted, refused or blocked.";
    HearsayAddresses "hearsay_addresses" "look-ups" "Look-ups of nameservers to which a server answered as a resolver does, with RA and without AA; not used.";
    Prefetched "prefetched" "questions" "Answers refreshed before they expired, since they are asked for a lot.";
    PrefetchedUsed "prefetched_used" "questions" "Of these, asked for since.";
    PrefetchedFull "prefetched_full" "questions" "Answers not refreshed, since too many that were have not been asked for, or no packet was left to spare.";
    SecondLevelHits "second_level_hits" "questions" "Answered from what another node had learned.";
    SecondLevelMisses "second_level_misses" "questions" "Of which no other node knew anything, or the second level could not be asked.";
    SecondLevelLate "second_level_late" "questions" "Answered by servers before the second level said anything.";
    SecondLevelForeign "second_level_foreign" "questions" "Of which the second level had something that cannot be what a node wrote; not used.";
    SecondLevelErrors "second_level_errors" "requests" "Requests to the second level that failed or took too long.";
    SecondLevelWrites "second_level_writes" "questions" "Answers told to other nodes.";
    SecondLevelUnwritten "second_level_unwritten" "questions" "Answers not told to other nodes: too many waited, or the second level took none.";
    SecondLevelBroken "second_level_broken" "times" "Times that the second level was given up for a while.";
    MinimisedQueries "minimised_queries" "queries" "Questions shortened by QNAME minimisation.";
    MinimiseFallbacks "minimise_fallbacks" "questions" "Full names shown because a server mishandled a shortened one.";
    Verifications "verifications" "signatures" "Signatures verified.";
    VerificationsFailed "verifications_failed" "signatures" "Of these, those that did not fit.";
    AnswersSecure "answers_secure" "replies" "Replies proven by a chain of signatures.";
    AnswersInsecure "answers_insecure" "replies" "Replies of zones proven to be unsigned, or below no trust anchor.";
    AnswersBogus "answers_bogus" "replies" "Replies that are not signed as they must be; another server was asked, or the client got SERVFAIL.";
    ReportsSent "reports_sent" "reports" "Failures of validation that were reported to the agent of the zone.";
    ReportsWithheld "reports_withheld" "reports" "Failures of validation that were not reported: too many reports, or the name too long.";
    ScrubbedRecords "scrubbed_records" "RRsets" "Records that the asked zone had no right to give; discarded.";
    Joined "joined" "questions" "Questions that waited for the same one already under way.";
    Elected "elected" "questions" "Of these, taken over by a follower, since the leader gave up.";
    Cycles "cycles" "questions" "Look-ups stopped because they would wait for themselves.";
    NurseryFull "nursery_full" "exchanges" "Losers of a race that were dropped because too many live on.";
    PendingGaveWay "pending_gave_way" "questions" "Recursions stopped to make room for those of others, or for newer ones.";
    PendingFull "pending_full" "questions" "Questions refused because too many recursions were pending.";
    BudgetQueries "budget_queries" "questions" "Stopped: too many upstream queries for one client query.";
    BudgetQuestion "budget_question" "questions" "Stopped: too many upstream queries for one question.";
    BudgetBytes "budget_bytes" "questions" "Stopped: too many octets received for one client query.";
    BudgetTcp "budget_tcp" "questions" "Stopped: too many TCP queries for one client query.";
    BudgetLookups "budget_lookups" "questions" "Stopped: too many nameserver addresses looked up.";
    BudgetTime "budget_time" "questions" "Stopped: no time left.";
    BudgetSockets "budget_sockets" "questions" "Stopped: all sockets that this process may have were in use.";
    BudgetVerifications "budget_verifications" "questions" "Stopped: too many signatures to verify for one client query.";
    BudgetFailedVerifications "budget_failed_verifications" "questions" "Stopped: too many signatures that did not fit for one client query.";
    BudgetHashes "budget_hashes" "questions" "Stopped: too many NSEC3 hashes for one client query.";
    LimitRenewals "limit_renewals" "times" "Keys of a zone that were not fetched anew, since they were not long ago.";
    Renewals "renewals" "times" "Keys of a zone that were fetched anew, since records did not fit those that were known.";
    LimitDsLabels "limit_ds_labels" "questions" "Stopped: too many labels to ask for DS records.";
    LimitDepth "limit_depth" "questions" "Stopped: nameserver look-ups nested too deep.";
    LimitAlias "limit_alias" "questions" "Stopped: alias chain too long or looping.";
    LimitReferrals "limit_referrals" "questions" "Stopped: too many steps without an answer.";
    LimitLeaders "limit_leaders" "questions" "Stopped: too many askers of the same gave up, one after the other.";
    LimitRefused "limit_refused" "questions" "Stopped: others kept asking servers whose answers had been bogus.";
    LimitResent "limit_resent" "queries" "Queries not sent again, since they had been too often.";
    LimitRepeats "limit_repeats" "queries" "Queries held back for a moment, since the same had just been sent in vain too often.";
    LimitRepeated "limit_repeated" "queries" "Queries sent in vain that were forgotten at once, since there were too many.";
    LimitFlooded "limit_flooded" "queries" "Queries whose port was given up, since too much came there that is no reply.";
    LimitServers "limit_servers" "delegations" "Delegations that named more servers than are used.";
    LimitAddresses "limit_addresses" "delegations" "Delegations with more addresses than are used.";
    LimitMessage "limit_message" "messages" "Replies with more RRsets, owner names or compression pointers than are read; discarded.";
    LimitSignatures "limit_signatures" "signatures" "Signatures of an RRset that has more of them than are kept.";
    LimitEntry "limit_entry" "entries" "Answers too large to be cached.";
    AddressRefused "address_refused" "addresses" "Nameserver addresses that can be none; never asked.";
    SilentZones "silent_zones" "zones" "Zones found dead: no server has answered usefully for long, while others did.";
    SilentSpared "silent_spared" "queries" "Queries not sent, or not at once, to servers of a zone of which none answers.";
    SilentShared "silent_shared" "questions" "Questions to a dead zone that failed with another that tried it at the time.";
    LimitSilent "limit_silent" "zones" "Silent zones that were forgotten, since there were too many.";
    StrangerHeld "stranger_held" "queries" "Queries held back, or put to another server: an address that has never answered was asked often enough a moment ago.";
    LimitStrangers "limit_strangers" "addresses" "Addresses that have never answered and were forgotten, since there were too many.";
    QuotaServer "quota_server" "queries" "Queries held back, or put to another server, since many were under way at one or at its zone.";
    QuotaZone "quota_zone" "questions" "Questions that failed at once, since too many were under way at their zone.";
    LogLost "log_lost" "lines" "Lines of the log that could not be written, or not fast enough.";
    PanicCaught "panic_caught" "questions" "Recursions that ended in a bug; the client got SERVFAIL.";
}

/// The counters of one worker. Written by its thread alone and read by whoever sums them up: a step
/// is a load and a store, which cost a tenth of an atomic addition.
#[derive(Debug)]
pub struct Counters([AtomicU64; Counter::ALL.len()]);

impl Default for Counters {
    fn default() -> Self {
        Counters([const { AtomicU64::new(0) }; Counter::ALL.len()])
    }
}

impl Counters {
    /// Counts one.
    pub fn count(&self, counter: Counter) {
        self.add(counter, 1);
    }

    /// Counts `amount`.
    pub fn add(&self, counter: Counter, amount: u64) {
        if let Some(cell) = self.0.get(counter as usize) {
            cell.store(cell.load(Ordering::Relaxed).wrapping_add(amount), Ordering::Relaxed);
        }
    }

    /// The count so far.
    #[must_use]
    pub fn get(&self, counter: Counter) -> u64 {
        self.0.get(counter as usize).map_or(0, |cell| cell.load(Ordering::Relaxed))
    }
}

/// The sum over workers.
pub fn sum<'a>(workers: impl IntoIterator<Item = &'a Counters>, counter: Counter) -> u64 {
    workers.into_iter().map(|worker| worker.get(counter)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_no_two_of_a_name() {
        let mut names: Vec<_> = Counter::ALL.iter().map(|counter| counter.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Counter::ALL.len());
    }

    #[test]
    fn workers_are_summed() {
        let (one, two) = (Counters::default(), Counters::default());
        one.count(Counter::Joined);
        two.add(Counter::Joined, 4);
        assert_eq!(sum([&one, &two], Counter::Joined), 5);
    }
}
