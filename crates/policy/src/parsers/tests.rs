mod public_lists;

use super::*;
use crate::rule::{RulePattern, show_name};

/// The rules of a text, one a line as `LINE SUBJECT ACTION [options] [flags]`, and skipped lines as `LINE -REASON`.
pub(crate) fn rules_of(form: ListForm, text: &[u8]) -> Vec<String> {
    let mut lines = Vec::new();
    let whole = read_list(form, &mut &text[..], &mut |line, rule| {
        lines.push(match rule {
            Ok(rule) => format!("{line} {}", show(&rule)),
            Err(reason) => format!("{line} -{reason:?}"),
        });
    });
    assert_eq!(whole.unwrap().octets, text.len() as u64);
    lines
}

fn show(rule: &ListRule<'_>) -> String {
    use crate::rule::RuleScope::{Below, Exact, Subtree};
    let name = |scope, name| match scope {
        Exact => show_name(name),
        Subtree => format!(".{}", show_name(name)),
        Below => format!("*.{}", show_name(name)),
    };
    let subject = match rule.pattern {
        RulePattern::Name { scope, name: of } => name(scope, of),
        RulePattern::Nameserver { scope, name: of } => format!("ns:{}", name(scope, of)),
        RulePattern::Scan(pattern) => format!("scan:{pattern}"),
        RulePattern::Address(prefix) => format!("ip:{prefix}"),
        RulePattern::NameserverAddress(prefix) => format!("nsip:{prefix}"),
        RulePattern::Client(prefix) => format!("client:{prefix}"),
    };
    let mut text = format!("{subject} {:?}", rule.action);
    for (is_set, flag) in [(rule.important, " important"), (rule.disables, " disables")] {
        text.push_str(if is_set { flag } else { "" });
    }
    match rule.options {
        "" => text,
        options => format!("{text} {options}"),
    }
}

/// Each line of the table has one line of a list and its rules.
fn check(form: ListForm, table: &[(&str, &[&str])]) {
    for (line, expected) in table {
        let found = rules_of(form, format!("{line}\n").as_bytes());
        let expected: Vec<String> = expected.iter().map(|rule| format!("1 {rule}")).collect();
        assert_eq!(found, expected, "{line}");
    }
}

#[test]
fn hosts_lines_block_or_give_an_address() {
    check(
        ListForm::Hosts,
        &[
            ("# comment", &[]),
            ("0.0.0.0 Ads.Example # why", &["ads.example Block"]),
            ("127.0.0.1\ta.example b.example", &["a.example Block", "b.example Block"]),
            ("::1 a.example.", &["a.example Block"]),
            ("192.168.1.2 nas.lan", &["nas.lan Rewrite address=192.168.1.2"]),
            ("fe80::1%lo0 nas.lan", &["nas.lan Rewrite address=fe80::1"]),
            ("127.0.0.1 localhost local", &["-OwnName", "-OwnName"]),
            ("0.0.0.0 0.0.0.0", &["-AddressAsName"]),
            ("0.0.0.0 a..example 1.2.3.4", &["-NotAName", "-AddressAsName"]),
            ("a.example", &["-NotAName"]),
        ],
    );
}

#[test]
fn domains_concern_one_name_and_wildcards_a_tree() {
    let shared: &[(&str, &[&str])] = &[
        ("! comment", &[]),
        ("*.a.example", &[".a.example Block"]),
        ("b\u{fc}cher.example", &[]),
        ("a b.example", &["-NotAName"]),
        ("-", &[]),
    ];
    for (line, expected) in shared.iter().filter(|(_, rules)| !rules.is_empty()) {
        check(ListForm::Domains, &[(line, expected)]);
        check(ListForm::Wildcards, &[(line, expected)]);
    }
    check(ListForm::Domains, &[("A.example # x", &["a.example Block"])]);
    check(ListForm::Wildcards, &[("A.example", &[".a.example Block"])]);
    check(ListForm::Wildcards, &[("zip", &[".zip Block"])]);
}

#[test]
fn adblock_rules_mean_what_dns_can_do() {
    check(
        ListForm::Adblock,
        &[
            ("[Adblock Plus 2.0]", &[]),
            ("! comment", &[]),
            ("# comment", &[]),
            ("||ads.example^", &[".ads.example Block"]),
            ("||ads.example", &[".ads.example Block"]),
            ("||ads.example^|", &[".ads.example Block"]),
            ("|ads.example^", &["ads.example Block"]),
            ("|ads.example|", &["ads.example Block"]),
            ("ads.example", &["ads.example Block"]),
            ("://ads.example^", &["ads.example Block"]),
            ("|https://ads.example^", &["ads.example Block"]),
            ("0.0.0.0 ads.example", &["ads.example Block"]),
            ("@@||ads.example^", &[".ads.example Allow"]),
            ("@@||ads.example^$important", &[".ads.example Allow important"]),
            ("||ads.example^$important,badfilter", &[".ads.example Block important disables"]),
            ("||*.ads.example^", &["*.ads.example Block"]),
            ("||ad*.x.example^", &[".x.example Block glob=||ad*.x.example^"]),
            (".ads.example^", &[".ads.example Block glob=.ads.example^"]),
            ("||AD.*^", &["scan:||ad.*^ Block"]),
            ("-ads.", &["scan:-ads. Block"]),
            ("/^ad[0-9]+\\./", &["scan:/^ad[0-9]+\\./ Block"]),
            ("/^ad/$dnstype=A", &["scan:/^ad/ Block types=A"]),
            ("@@/^ad/", &["scan:/^ad/ Allow"]),
            ("/(/", &["-UnsupportedRegex"]),
            ("||192.0.2.1^", &["ip:192.0.2.1/32 Block"]),
            ("||a.example^$dnstype=~aaaa|~A", &[".a.example Block types=~AAAA|~A"]),
            ("||a.example^$client=192.0.2.0/24", &[".a.example Block clients=192.0.2.0/24"]),
            ("||a.example^$client='laptop'", &["-UnsupportedValue"]),
            ("*$denyallow=a.example", &["-NotAName"]),
            ("||com^$denyallow=a.com|b.com", &[".com Block except=a.com|b.com"]),
            ("||a.example^$dnsrewrite=192.0.2.1", &[".a.example Rewrite address=192.0.2.1"]),
            ("|a.example^$dnsrewrite=NOERROR;AAAA;::1", &["a.example Rewrite address=::1"]),
            ("||a.example^$dnsrewrite=safe.example", &[".a.example Rewrite alias=safe.example"]),
            ("||a.example^$dnsrewrite=REFUSED", &[".a.example Refused"]),
            ("||a.example^$dnsrewrite=NOERROR;;", &[".a.example Nodata"]),
            ("||a.example^$dnsrewrite=NOERROR;MX;10 b.example", &["-UnsupportedValue"]),
            ("@@||a.example^$dnsrewrite", &["-UnsupportedValue"]),
            ("||a.example^$ctag=device_pc", &["-UnsupportedOption"]),
            ("||a.example^$all", &[".a.example Block"]),
            ("||a.example^$third-party", &["-BrowserOnly"]),
            ("||a.example^$domain=b.example", &["-BrowserOnly"]),
            ("||a.example/path^", &["-BrowserOnly"]),
            ("||a.example:8080^", &["-BrowserOnly"]),
            ("a.example##.banner", &["-BrowserOnly"]),
            ("##.banner", &["-BrowserOnly"]),
            ("a.example#@#.banner", &["-BrowserOnly"]),
            ("||*^", &["-NotAName"]),
            ("||^", &["-NotAName"]),
            ("@@", &["-NotAName"]),
        ],
    );
}

#[test]
fn dnsmasq_settings_block_allow_and_rewrite() {
    check(
        ListForm::Dnsmasq,
        &[
            ("# comment", &[]),
            ("address=/a.example/", &[".a.example Nxdomain"]),
            (
                "address=/a.example/b.example/#",
                &[".a.example NullAddress", ".b.example NullAddress"],
            ),
            ("address=/a.example/0.0.0.0", &[".a.example NullAddress"]),
            ("address=/.a.example/::1 # x", &[".a.example Rewrite address=::1"]),
            ("local=/lan/", &[".lan Nxdomain"]),
            ("server=/*.a.example/", &["*.a.example Nxdomain"]),
            ("server=/a.example/#", &[".a.example Allow"]),
            ("server=/a.example/192.0.2.1", &["-Forwarding"]),
            ("address=/a.example/x", &["-UnsupportedValue"]),
            (
                "cname=www.a.example,*.b.example,safe.a.example,300",
                &[
                    "www.a.example Rewrite alias=safe.a.example",
                    "*.b.example Rewrite alias=safe.a.example",
                ],
            ),
            (
                "host-record=a.example,192.0.2.1,::1,60",
                &["a.example Rewrite address=192.0.2.1", "a.example Rewrite address=::1"],
            ),
            ("cname=a.example", &["-UnsupportedValue"]),
            ("host-record=a.example", &["-UnsupportedValue"]),
            ("server=192.0.2.1", &["-OtherSetting"]),
            ("cache-size=1000", &["-OtherSetting"]),
            ("domain-needed", &["-OtherSetting"]),
        ],
    );
}

#[test]
fn policy_zones_have_all_triggers_and_actions() {
    let zone = b"$TTL 300\n@ SOA localhost. root.localhost. (\n 1 3600 1200 604800 60 ) ; serial\n\
        @ NS localhost.\n\
        a.example CNAME .\n\
        *.a.example IN CNAME *.\n\
        b.example 60 IN CNAME rpz-passthru.\n\
        c.example CNAME rpz-drop. ; quiet\n\
        d.example CNAME rpz-tcp-only.\n\
        e.example CNAME safe.example.\n\
        f.example A 192.0.2.1\n\
        \tAAAA 2001:db8::1\n\
        g.example TXT \"a;b\"\n\
        h.example CNAME *.garden.example.\n\
        24.0.2.0.192.rpz-ip CNAME .\n\
        48.zz.db8.2001.rpz-nsip CNAME .\n\
        128.1.zz.2.db8.2001.rpz-ip CNAME *.\n\
        32.1.2.0.192.rpz-client-ip CNAME rpz-passthru.\n\
        *.ns.example.rpz-nsdname CNAME .\n\
        99.1.2.0.192.rpz-ip CNAME .\n\
        broken ((\n";
    let expected = [
        "2 -ZoneRecord",
        "4 -ZoneRecord",
        "5 a.example Nxdomain",
        "6 *.a.example Nodata",
        "7 b.example Allow",
        "8 c.example Drop",
        "9 d.example TcpOnly",
        "10 e.example Rewrite alias=safe.example",
        "11 f.example Rewrite address=192.0.2.1",
        "12 f.example Rewrite address=2001:db8::1",
        "13 g.example Rewrite record=16:03613b62",
        "14 -UnsupportedValue",
        "15 ip:192.0.2.0/24 Nxdomain",
        "16 nsip:2001:db8::/48 Nxdomain",
        "17 ip:2001:db8:2::1/128 Nodata",
        "18 client:192.0.2.1/32 Allow",
        "19 ns:*.ns.example Nxdomain",
        "20 -BadRecord",
        "21 -BadRecord",
    ];
    let found = rules_of(ListForm::Rpz, zone);
    // An entry over several lines counts at its last line.
    let found: Vec<String> =
        found.into_iter().map(|line| line.replacen("3 -ZoneRecord", "2 -ZoneRecord", 1)).collect();
    assert_eq!(found, expected);
}

#[test]
fn the_zone_of_a_policy_zone_is_cut_from_its_names() {
    let zone = b"$ORIGIN rpz.example.net.\n@ 60 IN SOA a. b. 1 2 3 4 5\nads.example.com CNAME .\n\
        $ORIGIN com.rpz.example.net.\nbad CNAME .\nelsewhere.example. CNAME .\n";
    let expected =
        ["2 -ZoneRecord", "3 ads.example.com Nxdomain", "5 bad.com Nxdomain", "6 -OutsideZone"];
    assert_eq!(rules_of(ListForm::Rpz, zone), expected);
}

#[test]
fn texts_of_any_encoding_are_read_line_by_line() {
    let text = b"\xEF\xBB\xBF0.0.0.0 first.example\r\n0.0.0.0 b\xC3\xBCcher.example\r\n\
        0.0.0.0 b\xFCcher.example\n0.0.0.0 xn--bcher-kva.example\n0.0.0.0 a\0b.example\n0.0.0.0 last.exam";
    let expected = [
        "1 first.example Block",
        "2 xn--bcher-kva.example Block",
        "3 -NotText",
        "4 xn--bcher-kva.example Block",
        "5 -NotText",
        "6 last.exam Block",
    ];
    assert_eq!(rules_of(ListForm::Hosts, text), expected);
    let whole = read_list(ListForm::Hosts, &mut &text[..], &mut |_, _| {}).unwrap();
    assert!(whole.ends_within_line && whole.lines == 6, "{whole:?}");
    let utf_16: Vec<u8> =
        "a.example\nb.example\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(rules_of(ListForm::Domains, &utf_16).iter().all(|line| line.ends_with("-NotText")));
}

#[test]
fn long_lines_are_skipped_and_counted_once() {
    for octets in [MAX_LINE_OCTETS - 1, MAX_LINE_OCTETS, MAX_LINE_OCTETS + 1, 70_000, 1 << 20] {
        let long = "x".repeat(octets);
        let text = format!("a.example\n{long}\nb.example\n{long}");
        let reason = if octets > MAX_LINE_OCTETS { "TooLong" } else { "NotAName" };
        let expected = [
            "1 a.example Block".to_string(),
            format!("2 -{reason}"),
            "3 b.example Block".into(),
            format!("4 -{reason}"),
        ];
        assert_eq!(rules_of(ListForm::Domains, text.as_bytes()), expected, "{octets}");
    }
}

/// Reads one octet at a time.
struct Drip<'a>(&'a [u8]);

impl Read for Drip<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some((first, rest)) = self.0.split_first() else { return Ok(0) };
        buffer[0] = *first;
        self.0 = rest;
        Ok(1)
    }
}

#[test]
fn the_size_of_reads_changes_nothing() {
    let text = b"\xEF\xBB\xBFa.example\n\nb.example\n*.c.example";
    let mut lines = Vec::new();
    read_list(ListForm::Domains, &mut Drip(text), &mut |line, rule| {
        lines.push(format!("{line} {}", show(&rule.unwrap())));
    })
    .unwrap();
    assert_eq!(lines, rules_of(ListForm::Domains, text));
}

#[test]
fn forms_are_recognised() {
    for (text, expected) in [
        ("# hosts\n127.0.0.1 localhost\n0.0.0.0 a.example\n", Ok(ListForm::Hosts)),
        ("# x\na.example\nb.example\n", Ok(ListForm::Domains)),
        ("*.a.example\nb.example\n", Ok(ListForm::Domains)),
        ("! Title: x\n||a.example^\n0.0.0.0 b.example\n", Ok(ListForm::Adblock)),
        ("address=/a.example/\n", Ok(ListForm::Dnsmasq)),
        ("$TTL 60\n@ SOA a. b. 1 2 3 4 5\na.example CNAME .\n", Ok(ListForm::Rpz)),
        ("a.example CNAME .\nb.example CNAME .\n", Ok(ListForm::Rpz)),
        ("\u{feff}<!DOCTYPE html><html>", Err(NoListForm::WebPage)),
        ("  <HTML>", Err(NoListForm::WebPage)),
        ("", Err(NoListForm::NoRule)),
        ("hello world\n", Err(NoListForm::NoRule)),
    ] {
        assert_eq!(ListForm::sniff(text.as_bytes()), expected, "{text}");
    }
}

use crate::form::NoListForm;
use proptest::prelude::*;

/// Text of characters that mean something in lists.
fn texts() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        Just("||".to_string()),
        Just("@@".into()),
        Just("^".into()),
        Just("$".into()),
        Just("\n".into()),
        Just("0.0.0.0 ".into()),
        Just("address=/".into()),
        Just("a.example".into()),
        Just(" CNAME ".into()),
        Just("$important,badfilter".into()),
        Just("dnstype=A|~AAAA".into()),
        Just("/".into()),
        Just("*.".into()),
        Just("rpz-ip".into()),
        Just("(".into()),
        Just(")".into()),
        Just("\"".into()),
        Just("\\".into()),
        Just("$dnsrewrite=NOERROR;A;1.2.3.4".into()),
        Just("@ SOA a. b. 1 2 3 4 5\n".into()),
        "[ -~]{0,4}",
    ];
    let words =
        proptest::collection::vec(word, 0..24).prop_map(|words| words.concat().into_bytes());
    prop_oneof![words, proptest::collection::vec(any::<u8>(), 0..64)]
}

proptest! {
    #[test]
    fn every_rule_of_any_text_is_well_formed(text in texts(), form in 0..ListForm::ALL.len()) {
        let mut faults = Vec::new();
        read_list(ListForm::ALL[form], &mut &text[..], &mut |_, rule| {
            let Ok(rule) = rule else { return };
            let options: Result<crate::RuleOptions, ()> = rule.options.parse();
            if options.map(|options| options.to_string()).as_deref() != Ok(rule.options) {
                faults.push(format!("options {}", rule.options));
            }
            if let RulePattern::Name { name, .. } | RulePattern::Nameserver { name, .. } = rule.pattern
                && (zoners_dns::Name::from_octets(name.to_vec().into()).is_err() || name.to_ascii_lowercase() != name)
            {
                faults.push(format!("name {name:?}"));
            }
        }).unwrap();
        prop_assert_eq!(faults, Vec::<String>::new());
        let _ = ListForm::sniff(&text);
    }
}
