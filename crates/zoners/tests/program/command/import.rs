//! `zoners import`: files of another server become a configuration that `zoners check` accepts.

use crate::common::zoners;

const UNBOUND: &str = "\
server:
    interface: 127.0.0.1@5300
    access-control: 192.0.2.0/24 allow
    edns-buffer-size: 99999
    verbosity: 2
    local-data: \"nas.example 300 IN A 192.0.2.7\"
forward-zone:
    name: corp.example
    forward-addr: 192.0.2.53
forward-zone:
    name: none.example
";

#[test]
fn a_file_of_unbound_becomes_a_sound_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (unbound, written) = (path("unbound.conf"), path("zoners.toml"));
    std::fs::write(&unbound, UNBOUND).unwrap();
    let output = zoners(&["import", &unbound, "--write", &written]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(told.contains(&format!("{unbound}:5: verbosity: 2: no counterpart")), "{told}");
    assert!(
        told.contains(&format!("{unbound}:4: edns-buffer-size: 99999: not accepted")),
        "{told}"
    );
    assert!(
        told.contains(&format!("{unbound}:10: forward-zone none.example: not accepted")),
        "{told}"
    );
    let text = std::fs::read_to_string(&written).unwrap();
    assert!(text.contains("servers = [\"192.0.2.53\"]"), "{text}");
    let checked = zoners(&["check", &written]);
    let found = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert_eq!(checked.status.code(), Some(0), "{found}");
    assert!(found.contains("serves on 127.0.0.1:5300"), "{found}");
    assert!(found.contains("records for 1 name of your own"), "{found}");
    // The file exists now, and stays as written.
    let again = zoners(&["import", &unbound, "--write", &written]);
    assert_eq!(again.status.code(), Some(1));
    assert_eq!(std::fs::read_to_string(&written).unwrap(), text);
    let other = zoners(&["import", &written]);
    assert_eq!(other.status.code(), Some(2));
}

const ADGUARD_HOME: &str = "\
dns:
  bind_hosts: [127.0.0.1]
  port: 5301
  upstream_dns: ['https://dns.example/dns-query', '[/corp.example/]192.0.2.53']
filters:
  - {enabled: true, url: 'https://lists.example/a.txt', name: A list}
users:
  - {name: admin, password: secret}
";

#[test]
fn files_of_several_servers_become_one_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (adguard_home, rules) = (path("AdGuardHome.yaml"), path("more"));
    std::fs::write(&adguard_home, ADGUARD_HOME).unwrap();
    std::fs::write(&rules, "max-cache-ttl=60\n").unwrap();
    // Nothing in the second file tells its server.
    let output = zoners(&["import", &adguard_home, &rules]);
    assert_eq!(output.status.code(), Some(2));
    let dnsmasq = zoners(&["import", &rules, "--from", "dnsmasq"]);
    let text = String::from_utf8_lossy(&dnsmasq.stdout).into_owned();
    assert!(text.contains("max-ttl = 60"), "{text}");
    let written = path("zoners.toml");
    let output = zoners(&["import", &adguard_home, "--write", &written]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(told.ends_with("4 settings taken over, 1 not\n"), "{told}");
    let checked = zoners(&["check", &written]);
    let found = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert_eq!(checked.status.code(), Some(0), "{found}");
    assert!(found.contains("serves on 127.0.0.1:5301"), "{found}");
    let text = std::fs::read_to_string(&written).unwrap();
    assert!(text.contains("name = \"a-list\"") && !text.contains("secret"), "{text}");
}
