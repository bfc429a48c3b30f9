//! A network following a script.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::mpsc::{self, UnboundedSender};
use tokio::time::sleep;
use zoners_dns::{Endpoint, Exchange, ExchangeEvent, Message, Network, NetworkError, Transport};

use super::entry::Entry;
use super::parse::Range;

/// How long any answer takes.
const TRIP: Duration = Duration::from_millis(5);

/// A scripted network; clones share one network.
#[derive(Clone, Debug)]
pub struct ScriptedNetwork(Arc<Mutex<ScriptState>>);

#[derive(Debug)]
struct ScriptState {
    ranges: Vec<Range>,
    step: u32,
    waiting: VecDeque<WaitingQuery>,
    sent: Vec<String>,
}

/// A query without a matching range; a later step may answer.
#[derive(Debug)]
struct WaitingQuery {
    query: Message,
    transport: Transport,
    answer: UnboundedSender<(Duration, Bytes)>,
}

impl ScriptedNetwork {
    /// A network with these ranges, before the first step.
    #[must_use]
    pub fn new(ranges: Vec<Range>) -> Self {
        let state = ScriptState { ranges, step: 0, waiting: VecDeque::new(), sent: vec![] };
        ScriptedNetwork(Arc::new(Mutex::new(state)))
    }

    /// From now on the ranges of this step are in force.
    pub fn enter_step(&self, number: u32) {
        self.0.lock().step = number;
    }

    /// Whether a waiting query matches the entry; `None` if no query waits.
    #[must_use]
    pub fn waiting_matches(&self, entry: &Entry) -> Option<bool> {
        let state = self.0.lock();
        let matches = |waiting: &WaitingQuery| entry.is_for(&waiting.query, waiting.transport);
        (!state.waiting.is_empty()).then(|| state.waiting.iter().any(matches))
    }

    /// Answers the waiting query that matches the entry or, with `any`, the oldest. Returns false
    /// if no query waits.
    pub fn answer_waiting(&self, entry: &Entry, any: bool) -> bool {
        let mut state = self.0.lock();
        let at = state.waiting.iter().position(|waiting| waiting.query.question == entry.question);
        let Some(waiting) = at.or(any.then_some(0)).and_then(|at| state.waiting.remove(at)) else {
            return false;
        };
        if let Some((after, message)) = entry.answer_to(&waiting.query) {
            let _ = waiting.answer.send((after, message.into()));
        }
        true
    }

    /// Drops the oldest waiting query.
    pub fn drop_waiting(&self) {
        self.0.lock().waiting.pop_front();
    }

    /// The queries sent so far, one on each line.
    #[must_use]
    pub fn sent(&self) -> Vec<String> {
        self.0.lock().sent.clone()
    }
}

impl Network for ScriptedNetwork {
    type Exchange = ScriptedExchange;
    type Room = ();

    fn room(&self, _: Endpoint) -> Option<()> {
        Some(())
    }

    fn exchange(&self, to: Endpoint, query: Bytes, _: Option<()>) -> ScriptedExchange {
        let (sender, arriving) = mpsc::unbounded_channel();
        self.ask(to, &query, &sender);
        ScriptedExchange { net: self.clone(), to, sender, arriving, next: None }
    }
}

impl ScriptedNetwork {
    /// Sends a query to the server at `to`; the reply goes to `sender`.
    fn ask(&self, to: Endpoint, query: &Bytes, sender: &UnboundedSender<(Duration, Bytes)>) {
        let Ok(query) = Message::parse(query) else { return };
        let mut state = self.0.lock();
        let asked = query.question.as_ref().map_or("?".into(), ToString::to_string);
        let (step, address) = (state.step, to.address.ip());
        let in_force = state.ranges.iter().filter(|range| {
            (range.from..=range.to).contains(&step)
                && (range.addresses.is_empty() || range.addresses.contains(&address))
        });
        let mut entries = in_force.flat_map(|range| &range.entries);
        let found = entries.find(|entry| entry.is_for(&query, to.transport)).cloned();
        let line = format!("{step}: {asked} to {to} over {}: {}", to.transport, found.is_some());
        state.sent.push(line);
        match found {
            Some(entry) => {
                if let Some((after, message)) = entry.answer_to(&query) {
                    let _ = sender.send((after, message.into()));
                }
            }
            None => {
                let transport = to.transport;
                state.waiting.push_back(WaitingQuery { query, transport, answer: sender.clone() });
            }
        }
    }
}

/// A query on a scripted network.
#[derive(Debug)]
pub struct ScriptedExchange {
    net: ScriptedNetwork,
    to: Endpoint,
    sender: UnboundedSender<(Duration, Bytes)>,
    arriving: mpsc::UnboundedReceiver<(Duration, Bytes)>,
    next: Option<(tokio::time::Instant, Bytes)>,
}

impl Exchange for ScriptedExchange {
    async fn receive(&mut self) -> ExchangeEvent {
        if self.next.is_none() {
            match self.arriving.recv().await {
                Some((after, message)) => {
                    self.next = Some((tokio::time::Instant::now() + TRIP + after, message));
                }
                None => std::future::pending().await,
            }
        }
        if let Some((at, _)) = &self.next {
            sleep(*at - tokio::time::Instant::now()).await;
        }
        self.next.take().map_or(ExchangeEvent::Failed(NetworkError::Closed), |(_, message)| {
            ExchangeEvent::Message(message)
        })
    }

    fn resend(&mut self, query: Bytes) {
        self.net.ask(self.to, &query, &self.sender);
    }
}
