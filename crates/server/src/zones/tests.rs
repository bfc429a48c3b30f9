use std::fs;

use super::{load, local_root, read_copy};
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
    assert!(
        faults.contains("larger than 65536 octets (zone.max-size)") && faults.contains("UTF-8"),
        "{faults}"
    );
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

#[test]
fn a_copy_of_the_root_from_a_file_is_as_old_as_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("root.zone");
    let config = |keys: &str| {
        let text = format!("[resolver]\n{keys}\n");
        Config::parse(&text, "zoners.toml").unwrap()
    };
    let lines =
        format!("local-root = \"file\"\nlocal-root-file = {:?}", path.display().to_string());
    let from_file = config(&lines);
    let spec = || local_root(&from_file, &from_file.settings().unwrap(), None).unwrap();
    let missing = spec();
    assert!(missing.apex.is_root() && missing.primaries.is_empty() && missing.trust.is_some());
    assert!(read_copy(&missing, &path, 1000).is_err());
    fs::write(&path, ". 86400 SOA a. b. 7 1800 900 604800 86400\n. NS a.\na. A 192.0.2.1\n")
        .unwrap();
    let written = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(900);
    fs::File::options().write(true).open(&path).unwrap().set_modified(written).unwrap();
    assert_ne!(spec(), missing, "another version is another secondary");
    let (zone, age) = read_copy(&spec(), &path, 1000).unwrap();
    assert_eq!((zone.soa().serial, age), (7, 100));
    assert_eq!(read_copy(&spec(), &path, 800).unwrap().1, 0);
    let fault = |keys: &str| config(keys).sound().unwrap_err().to_string();
    assert!(fault("local-root = \"file\"").contains("must be given"));
    assert!(fault("local-root-file = \"/a\"").contains("nowhere else"));
}
