//! Thousands of lossy lookups in virtual time.

use crate::common::{Lab, question};
use tokio::task::JoinSet;
use zoners_dns::{Counter, Rtype};
use zoners_sim::world;

const DOMAINS: usize = 1000;

/// Asks `lookups` names, 50 at a time by four workers. Returns the number of wrong answers, and
/// samples of the estimated loss of the uplink under load.
async fn ask_all(lab: &Lab, lookups: usize) -> (usize, Vec<f64>) {
    let workers = [lab.worker.clone(), lab.another(), lab.another(), lab.another()];
    let mut under_way = JoinSet::new();
    let (mut wrong, mut losses) = (0, Vec::new());
    for number in 0..lookups {
        if under_way.len() >= 50 {
            wrong += usize::from(under_way.join_next().await.unwrap().unwrap());
        }
        if (DOMAINS..5 * DOMAINS).contains(&number) && number % 250 == 0 {
            losses.push(lab.worker.shared().uplink_loss());
        }
        let domain = number % DOMAINS;
        let label = ["www.", "", "alias.", "gone."][number / DOMAINS % 4];
        let rtype = [Rtype::A, Rtype::AAAA][number / DOMAINS / 4 % 2];
        let asked = question(&format!("{label}d{domain}.t{}", domain % 4), rtype);
        let worker = workers[number % workers.len()].clone();
        under_way.spawn(async move {
            let answer = worker.resolve(&asked, None).await;
            let has_address = matches!(label, "www." | "" | "alias.") && asked.rtype == Rtype::A;
            match answer {
                Ok(answer) => answer.answer.iter().any(|set| set.rtype == Rtype::A) != has_address,
                Err(_) => true,
            }
        });
    }
    while let Some(ended) = under_way.join_next().await {
        wrong += usize::from(ended.unwrap());
    }
    let counters = workers.iter().map(|worker| worker.counters());
    let over = [
        Counter::BudgetQueries,
        Counter::BudgetQueriesPerQuestion,
        Counter::BudgetOctets,
        Counter::BudgetTime,
    ]
    .map(|counter| zoners_dns::counters::sum(counters.clone(), counter));
    assert_eq!(over, [0; 4], "queries over budget");
    (wrong, losses)
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_lookups_at_a_fifth_lost_and_a_third_dead() {
    for seed in [5, 101, 103] {
        let lab = Lab::new(world::populous(seed, DOMAINS, 1.0 / 3.0, 0.2));
        let (wrong, losses) = ask_all(&lab, 10_000).await;
        assert_eq!(wrong, 0, "every answerable name is answered: {seed}");
        let loss = losses.iter().sum::<f64>() / losses.len() as f64;
        assert!((0.1..0.3).contains(&loss), "{seed}: a fifth is lost, not {loss}");
    }
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let lab = Lab::new(world::populous(6, DOMAINS, 1.0 / 3.0, 0.2));
            ask_all(&lab, 1_500).await;
            lab.net.sent()
        })
    };
    let (one, two) = (run(), run());
    assert!(one.len() > 2_000);
    assert!(one == two, "the traces differ");
}
