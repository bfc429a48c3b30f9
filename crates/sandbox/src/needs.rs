//! Needs: the rights which parts of the daemon declare.

use std::fs::canonicalize;
use std::path::{Path, PathBuf};

/// The needs of a part of the daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needs {
    /// The name of the part: the configuration key that causes the needs, if a key does.
    pub of: &'static str,
    /// The needs.
    pub all: Vec<Need>,
}

/// One need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// Read files below a folder.
    Read(PathBuf),
    /// List a folder with all subfolders, and read the files.
    List(PathBuf),
    /// Create, read, replace and remove files below a folder.
    Write(PathBuf),
    /// Remove files below a folder.
    Remove(PathBuf),
    /// Open TCP connections to a port, at any address.
    Connect(u16),
    /// Open TCP connections to any port, such as ports named by a cluster.
    ConnectAnywhere,
    /// Bind TCP sockets to ports chosen by the operating system.
    Bind,
    /// Listen for TCP connections on a port, which Landlock restricts by port number.
    Listen(u16),
    /// Bind privileged ports (those below 1024), which takes CAP_NET_BIND_SERVICE.
    PrivilegedPorts,
    /// Connect to abstract Unix sockets of foreign programs, which Landlock denies otherwise.
    AbstractSockets,
    /// Use a group of system calls.
    Calls(Calls),
}

/// A group of system calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Calls {
    /// Calls of every program with threads and timers, and calls on files that are open already.
    Run,
    /// Opening, replacing and removing files; Landlock decides which files are accessible.
    Files,
    /// Internet sockets, Unix sockets, and netlink sockets for the list of routes.
    Network,
    /// Listening for clients on sockets opened after the start.
    Listen,
    /// Watching files for changes.
    Watch,
    /// Loading libraries at run time, as a host look-up of the C library does.
    Libraries,
}

impl Needs {
    /// The need to read the file at `path`, even after the file is replaced. A rule applies to a
    /// present object, so the folder is granted, and the folder of the target if `path` is a link.
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

    /// Whether `granted` includes every need.
    pub(crate) fn are_within(&self, granted: &[Needs]) -> Result<(), String> {
        let has = |need: &Need| granted.iter().any(|g| g.all.iter().any(|g| g.includes(need)));
        match self.all.iter().find(|need| !has(need)) {
            Some(need) => Err(format!("{}: {}", self.of, need.describe())),
            None => Ok(()),
        }
    }
}

impl Need {
    /// Whether the need includes `other`.
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
                format!("the sandbox does not allow reading files in {}", folder.display())
            }
            Need::Write(folder) | Need::Remove(folder) => {
                format!("the sandbox does not allow writing files in {}", folder.display())
            }
            Need::Connect(port) => {
                format!("the sandbox does not allow connections to TCP port {port}")
            }
            Need::Listen(port) => {
                format!("the sandbox does not allow listening on TCP port {port}")
            }
            Need::PrivilegedPorts => "the sandbox does not allow ports below 1024".to_owned(),
            Need::ConnectAnywhere | Need::Bind | Need::AbstractSockets | Need::Calls(_) => {
                "the sandbox does not allow the system calls".to_owned()
            }
        }
    }
}

/// Whether `folder` equals `root` or lies below, after resolving links. A missing folder needs no
/// rule.
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
    fn a_grant_includes_folders_below_and_nothing_else() {
        let within =
            |granted: Need, asked: Need| needs(vec![asked]).are_within(&[needs(vec![granted])]);
        let (usr, bin) = (PathBuf::from("/usr"), PathBuf::from("/usr/bin"));
        assert!(within(Need::Read(usr.clone()), Need::Read(bin.clone())).is_ok());
        assert!(within(Need::Write(usr.clone()), Need::List(bin.clone())).is_ok());
        let told = within(Need::Read(bin.clone()), Need::Read(usr.clone())).unwrap_err();
        assert!(told.ends_with("allow reading files in /usr"), "{told}");
        assert!(within(Need::Read(usr.clone()), Need::Write(bin.clone())).is_err());
        assert!(within(Need::Read(usr.clone()), Need::List(bin)).is_err());
        assert!(within(Need::Read(usr), Need::Read("/no/such/folder".into())).is_ok());
        assert!(within(Need::ConnectAnywhere, Need::Connect(5353)).is_ok());
        let told = within(Need::Connect(53), Need::Connect(5353)).unwrap_err();
        assert!(told.contains("TCP port 5353"), "{told}");
        assert!(within(Need::Calls(Calls::Run), Need::Calls(Calls::Libraries)).is_err());
    }

    #[test]
    fn reading_a_file_needs_its_folder_and_the_folder_of_a_link_target() {
        let told = Needs::to_read("server", Path::new("zoners.toml"));
        assert_eq!(told.all, [Need::Read(".".into())]);
        let told = Needs::to_read("server", Path::new("/proc/self/exe"));
        assert_eq!(told.all.len(), 2);
        assert_eq!(told.all[0], Need::Read("/proc/self".into()));
    }
}
