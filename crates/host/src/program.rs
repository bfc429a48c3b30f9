//! Programs of the system, for what the system tells through programs alone.

use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// A program that needs longer is killed: `lsof` waits for a file server that is gone.
const TIMEOUT: Duration = Duration::from_secs(3);
/// The longest output that is read.
const MAX_OUTPUT: u64 = 1 << 20;

/// The output of a program at an absolute `path`, in the plain locale; none if there is no such program, or no output
/// in time. The caller waits.
pub(crate) fn output(path: &str, arguments: &[&str]) -> Option<String> {
    output_within(TIMEOUT, path, arguments)
}

fn output_within(timeout: Duration, path: &str, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new(path);
    command.args(arguments).env_clear().env("LC_ALL", "C");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().ok()?;
    let stdout = child.stdout.take()?;
    let (send, received) = mpsc::channel();
    let reader = thread::spawn(move || {
        let mut text = Vec::new();
        let read = stdout.take(MAX_OUTPUT).read_to_end(&mut text);
        let _ = send.send(read.map(|_| text));
    });
    let text = received.recv_timeout(timeout).ok().and_then(Result::ok);
    // A program that has closed its output has no more to say.
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
    }

    #[test]
    fn a_program_that_never_ends_is_killed() {
        let moment = Duration::from_millis(1);
        assert_eq!(output_within(moment, "/bin/sh", &["-c", "exec sleep 600"]), None);
    }
}
