use super::*;

/// A run over so many domains, each taking what `millis` says of cold and warm.
fn run(count: u32, millis: impl Fn(u32) -> (f64, f64)) -> Summary {
    let figures = |mean| Figures { count: 3, mean, ..Figures::default() };
    let domains = (0..count)
        .map(|name| {
            let (cold, warm) = millis(name);
            Domain { name, cold: figures(cold), warm: figures(warm), all: figures(cold) }
        })
        .collect();
    let none = Figures::default();
    Summary { cold: none, warm: none, all: none, failures: BTreeMap::new(), domains }
}

/// Latencies with a tail, another run of which differs by up to `noise` of each.
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
    let comparison = Comparison::of(&run(500, noisy(1, 0.8)), &run(500, noisy(2, 0.8)));
    assert_eq!(comparison.verdict, Verdict::NoChange, "{comparison:?}");
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
    let comparison = Comparison::of(&run(1000, noisy(1, 0.8)), &run(1000, slower));
    assert_eq!(comparison.verdict, Verdict::Regressed, "{comparison:?}");
    let cold = comparison.cold.unwrap();
    assert!((cold.typical.value - 1.1).abs() < 0.03, "{cold:?}");
    assert_eq!(comparison.warm.unwrap().verdict, Verdict::NoChange);
    let back = Comparison::of(&run(1000, slower), &run(1000, noisy(1, 0.8)));
    assert_eq!(back.verdict, Verdict::Improved);
}

#[test]
fn a_few_that_became_slow_move_the_mean() {
    let slower = |name: u32| {
        let (cold, warm) = noisy(2, 0.2)(name);
        (cold + if name.is_multiple_of(10) { 300.0 } else { 0.0 }, warm)
    };
    let comparison = Comparison::of(&run(500, noisy(1, 0.2)), &run(500, slower));
    let cold = comparison.cold.unwrap();
    assert_eq!(cold.verdict, Verdict::Regressed, "{cold:?}");
    assert!((cold.mean.value - 30.0).abs() < 5.0 && cold.typical.value < 1.1, "{cold:?}");
}

#[test]
fn what_one_run_did_not_reach_is_left_out() {
    let comparison = Comparison::of(&run(5, noisy(1, 0.1)), &run(500, noisy(2, 0.1)));
    assert_eq!((comparison.pairs, comparison.cold), (5, None));
    assert_eq!(comparison.verdict, Verdict::NoChange);
}

#[test]
fn what_takes_no_time_cannot_become_slow() {
    let quick = |millis: f64| move |_: u32| (50.0, millis);
    let comparison = Comparison::of(&run(300, quick(0.000_5)), &run(300, quick(0.000_9)));
    assert_eq!(comparison.warm.unwrap().verdict, Verdict::NoChange, "{comparison:?}");
}
