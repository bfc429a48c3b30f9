//! Programs of the system, for answers without a safe system call.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// A slower program is killed: `lsof` waits for a lost file server.
const TIMEOUT: Duration = Duration::from_secs(3);
/// The longest output that is read.
const MAX_OUTPUT: u64 = 1 << 20;

/// The output of a program at an absolute `path`, in the plain locale; none if the program is missing, or has no output
/// in time. The caller waits.
pub(crate) fn output(path: &str, arguments: &[&str]) -> Option<String> {
    output_within(TIMEOUT, path, arguments, "")
}

/// The same for a program without arguments, which reads `input`: a few lines, since the program gets the input before
/// the output is read.
#[cfg_attr(not(target_os = "macos"), allow(dead_code, reason = "scutil(8) alone reads commands"))]
pub(crate) fn output_of(path: &str, input: &str) -> Option<String> {
    output_within(TIMEOUT, path, &[], input)
}

fn output_within(timeout: Duration, path: &str, arguments: &[&str], input: &str) -> Option<String> {
    let mut command = Command::new(path);
    command.args(arguments).env_clear().env("LC_ALL", "C");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().ok()?;
    // The input ends at once. A program may end without having read it.
    let _ = child.stdin.take()?.write_all(input.as_bytes());
    let stdout = child.stdout.take()?;
    let (send, received) = mpsc::channel();
    let reader = thread::spawn(move || {
        let mut text = Vec::new();
        let read = stdout.take(MAX_OUTPUT).read_to_end(&mut text);
        let _ = send.send(read.map(|_| text));
    });
    let text = received.recv_timeout(timeout).ok().and_then(Result::ok);
    // A program with closed output has no more to say.
    let _ = child.kill();
    let _ = child.wait();
    let _ = reader.join();
    text.map(|text| String::from_utf8_lossy(&text).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_gives_its_output_and_no_variable_of_ours_reaches_it() {
        let shell = |script: &str| output("/bin/sh", &["-c", script]);
        assert_eq!(shell("echo $LC_ALL $HOME; exit 3").as_deref(), Some("C\n"));
        assert_eq!(output("/no/such/program", &[]), None);
        assert_eq!(output_of("/bin/cat", "list\n").as_deref(), Some("list\n"));
        assert_eq!(output_of("/bin/true", "list\n").as_deref(), Some(""));
    }

    #[test]
    fn a_program_that_never_ends_is_killed() {
        let moment = Duration::from_millis(1);
        assert_eq!(output_within(moment, "/bin/sh", &["-c", "exec sleep 600"], ""), None);
    }
}
