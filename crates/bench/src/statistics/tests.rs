use super::*;
use proptest::prelude::*;

fn close(one: f64, other: f64, within: f64) -> bool {
    (one - other).abs() <= within
}

/// A draw of a normal distribution, by summing (Irwin and Hall).
fn normal(random: &Random) -> f64 {
    let uniform = || (random.bits() >> 11) as f64 / (1u64 << 53) as f64;
    (0..12).map(|_| uniform()).sum::<f64>() - 6.0
}

/// A heavy tail, as latencies have: the exponential of a normal draw.
fn skewed(random: &Random) -> f64 {
    normal(random).exp()
}

#[test]
fn the_normal_distribution_is_the_one_in_the_tables() {
    for (z, tail) in [(0.0, 0.5), (1.0, 0.158_655_3), (1.96, 0.024_997_9), (3.0, 0.001_349_9)] {
        assert!(close(upper_tail(z), tail, 2e-7), "{z}: {}", upper_tail(z));
        assert!(close(upper_tail(-z), 1.0 - tail, 2e-7));
    }
    assert!(close(normal_quantile(0.975), 1.959_964, 1e-5));
    assert!(close(normal_quantile(0.5), 0.0, 1e-6));
}

/// The example of Hollander and Wolfe (1999, page 40): depression scores before and after a tranquilliser.
#[test]
fn signed_ranks_agree_with_the_textbook() {
    // In hundredths.
    let before = [183.0, 50.0, 162.0, 248.0, 168.0, 188.0, 155.0, 306.0, 130.0];
    let after = [87.8, 64.7, 59.8, 205.0, 106.0, 129.0, 106.0, 314.0, 129.0];
    let differences: Vec<f64> = before.iter().zip(&after).map(|(one, other)| other - one).collect();
    let estimate = signed_ranks(&differences, 0.96).unwrap();
    assert!(close(estimate.value, -46.0, 0.5), "{estimate:?}");
    assert!(close(estimate.p, 0.039, 0.0005), "{estimate:?}");
    let near = nearly(&signed(&differences));
    assert!(close(near, 0.044, 0.003), "the normal curve is a little off with nine pairs: {near}");
    assert!(estimate.low < -70.0 && (-10.0..0.0).contains(&estimate.high), "{estimate:?}");
}

#[test]
fn what_is_counted_out_and_what_is_near_agree() {
    // Equal signs: one of 2^6 combinations on each side.
    assert_eq!(signed_ranks(&[3.0, 1.0, 4.0, 1.5, 5.0, 9.0], 0.95).unwrap().p, 2.0 / 64.0);
    assert_eq!(signed_ranks(&[2.0; 6], 0.95).unwrap().p, 2.0 / 64.0, "ties share their ranks");
    let random = Random::seeded(5);
    for _ in 0..50 {
        let differences: Vec<f64> = (0..MOST_EXACT).map(|_| 0.2 + normal(&random)).collect();
        let ranks = signed(&differences);
        assert!(close(exactly(&ranks), nearly(&ranks), 0.01), "{differences:?}");
    }
}

#[test]
fn what_does_not_differ_is_seldom_said_to() {
    let random = Random::seeded(1);
    let (mut ranks, mut flips, mut inside) = (0, 0, 0);
    for _ in 0..200 {
        let differences: Vec<f64> = (0..60).map(|_| skewed(&random) - skewed(&random)).collect();
        let (by_rank, by_flip) = (
            signed_ranks(&differences, 0.95).unwrap(),
            sign_flips(&differences, 0.95, &random).unwrap(),
        );
        ranks += usize::from(by_rank.p < 0.05);
        flips += usize::from(by_flip.p < 0.05);
        inside += usize::from(by_rank.low <= 0.0 && by_rank.high >= 0.0);
    }
    // 10 are expected; 25 would be one chance in ten thousand.
    assert!((1..25).contains(&ranks) && (1..25).contains(&flips), "{ranks} {flips}");
    assert!((175..=199).contains(&inside), "{inside}");
}

#[test]
fn what_differs_is_found() {
    let random = Random::seeded(2);
    let differences: Vec<f64> = (0..300).map(|_| 0.3 + normal(&random)).collect();
    for estimate in [signed_ranks(&differences, 0.95), sign_flips(&differences, 0.95, &random)] {
        let estimate = estimate.unwrap();
        assert!(estimate.p < 0.001 && close(estimate.value, 0.3, 0.15), "{estimate:?}");
        assert!(
            estimate.low > 0.0 && estimate.low < estimate.value && estimate.value < estimate.high
        );
    }
}

#[test]
fn too_few_tell_nothing() {
    let random = Random::seeded(3);
    assert!(
        signed_ranks(&[1.0; 5], 0.95).is_none() && sign_flips(&[1.0; 5], 0.95, &random).is_none()
    );
    let same = signed_ranks(&[0.0; 50], 0.95).unwrap();
    assert_eq!((same.value, same.p), (0.0, 1.0));
}

#[test]
fn of_too_many_pairs_some_are_taken_from_all_over() {
    let numbers = |count: usize| (0..count).map(|at| at as f64).collect::<Vec<_>>();
    assert_eq!(thinned(&numbers(MOST_PAIRS)).len(), MOST_PAIRS);
    let some = thinned(&numbers(MOST_PAIRS + 1));
    assert_eq!((some.len(), some[some.len() - 1]), (MOST_PAIRS / 2 + 1, MOST_PAIRS as f64));
    assert!(thinned(&[]).is_empty());
}

#[test]
fn many_questions_need_more_proof() {
    assert_eq!(holm(&[0.01, 0.04, 0.03]), [0.03, 0.06, 0.06]);
    assert_eq!(holm(&[0.5, 0.9]), [1.0, 1.0]);
    assert!(holm(&[]).is_empty());
}

#[test]
fn quantiles_lie_between() {
    assert_eq!(quantile(&[1.0, 2.0, 3.0, 4.0], 0.5), 2.5);
    assert_eq!(quantile(&[1.0, 2.0, 3.0], 1.0), 3.0);
    assert_eq!(quantile(&[7.0], 0.99), 7.0);
    assert_eq!(quantile(&[], 0.5), 0.0);
}

proptest! {
    #[test]
    fn nothing_breaks_an_estimate(differences in proptest::collection::vec(-1e9f64..1e9, 0..80)) {
        let random = Random::seeded(4);
        for estimate in [signed_ranks(&differences, 0.95), sign_flips(&differences, 0.95, &random)] {
            let Some(estimate) = estimate else { continue };
            prop_assert!(estimate.p > 0.0 && estimate.p <= 1.0);
            prop_assert!(estimate.low <= estimate.high);
            prop_assert!(estimate.value.is_finite());
        }
    }
}

#[test]
fn the_weighted_median_counts_by_weight() {
    assert_eq!(weighted_median(&mut []), None);
    assert_eq!(weighted_median(&mut [(50.0, 1), (10.0, 8), (20.0, 3)]), Some(10.0));
    assert_eq!(weighted_median(&mut [(50.0, 9), (10.0, 8)]), Some(50.0));
}
