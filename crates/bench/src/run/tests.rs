use super::*;
use crate::target::Telling;
use zoners_dns::name;

/// Answers after a while, which grows by a millisecond a name; forgets if told so.
struct SlowTarget {
    forgets: bool,
    asked: Mutex<Vec<(String, Duration)>>,
    began: Instant,
    takes: Duration,
}

impl SlowTarget {
    fn new(forgets: bool, millis: u64) -> Arc<Self> {
        let takes = Duration::from_millis(millis);
        Arc::new(SlowTarget { forgets, asked: Mutex::default(), began: Instant::now(), takes })
    }
}

impl Target for SlowTarget {
    fn label(&self) -> &str {
        "slow"
    }

    fn ask(&self, question: &Question) -> Telling {
        self.asked.lock().push((question.to_string(), self.began.elapsed()));
        let takes = self.takes;
        Box::pin(async move {
            tokio::time::sleep(takes).await;
            TargetAnswer { ending: QuestionOutcome::Answered, hops: vec![] }
        })
    }

    fn forget(&self) -> bool {
        self.forgets
    }
}

fn plan(names: usize, load: LoadShape) -> Plan {
    Plan {
        names: (0..names).map(|n| name::parse(&format!("n{n}.test")).unwrap()).collect(),
        types: vec![Rtype::A, Rtype::AAAA],
        rounds: 1,
        repeats: 0,
        again: false,
        load,
        timeout: Duration::from_secs(5),
        time: Duration::from_secs(3600),
    }
}

async fn carried_out(plan: Plan, targets: Vec<Arc<dyn Target>>) -> Vec<Sample> {
    run(plan, targets, Arc::new(()), Stop::default()).await
}

#[tokio::test(start_paused = true)]
async fn a_closed_loop_has_so_many_names_under_way() {
    let slow = SlowTarget::new(false, 100);
    let began = Instant::now();
    let closed = LoadShape::Closed { names: 4, pace: None };
    let plan = plan(20, closed);
    assert_eq!(plan.questions(1), 40);
    let samples = carried_out(plan, vec![slow.clone()]).await;
    assert_eq!(samples.len(), 40);
    assert_eq!(began.elapsed().as_millis(), 500, "five times four names of a tenth of a second");
    assert!(
        samples.iter().all(|sample| sample.took_us / 1000 == 100 && sample.phase == Phase::Cold)
    );
}

#[tokio::test(start_paused = true)]
async fn first_asks_and_repeats_are_told_apart() {
    for forgets in [false, true] {
        let slow = SlowTarget::new(forgets, 10);
        let closed = LoadShape::Closed { names: 2, pace: None };
        let plan = Plan { rounds: 3, repeats: 2, ..plan(5, closed) };
        let samples = carried_out(plan, vec![slow]).await;
        assert_eq!(samples.len(), 5 * 2 * 3 * 3);
        let cold = samples.iter().filter(|sample| sample.phase == Phase::Cold).count();
        assert_eq!(cold, if forgets { 30 } else { 10 });
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_asked_before_is_no_first_ask() {
    let loads =
        [LoadShape::Closed { names: 2, pace: None }, LoadShape::Open { from: 10.0, to: 10.0 }];
    for load in loads {
        let plan = Plan { again: true, time: Duration::from_secs(2), ..plan(5, load) };
        let samples = carried_out(plan, vec![SlowTarget::new(false, 10)]).await;
        assert!(!samples.is_empty() && samples.iter().all(|sample| sample.phase == Phase::Warm));
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_has_enough_samples_ends() {
    let closed = LoadShape::Closed { names: 1000, pace: None };
    let plan = Plan { rounds: MOST_SAMPLES, ..plan(1000, closed) };
    let samples = carried_out(plan, vec![SlowTarget::new(false, 1)]).await;
    let most = MOST_SAMPLES..MOST_SAMPLES + 2000;
    assert!(most.contains(&samples.len()), "what is under way ends: {}", samples.len());
}

#[tokio::test(start_paused = true)]
async fn targets_take_turns_name_by_name() {
    let (one, other) = (SlowTarget::new(false, 10), SlowTarget::new(false, 10));
    let closed = LoadShape::Closed { names: 1, pace: None };
    carried_out(plan(4, closed), vec![one.clone(), other.clone()]).await;
    let first = |slow: &SlowTarget| {
        slow.asked.lock().iter().map(|(_, at)| at.as_millis()).collect::<Vec<_>>()
    };
    assert_eq!(first(&one), [0, 0, 30, 30, 40, 40, 70, 70]);
    assert_eq!(first(&other), [10, 10, 20, 20, 50, 50, 60, 60]);
}

#[tokio::test(start_paused = true)]
async fn a_pace_is_kept() {
    let slow = SlowTarget::new(false, 1);
    let began = Instant::now();
    let closed = LoadShape::Closed { names: 50, pace: Some(20.0) };
    carried_out(plan(50, closed), vec![slow]).await;
    assert_eq!(began.elapsed().as_millis(), 4901, "a hundred questions, twenty a second");
}

#[tokio::test(start_paused = true)]
async fn an_open_loop_asks_at_its_rate_whatever_comes_back() {
    let slow = SlowTarget::new(false, 700);
    let open = LoadShape::Open { from: 10.0, to: 10.0 };
    let plan = Plan { time: Duration::from_secs(3), ..plan(100, open) };
    let samples = carried_out(plan, vec![slow.clone()]).await;
    assert_eq!(samples.len(), 30);
    let gaps: Vec<u128> = slow.asked.lock().iter().map(|(_, at)| at.as_millis()).collect();
    assert!(gaps.windows(2).all(|pair| pair[1] - pair[0] == 100), "{gaps:?}");
    assert!(samples.iter().all(|sample| sample.took_us / 1000 == 700));
}

#[tokio::test(start_paused = true)]
async fn a_ramp_grows() {
    let open = LoadShape::Open { from: 0.0, to: 100.0 };
    let plan = Plan { time: Duration::from_secs(10), ..plan(1000, open) };
    assert!(plan.load.is_ramp() && plan.questions(1) == 500);
    let samples = carried_out(plan, vec![SlowTarget::new(false, 1)]).await;
    assert!((499..=501).contains(&samples.len()), "{}", samples.len());
    let early = samples.iter().filter(|sample| sample.at_us < 5_000_000).count();
    assert!((124..=126).contains(&early), "a quarter in the first half: {early}");
}

#[tokio::test(start_paused = true)]
async fn silence_is_a_sample_and_time_runs_out() {
    let slow = SlowTarget::new(false, 60_000);
    let closed = LoadShape::Closed { names: 1, pace: None };
    let plan = Plan { time: Duration::from_secs(12), ..plan(100, closed) };
    let samples = carried_out(plan, vec![slow]).await;
    assert_eq!(samples.len(), 6, "three names in fifteen seconds");
    assert!(samples.iter().all(|sample| sample.ending == QuestionOutcome::Silence));
    assert_eq!(samples[0].millis(Duration::ZERO), 5000.0);
}

#[tokio::test(start_paused = true)]
async fn who_is_told_to_stop_ends_with_what_there_is() {
    let stop = Stop::default();
    let closed = LoadShape::Closed { names: 1, pace: None };
    let running = tokio::spawn(run(
        plan(100, closed),
        vec![SlowTarget::new(false, 1000)],
        Arc::new(()),
        stop.clone(),
    ));
    tokio::time::sleep(Duration::from_millis(2500)).await;
    stop.stop();
    assert_eq!(running.await.unwrap().len(), 6);
}

#[tokio::test(start_paused = true)]
async fn what_is_due_when_too_many_are_under_way_is_lost_and_told_as_that() {
    let slow = SlowTarget::new(false, 60_000);
    let rate = MOST_UNDER_WAY as f64 + 5.0;
    let open = LoadShape::Open { from: rate, to: rate };
    let plan = Plan { time: Duration::from_secs(1), ..plan(10, open) };
    let samples = carried_out(plan, vec![slow.clone()]).await;
    assert_eq!(slow.asked.lock().len(), MOST_UNDER_WAY);
    let broken = |sample: &&Sample| matches!(&sample.ending, QuestionOutcome::Broken(why) if why.contains("under way"));
    let lost: Vec<&Sample> = samples.iter().filter(broken).collect();
    assert_eq!((samples.len(), lost.len()), (MOST_UNDER_WAY + 5, 5));
    assert!(lost.iter().all(|sample| sample.took_us == 5_000_000));
}
