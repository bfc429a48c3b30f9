//! Every figure that Zoners counts, in one table.
//!
//! ```
//! use zoners_dns::{Counter, CounterGroup, Counters, counters};
//!
//! let (first, second) = (Counters::default(), Counters::default());
//! first.count(Counter::UpstreamQueries);
//! second.add(Counter::UpstreamQueries, 4);
//! assert_eq!(counters::sum([&first, &second], Counter::UpstreamQueries), 5);
//!
//! assert_eq!(Counter::UpstreamQueries.name(), "upstream_queries");
//! assert_eq!(Counter::UpstreamQueries.group(), CounterGroup::Upstream);
//! ```

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($group:ident $prefix:literal $title:literal {
        $($variant:ident $name:literal $unit:literal $help:literal;)*
    })*) => {
        /// A figure that is counted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(usize)]
        pub enum Counter { $($(#[doc = $help] $variant,)*)* }

        impl Counter {
            /// All counters, in the order of the table.
            pub const ALL: &[Counter] = &[$($(Counter::$variant,)*)*];

            /// The name in reports, which begins with the prefix of the group.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $($(Counter::$variant => $name,)*)* }
            }

            /// What one step stands for, in the plural.
            #[must_use]
            pub const fn unit(self) -> &'static str {
                match self { $($(Counter::$variant => $unit,)*)* }
            }

            /// A sentence for the reader of a report.
            #[must_use]
            pub const fn help(self) -> &'static str {
                match self { $($(Counter::$variant => $help,)*)* }
            }

            /// The subject under which reports show the counter.
            #[must_use]
            pub const fn group(self) -> CounterGroup {
                match self { $($(Counter::$variant => CounterGroup::$group,)*)* }
            }
        }

        /// The subject of a counter.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum CounterGroup { $(#[doc = $title] $group,)* }

        impl CounterGroup {
            /// All groups, in the order of the table.
            pub const ALL: &[CounterGroup] = &[$(CounterGroup::$group,)*];

            /// The beginning of the names of its counters, such as `client_`.
            #[must_use]
            pub const fn prefix(self) -> &'static str {
                match self { $(CounterGroup::$group => $prefix,)* }
            }

            /// A heading for the reader of a report.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(CounterGroup::$group => $title,)* }
            }
        }
    };
}

counters! {
    Client "client_" "Queries of clients, and the responses to them" {
        ClientQueries "client_queries" "queries" "Messages received from clients, malformed messages included.";
        ClientLocal "client_local" "queries" "Answered from local records or by the rules of special-use names.";
        ClientPolicy "client_policy" "queries" "Answered by the policy of the client's group.";
        ClientRebinding "client_rebinding" "queries" "Of client_policy: a name of the Internet led to a private address, and the client got no address (DNS rebinding protection).";
        ClientCached "client_cached" "queries" "Answered from the cache without an upstream query.";
        ClientSynthesised "client_synthesised" "queries" "Of client_cached: made of a proven NSEC or NSEC3 range (aggressive NSEC, RFC 8198).";
        ClientRecursed "client_recursed" "queries" "Answered by recursion.";
        ClientStale "client_stale" "queries" "Answered with expired records, because no server responded in time (serve-stale, RFC 8767).";
        ClientServfail "client_servfail" "queries" "Answered SERVFAIL; the EDE in the response gives the reason.";
        ClientRefused "client_refused" "queries" "Answered REFUSED, NOTIMP, FORMERR or BADVERS.";
        ClientRateLimited "client_rate_limited" "queries" "Answered BADCOOKIE or TC, because the client exceeded its rate limit.";
        ClientLate "client_late" "queries" "Not answered: the answer came late, and the client may be the victim of a spoofed source address.";
        ClientShed "client_shed" "queries" "Dropped unread, because one client sent more than its share under load.";
        ClientDropped "client_dropped" "queries" "Not answered: no query, a header that is too short, or a source address that no client can have.";
        ClientErrorsLimited "client_errors_limited" "queries" "Not answered: an error response would have exceeded the rate limit of the client, or of a network that is not served.";
        ClientWaitingFull "client_waiting_full" "queries" "Answered SERVFAIL at once, because too many queries were waiting, in total or of one client.";
        ClientSendErrors "client_send_errors" "messages" "UDP responses that the operating system did not accept.";
        ClientTcpRefused "client_tcp_refused" "connections" "TCP connections closed at once: too many in total or of one address, and none was idle.";
        ClientTcpEvicted "client_tcp_evicted" "connections" "Idle TCP connections of the client with the most, closed to admit a new connection.";
        ClientProxyHeaders "client_proxy_headers" "connections" "Connections of load balancers whose PROXY header named the client.";
        ClientProxyRefused "client_proxy_refused" "connections" "Connections of load balancers closed at once: too many PROXY headers under way, or no file descriptor was free.";
        ClientProxyFailed "client_proxy_failed" "connections" "Connections of load balancers closed: no PROXY header of version 2, or no address that a client can have.";
        ClientProxyTimedOut "client_proxy_timed_out" "connections" "Connections of load balancers closed, because the PROXY header did not come in time.";
        ClientTlsHandshakes "client_tls_handshakes" "handshakes" "TLS handshakes with clients, and with browsers of the dashboard, that were completed.";
        ClientTlsRefused "client_tls_refused" "handshakes" "TLS handshakes not begun: too many under way, in total or of one address.";
        ClientTlsFailed "client_tls_failed" "handshakes" "TLS handshakes of clients and browsers that failed: no TLS, no common version or cipher suite, or a client that left.";
        ClientTlsTimedOut "client_tls_timed_out" "handshakes" "TLS handshakes that a client or browser did not complete in time.";
        ClientTcpMemoryClosed "client_tcp_memory_closed" "connections" "TCP connections closed because they held the most memory: incomplete messages and responses that the client did not read.";
        ClientQuicHandshakes "client_quic_handshakes" "handshakes" "QUIC handshakes with clients that were completed.";
        ClientQuicRefused "client_quic_refused" "connections" "QUIC connections refused: of a client that is not served, or too many in total or of one address, and none was idle.";
        ClientQuicEvicted "client_quic_evicted" "connections" "Idle QUIC connections of the client with the most, closed to admit a new connection.";
        ClientQuicRetries "client_quic_retries" "messages" "Clients asked to show their address first (Retry, RFC 9000 section 8.1.2), because many QUIC handshakes were under way.";
        ClientQuicHandshakesFull "client_quic_handshakes_full" "messages" "First packets of QUIC connections dropped, because too many handshakes were under way.";
        ClientQuicHandshakesFailed "client_quic_handshakes_failed" "connections" "QUIC connections that ended before their handshake was complete.";
        ClientQuicFaults "client_quic_faults" "connections" "QUIC connections closed because the client broke the protocol (RFC 9250 section 4.3.3).";
        ClientQuicExcess "client_quic_excess" "queries" "Queries over QUIC that ended with DOQ_EXCESSIVE_LOAD: too long, or too many under way on their connection.";
        ClientQuicUnheard "client_quic_unheard" "messages" "First packets of QUIC connections dropped: the client is not served, and is refused in silence or has used up its refusals of this second.";
        ClientQuicMoved "client_quic_moved" "messages" "Packets of QUIC connections dropped, because they came from an address that is not the client's.";
        ClientQuicCancelled "client_quic_cancelled" "queries" "Queries over QUIC, HTTP/3 among them, that the client cancelled before the response.";
        ClientQuicCancelFloods "client_quic_cancel_floods" "connections" "QUIC connections closed because the client cancelled too many queries.";
        ClientQuicMemoryClosed "client_quic_memory_closed" "connections" "QUIC connections closed because they held the most memory: incomplete queries and responses that the client did not take.";
        ClientHttp3Connections "client_http3_connections" "connections" "QUIC connections on which the client chose HTTP/3.";
        ClientHttp3Malformed "client_http3_malformed" "queries" "Requests over HTTP/3 that ended with a code of RFC 9114, because they were incomplete or their fields were malformed.";
        ClientHttp3Excess "client_http3_excess" "queries" "Requests over HTTP/3, or connections, that ended with H3_EXCESSIVE_LOAD: fields, body, frames or streams beyond a limit.";
        ClientHttp3Late "client_http3_late" "queries" "Requests over HTTP/3 that ended with H3_REQUEST_REJECTED, because they were not whole in time.";
        ClientHttp3Faults "client_http3_faults" "connections" "QUIC connections closed because the client broke HTTP/3 (RFC 9114 section 8.1) or QPACK (RFC 9204 section 6).";
    }
    Acme "acme_" "Certificates from an ACME server" {
        AcmeOrders "acme_orders" "orders" "Certificates ordered at an ACME server.";
        AcmeIssued "acme_issued" "orders" "Orders of certificates that an ACME server has fulfilled.";
        AcmeFailed "acme_failed" "orders" "Orders of certificates that failed; `zoners status` has the reason.";
    }
    Upstream "upstream_" "Queries to servers, and their replies" {
        UpstreamQueries "upstream_queries" "queries" "Queries sent to servers, retries included.";
        UpstreamTcp "upstream_tcp" "queries" "Of upstream_queries: sent over TCP.";
        UpstreamTls "upstream_tls" "queries" "Of upstream_queries: sent over TLS.";
        UpstreamQuic "upstream_quic" "queries" "Of upstream_queries: sent over QUIC.";
        UpstreamHttps "upstream_https" "queries" "Of upstream_queries: sent over HTTPS.";
        UpstreamRetransmitted "upstream_retransmitted" "queries" "Of upstream_queries: the same query sent again, because no reply had come yet.";
        UpstreamTcpReconnected "upstream_tcp_reconnected" "queries" "Of upstream_queries: sent again over a new connection of TCP, TLS, HTTPS or QUIC, because the first was silent and may be dead.";
        UpstreamRepeated "upstream_repeated" "queries" "Queries sent again, because the server closed their connection, or refused their stream, before the reply.";
        UpstreamConnectionsEvicted "upstream_connections_evicted" "connections" "Idle connections to servers closed before their time, because as many as may be were kept.";
        UpstreamSessionsOpened "upstream_sessions_opened" "queries" "Queries sent over TLS too, so that later queries find a connection to an authority that encrypts (RFC 9539).";
        UpstreamSocketWaits "upstream_socket_waits" "queries" "Queries that waited for a free socket, because the process had as many open as it may.";
        UpstreamReplies "upstream_replies" "messages" "Replies that matched their query.";
        UpstreamTimeouts "upstream_timeouts" "queries" "Queries without a reply in the time that the RTT estimate allows.";
        UpstreamNetworkErrors "upstream_network_errors" "errors" "Errors of the operating system or the network that ended or met a query.";
        UpstreamConnectionRefused "upstream_connection_refused" "queries" "Queries to a closed port, or over a connection that the server closed.";
        UpstreamUnreachable "upstream_unreachable" "queries" "Queries to an unreachable address: ICMP unreachable, no route, or address family not available.";
        UpstreamUntrusted "upstream_untrusted" "queries" "Queries not sent, because the server did not prove its identity: a wrong certificate or key.";
        UpstreamHandshakesFailed "upstream_handshakes_failed" "queries" "Queries not sent, because TLS with the server failed otherwise.";
        UpstreamHttpFaults "upstream_http_faults" "queries" "Queries over HTTPS without a DNS message in reply: no HTTP/2, another status than 200, another content type, or a reply that is too long.";
        UpstreamTlsHandshakes "upstream_tls_handshakes" "handshakes" "TLS handshakes with servers.";
        UpstreamTlsResumed "upstream_tls_resumed" "handshakes" "Of upstream_tls_handshakes: resumed from a session before; of those over QUIC it is not known.";
        UpstreamTlsTrials "upstream_tls_trials" "queries" "Queries sent over TLS too, to learn whether an authority encrypts (RFC 9539).";
        UpstreamMismatched "upstream_mismatched" "messages" "Messages with a wrong ID or question; discarded.";
        UpstreamMalformed "upstream_malformed" "messages" "Messages that are not well-formed DNS; discarded.";
        UpstreamSuspicious "upstream_suspicious" "queries" "Queries to which a suspicious message came (wrong question, malformed, no cookie): asked again over TCP and of another server.";
        UpstreamTcpFallbackFailed "upstream_tcp_fallback_failed" "queries" "Of upstream_suspicious and upstream_truncated: TCP brought no valid reply.";
        UpstreamTruncated "upstream_truncated" "messages" "Replies with TC; asked again over TCP.";
        UpstreamUnauthenticated "upstream_unauthenticated" "messages" "UDP replies without the cookie of their server, or with another letter case in QNAME (0x20); asked again over TCP.";
        UpstreamBadcookie "upstream_badcookie" "messages" "Replies BADCOOKIE; asked again with the new server cookie.";
        UpstreamCookieFallbacks "upstream_cookie_fallbacks" "queries" "Queries repeated without a cookie, for servers that mishandle cookies.";
        UpstreamEdnsFallbacks "upstream_edns_fallbacks" "queries" "Queries repeated without EDNS, for servers that mishandle EDNS.";
        UpstreamLame "upstream_lame" "messages" "Replies of lame servers, which do not serve the zone: REFUSED, or a referral elsewhere.";
        UpstreamServfail "upstream_servfail" "messages" "Replies SERVFAIL, or with another RCODE that says nothing about the name.";
        UpstreamFormerr "upstream_formerr" "messages" "Replies FORMERR, or malformed replies.";
        UpstreamBogus "upstream_bogus" "messages" "Replies with records that failed DNSSEC validation; another server was asked.";
        UpstreamHedged "upstream_hedged" "queries" "Hedges: queries to a second server, because the first was later than its RTT estimate.";
        UpstreamPaced "upstream_paced" "queries" "Queries held back for a moment, because no server at all replied and another query tried the uplink just then.";
        UpstreamProbes "upstream_probes" "queries" "Probes: queries to learn the RTT of an unknown server, or whether an address family or the uplink works.";
        UpstreamChildServers "upstream_child_servers" "servers" "Servers that only the NS RRset of the zone itself names, asked after all servers of the delegation had failed.";
        UpstreamScrubbed "upstream_scrubbed" "RRsets" "RRsets out of bailiwick; discarded.";
        UpstreamAddressesUnauthoritative "upstream_addresses_unauthoritative" "look-ups" "Look-ups of nameserver addresses that a resolver answered (RA without AA); not used.";
        UpstreamAddressesForbidden "upstream_addresses_forbidden" "addresses" "Nameserver addresses that may not be asked: reserved ranges, or an address family that is off.";
        UpstreamMinimised "upstream_minimised" "questions" "Questions shortened by QNAME minimisation (RFC 9156).";
        UpstreamMinimiseFallbacks "upstream_minimise_fallbacks" "questions" "Full names sent, because a server mishandled the shortened question.";
        UpstreamZoneCopies "upstream_zone_copies" "questions" "Questions answered by a copy of the zone in this process, without a query.";
        UpstreamStragglersDropped "upstream_stragglers_dropped" "exchanges" "Stragglers dropped, because too many queries went on after their race was won.";
    }
    Infra "infra_" "Server selection, and what the infra cache knows of servers" {
        InfraBackoffSkipped "infra_backoff_skipped" "servers" "Servers in backoff that were passed over for other servers of their zone.";
        InfraUnprovenHeld "infra_unproven_held" "queries" "Queries delayed or sent to another server, because too many had gone to an address that has never replied.";
        InfraUnresponsiveZones "infra_unresponsive_zones" "zones" "Zones found unresponsive: no server replied usefully for long, while servers of other zones did.";
        InfraUnresponsiveHeld "infra_unresponsive_held" "queries" "Queries to an unresponsive zone that were delayed or not sent.";
        InfraUnresponsiveShared "infra_unresponsive_shared" "questions" "Questions to an unresponsive zone that failed together with another question that tried the zone.";
    }
    Network "network_" "Whether the network carries DNS unchanged" {
        NetworkChecks "network_checks" "checks" "Checks with root servers for interception and blocking of DNS by the network.";
        NetworkChecksFailed "network_checks_failed" "checks" "Of network_checks: DNS was intercepted, refused or blocked.";
    }
    Policy "policy_" "Lists of the policy" {
        PolicyCompilations "policy_compilations" "times" "Times that the lists were compiled, because a list or the configuration had changed.";
        PolicyDownloads "policy_downloads" "downloads" "Downloads of lists, those without news included.";
        PolicyDownloadsFailed "policy_downloads_failed" "downloads" "Of policy_downloads: failed; the last good copy stays.";
    }
    Cache "cache_" "The cache of this process" {
        CachePrefetches "cache_prefetches" "questions" "Popular answers refreshed before they expired.";
        CachePrefetchesUsed "cache_prefetches_used" "questions" "Of cache_prefetches: asked for since.";
        CachePrefetchesSkipped "cache_prefetches_skipped" "questions" "Popular answers not refreshed: too many prefetched answers were not asked for, or the probe budget was empty.";
        CacheEntriesTooLarge "cache_entries_too_large" "entries" "Answers and delegations too large to be cached.";
    }
    SecondLevel "second_level_" "The cache that several nodes share in Redis or Valkey" {
        SecondLevelHits "second_level_hits" "questions" "Answered with an entry of another node.";
        SecondLevelMisses "second_level_misses" "questions" "Without an entry of another node, or with the second level not available.";
        SecondLevelLate "second_level_late" "questions" "Answered by servers before the second level replied.";
        SecondLevelRejected "second_level_rejected" "questions" "With an entry that no node can have written; not used.";
        SecondLevelErrors "second_level_errors" "requests" "Requests to the second level that failed or timed out.";
        SecondLevelTrials "second_level_trials" "servers" "Servers of which another node knew the result of a trial of encryption (RFC 9539).";
        SecondLevelWrites "second_level_writes" "questions" "Answers and results of trials written to the second level.";
        SecondLevelWritesDropped "second_level_writes_dropped" "questions" "Answers not written: too many were waiting, or the second level accepted none.";
        SecondLevelCircuitOpened "second_level_circuit_opened" "times" "Times that the circuit breaker opened, after too many errors.";
    }
    Dnssec "dnssec_" "Validation" {
        DnssecSecure "dnssec_secure" "replies" "Replies proven secure by a chain of signatures.";
        DnssecInsecure "dnssec_insecure" "replies" "Replies of zones proven to be unsigned, or below no trust anchor.";
        DnssecBogus "dnssec_bogus" "replies" "Replies that are bogus; another server was asked, or the client got SERVFAIL.";
        DnssecVerifications "dnssec_verifications" "signatures" "Signatures verified.";
        DnssecVerificationsFailed "dnssec_verifications_failed" "signatures" "Of dnssec_verifications: the signature did not match.";
        DnssecKeyRefreshes "dnssec_key_refreshes" "times" "Times that the DNSKEY RRset of a zone was fetched anew, because signatures did not match the cached keys.";
        DnssecKeyRefreshesLimited "dnssec_key_refreshes_limited" "times" "Times that a DNSKEY RRset was not fetched anew, because the last fetch was too recent.";
        DnssecReportsSent "dnssec_reports_sent" "reports" "Validation failures reported to the agent of the zone (RFC 9567).";
        DnssecReportsWithheld "dnssec_reports_withheld" "reports" "Validation failures not reported: too many reports, or the report name too long.";
    }
    Flight "flight_" "Look-ups that several questions share (single flight)" {
        FlightJoined "flight_joined" "questions" "Questions that waited for a flight of the same question.";
        FlightTakenOver "flight_taken_over" "questions" "Of flight_joined: became the leader, because the previous leader gave up.";
        FlightCycles "flight_cycles" "questions" "Look-ups stopped because they would wait for themselves.";
    }
    Recursion "recursion_" "Recursions under way" {
        RecursionEvicted "recursion_evicted" "questions" "Recursions stopped to admit one of another client, or a newer one.";
        RecursionFull "recursion_full" "questions" "Questions refused, because too many recursions were under way.";
        RecursionPanics "recursion_panics" "questions" "Recursions that ended in a panic (a defect of Zoners); the client got SERVFAIL.";
    }
    Budget "budget_" "Questions stopped because their budget was spent" {
        BudgetQueries "budget_queries" "questions" "Stopped: too many upstream queries for one client query.";
        BudgetQueriesPerQuestion "budget_queries_per_question" "questions" "Stopped: too many upstream queries for one question.";
        BudgetOctets "budget_octets" "questions" "Stopped: too many octets received for one client query.";
        BudgetTcpQueries "budget_tcp_queries" "questions" "Stopped: too many TCP queries for one client query.";
        BudgetAddressLookups "budget_address_lookups" "questions" "Stopped: too many nameserver addresses looked up.";
        BudgetTime "budget_time" "questions" "Stopped: no time left.";
        BudgetSockets "budget_sockets" "questions" "Stopped: all sockets that this process may have were in use.";
        BudgetVerifications "budget_verifications" "questions" "Stopped: too many signatures to verify for one client query.";
        BudgetFailedVerifications "budget_failed_verifications" "questions" "Stopped: too many signatures that did not match for one client query.";
        BudgetNsec3Hashes "budget_nsec3_hashes" "questions" "Stopped: too many NSEC3 hashes for one client query.";
    }
    Limit "limit_" "Limits that were reached" {
        LimitNestedLookups "limit_nested_lookups" "questions" "Stopped: nameserver look-ups nested too deep.";
        LimitAliasChain "limit_alias_chain" "questions" "Stopped: alias chain too long or looping.";
        LimitReferrals "limit_referrals" "questions" "Stopped: too many referrals without an answer.";
        LimitDsLabels "limit_ds_labels" "questions" "Stopped: too many labels to ask for DS records.";
        LimitFlightLeaders "limit_flight_leaders" "questions" "Stopped: too many leaders of one flight gave up in turn.";
        LimitBogusServers "limit_bogus_servers" "questions" "Stopped: shared look-ups kept using servers whose replies had been bogus.";
        LimitQueriesPerServer "limit_queries_per_server" "queries" "Queries delayed or sent to another server, because many were under way to the server or its zone.";
        LimitQuestionsPerZone "limit_questions_per_zone" "questions" "Questions that failed at once, because too many were under way to their zone.";
        LimitRetransmissions "limit_retransmissions" "queries" "Queries not sent again, because they had been retransmitted too often.";
        LimitRepeatedQueries "limit_repeated_queries" "queries" "Queries delayed, because the same query had failed too often a moment ago.";
        LimitRepeatedTable "limit_repeated_table" "queries" "Failed queries that were not remembered, because the table was full.";
        LimitPortFlooded "limit_port_flooded" "queries" "Queries given up over UDP, because too many messages that were no reply came to their port.";
        LimitUnresponsiveZones "limit_unresponsive_zones" "zones" "Unresponsive zones that were forgotten, because the table was full.";
        LimitUnprovenAddresses "limit_unproven_addresses" "addresses" "Addresses that have never replied and were forgotten, because the table was full.";
        LimitDelegationServers "limit_delegation_servers" "delegations" "Delegations that named more servers than are used.";
        LimitDelegationAddresses "limit_delegation_addresses" "delegations" "Delegations with more addresses than are used.";
        LimitMessageRecords "limit_message_records" "messages" "Replies with more RRsets, owner names or compression pointers than are read; discarded.";
        LimitPathServers "limit_path_servers" "answers" "Answers with more nameservers on the way, or more addresses of one, than the policy is shown.";
        LimitSignatures "limit_signatures" "signatures" "Signatures beyond the number that is kept of one RRset.";
    }
    Events "events_" "Events of finished queries, for their readers" {
        EventsLost "events_lost" "events" "Events that a reader has lost, because its ring was full.";
        EventsWatchesRefused "events_watches_refused" "watches" "Watches refused, because as many as may be were under way.";
    }
    History "history_" "The history of resolutions" {
        HistoryLost "history_lost" "queries" "Queries that the history has lost, because they came too fast.";
        HistoryTrendLost "history_trend_lost" "latencies" "Latencies that the baseline of `zoners trend` has lost, for want of room.";
    }
    Dnstap "dnstap_" "Copies of messages for a reader of dnstap" {
        DnstapWritten "dnstap_written" "messages" "Messages copied to the reader.";
        DnstapLost "dnstap_lost" "messages" "Messages not copied: the reader was gone, or too slow.";
    }
    QueryLog "query_log_" "The query log" {
        QueryLogRows "query_log_rows" "queries" "Queries written to the query log.";
        QueryLogLost "query_log_lost" "queries" "Queries not written to the query log: the disk was too slow, full or faulty.";
    }
    Log "log_" "The log" {
        LogLinesLost "log_lines_lost" "lines" "Lines that could not be written, or not fast enough.";
    }
    Http "http_" "The HTTP service" {
        HttpRequests "http_requests" "requests" "HTTP requests answered, refusals included.";
        HttpRefused "http_refused" "requests" "Of http_requests: refused before a handler saw them, for host, origin, path, method or body.";
        HttpMalformed "http_malformed" "connections" "HTTP connections closed because they carried no HTTP, or the head of a request was too large.";
        HttpTimedOut "http_timed_out" "connections" "HTTP connections closed because no request came in time, or the response was not taken in time.";
        HttpUntakenClosed "http_untaken_closed" "connections" "Connections of HTTP/2 closed because clients left too many octets of responses untaken.";
        HttpConnectionsRefused "http_connections_refused" "connections" "HTTP connections closed at once: too many in total, of one client or of clients that are not served, or no descriptor was left.";
    }
    Dashboard "dashboard_" "The dashboard" {
        DashboardLogins "dashboard_logins" "attempts" "Browsers of other machines that logged in to the dashboard with the password.";
        DashboardLoginsRefused "dashboard_logins_refused" "attempts" "Attempts to log in with a wrong password, or too many attempts.";
    }
}

/// The counters of one worker.
///
/// The thread of the worker alone writes, and the thread making a report reads. So a step is a load
/// and a store, which cost a tenth of an atomic addition.
#[derive(Debug)]
pub struct Counters([AtomicU64; Counter::ALL.len()]);

impl Default for Counters {
    fn default() -> Self {
        Counters([const { AtomicU64::new(0) }; Counter::ALL.len()])
    }
}

impl Counters {
    /// Adds 1.
    pub fn count(&self, counter: Counter) {
        self.add(counter, 1);
    }

    /// Adds `amount`.
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
    fn names_are_unique_and_begin_with_the_prefix_of_their_group() {
        let mut names: Vec<_> = Counter::ALL.iter().map(|counter| counter.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Counter::ALL.len());
        for counter in Counter::ALL {
            let (name, prefix) = (counter.name(), counter.group().prefix());
            assert!(name.starts_with(prefix), "{name}");
            let others = CounterGroup::ALL.iter().filter(|group| **group != counter.group());
            assert!(others.map(|group| group.prefix()).all(|prefix| !name.starts_with(prefix)));
        }
    }

    #[test]
    fn a_variant_is_its_name_in_camel_case() {
        for counter in Counter::ALL {
            let variant = format!("{counter:?}").to_lowercase();
            assert_eq!(variant, counter.name().replace('_', ""));
        }
    }

    #[test]
    fn counters_of_workers_are_summed() {
        let (one, two) = (Counters::default(), Counters::default());
        one.count(Counter::FlightJoined);
        two.add(Counter::FlightJoined, 4);
        assert_eq!(sum([&one, &two], Counter::FlightJoined), 5);
    }
}
