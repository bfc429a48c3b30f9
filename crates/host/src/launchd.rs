//! The jobs of launchd (macOS): the texts of their property lists, and the commands for them.
//!
//! launchd starts a job at boot and again whenever the job ends. The daemon starts as root, since macOS lets nobody
//! else bind port 53 at a single address, and becomes `server.user` by itself. launchd makes no folders and names none,
//! so the job names them by the variables of systemd.

use std::path::{Path, PathBuf};

use crate::plan::{SystemCommand, SystemService};

/// The name of the daemon's job, and of the job that keeps the DNS settings ([`crate::mac_dns`]).
pub const DAEMON_LABEL: &str = "org.zoners.daemon";
/// See [`DAEMON_LABEL`].
pub const SWITCH_LABEL: &str = "org.zoners.system-dns";
/// The folder for data of Zoners on macOS: the program, and the state of the daemon below.
pub const DATA_FOLDER: &str = "/Library/Application Support/Zoners";
/// The folder for the state of the daemon.
pub const STATE_FOLDER: &str = "/Library/Application Support/Zoners/state";
/// The folder for logs, which the app Console shows.
pub const LOG_FOLDER: &str = "/Library/Logs/Zoners";

/// Open files and sockets of the daemon at a time; launchd's own limit is 256.
const OPEN_FILES: u32 = 16_384;
/// Seconds between two starts at least; launchd's own value is ten, as long as a machine may be without DNS.
const MIN_SECONDS_BETWEEN_STARTS: u32 = 2;
/// Seconds to finish queries and to write the cache, before the process is killed.
const MAX_SECONDS_TO_END: u32 = 15;

/// A process as a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaunchdJob {
    /// The name of the job.
    pub label: &'static str,
    /// The program.
    pub program: PathBuf,
    /// Arguments of the program.
    pub arguments: Vec<String>,
    /// Variables: name and value.
    pub environment: Vec<(&'static str, PathBuf)>,
    /// The file with the log.
    pub log: PathBuf,
}

impl LaunchdJob {
    /// The daemon of an installation: every folder on the way belongs to root.
    #[must_use]
    pub fn daemon(program: &Path, config: &str) -> Self {
        LaunchdJob {
            label: DAEMON_LABEL,
            program: program.to_owned(),
            arguments: ["serve", "--config", config].map(str::to_owned).into(),
            environment: vec![
                ("STATE_DIRECTORY", STATE_FOLDER.into()),
                // macOS empties the folder above at boot.
                ("RUNTIME_DIRECTORY", "/var/run/zoners".into()),
            ],
            log: Path::new(LOG_FOLDER).join("zoners.log"),
        }
    }

    /// The service that keeps the DNS settings.
    #[must_use]
    pub fn switch(program: &Path) -> Self {
        LaunchdJob {
            label: SWITCH_LABEL,
            program: program.to_owned(),
            arguments: ["system-dns", "keep"].map(str::to_owned).into(),
            environment: Vec::new(),
            log: Path::new(LOG_FOLDER).join("system-dns.log"),
        }
    }

    /// The path of the property list for a start at boot: launchd wants the name of the job.
    #[must_use]
    pub fn path(&self) -> String {
        format!("/Library/LaunchDaemons/{}.plist", self.label)
    }

    /// The path of the property list for a start now: a job is started before it is started at boot, so that a boot
    /// after a power cut starts no job without a start in the journal.
    #[must_use]
    pub fn start_path(&self) -> String {
        format!("{DATA_FOLDER}/{}.plist", self.label)
    }

    /// The name of the job for launchctl(1).
    #[must_use]
    pub fn target(&self) -> String {
        format!("system/{}", self.label)
    }

    /// The commands for the job. `bootout` returns before the process has ended, and `bootstrap` fails until then
    /// ("5: Input/output error"): so both are repeated.
    #[must_use]
    pub fn service(&self) -> SystemService {
        let (target, path) = (self.target(), self.start_path());
        let shell = |script: String| SystemCommand::of(&["sh", "-c", &script]);
        let seconds = MAX_SECONDS_TO_END + 5;
        let stop = format!(
            "launchctl bootout {target}; for i in $(seq {seconds}); do \
             launchctl print {target} >/dev/null 2>&1 || exit 0; sleep 1; done; exit 1"
        );
        let start = format!(
            "for i in $(seq 5); do launchctl bootstrap system '{path}' && exit 0; sleep 1; done; exit 1"
        );
        SystemService {
            name: self.label.to_owned(),
            start: SystemCommand::of(&["launchctl", "bootstrap", "system", &path]),
            restart: shell(format!("({stop}) && {start}")),
            stop: shell(stop),
            is_running: SystemCommand::of(&["launchctl", "print", &target]),
            has_process: None,
        }
    }

    /// The property list (launchd.plist(5)).
    #[must_use]
    pub fn property_list(&self) -> String {
        let program = self.program.to_string_lossy();
        let arguments = self.arguments.iter().map(String::as_str);
        let words: String = std::iter::once(&*program).chain(arguments).map(string).collect();
        let path = |path: &Path| string(&path.to_string_lossy());
        let log = path(&self.log);
        let label = string(self.label);
        let variable =
            |(name, value): &(&str, PathBuf)| format!("<key>{name}</key>\n{}", path(value));
        let environment: String = self.environment.iter().map(variable).collect();
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
{environment}</dict>
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
        let program = Path::new("/Library/Application Support/Zoners/zoners");
        let job = LaunchdJob::daemon(program, "/etc/zoners/zoners.toml");
        let list = job.property_list();
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
        assert_eq!(after("STATE_DIRECTORY", 2), format!("<string {STATE_FOLDER}"));
        let words = "<array <string /Library/Application Support/Zoners/zoners </string \
                     <string serve </string <string --config </string \
                     <string /etc/zoners/zoners.toml </string </array";
        assert_eq!(after("ProgramArguments", 14), words);
        assert_eq!(job.path(), "/Library/LaunchDaemons/org.zoners.daemon.plist");
        assert!(is_balanced(&self::parts(&LaunchdJob::switch(program).property_list())));
    }

    #[test]
    fn texts_are_escaped() {
        let job = LaunchdJob {
            arguments: vec!["serve".into(), "</string><true/>&".into()],
            ..LaunchdJob::switch(Path::new("/a b/zoners"))
        };
        let list = job.property_list();
        assert!(is_balanced(&parts(&list)), "{list}");
        assert!(list.contains("<string>&lt;/string&gt;&lt;true/&gt;&amp;</string>"), "{list}");
    }
}
