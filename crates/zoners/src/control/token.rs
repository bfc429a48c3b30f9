//! `zoners token`: tokens for programs that ask over HTTP.

use std::time::{Duration, UNIX_EPOCH};

use zoners_api::{
    AdminReply, AdminRequest, TokenCreated, TokenList, TokenReport, TokenRevoked, TokenScope,
};
use zoners_server::config::values::parse_duration;

use super::Socket;
use crate::Failure;
use crate::output::println;
use crate::print::{BOLD, DIM, clean};

/// Arguments of `zoners token`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "A program shows the token with each request to the HTTP API, at server.dashboard of the configuration:

  zoners token create grafana --scope read
  export TOKEN=zoners_…
  curl -H \"Authorization: Bearer $TOKEN\" http://127.0.0.1:5380/api/v1/status
  curl -H \"Authorization: Bearer $TOKEN\" 'http://127.0.0.1:5380/api/v1/lookup?name=example.com&type=A'
  curl -H \"Authorization: Bearer $TOKEN\" -d '{\"seconds\":300}' http://127.0.0.1:5380/api/v1/policy-pause
  curl http://127.0.0.1:5380/api/v1/openapi.json        every request and reply

The server keeps a hash of the token alone: whoever loses a token makes another one."
)]
pub(crate) struct TokenArguments {
    #[command(subcommand)]
    command: TokenCommand,
}

#[derive(Debug, clap::Subcommand)]
enum TokenCommand {
    /// Make a token, and print it: it is shown this once.
    Create {
        /// The name by which the token is revoked.
        name: String,
        /// What the bearer may ask: read (changes nothing), policy (pauses, lists and rules too), admin (what the dashboard
        /// may).
        #[arg(long, value_parser = scope)]
        scope: TokenScope,
        /// The life of the token, such as 12h or 90d; a year at most.
        #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "90d")]
        expires: Duration,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        socket: Socket,
    },
    /// Show the tokens that have not ended.
    List {
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        socket: Socket,
    },
    /// End a token now.
    Revoke {
        /// The name.
        name: String,
        #[command(flatten)]
        socket: Socket,
    },
}

fn scope(text: &str) -> Result<TokenScope, String> {
    let known = TokenScope::ALL.into_iter().find(|scope| scope.name() == text);
    known.ok_or_else(|| {
        format!("must be one of {}", TokenScope::ALL.map(TokenScope::name).join(", "))
    })
}

pub(crate) fn run(arguments: &TokenArguments) -> Result<(), Failure> {
    match &arguments.command {
        TokenCommand::Create { name, scope, expires, json, socket } => {
            let seconds = u32::try_from(expires.as_secs()).unwrap_or(u32::MAX);
            let request = AdminRequest::TokenCreate { name: name.clone(), scope: *scope, seconds };
            let created: TokenCreated = socket.request(&request)?;
            match *json {
                true => println!("{}", AdminReply::from(created).to_line()),
                false => show(&created).iter().for_each(|line| println!("{line}")),
            }
        }
        TokenCommand::List { json, socket } => {
            let list: TokenList = socket.request(&AdminRequest::TokenList {})?;
            match *json {
                true => println!("{}", AdminReply::from(list).to_line()),
                false if list.tokens.is_empty() => println!("there is no token"),
                false => list.tokens.iter().for_each(|token| println!("{}", row(token))),
            }
        }
        TokenCommand::Revoke { name, socket } => {
            let request = AdminRequest::TokenRevoke { name: name.clone() };
            let TokenRevoked { name } = socket.request(&request)?;
            println!("the token {} has ended", clean(&name));
        }
    }
    Ok(())
}

/// The token in a line of its own, so that a program finds it.
fn show(created: &TokenCreated) -> Vec<String> {
    let TokenCreated { token, about, url } = created;
    let url = url.iter().map(|url| format!("{DIM}for {}{DIM:#}", clean(url)));
    let about = format!("{DIM}{}; it is shown this once{DIM:#}", row(about));
    [clean(&token.0), about].into_iter().chain(url).collect()
}

fn row(token: &TokenReport) -> String {
    let TokenReport { name, scope, expires_s, .. } = token;
    let ends = UNIX_EPOCH + Duration::from_secs(*expires_s);
    let ends = humantime::format_rfc3339_seconds(ends);
    format!("{BOLD}{}{BOLD:#}  {}  until {ends}", clean(name), scope.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_read_by_its_name() {
        assert_eq!(scope("policy"), Ok(TokenScope::Policy));
        assert_eq!(scope("all"), Err("must be one of read, policy, admin".to_owned()));
    }
}
