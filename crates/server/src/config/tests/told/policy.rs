//! Faults of `[policy]`.

use super::*;

#[test]
fn lists_and_groups_of_the_policy_have_names_of_their_own() {
    for (text, told) in [
        (
            "[[policy.list]]\nname = \"a\"\npath = \"/a\"\n[[policy.list]]\nname = \"a\"\npath = \"/b\"",
            "z:5:8: policy.list.name: a list before has the name \"a\" already",
        ),
        (
            "[[policy.list]]\nname = \"a\"\npath = \"/a\"\n[[policy.group]]\nname = \"kids\"\n\
             clients = [\"192.0.2.1\"]\nlists = [\"b\"]",
            "z:7:10: policy.group.lists: there is no list \"b\"; there are a",
        ),
        (
            "[[policy.group]]\nname = \"default\"\nclients = [\"192.0.2.1\"]",
            "z:3:11: policy.group.clients: must be absent: the default group has",
        ),
        (
            "[[policy.group]]\nname = \"default\"\nblocked-services = [\"x\", \"TikTok\"]",
            "z:3:26: policy.group.blocked-services: there is no service \"TikTok\": did you mean \"tiktok\"?",
        ),
        (
            "[[policy.group]]\nname = \"default\"\n[[policy.group.schedule]]\nname = \"night\"",
            "z:3:1: policy.group.schedule: blocks nothing: give lists, blocked-services or",
        ),
        ("[policy]\ntime-zone = \"Europe/Berln\"", "z:2:13: policy.time-zone: there is no "),
        (
            "[[policy.group]]\nname = \"kids\"\nidentities = [\"desk\", \"My.Phone\"]",
            "z:3:23: policy.group.identities: must be a label in lower case, such as \"phone\"",
        ),
        (
            "[[policy.group]]\nname = \"kids\"\nidentities = [\"desk\"]\n\
             [[policy.group]]\nname = \"home\"\nidentities = [\"desk\"]",
            "z:3:15: policy.group.identities: \"desk\" stands there twice",
        ),
    ] {
        let error = prepared(text);
        assert!(error.starts_with(told), "{error}");
    }
}

#[test]
fn a_list_has_one_origin_and_an_unknown_one_is_told_with_the_nearest() {
    for (text, told) in [
        ("[[policy.list]]\nname = \"a\"", "must have one of the keys path, url, list and zone"),
        (
            "[[policy.list]]\nname = \"a\"\npath = \"/a\"\nurl = \"https://a.example\"",
            "must have one of the keys path, url, list and zone",
        ),
        ("[[policy.list]]\npath = \"/a\"", "must have a name"),
        ("[[policy.list]]\nlist = \"osid-small\"", "the nearest is \"oisd-small\""),
    ] {
        let error = prepared(text);
        assert!(error.contains(told), "{told}: {error}");
    }
    let address = error("[[policy.list]]\nname = \"a\"\nurl = \"ftp://a.example\"");
    assert!(address.contains("an address that begins with https://"), "{address}");
    let refresh = error("[[policy.list]]\nname = \"a\"\npath = \"/a\"\nrefresh = 1");
    assert!(refresh.contains("between 600 and 2592000"), "{refresh}");
}

#[test]
fn each_well_known_list_is_an_address_under_its_own_name() {
    for entry in zoners_policy::catalogue() {
        let text = format!("[[policy.list]]\nlist = {:?}\n", entry.name);
        let config = Config::parse(&text, "z").unwrap();
        let list = &config.policy.list[0];
        assert_eq!((&*list.name, list.form()), (entry.name, Some(entry.form)));
        assert_eq!(list.origin().to_string(), entry.url);
        assert!(matches!(list.origin(), ListOrigin::Address(_)));
    }
}

#[test]
fn clients_are_addresses_hardware_addresses_and_names() {
    let text = "[[policy.group]]\nname = \"a\"\nclients = [\"192.0.2.0/24\", \"::1\", \"02:00:5E:10:00:01\", \
                \"02-00-5e-10-00-02\", \"tablet.lan\", \"nas\"]\n";
    let config = Config::parse(text, "z").unwrap();
    let shown: Vec<String> = config.policy.group[0]
        .clients
        .iter()
        .map(|client| match client {
            ClientNaming::Prefix(prefix) => format!("prefix {prefix}"),
            ClientNaming::Hardware(address) => format!("hardware {address}"),
            ClientNaming::Name(name) => format!("name {name}"),
        })
        .collect();
    let expected = [
        "prefix 192.0.2.0/24",
        "prefix ::1",
        "hardware 02:00:5e:10:00:01",
        "hardware 02:00:5e:10:00:02",
        "name tablet.lan",
        "name nas",
    ];
    assert_eq!(shown.len(), expected.len());
    assert_eq!(shown[2..], expected[2..]);
    for wrong in ["192.0.2.300", "02:00:5e:10:00", "a b", "", "192.0.2.0/33", "."] {
        let text = format!("[[policy.group]]\nname = \"a\"\nclients = [{wrong:?}]\n");
        let error = error(&text);
        assert!(
            error.contains("policy.group.clients: must be an address, a prefix such"),
            "{error}"
        );
    }
}

#[test]
fn days_hours_and_engines_are_told_in_their_form() {
    for (key, told) in [
        (
            "days = [\"monday\"]",
            "days: must be a day or a range of days, such as \"sat\" or \"mon-fri\",",
        ),
        (
            "hours = [\"21-7\"]",
            "hours: must be a range of two different times from 00:00 to 24:00, such",
        ),
        ("time-zone = \"../x\"", "time-zone: must be the name of a time zone, such as"),
        ("weekdays = []", "weekdays: there is no such key in [[policy.group.schedule]]"),
    ] {
        let group =
            "[[policy.group]]\nname = \"default\"\n[[policy.group.schedule]]\nname = \"a\"\n";
        let error = error(&format!("{group}{key}\n"));
        assert!(error.contains(&format!("policy.group.schedule.{told}")), "{error}");
    }
    let error = error("[[policy.group]]\nname = \"default\"\nsafe-search = [\"altavista\"]");
    assert!(
        error.starts_with("zoners.toml:3:16: policy.group.safe-search: must be \"bing\","),
        "{error}"
    );
}

#[test]
fn identities_have_a_limit_in_all_groups_together() {
    let group = |name: char, count: usize| {
        let identities: Vec<String> = (0..count).map(|at| format!("{name}{at}")).collect();
        format!("[[policy.group]]\nname = \"{name}\"\nidentities = {identities:?}\n")
    };
    assert_eq!(prepared(&(group('a', 1000) + &group('b', 24))), "");
    let told = prepared(&(group('a', 1000) + &group('b', 25)));
    assert!(told.contains("policy.group: has more than 1024 identities in all groups"), "{told}");
}
