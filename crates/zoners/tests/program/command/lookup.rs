//! `zoners lookup` against servers, typed as users of dig, q and doggo do: the texts are files in `snapshots/`.
//! `INSTA_UPDATE=always cargo test -p zoners --test program lookup` writes the files anew.

use std::net::SocketAddr;

use crate::common::{Daemon, zoners};

/// Records of the daemon: answers without the Internet.
const RECORDS: &str = "[local]\nrecords = [\n\"nas.test. 300 A 192.0.2.7\",\n\"nas.test. 300 MX 10 nas.test.\",\n\
                       \"7.2.0.192.in-addr.arpa. PTR nas.test.\",\n\"xn--bcher-kva.test. 300 A 192.0.2.8\"]";

/// The outputs of `zoners lookup` with arguments in which `SERVER` is an address and `PORT` a port.
fn conversation(server: SocketAddr, questions: &[&str]) -> String {
    let (address, port) = (server.ip().to_string(), server.port().to_string());
    let mut text = String::new();
    for question in questions {
        let arguments = question.replace("SERVER", &address).replace("PORT", &port);
        let arguments: Vec<&str> = ["lookup"].into_iter().chain(arguments.split(' ')).collect();
        let output = zoners(&arguments);
        let printed = [output.stderr, output.stdout].concat();
        let printed = String::from_utf8_lossy(&printed).replace(&port, "PORT");
        let lines: Vec<String> = printed.lines().map(without_times).collect();
        let code = output.status.code().unwrap();
        text +=
            &format!("$ zoners lookup {question}\n{}\n[exit code {code}]\n\n", lines.join("\n"));
    }
    text
}

/// A line with `TIME` for milliseconds, and `TTL` for the TTL of a record.
fn without_times(line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let shown = words.iter().enumerate().map(|(at, word)| {
        let is_before = |next: &str| words.get(at + 1).is_some_and(|other| *other == next);
        match () {
            () if is_before("ms,") => "TIME",
            () if is_before("IN") && word.parse::<u32>().is_ok() => "TTL",
            () => word,
        }
    });
    shown.collect::<Vec<_>>().join(" ")
}

fn holds(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

#[test]
fn a_daemon_is_asked_in_every_notation() {
    let daemon = Daemon::start(RECORDS);
    let questions = [
        "nas.test @SERVER -p PORT",
        "@SERVER -p PORT -t MX nas.test",
        "--server SERVER:PORT nas.test A +short",
        "nas.test MX +short --server SERVER -p PORT",
        "-s tcp://SERVER:PORT nas.test A",
        "@SERVER -p PORT nas.test A +tcp",
        "@SERVER -p PORT -x 192.0.2.7",
        "@SERVER -p PORT 192.0.2.7 +short",
        "@SERVER -p PORT b\u{fc}cher.test A +noidnout",
        "@SERVER -p PORT nas.test A +trace",
        "@SERVER -p PORT nas.test AAAA",
        "@SERVER -p PORT gone.invalid A",
        "@SERVER -p PORT nas.test A +noall +answer",
        "@SERVER -p PORT version.bind CH TXT",
        "@SERVER -p PORT nas.test NONSENSE",
        "--server SERVER -p PORT --daemon nas.test",
    ];
    holds("lookup-daemon", &conversation(daemon.address, &questions));
}

#[cfg(feature = "demo")]
#[test]
fn the_demonstration_is_asked_for_what_it_shows() {
    let demo = crate::common::Demo::start();
    let questions = [
        "@SERVER -p PORT www.fast.demo",
        "@SERVER -p PORT www.fast.demo HTTPS +short",
        "@SERVER -p PORT www.slow.demo A",
        "@SERVER -p PORT www.shop.demo A",
        "@SERVER -p PORT x.old.moved.demo A",
        "@SERVER -p PORT gone.fast.demo A",
        "@SERVER -p PORT -t MX www.fast.demo",
        "@SERVER -p PORT www.expired.demo A",
        "@SERVER -p PORT www.expired.demo A +cdflag",
        "@SERVER -p PORT 8.8.8.8",
        "@SERVER -p PORT -x 2001:db8::1",
    ];
    holds("lookup-demo", &conversation(demo.addresses[0], &questions));
}
