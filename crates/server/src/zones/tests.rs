use std::fs;

use super::load;
use crate::Config;

const SOA: &str = "@ 3600 SOA ns hostmaster 7 3600 600 604800 300\n";

#[test]
fn every_zone_that_cannot_be_loaded_is_told_with_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    fs::write(path("good"), format!("{SOA}a A 192.0.2.1\n")).unwrap();
    fs::write(path("bad"), format!("{SOA}a A 192.0.2.300\n")).unwrap();
    fs::write(path("large"), format!("{SOA}{}", "; padding\n".repeat(10_000))).unwrap();
    fs::write(path("latin"), b"@ SOA n\xE4 h 1 2 3 4 5\n").unwrap();
    let zone = |name: &str| {
        let path = path(name);
        format!("[[zone]]\nzone = \"{name}.test\"\nfile = \"{path}\"\nmax-size = \"64KiB\"\n")
    };
    let text: String = ["good", "bad", "large", "latin", "absent"].map(zone).concat();
    let error = load(&Config::parse(&text, "zoners.toml").unwrap()).unwrap_err();
    let faults = error.faults().join("\n");
    assert_eq!(error.faults().len(), 4, "{faults}");
    assert!(faults.contains(&format!("{}:2: ", path("bad"))), "{faults}");
    assert!(faults.contains("larger than zone.max-size") && faults.contains("UTF-8"), "{faults}");
    assert!(faults.contains("zoners.toml:7:8: zone.file: "), "{faults}");
    let table = load(&Config::parse(&zone("good"), "zoners.toml").unwrap()).unwrap();
    assert!(table.get(&zoners_dns::name::parse("good.test").unwrap()).is_some());
}

#[test]
fn a_zone_has_one_source() {
    let zone = "[[zone]]\nzone = \"lan\"\nfile = \"/lan\"\n";
    let forward = "[[forward]]\nzone = \"lan\"\nservers = [\"192.0.2.1\"]\n";
    let fault = |text: String| Config::parse(&text, "t").unwrap().sound().unwrap_err().to_string();
    assert!(fault(format!("{zone}{zone}")).contains("lan. has a [[zone]] already"));
    assert!(fault(format!("{forward}{zone}")).contains("a zone takes one of the three"));
    assert!(fault(zone.replace("\"lan\"", "\".\"")).contains("below the root"));
}
