//! The job of launchd (macOS): the text of its property list.
//!
//! launchd starts the daemon at boot and again whenever it ends. The daemon starts as root, since macOS lets nobody
//! else bind port 53 at a single address, and becomes `server.user` by itself. launchd makes no folders and names none,
//! so the job names them by the variables of systemd.

use std::path::{Path, PathBuf};

/// The name of the job.
pub const LABEL: &str = "org.zoners.daemon";
/// The file of the job.
pub const PROPERTY_LIST: &str = "/Library/LaunchDaemons/org.zoners.daemon.plist";
/// Open files and sockets of the daemon at a time; launchd's own limit is 256.
const OPEN_FILES: u32 = 16_384;
/// Seconds between two starts at least; launchd's own value is ten, as long as a machine may be without DNS.
const MIN_SECONDS_BETWEEN_STARTS: u32 = 2;
/// Seconds to finish queries and to write the cache, before the process is killed.
const MAX_SECONDS_TO_END: u32 = 15;

/// A daemon as a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaunchdJob {
    /// The program.
    pub program: PathBuf,
    /// Arguments of the program.
    pub arguments: Vec<String>,
    /// The folder for files that survive a restart.
    pub state: PathBuf,
    /// The folder for the control socket; macOS empties `/var/run` at boot.
    pub runtime: PathBuf,
    /// The file with the log.
    pub log: PathBuf,
}

impl LaunchdJob {
    /// The daemon of an installation: every folder on the way belongs to root.
    #[must_use]
    pub fn installed(program: &Path) -> Self {
        LaunchdJob {
            program: program.to_owned(),
            arguments: vec!["serve".to_owned()],
            state: "/var/db/zoners".into(),
            runtime: "/var/run/zoners".into(),
            log: "/var/log/zoners.log".into(),
        }
    }

    /// The property list (launchd.plist(5)).
    #[must_use]
    pub fn property_list(&self) -> String {
        let program = self.program.to_string_lossy();
        let arguments = self.arguments.iter().map(String::as_str);
        let words: String = std::iter::once(&*program).chain(arguments).map(string).collect();
        let path = |path: &Path| string(&path.to_string_lossy());
        let (state, runtime, log) = (path(&self.state), path(&self.runtime), path(&self.log));
        let label = string(LABEL);
        format!(
            r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
<key>Label</key>
{label}<key>ProgramArguments</key>
<array>
{words}</array>
<key>RunAtLoad</key>
<true/>
<key>KeepAlive</key>
<true/>
<key>ThrottleInterval</key>
<integer>{MIN_SECONDS_BETWEEN_STARTS}</integer>
<key>ExitTimeOut</key>
<integer>{MAX_SECONDS_TO_END}</integer>
<!-- Without this, the system slows the daemon down like any work in the background. -->
<key>ProcessType</key>
<string>Interactive</string>
<key>SoftResourceLimits</key>
<dict>
<key>NumberOfFiles</key>
<integer>{OPEN_FILES}</integer>
</dict>
<key>HardResourceLimits</key>
<dict>
<key>NumberOfFiles</key>
<integer>{OPEN_FILES}</integer>
</dict>
<key>EnvironmentVariables</key>
<dict>
<key>STATE_DIRECTORY</key>
{state}<key>RUNTIME_DIRECTORY</key>
{runtime}</dict>
<key>StandardErrorPath</key>
{log}</dict>
</plist>
"#
        )
    }
}

/// A text as an element, on a line.
fn string(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!("<string>{text}</string>\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tags of the list, each with `<`, and the texts.
    fn parts(list: &str) -> Vec<String> {
        let body = list.split_once("<plist").unwrap().1.split('<').skip(1);
        let parts = body.flat_map(|part| {
            let (tag, text) = part.split_once('>').unwrap();
            [format!("<{tag}"), text.trim().to_owned()]
        });
        parts.filter(|part| !part.is_empty()).collect()
    }

    /// Whether each element ends where it shall.
    fn is_balanced(parts: &[String]) -> bool {
        let mut open = vec!["plist"];
        for tag in parts.iter().filter_map(|part| part.strip_prefix('<')) {
            match tag.strip_prefix('/') {
                Some(tag) if open.pop() != Some(tag) => return false,
                None if !tag.ends_with('/') && !tag.starts_with('!') => open.push(tag),
                _ => {}
            }
        }
        open.is_empty()
    }

    #[test]
    fn a_job_is_a_property_list() {
        let list = LaunchdJob::installed(Path::new("/usr/local/bin/zoners")).property_list();
        let parts = parts(&list);
        assert!(is_balanced(&parts), "{list}");
        let after = |text: &str, further: usize| {
            let at = parts.iter().position(|part| part == text).unwrap();
            parts[at + 2..at + 2 + further].join(" ")
        };
        assert_eq!(after("Label", 2), "<string org.zoners.daemon");
        assert_eq!(after("KeepAlive", 1), "<true/");
        assert_eq!(after("ThrottleInterval", 2), "<integer 2");
        assert_eq!(after("NumberOfFiles", 2), "<integer 16384");
        assert_eq!(after("STATE_DIRECTORY", 2), "<string /var/db/zoners");
        let program =
            "<array <string /usr/local/bin/zoners </string <string serve </string </array";
        assert_eq!(after("ProgramArguments", 8), program);
        assert!(PROPERTY_LIST.ends_with(&format!("/{LABEL}.plist")), "launchd wants this name");
    }

    #[test]
    fn texts_are_escaped() {
        let job = LaunchdJob {
            arguments: vec!["serve".into(), "</string><true/>&".into()],
            ..LaunchdJob::installed(Path::new("/a b/zoners"))
        };
        let list = job.property_list();
        assert!(is_balanced(&parts(&list)), "{list}");
        assert!(list.contains("<string>&lt;/string&gt;&lt;true/&gt;&amp;</string>"), "{list}");
    }
}
