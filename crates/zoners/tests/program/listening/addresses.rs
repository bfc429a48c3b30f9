//! Listening on addresses that are taken or not there yet.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::common::heard::{is_served, is_served_over_tcp, take};
use crate::common::networks::{Machine, in_a_network, ip};
use crate::common::{Daemon, file};

/// Environment variables of service managers; without these, a person started the program.
const MANAGERS: [&str; 5] =
    ["NOTIFY_SOCKET", "INVOCATION_ID", "LISTEN_FDS", "XPC_SERVICE_NAME", "RUNTIME_DIRECTORY"];

/// `zoners serve` without a configuration, called by a person with this home.
fn serve(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zoners"));
    command.arg("serve").env("XDG_STATE_HOME", home).stderr(Stdio::piped());
    without_manager(&mut command);
    command.env("RUNTIME_DIRECTORY", home);
    command
}

fn without_manager(command: &mut Command) {
    for name in MANAGERS {
        command.env_remove(name);
    }
}

#[test]
fn a_taken_port_ends_a_service_with_the_name_of_its_owner() {
    in_a_network(|| {
        let _taken = [take("127.0.0.1:53"), take("[::1]:53")];
        let home = tempfile::tempdir().unwrap();
        let output = serve(home.path()).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "so that it is tried again");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        let owner = format!("(process {})", std::process::id());
        assert!(told.contains("127.0.0.1:53: ") && told.contains(&owner), "{told}");
        assert!(!told.contains("5300"), "{told}");
    });
}

/// Runs a program at a terminal until the first output, ends it, and prints the output.
const AT_A_TERMINAL: &str = "
import os, pty, signal, sys
process, terminal = pty.fork()
if process == 0:
    os.execv(sys.argv[2], sys.argv[2:])
said = b''
while sys.argv[1].encode() not in said:
    said += os.read(terminal, 4096)
os.kill(process, signal.SIGTERM)
print(said.decode())
";

#[test]
fn a_first_try_at_a_terminal_gets_another_port() {
    in_a_network(|| {
        let _taken = [take("127.0.0.1:53"), take("[::1]:53")];
        let home = tempfile::tempdir().unwrap();
        let mut command = Command::new("python3");
        let zoners = [env!("CARGO_BIN_EXE_zoners"), "serve"];
        command.args(["-c", AT_A_TERMINAL, "use it"]).args(zoners);
        without_manager(&mut command);
        command.env("RUNTIME_DIRECTORY", home.path());
        let output = command.env("XDG_STATE_HOME", home.path()).output().unwrap();
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(told.contains("127.0.0.1:5300") && told.contains("[::1]:5300"), "{told}");
        assert!(told.contains(&format!("(process {})", std::process::id())), "{told}");
    });
}

#[test]
fn one_family_that_is_taken_does_not_give_up_the_other_unless_both_are_configured() {
    in_a_network(|| {
        let _taken = take("127.0.0.1:53");
        let folder = tempfile::tempdir().unwrap();
        file(&folder, "[server]\ncontrol = \"\"\n");
        let mut daemon = Daemon::of(folder);
        let told = daemon.line_with("not served: ").unwrap();
        let owner = format!("(process {})", std::process::id());
        assert!(told.contains("127.0.0.1:53: ") && told.contains(&owner), "{told}");
        assert!(daemon.is_ready() && is_served("[::1]", "[::1]:53"));
        drop(daemon);
        let folder = tempfile::tempdir().unwrap();
        file(&folder, "[server]\ncontrol = \"\"\nlisten = [\"[::1]:53\", \"127.0.0.1:53\"]\n");
        let mut daemon = Daemon::of(folder);
        assert!(daemon.line_with("127.0.0.1:53: ").unwrap().contains(&owner));
        assert_eq!(daemon.child.wait().unwrap().code(), Some(1));
    });
}

#[test]
fn an_address_that_is_not_there_yet_is_served_once_it_is() {
    in_a_network(|| {
        let client = Machine::at("lan0");
        client.ip("addr add 192.168.7.2/24 dev eth0");
        client.ip("addr add fd00:7::2/64 dev eth0 nodad");
        let folder = tempfile::tempdir().unwrap();
        let listen = "listen = [\"192.168.7.1:53\", \"[fd00:7::1]:53\"]";
        file(&folder, &format!("[server]\ncontrol = \"\"\nthreads = 2\n{listen}\n"));
        let mut daemon = Daemon::of(folder);
        assert!(daemon.is_ready());
        // A second address on the link, not listened on, and the first choice as a source address.
        for address in
            ["192.168.7.9/24", "192.168.7.1/24", "fd00:7::9/64 nodad", "fd00:7::1/64 nodad"]
        {
            ip(&format!("addr add {address} dev lan0"));
        }
        client.there(|| {
            for (from, to) in [("192.168.7.2", "192.168.7.1:53"), ("[fd00:7::2]", "[fd00:7::1]:53")]
            {
                assert!(is_served(from, to), "{to}");
                assert!(is_served_over_tcp(to), "{to}");
            }
            assert!(!is_served_over_tcp("192.168.7.9:53"));
        });
    });
}

#[test]
fn a_wildcard_answers_from_the_address_that_was_asked_whenever_that_came() {
    in_a_network(|| {
        let client = Machine::at("lan0");
        client.ip("addr add 192.168.7.2/24 dev eth0");
        let folder = tempfile::tempdir().unwrap();
        file(&folder, "[server]\ncontrol = \"\"\nlisten = [\"0.0.0.0:53\"]\n");
        let mut daemon = Daemon::of(folder);
        assert!(daemon.is_ready());
        for address in ["192.168.7.9", "192.168.7.1"] {
            ip(&format!("addr add {address}/24 dev lan0"));
            let to = format!("{address}:53");
            client.there(|| assert!(is_served("192.168.7.2", &to) && is_served_over_tcp(&to)));
        }
    });
}

#[test]
fn an_address_over_udp_or_tcp_alone_is_told_as_such() {
    let table = |scheme: &str| format!("[[listen]]\naddress = \"{scheme}://127.0.0.1:0\"\n");
    let mut daemon = Daemon::start(&(table("tcp") + &table("udp")));
    let [udp, tcp] = ["UDP", "TCP"].map(|transport| {
        let told = daemon.line_with(&format!(", {transport}")).unwrap();
        let (_, address) = told.split_once("serving on ").unwrap();
        address.split(',').next().unwrap().to_owned()
    });
    let status = daemon.json("status");
    assert_eq!(status["listen"], serde_json::json!([daemon.address.to_string()]));
    let single = [format!("udp://{udp}"), format!("tcp://{tcp}")];
    assert_eq!(status["single_transport"], serde_json::json!(single));
}
