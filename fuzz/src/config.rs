//! A configuration: what is wrong with it is told with its place, and what is right means the same
//! however it is written.

use zoners_dns::Random;
use zoners_server::Config;
use zoners_server::pipeline::{Cookies, Rules};

/// Reads `octets` as a configuration.
pub fn run(octets: &[u8]) {
    let Ok(text) = std::str::from_utf8(octets) else { return };
    match Config::parse(text, "fuzz") {
        Err(error) => told(&error.to_string(), text),
        Ok(config) => {
            let table: toml::Table = text.parse().expect("it is TOML");
            let again = toml::to_string(&table).expect("it was TOML");
            let same = Config::parse(&again, "fuzz").unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(format!("{config:?}"), format!("{same:?}"));
            build(config);
        }
    }
}

/// An error names the file, a line and a column that are there.
fn told(error: &str, text: &str) {
    let mut parts = error.splitn(4, ':');
    assert_eq!(parts.next(), Some("fuzz"), "{error}");
    let mut place = || parts.next().and_then(|part| part.parse::<usize>().ok());
    let (line, column) = (place().expect(error), place().expect(error));
    // The end of the text is a place too.
    let lines = text.split('\n').count();
    assert!((1..=lines).contains(&line), "{error}");
    let longest = text.split('\n').nth(line - 1).unwrap_or_default().chars().count();
    assert!((1..=longest + 1).contains(&column), "{error}");
}

/// Makes of a configuration what a daemon works with. Files that it names are not read.
fn build(mut config: Config) {
    config.resolver.root_hints = None;
    config.dnssec.trust_anchor = None;
    config.local.hosts = None;
    if let Some(redis) = &mut config.cache.redis {
        (redis.secret_file, redis.ca_file) = (None, None);
    }
    let _ = (config.second_level(), config.ttl_limits());
    let Ok(settings) = config.settings() else { return };
    let random = Random::seeded(1);
    let _ = Rules::new(&config, &settings.routes, Cookies::new(&random), &random, 0);
}
