//! Search engines that leave out what is not for children, if their names are aliases of a name made for that.
//!
//! | engine | source of the facts |
//! |---|---|
//! | google | support.google.com/websearch/answer/186669 ("Lock SafeSearch"), google.com/supported_domains |
//! | youtube, youtube-moderate | support.google.com/a/answer/6214622 ("Restrict YouTube content") |
//! | bing | help.bing.microsoft.com, page 10003: www.bing.com as an alias of strict.bing.com |
//! | duckduckgo | duckduckgo.com/duckduckgo-help-pages/features/safe-search |
//! | yandex | yandex.com/support/search, "Family search": the address of Yandex's safe search |
//! | pixabay | the name safesearch.pixabay.com |
//! | brave | search.brave.com/help/safe-search |
//! | ecosia | the name strict-safe-search.ecosia.org |
//!
//! Only questions for addresses and services are rewritten: mail and proofs of ownership go on to work where the name of
//! the engine is an apex.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;
use std::sync::LazyLock;

use zoners_dns::{Name, NameSlice, Rtype, name};

/// A search engine with a safe search of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SafeSearch {
    /// Bing.
    Bing,
    /// Brave Search.
    Brave,
    /// DuckDuckGo.
    Duckduckgo,
    /// Ecosia.
    Ecosia,
    /// Google, in every country.
    Google,
    /// Pixabay.
    Pixabay,
    /// Yandex.
    Yandex,
    /// YouTube, the strict mode.
    Youtube,
    /// YouTube, the moderate mode.
    YoutubeModerate,
}

/// The place to which the names of an engine lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SafeSearchTarget {
    /// A name, of which the names of the engine are aliases.
    Name(Name),
    /// An address.
    Address(IpAddr),
}

/// What stands behind `www.google.`.
const GOOGLE_SUFFIXES: &str = "
    com ad ae com.af com.ag com.ai al am co.ao com.ar as at com.au az ba com.bd be bf bg com.bh bi bj com.bn com.bo
    com.br bs bt co.bw by com.bz ca cat cd cf cg ch ci co.ck cl cm cn com.co co.cr com.cu cv com.cy cz de dj dk dm
    com.do dz com.ec ee com.eg es com.et fi com.fj fm fr ga ge gg com.gh com.gi gl gm gr com.gt gy com.hk hn hr ht hu
    co.id ie co.il im co.in iq is it je com.jm jo co.jp co.ke com.kh ki kg co.kr com.kw kz la com.lb li lk co.ls lt lu
    lv com.ly co.ma md me mg mk ml com.mm mn com.mt mu mv mw com.mx com.my co.mz com.na com.ng com.ni ne nl no com.np
    nr nu co.nz com.om com.pa com.pe com.pg com.ph com.pk pl pn com.pr ps pt com.py com.qa ro rs ru rw com.sa com.sb
    sc se com.sg sh si sk com.sl sn so sm sr st com.sv td tg co.th com.tj tl tm tn to com.tr tt com.tw co.tz com.ua
    co.ug co.uk com.uy co.uz com.vc co.ve co.vi com.vn vu ws co.za co.zm co.zw";

/// What stands behind `yandex.` and `www.yandex.`.
const YANDEX_SUFFIXES: &str =
    "az by co.il com com.am com.ge com.ru com.tr de ee eu fi fr kz lt lv md net org pl ru tj tm uz";

/// The other names of Yandex; the last is яндекс.рф.
const YANDEX_NAMES: [&str; 2] = ["ya.ru", "xn--d1acpjx3f.xn--p1ai"];

/// The address of Yandex's safe search, which has no name.
const YANDEX_ADDRESS: Ipv4Addr = Ipv4Addr::new(213, 180, 193, 56);

/// The engines of each name.
static ENGINES: LazyLock<HashMap<Name, Vec<SafeSearch>>> = LazyLock::new(|| {
    let mut engines: HashMap<Name, Vec<SafeSearch>> = HashMap::new();
    for engine in SafeSearch::ALL {
        for host in engine.hosts().iter().filter_map(|host| name::parse(host).ok()) {
            engines.entry(host).or_default().push(engine);
        }
    }
    engines
});

impl SafeSearch {
    /// Every engine. Of two modes of an engine, the stricter comes first.
    pub const ALL: [SafeSearch; 9] = [
        SafeSearch::Bing,
        SafeSearch::Brave,
        SafeSearch::Duckduckgo,
        SafeSearch::Ecosia,
        SafeSearch::Google,
        SafeSearch::Pixabay,
        SafeSearch::Yandex,
        SafeSearch::Youtube,
        SafeSearch::YoutubeModerate,
    ];

    /// The name in configurations.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            SafeSearch::Bing => "bing",
            SafeSearch::Brave => "brave",
            SafeSearch::Duckduckgo => "duckduckgo",
            SafeSearch::Ecosia => "ecosia",
            SafeSearch::Google => "google",
            SafeSearch::Pixabay => "pixabay",
            SafeSearch::Yandex => "yandex",
            SafeSearch::Youtube => "youtube",
            SafeSearch::YoutubeModerate => "youtube-moderate",
        }
    }

    /// The names of the engine.
    fn hosts(self) -> Vec<String> {
        let these = |hosts: &[&str]| hosts.iter().map(|host| (*host).to_owned()).collect();
        match self {
            SafeSearch::Bing => these(&["www.bing.com", "edgeservices.bing.com"]),
            SafeSearch::Brave => these(&["search.brave.com"]),
            SafeSearch::Duckduckgo => {
                these(&["duckduckgo.com", "www.duckduckgo.com", "start.duckduckgo.com"])
            }
            SafeSearch::Ecosia => these(&["www.ecosia.org"]),
            SafeSearch::Google => {
                let suffixes = GOOGLE_SUFFIXES.split_whitespace();
                suffixes.map(|suffix| format!("www.google.{suffix}")).collect()
            }
            SafeSearch::Pixabay => these(&["pixabay.com"]),
            SafeSearch::Yandex => {
                let of_countries = YANDEX_SUFFIXES.split_whitespace();
                let of_countries = of_countries.map(|suffix| format!("yandex.{suffix}"));
                let plain = of_countries.chain(YANDEX_NAMES.map(str::to_owned));
                plain.flat_map(|host| [format!("www.{host}"), host]).collect()
            }
            SafeSearch::Youtube | SafeSearch::YoutubeModerate => these(&[
                "www.youtube.com",
                "m.youtube.com",
                "youtubei.googleapis.com",
                "youtube.googleapis.com",
                "www.youtube-nocookie.com",
            ]),
        }
    }

    /// The place to which a name of the engine leads.
    pub(crate) fn target(self) -> Option<SafeSearchTarget> {
        let target = match self {
            SafeSearch::Bing => "strict.bing.com",
            SafeSearch::Brave => "forcesafe.search.brave.com",
            SafeSearch::Duckduckgo => "safe.duckduckgo.com",
            SafeSearch::Ecosia => "strict-safe-search.ecosia.org",
            SafeSearch::Google => "forcesafesearch.google.com",
            SafeSearch::Pixabay => "safesearch.pixabay.com",
            SafeSearch::Yandex => {
                return Some(SafeSearchTarget::Address(IpAddr::V4(YANDEX_ADDRESS)));
            }
            SafeSearch::Youtube => "restrict.youtube.com",
            SafeSearch::YoutubeModerate => "restrictmoderate.youtube.com",
        };
        name::parse(target).ok().map(SafeSearchTarget::Name)
    }
}

/// The engine of a name, if the engine is among the chosen and the question is for addresses or services.
pub(crate) fn engine(chosen: &[SafeSearch], asked: &NameSlice, rtype: Rtype) -> Option<SafeSearch> {
    if chosen.is_empty() || ![Rtype::A, Rtype::AAAA, Rtype::HTTPS, Rtype::SVCB].contains(&rtype) {
        return None;
    }
    ENGINES.get(asked)?.iter().find(|engine| chosen.contains(engine)).copied()
}

impl fmt::Display for SafeSearch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for SafeSearch {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        SafeSearch::ALL.into_iter().find(|engine| engine.name() == text).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(chosen: &[SafeSearch], asked: &str, rtype: Rtype) -> Option<SafeSearch> {
        engine(chosen, name::parse(asked).unwrap().for_slice(), rtype)
    }

    #[test]
    fn an_engine_has_names_and_an_answer() {
        for engine in SafeSearch::ALL {
            assert_eq!(engine.name().parse(), Ok(engine));
            assert!(engine.target().is_some(), "{engine}");
            let hosts = engine.hosts();
            for host in &hosts {
                assert_eq!(of(&[engine], host, Rtype::A), Some(engine), "{host}");
            }
            let mut unique = hosts.clone();
            unique.sort();
            unique.dedup();
            assert_eq!(unique.len(), hosts.len(), "{engine}: a name stands there twice");
            // An engine that leads to its own name would never answer.
            if let Some(SafeSearchTarget::Name(target)) = engine.target() {
                assert!(!ENGINES.contains_key(&target), "{target}");
            }
        }
        assert_eq!("Google".parse::<SafeSearch>(), Err(()));
    }

    #[test]
    fn questions_for_addresses_and_services_are_rewritten_alone() {
        let all = SafeSearch::ALL;
        assert_eq!(of(&all, "WWW.google.co.UK", Rtype::AAAA), Some(SafeSearch::Google));
        assert_eq!(of(&all, "duckduckgo.com", Rtype::HTTPS), Some(SafeSearch::Duckduckgo));
        assert_eq!(of(&all, "duckduckgo.com", Rtype::MX), None);
        for other in ["google.com", "mail.google.com", "www.google.example", "x.www.bing.com"] {
            assert_eq!(of(&all, other, Rtype::A), None, "{other}");
        }
        assert_eq!(of(&[], "www.bing.com", Rtype::A), None);
        assert_eq!(of(&all, "m.youtube.com", Rtype::A), Some(SafeSearch::Youtube), "strict wins");
        let moderate = SafeSearch::YoutubeModerate;
        assert_eq!(of(&[moderate], "m.youtube.com", Rtype::A), Some(moderate));
    }
}
