//! The seeds of the fuzzers, made by the fuzzed code: `cargo test -p zoners-server --test service
//! corpora:: -- --ignored`.

use std::fs;
use std::path::Path;

use bytes::Bytes;
use zoners_cache::{Cache, Denial, Rank, TtlLimits};
use zoners_dns::compose::{Response, ResponseFlags, compose};
use zoners_dns::packet::ClientQuery;
use zoners_dns::query::{QueryOptions, query};
use zoners_dns::{Message, Moment, OptRcode, Question, RRset, Rtype, Security, name, zonefile};
use zoners_net::stream::put_message;
use zoners_server::root_keys;

const NOW: Moment = Moment::from_millis(1_000_000);

/// Records of many types.
const ZONE: &str = r#"
$TTL 300
@ SOA ns host 1 3600 600 86400 60
@ NS ns
@ 60 IN DS 20326 RSASHA256 SHA-256 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D
@ DNSKEY 257 3 ED25519 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=
ns A 192.0.2.53
ns AAAA 2001:db8::53
www 60 A ( 192.0.2.1 ) ; first
www 60 A 192.0.2.2
alias CNAME www
old DNAME new.example.
@ MX 10 mail
@ TXT "a \"quoted\" text" unquoted \; \009
_sip._tcp SRV 1 2 5060 sip
@ CAA 0 issue "ca.example"
h HTTPS 1 . alpn=h2,h3 port=443 ipv4hint=192.0.2.1 ipv6hint=2001:db8::1
s SVCB 0 target.example.
t TLSA 3 1 1 0102
n NAPTR 1 2 "u" "E2U+sip" "!^.*$!sip:x@y!" .
x TYPE65280 \# 3 010203
w\.eird\032name A 192.0.2.3
*.wild TXT wild
www NSEC alias A RRSIG NSEC
b4um86eghhds6nea196smvmlo4ors995 NSEC3 1 1 12 aabbccdd 2vptu5timamqttgl4luu9kg21e0aor3s MX RRSIG
www RRSIG A 13 3 60 20300101000000 20200101000000 1234 @ AAAA
"#;

const HOSTS: &str =
    "# mine\n127.0.0.1 localhost\n192.168.1.2\tnas.lan nas # files\nfe80::1%lo0 link.lan\n";

#[test]
#[ignore = "writes into the repository"]
fn seeds() {
    write("zone_files", zone_files());
    write("config", configurations());
    write("control", conversations());
    write("root_keys", root_keys());
    write("stream", streams());
    write("message", messages());
    write("signatures", signatures());
    write("snapshot", snapshots());
    write("redis_values", values());
}

fn write(target: &str, seeds: Vec<Vec<u8>>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    fs::create_dir_all(&folder).unwrap();
    for (number, seed) in seeds.iter().enumerate() {
        fs::write(folder.join(format!("seed-{number:03}")), seed).unwrap();
    }
}

fn headed(head: &[u8], rest: impl AsRef<[u8]>) -> Vec<u8> {
    [head, rest.as_ref()].concat()
}

fn zone_files() -> Vec<Vec<u8>> {
    let lines = ZONE.lines().filter(|line| !line.is_empty());
    let single = lines.map(|line| headed(&[1], line));
    let whole = [
        headed(&[0], zoners_server::config::ROOT_ANCHORS),
        headed(&[0], ". 3600000 NS a.root.\na.root. 3600000 A 192.0.2.1\n"),
        headed(&[2], HOSTS),
        headed(&[3], "nas.lan. 60 A 192.168.1.2\nfiles.lan. CNAME NAS.lan.\n"),
        headed(&[0], "$ORIGIN sub.\na A 192.0.2.1\n\tTXT b\n$INCLUDE x\n"),
    ];
    single.chain(whole).collect()
}

fn configurations() -> Vec<Vec<u8>> {
    let example = zoners_server::config::EXAMPLE;
    let mut tables = Vec::new();
    for line in example.lines() {
        // Keys in comments are valid keys.
        let line = line.strip_prefix("# ").or(line.strip_prefix('#')).unwrap_or(line);
        if line.starts_with('[') || tables.is_empty() {
            tables.push(String::new());
        }
        let key = line.split(['=', ' ']).next().unwrap_or_default();
        let plain = !key.is_empty()
            && key.chars().all(|c| c.is_ascii_lowercase() || "-0123456789".contains(c));
        if line.starts_with('[') || plain && line.contains('=') {
            tables.last_mut().unwrap().push_str(&format!("{line}\n"));
        }
    }
    let wrong =
        ["[server]\nlisten = 5\n", "[serve]\n", "[cache]\nsize = \"1 parsec\"\n", "a = \"\n"];
    tables
        .into_iter()
        .filter(|table| !table.is_empty())
        .chain(wrong.map(str::to_owned))
        .map(String::into_bytes)
        .collect()
}

fn conversations() -> Vec<Vec<u8>> {
    [
        r#"{"do":"status"}"#,
        r#"{"do":"stats"}"#,
        r#"{"do":"lookup","name":"www.example.com","type":"https"}"#,
        r#"{"do":"nta-add","name":"example.com","seconds":60}"#,
        r#"{"do":"nta-remove","name":"example.com"}"#,
        r#"{"do":"nta-list"}"#,
        r#"{"do":"servers","zone":null}"#,
        r#"{"do":"cache"}"#,
        r#"{"do":"cache-lookup","name":"a\u0000b"}"#,
        r#"{"do":"cache-dump","file":"/tmp/x"}"#,
        r#"{"do":"flush","name":".","subtree":true}"#,
        r#"{"do":"flush"}"#,
        "[1,2",
        r#"{"version":1,"do":"reload"}"#,
        r#"{"version":2,"do":"status"}"#,
        r#"{"do":"dance"}"#,
    ]
    .map(|line| format!("{line}\n").into_bytes())
    .to_vec()
}

fn root_keys() -> Vec<Vec<u8>> {
    let key = |standing: &str, since: u64, rdata: &str| {
        format!(r#"{{"standing":"{standing}","since":{since},"rdata":"{rdata}"}}"#)
    };
    let rdata = "0101030f090909";
    let each =
        ["pending", "valid", "missing", "revoked", "odd"].map(|s| key(s, 1_700_000_000, rdata));
    let listed = each.iter().map(|key| format!("[{key}]"));
    let texts = [
        format!("[{}]", each[..4].join(",")),
        format!("[{}]", key("valid", u64::MAX, "0181030809")),
        format!("[{}]", key("pending", 0, "010")),
        format!("[{}]", key("valid", 0, "+1+1+3+f")),
        "[]".into(),
        "[{}]".into(),
    ];
    // The output of the code.
    let written =
        root_keys::parse(texts[0].as_bytes()).map(|keys| root_keys::format(&keys)).unwrap();
    listed.chain(texts).chain([written]).map(String::into_bytes).collect()
}

fn streams() -> Vec<Vec<u8>> {
    let framed = |lengths: &[usize]| {
        let mut out = Vec::new();
        lengths.iter().for_each(|length| assert!(put_message(&mut out, &vec![7; *length])));
        out
    };
    let mut seeds = Vec::new();
    for (head, sizes) in
        [(0x01, &[1][..]), (0x03, &[0, 5, 200]), (0xE2, &[255, 0]), (0x62, &[3, 1])]
    {
        for lengths in [&[0, 0, 0][..], &[12, 30], &[511, 1], &[1]] {
            seeds.push(headed(&[head], [sizes, &framed(lengths)].concat()));
        }
        seeds.push(headed(&[head], [sizes, &[0xFF, 0xFF, 1, 2, 3]].concat()));
    }
    seeds
}

fn sets() -> Vec<RRset> {
    zonefile::parse(ZONE, &name::parse("zone.example").unwrap()).unwrap()
}

fn messages() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for set in sets() {
        let question = Question::new(set.owner.clone(), set.rtype);
        let (answer, rcode) = (&[set][..], OptRcode::NOERROR);
        let (authority, additional, signatures) = (&[][..], &[][..], true);
        let flags = ResponseFlags::default();
        let reply = Response {
            question: &question,
            rcode,
            flags,
            answer,
            authority,
            additional,
            signatures,
        };
        seeds.push(compose(&reply));
    }
    let asked = Question::new(name::parse("www.zone.example").unwrap(), Rtype::A);
    let mut packet =
        query(&asked, QueryOptions { id: 7, recursion_desired: true, edns: true }).to_vec();
    assert!(ClientQuery::read(&packet).is_ok());
    seeds.push(packet.clone());
    // A cookie, an extended error and an agent (RFC 7873, 8914, 9567).
    let options = b"\x00\x0a\x00\x0812345678\x00\x0f\x00\x05\x00\x06odd\x00\x12\x00\x03\x01a\x00";
    let length = packet.len() - 1;
    packet[length] = options.len() as u8;
    packet.extend(options);
    assert!(Message::parse(&Bytes::from(packet.clone())).is_ok());
    seeds.push(packet);
    seeds
}

fn signatures() -> Vec<Vec<u8>> {
    let mut seeds = vec![vec![1]];
    for algorithm in [0, 5, 8, 10, 13, 14, 15, 16] {
        let (key, data, signature) = ([3; 96], [4; 16], [5; 64]);
        let key = if algorithm < 12 { &[&[1, 3], &key[..70]].concat()[..] } else { &key[..64] };
        let head = [0, algorithm, key.len() as u8];
        seeds.push([&head[..], key, &[16], &data, &signature].concat());
    }
    for change in [[0, 3, 1], [0, 20, 0x20], [0, 60, 0xFF], [0, 200, 1]] {
        seeds.push(headed(&[1], change));
    }
    seeds.push(headed(&[2], b"\x01c\x04zone\x07example\x00\x00\x06\x40\x00\x00\x00\x00\x03"));
    seeds.push(headed(&[2], b"\x04zone\x07example\x00\x00\x01\x40"));
    seeds
}

/// Entries of `www.zone.example.` and further names.
fn cache() -> Cache {
    let cache = Cache::new(1 << 20, TtlLimits::default(), [1, 2]);
    let sets = sets();
    let soa = sets.iter().find(|set| set.rtype == Rtype::SOA);
    let denial = Denial::new(soa.cloned(), vec![]);
    cache.insert_nxdomain(&name::parse("gone.zone.example").unwrap(), Rtype::A, &denial, NOW);
    cache.insert_nodata(&name::parse("www.test").unwrap(), Rtype::A, &denial, NOW);
    let mut www = sets.iter().find(|set| set.rtype == Rtype::A).unwrap().clone();
    www.owner = name::parse("www.test").unwrap();
    for set in [&www, &sets[0]] {
        cache.insert_rrset(set, &[], Rank::Answer, Security::Secure, NOW);
    }
    cache.insert_insecure_zone(&name::parse("sub.test").unwrap(), None, 60, NOW);
    cache
}

fn exported(cache: &Cache) -> Vec<Vec<u8>> {
    let (mut progress, mut pieces, mut more) =
        (zoners_cache::ExportCursor::default(), vec![], true);
    while more {
        let mut piece = Vec::new();
        more = cache.export(&mut progress, NOW, &mut piece);
        pieces.push(piece);
    }
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

fn snapshots() -> Vec<Vec<u8>> {
    let mut seeds = vec![headed(&[1], []), headed(&[2], [0, 99]), headed(&[2], [0, 200])];
    for change in [[0, 0, 1], [0, 14, 1], [0, 20, 1], [0, 130, 4], [0, 145, 1], [1, 0, 1]] {
        seeds.push(headed(&[1], change));
    }
    let piece = |octets: &[u8]| [&(octets.len() as u16).to_be_bytes()[..], octets].concat();
    let pieces: Vec<Vec<u8>> = exported(&cache()).iter().map(|octets| piece(octets)).collect();
    for kind in [3, 7] {
        seeds.push(headed(&[kind], [pieces.concat(), piece(&[])].concat()));
        seeds.extend(pieces.iter().map(|piece| headed(&[kind], piece)));
    }
    seeds.push(headed(&[0], b"zoners-cache\x00\x02\x00"));
    seeds
}

fn values() -> Vec<Vec<u8>> {
    let www = name::parse("www.test").unwrap();
    let (mut found, mut denied) = (Vec::new(), Vec::new());
    cache().export_rrset(&www, Rtype::A, NOW, &mut found).unwrap();
    cache().export_denial(&www, Rtype::A, NOW, &mut denied).unwrap();
    let clock = |millis: u64| (millis << 14).to_be_bytes();
    let mut seeds = Vec::new();
    for (kind, left, now) in
        [(1, 60_000, 1_000_000), (1, 9, 1), (2, 60_000, 5_000_000), (0, 0, 0), (0x11, 1, 1 << 40)]
    {
        for entries in [&found, &denied] {
            let head = [
                &[kind][..],
                &u32::to_be_bytes(left),
                &clock(1_000_000),
                &[0; 8],
                &clock(now),
                &[0; 8],
            ];
            seeds.push([head.concat(), entries.clone()].concat());
        }
    }
    seeds
}
