//! What a part of the daemon declares that it goes on needing.

use std::fs::canonicalize;
use std::path::{Path, PathBuf};

/// What a part of the daemon needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needs {
    /// Who needs it: a key of the configuration, if that is what asks for it.
    pub of: &'static str,
    /// What.
    pub all: Vec<Need>,
}

/// One thing that a part of the daemon needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// To read files below a folder.
    Read(PathBuf),
    /// To list a folder and those below it, and to read the files there.
    List(PathBuf),
    /// To make, read, replace and remove files below a folder.
    Write(PathBuf),
    /// To remove files below a folder.
    Remove(PathBuf),
    /// To open TCP connections to a port.
    Connect(u16),
    /// To open TCP connections to whatever port others name.
    ConnectAnywhere,
    /// To bind TCP sockets, to a port of the system's choice.
    Bind,
    /// To listen for TCP connections on a port.
    Listen(u16),
    /// To bind ports that take a privilege, as those below 1024 do.
    PrivilegedPorts,
    /// To speak to abstract Unix sockets of other programs.
    AbstractSockets,
    /// To use a group of system calls.
    Calls(Calls),
}

/// System calls that are needed together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Calls {
    /// What every program with threads and timers needs, and whoever writes to an open file.
    Run,
    /// Opening, replacing and removing files.
    Files,
    /// Sockets of the Internet, of this machine, and those that tell of routes.
    Network,
    /// Sockets that hear clients, while it runs.
    Listen,
    /// Loading libraries while it runs, as looking up a host does.
    Libraries,
}

impl Needs {
    /// To read the file at `path`, also after another was put in its place: a rule holds for what is
    /// there now, so what is granted is the folder, and that which a link leads to.
    #[must_use]
    pub fn to_read(of: &'static str, path: &Path) -> Self {
        let folder = |path: &Path| match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
            _ => PathBuf::from("."),
        };
        let mut all = vec![Need::Read(folder(path))];
        all.extend(canonicalize(path).ok().map(|path| Need::Read(folder(&path))));
        Needs { of, all }
    }

    /// Whether `granted` has all of it.
    pub(crate) fn are_within(&self, granted: &[Needs]) -> Result<(), String> {
        let has = |need: &Need| granted.iter().any(|g| g.all.iter().any(|g| g.includes(need)));
        match self.all.iter().find(|need| !has(need)) {
            Some(need) => Err(format!("{}: {}", self.of, need.describe())),
            None => Ok(()),
        }
    }
}

impl Need {
    /// Whether it includes another.
    fn includes(&self, other: &Need) -> bool {
        use Need::{Connect, ConnectAnywhere, List, Read, Remove, Write};
        match (self, other) {
            (Read(own) | List(own) | Write(own), Read(other))
            | (List(own) | Write(own), List(other))
            | (Write(own), Write(other) | Remove(other))
            | (Remove(own), Remove(other)) => is_below(other, own),
            (ConnectAnywhere, Connect(_)) => true,
            _ => self == other,
        }
    }

    fn describe(&self) -> String {
        match self {
            Need::Read(folder) | Need::List(folder) => {
                format!("files in {} were not to be read when it was started", folder.display())
            }
            Need::Write(folder) | Need::Remove(folder) => {
                format!("files in {} were not to be written when it was started", folder.display())
            }
            Need::Connect(port) => {
                format!("TCP port {port} was not to be asked when it was started")
            }
            Need::Listen(port) => {
                format!("TCP port {port} was not to be listened on when it was started")
            }
            Need::PrivilegedPorts => {
                "no port below 1024 was to be listened on when it was started".to_owned()
            }
            Need::ConnectAnywhere | Need::Bind | Need::AbstractSockets | Need::Calls(_) => {
                "was not set when it was started".to_owned()
            }
        }
    }
}

/// Whether `folder` is `root`, or below it, wherever links lead. One that is not there has nothing to
/// be denied.
fn is_below(folder: &Path, root: &Path) -> bool {
    match (canonicalize(folder), canonicalize(root)) {
        (Ok(folder), Ok(root)) => folder.starts_with(root),
        (Err(_), _) => true,
        (Ok(_), Err(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(all: Vec<Need>) -> Needs {
        Needs { of: "local.hosts", all }
    }

    #[test]
    fn what_was_granted_includes_what_is_below_and_nothing_else() {
        let within =
            |granted: Need, asked: Need| needs(vec![asked]).are_within(&[needs(vec![granted])]);
        let (usr, bin) = (PathBuf::from("/usr"), PathBuf::from("/usr/bin"));
        assert!(within(Need::Read(usr.clone()), Need::Read(bin.clone())).is_ok());
        assert!(within(Need::Write(usr.clone()), Need::List(bin.clone())).is_ok());
        let told = within(Need::Read(bin.clone()), Need::Read(usr.clone())).unwrap_err();
        assert!(told.starts_with("local.hosts: files in /usr "), "{told}");
        assert!(within(Need::Read(usr.clone()), Need::Write(bin.clone())).is_err());
        assert!(within(Need::Read(usr.clone()), Need::List(bin)).is_err());
        assert!(within(Need::Read(usr), Need::Read("/no/such/folder".into())).is_ok());
        assert!(within(Need::ConnectAnywhere, Need::Connect(5353)).is_ok());
        let told = within(Need::Connect(53), Need::Connect(5353)).unwrap_err();
        assert!(told.contains("TCP port 5353"), "{told}");
        assert!(within(Need::Calls(Calls::Run), Need::Calls(Calls::Libraries)).is_err());
    }

    #[test]
    fn a_file_is_read_by_its_folder_and_that_of_what_it_links_to() {
        let told = Needs::to_read("server", Path::new("zoners.toml"));
        assert_eq!(told.all, [Need::Read(".".into())]);
        let told = Needs::to_read("server", Path::new("/proc/self/exe"));
        assert_eq!(told.all.len(), 2);
        assert_eq!(told.all[0], Need::Read("/proc/self".into()));
    }
}
