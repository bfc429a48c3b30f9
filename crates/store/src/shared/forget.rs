//! Removing names from the second level.

use redis::{Cmd, RedisError, Value, cmd, from_redis_value};
use zoners_dns::{Name, name};

use super::VERSION;
use super::connection::RedisConnection;

/// Keys of one SCAN.
const PAGE_KEYS: usize = 1000;
/// SCANs of one flush; a larger key space ends in an error.
const MAX_PAGES: usize = 20_000;

/// The patterns of the keys of `name`, and with `subtree` of all names below it.
pub(super) fn pattern(namespace: &str, name: &Name, subtree: bool) -> Vec<String> {
    let prefix = escaped(&format!("{namespace}:{VERSION}:q:"));
    let text = escaped(&name::lowercase(name).fmt_with_dot().to_string());
    let exact = format!("{prefix}{text}:*");
    match (subtree, name.is_root()) {
        (false, _) => vec![exact],
        (true, false) => vec![exact, format!("{prefix}*.{text}:*")],
        (true, true) => vec![exact, format!("{prefix}*")],
    }
}

/// A pattern matching the text alone.
fn escaped(text: &str) -> String {
    let special = |letter| matches!(letter, '*' | '?' | '[' | ']' | '\\');
    let escape = |letter| special(letter).then_some('\\').into_iter().chain([letter]);
    text.chars().flat_map(escape).collect()
}

/// Removes the keys that match and returns their number; an error if keys were left unseen.
pub(super) async fn forget(
    connection: &mut RedisConnection,
    patterns: &[String],
) -> Result<usize, RedisError> {
    let mut removed = 0;
    for node in nodes(connection).await? {
        for pattern in patterns {
            removed += forget_at(connection, &node, pattern).await?;
        }
    }
    Ok(removed)
}

async fn forget_at(
    connection: &mut RedisConnection,
    node: &Option<(String, u16)>,
    pattern: &str,
) -> Result<usize, RedisError> {
    let (mut cursor, mut removed) = (0u64, 0);
    for _ in 0..MAX_PAGES {
        let mut scan = cmd("SCAN");
        scan.arg(cursor).arg("MATCH").arg(pattern).arg("COUNT").arg(PAGE_KEYS);
        let (next, keys): (u64, Vec<Vec<u8>>) =
            from_redis_value(connection.send_to(node, &scan).await?)?;
        for key in keys {
            let gone: usize = from_redis_value(connection.send(cmd("DEL").arg(key)).await?)?;
            removed += gone;
        }
        cursor = next;
        if cursor == 0 {
            return Ok(removed);
        }
    }
    Err((redis::ErrorKind::Client, "too many keys: some were not looked at").into())
}

/// The servers that hold keys: each master of a cluster, or the single server.
async fn nodes(connection: &mut RedisConnection) -> Result<Vec<Option<(String, u16)>>, RedisError> {
    if matches!(connection, RedisConnection::One(_)) {
        return Ok(vec![None]);
    }
    let nodes: Cmd = cmd("CLUSTER").arg("NODES").clone();
    let value = connection.send(&nodes).await?;
    let text: String = match value {
        // One reply for each server of the cluster; each has the whole list.
        Value::Map(replies) => {
            replies.into_iter().find_map(|(_, reply)| from_redis_value(reply).ok())
        }
        value => Some(from_redis_value(value)?),
    }
    .unwrap_or_default();
    Ok(text.lines().filter_map(master).map(Some).collect())
}

/// Address and port of a live master in a line of `CLUSTER NODES`.
fn master(line: &str) -> Option<(String, u16)> {
    let mut words = line.split_whitespace().skip(1);
    let (address, flags) = (words.next()?, words.next()?);
    let is_live = flags.split(',').any(|flag| flag == "master") && !flags.contains("fail");
    let (host, port) = address.split('@').next()?.rsplit_once(':')?;
    let port = port.parse().ok()?;
    is_live.then(|| (host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::RedisServers;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    use tokio::net::TcpListener;

    #[test]
    fn patterns_match_the_name_and_its_subtree() {
        let of = |text: &str, subtree| pattern("z", &name::parse(text).unwrap(), subtree);
        assert_eq!(of("A.test", false), [format!("z:{VERSION}:q:a.test.:*")]);
        let keys =
            |names: &[&str]| names.iter().map(|name| format!("z:{VERSION}:q:{name}")).collect();
        let subtree: Vec<String> = keys(&["a.test.:*", "*.a.test.:*"]);
        assert_eq!(of("a.test", true), subtree);
        assert_eq!(of("*.test", false), [format!("z:{VERSION}:q:\\*.test.:*")]);
        let all: Vec<String> = keys(&[".:*", "*"]);
        assert_eq!(of(".", true), all);
        let odd = pattern("z*é[", &name::parse("a.test").unwrap(), true);
        assert_eq!(odd[0], format!("z\\*é\\[:{VERSION}:q:a.test.:*"));
    }

    /// A server whose SCAN never ends, and a counter of SCANs.
    async fn endless() -> (RedisConnection, Arc<AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("redis://{}", listener.local_addr().unwrap());
        let asked = Arc::<AtomicUsize>::default();
        let scans = asked.clone();
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let (read, mut write) = stream.into_split();
            let mut lines = BufReader::new(read).lines();
            // Only the first word of each command is read; the number of words and its length precede
            // the word.
            while let Some(line) = lines.next_line().await.unwrap() {
                if !line.starts_with('*') {
                    continue;
                }
                lines.next_line().await.unwrap();
                let reply: &[u8] = match lines.next_line().await.unwrap().as_deref() {
                    Some("SCAN") => {
                        scans.fetch_add(1, Ordering::Relaxed);
                        b"*2\r\n$1\r\n7\r\n*0\r\n"
                    }
                    _ => b"+OK\r\n",
                };
                write.write_all(reply).await.unwrap();
            }
        });
        let servers = RedisServers::new(vec![url], false, None, None).unwrap();
        (servers.connect().await.unwrap(), asked)
    }

    #[tokio::test]
    async fn the_number_of_pages_is_bounded() {
        let (mut connection, asked) = endless().await;
        let error = forget(&mut connection, &["keys".to_owned()]).await.unwrap_err();
        assert!(error.to_string().contains("too many keys"), "{error}");
        assert_eq!(asked.load(Ordering::Relaxed), MAX_PAGES);
    }

    #[test]
    fn live_masters_are_asked() {
        let line =
            |flags: &str| format!("07c3 127.0.0.1:7001@17001,host {flags} - 0 1 1 connected");
        assert_eq!(master(&line("myself,master")), Some(("127.0.0.1".into(), 7001)));
        assert_eq!(master(&line("master,fail")), None);
        assert_eq!(master(&line("slave")), None);
        assert_eq!(master(""), None);
    }
}
