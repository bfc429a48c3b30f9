use super::*;

fn compared(before: &Summary, now: &Summary) -> Comparison {
    Comparison::of(before, now, Circumstances::default())
}

/// A run over `count` domains, whose cold and warm times are those of `millis`.
fn run(count: u32, millis: impl Fn(u32) -> (f64, f64)) -> Summary {
    let figures = |mean| Figures { count: 3, mean, ..Figures::default() };
    let domains = (0..count)
        .map(|name| {
            let (cold, warm) = millis(name);
            Domain { name, cold: figures(cold), warm: figures(warm), all: figures(cold) }
        })
        .collect();
    let none = Figures::default();
    Summary {
        cold: none,
        warm: none,
        all: none,
        known: 0.0,
        silent: 0,
        failures: BTreeMap::new(),
        domains,
    }
}

/// Latencies with a tail; a second run differs by up to `noise` of each.
fn noisy(seed: u64, noise: f64) -> impl Fn(u32) -> (f64, f64) {
    move |name| {
        let of = |seed: u64| {
            let random = Random::seeded(seed);
            (random.bits() >> 11) as f64 / (1u64 << 53) as f64
        };
        let base = 20.0 / (of(u64::from(name)) + 0.05);
        let off = |salt: u64| 1.0 + noise * (of(seed * 100_000 + u64::from(name) + salt) - 0.5);
        (base * off(0), 0.2 * off(50_000))
    }
}

#[test]
fn noise_is_no_change() {
    let comparison = compared(&run(500, noisy(1, 0.8)), &run(500, noisy(2, 0.8)));
    assert_eq!(comparison.verdict, ComparisonVerdict::NoChange, "{comparison:?}");
    assert_eq!(comparison.pairs, 500);
    let cold = comparison.cold.unwrap();
    assert!(cold.typical.low < 1.0 && cold.typical.high > 1.0, "{cold:?}");
}

#[test]
fn a_tenth_more_is_found_and_measured() {
    let slower = |name| {
        let (cold, warm) = noisy(2, 0.8)(name);
        (cold * 1.1, warm)
    };
    let comparison = compared(&run(1000, noisy(1, 0.8)), &run(1000, slower));
    assert_eq!(comparison.verdict, ComparisonVerdict::Regressed, "{comparison:?}");
    let cold = comparison.cold.unwrap();
    assert!((cold.typical.value - 1.1).abs() < 0.03, "{cold:?}");
    assert_eq!(comparison.warm.unwrap().verdict, ComparisonVerdict::NoChange);
    let back = compared(&run(1000, slower), &run(1000, noisy(1, 0.8)));
    assert_eq!(back.verdict, ComparisonVerdict::Improved);
}

#[test]
fn a_few_that_became_slow_move_the_mean() {
    let slower = |name: u32| {
        let (cold, warm) = noisy(2, 0.2)(name);
        (cold + if name.is_multiple_of(10) { 300.0 } else { 0.0 }, warm)
    };
    let comparison = compared(&run(500, noisy(1, 0.2)), &run(500, slower));
    let cold = comparison.cold.unwrap();
    assert_eq!(cold.verdict, ComparisonVerdict::Regressed, "{cold:?}");
    assert!((cold.mean.value - 30.0).abs() < 5.0 && cold.typical.value < 1.1, "{cold:?}");
}

#[test]
fn what_one_run_did_not_reach_is_left_out() {
    let comparison = compared(&run(5, noisy(1, 0.1)), &run(500, noisy(2, 0.1)));
    assert_eq!((comparison.pairs, comparison.cold), (5, None));
    assert_eq!(comparison.verdict, ComparisonVerdict::NoChange);
}

#[test]
fn what_takes_no_time_cannot_become_slow() {
    let quick = |millis: f64| move |_: u32| (50.0, millis);
    let verdict = |before, now| {
        compared(&run(300, quick(before)), &run(300, quick(now))).warm.unwrap().verdict
    };
    assert_eq!(verdict(0.000_5, 0.000_9), ComparisonVerdict::NoChange);
    assert_eq!(verdict(0.10, 0.15), ComparisonVerdict::NoChange, "the machine's mood");
    assert_eq!(verdict(0.10, 0.25), ComparisonVerdict::Regressed);
    assert_eq!(verdict(0.25, 0.10), ComparisonVerdict::Improved);
}

#[test]
fn a_server_that_knew_the_names_is_not_called_quicker() {
    let (cold, warm) = (run(300, |_| (80.0, 1.0)), run(300, |_| (1.0, 1.0)));
    let [before, now] = [Summary { known: 0.03, ..cold }, Summary { known: 0.99, ..warm }];
    assert_eq!(
        compared(&before, &now).verdict,
        ComparisonVerdict::Improved,
        "another server may be"
    );
    let same_server = Circumstances { same_server: true, ..Circumstances::default() };
    let comparison = Comparison::of(&before, &now, same_server);
    assert_eq!((comparison.cold, comparison.verdict), (None, ComparisonVerdict::NoChange));
    assert_eq!(comparison.knew, Some([0.03, 0.99]));
    let alike = Comparison::of(&before, &Summary { known: 0.1, ..now }, same_server);
    assert_eq!(alike.verdict, ComparisonVerdict::Improved, "what was not known can be compared");
}

#[test]
fn the_provider_that_became_slow_is_named() {
    let providers: Vec<String> = (0..600).map(|name| format!("host{}.test", name % 40)).collect();
    let slower = |name: u32| {
        let (cold, warm) = noisy(2, 0.3)(name);
        // Every domain became slower by 10 ms, and the domains of one provider by 80 ms.
        (cold + 10.0 + if name % 40 == 7 { 80.0 } else { 0.0 }, warm)
    };
    let circumstances = Circumstances { providers: &providers, ..Circumstances::default() };
    let [before, now] = [run(600, noisy(1, 0.3)), run(600, slower)];
    let comparison = Comparison::of(&before, &now, circumstances);
    let named: Vec<&str> =
        comparison.providers.iter().map(|outlier| outlier.name.as_str()).collect();
    assert_eq!(named, ["host7.test"]);
    let Outlier { domains, change, .. } = &comparison.providers[0];
    assert_eq!(*domains, 15);
    assert!((change.value - 80.0).abs() < 15.0, "{change:?}");
    let same = Comparison::of(&before, &run(600, noisy(3, 0.3)), circumstances);
    assert!(same.providers.is_empty(), "{:?}", same.providers);
}

#[test]
fn more_failures_are_found() {
    let failing = |failed: usize| {
        let mut run = run(200, |_| (50.0, 1.0));
        for domain in run.domains.iter_mut().take(failed) {
            domain.all.failed = 1;
        }
        run
    };
    let more = compared(&failing(2), &failing(40));
    assert!(more.fails_more() && more.verdict == ComparisonVerdict::Regressed, "{more:?}");
    assert!(!compared(&failing(2), &failing(4)).fails_more());
    assert_eq!(compared(&failing(40), &failing(2)).verdict, ComparisonVerdict::Improved);
}
