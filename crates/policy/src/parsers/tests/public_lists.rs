//! Kinds of lines that public lists have, each with one line of the kind.

use super::*;

#[test]
fn remarks_titles_and_addresses_in_hosts_files_are_no_rules() {
    check(
        ListForm::Hosts,
        &[
            ("! Title: converted from an adblock list", &[]),
            ("!#if !env_mv3", &[]),
            ("[hosts]", &[]),
            ("127.0.0.1 192.0.2.1", &["-AddressAsName"]),
            (":: 2001:db8::1", &["-AddressAsName"]),
            ("0.0.0.0 ads.example # 192.0.2.1", &["ads.example Block"]),
        ],
    );
}

#[test]
fn names_behind_a_dot_are_meant_with_names_below() {
    for form in [ListForm::Domains, ListForm::Wildcards] {
        check(
            form,
            &[
                (".ads.example", &[".ads.example Block"]),
                ("*.ads.example", &[".ads.example Block"]),
                ("..ads.example", &["-NotAName"]),
                ("*ads.example", &["-NotAName"]),
                ("192.0.2.1", &["-AddressAsName"]),
                ("; remark", &[]),
            ],
        );
    }
    assert_eq!(ListForm::sniff(b".ads.example\n.b.example\n"), Ok(ListForm::Domains));
}

#[test]
fn adblock_patterns_without_an_end_are_beginnings() {
    check(
        ListForm::Adblock,
        &[
            ("||ads.", &["scan:||ads. Block"]),
            ("||ads.example.", &["scan:||ads.example. Block"]),
            ("||ads-", &["scan:||ads- Block"]),
            ("||adserv", &["scan:||adserv Block"]),
            ("|ads-", &["scan:|ads- Block"]),
            ("|ads.x-", &["scan:|ads.x- Block"]),
            ("://ww48.", &["scan:://ww48. Block"]),
            ("ads-*.example.com", &["scan:ads-*.example.com Block"]),
            ("||zip^", &[".zip Block"]),
            ("@@|ads.example^|", &["ads.example Allow"]),
        ],
    );
}

#[test]
fn adblock_rules_for_addresses_concern_answers() {
    check(
        ListForm::Adblock,
        &[
            ("192.0.2.1", &["ip:192.0.2.1/32 Block"]),
            ("192.0.2.1^", &["ip:192.0.2.1/32 Block"]),
            ("||192.0.2.", &["ip:192.0.2.0/24 Block"]),
            ("||198.51.", &["ip:198.51.0.0/16 Block"]),
            ("|203.", &["ip:203.0.0.0/8 Block"]),
            ("2001:db8::1", &["ip:2001:db8::1/128 Block"]),
            ("||[2001:db8::1]^", &["ip:2001:db8::1/128 Block"]),
            ("||192.0.2.1.5.", &["scan:||192.0.2.1.5. Block"]),
            ("||192.0.2.1:8080^", &["-BrowserOnly"]),
        ],
    );
}

#[test]
fn remarks_behind_adblock_rules_are_no_part_of_the_rule() {
    check(
        ListForm::Adblock,
        &[
            ("||ads.example^ # https://example.org/", &[".ads.example Block"]),
            ("||cdn.example^$badfilter  # a CDN", &[".cdn.example Block disables"]),
            ("example.com## .banner #x", &["-BrowserOnly"]),
            ("||ads.example^$doc,reason=tracker", &[".ads.example Block"]),
        ],
    );
    let remark = "known_as_a_remark_in_the_place_of_a_name_of_more_than_sixty_three_octets";
    let line = format!("://ww10.$denyallow=ww10.example|{remark}.example");
    check(ListForm::Adblock, &[(&line, &["scan:://ww10. Block except=ww10.example"])]);
    check(ListForm::Adblock, &[("||a^$denyallow=b..example", &["-UnsupportedValue"])]);
}

#[test]
fn adblock_patterns_for_paths_are_for_browsers() {
    check(
        ListForm::Adblock,
        &[
            ("||shop.example^*-banner.", &["-BrowserOnly"]),
            ("||shop.example^frame", &["-BrowserOnly"]),
            ("^ads.min.js^", &["-BrowserOnly"]),
            ("_g+_icon.", &["-BrowserOnly"]),
            ("~pop.", &["-BrowserOnly"]),
            (r"/^https?:\/\/ads\.example/", &["-BrowserOnly"]),
            ("/^(https?|tcp)://ads[0-9]+/", &["-BrowserOnly"]),
            (r"/(https?:\/\/)192\.0\.2\..{100,}/", &["-BrowserOnly"]),
            (r"/^(https?:\/\/)?ads\.example/", &[r"scan:/^(https?:\/\/)?ads\.example/ Block"]),
            ("/^(.*://|.*[.])?ads/", &["scan:/^(.*://|.*[.])?ads/ Block"]),
            ("||a.example^$doc,ipaddress=192.0.2.1", &["-UnsupportedOption"]),
            ("@||a.example^", &["-NotAName"]),
        ],
    );
}

#[test]
fn dnsmasq_lists_block_addresses_and_forward_to_nowhere() {
    check(
        ListForm::Dnsmasq,
        &[
            ("bogus-nxdomain=192.0.2.1", &["ip:192.0.2.1/32 Nxdomain"]),
            ("bogus-nxdomain=192.0.2.0/24 # x", &["ip:192.0.2.0/24 Nxdomain"]),
            ("bogus-nxdomain=x", &["-UnsupportedValue"]),
            ("server=/ads.example/127.0.0.1", &[".ads.example Nxdomain"]),
            ("server=/ads.example/127.0.0.1#5353", &["-Forwarding"]),
            ("server=/ads.example/127.0.0.53", &["-Forwarding"]),
            ("address=/192.0.2.1/", &["-AddressAsName"]),
        ],
    );
    assert_eq!(ListForm::sniff(b"bogus-nxdomain=192.0.2.1\n"), Ok(ListForm::Dnsmasq));
}

#[test]
fn records_outside_the_policy_zone_are_told_from_malformed_ones() {
    let zone = b"@ SOA a. b. 1 2 3 4 5\nads.example. CNAME .\n2.0.192.in.rpz-ip CNAME .\n\
        1.2.0.192.rpz-ip CNAME .\n!*.example\nb* CNAME .\n";
    let expected = [
        "1 -ZoneRecord",
        "2 -OutsideZone",
        "3 -BadRecord",
        "4 -BadRecord",
        "5 -BadRecord",
        "6 b* Nxdomain",
    ];
    assert_eq!(rules_of(ListForm::Rpz, zone), expected);
}
