//! A request on the control socket, and what the daemon makes of its texts before anything else.

use zoners_api::AdminRequest;
use zoners_dns::name;
use zoners_server::control::question;
use zoners_server::events::EventFilter;

/// Octets of the longest request.
const LONGEST: usize = 4096;
/// What of an error is no text of the request.
const WORDS: usize = 512;

/// Reads each line of `octets` as a request.
pub fn run(octets: &[u8]) {
    for line in octets.split(|octet| *octet == b'\n') {
        let line = line.get(..LONGEST).unwrap_or(line);
        match AdminRequest::from_line(line) {
            Err(error) => told(&error.to_string(), line),
            Ok(request) => texts(request, line),
        }
    }
}

/// An error repeats no more than was said.
fn told(error: &str, line: &[u8]) {
    assert!(error.len() <= 6 * line.len() + WORDS, "{error}");
}

fn texts(request: AdminRequest, line: &[u8]) {
    match request {
        AdminRequest::Lookup { name, r#type } => match question(&name, &r#type) {
            Ok(asked) => {
                let again = question(&asked.name.to_string(), &asked.rtype.to_string());
                assert_eq!(again, Ok(asked));
            }
            Err(error) => told(&error, line),
        },
        AdminRequest::Flush { name, .. }
        | AdminRequest::NtaAdd { name, .. }
        | AdminRequest::NtaRemove { name }
        | AdminRequest::CacheLookup { name }
        | AdminRequest::Servers { zone: Some(name) } => {
            if let Err(error) = name::parse(&name) {
                told(&error, line);
            }
        }
        AdminRequest::Watch(filter) => {
            if let Err(error) = EventFilter::of(&filter) {
                told(&error, line);
            }
        }
        _ => {}
    }
}
