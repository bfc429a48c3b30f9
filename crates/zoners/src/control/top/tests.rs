//! The screen, as files in `snapshots/`: `INSTA_UPDATE=always cargo test -p zoners --bins control::top` writes the files
//! anew, and `git diff` shows the difference.

use ratatui_core::backend::TestBackend;
use ratatui_core::style::{Color, Modifier};
use ratatui_core::terminal::Terminal;
use zoners_api::{
    AdminEvent, DaemonStatus, FinishedQuery, HistoryFill, LostEvents, NetworkReport, PassageReport,
    PassageState, Problem, QueryOutcome, Severity, TroubleEntry, TroubleReport, VerdictCause,
    WhyReport,
};

use super::figures::Figures;
use super::keys::Key;
use super::palette::Palette;
use super::recent::MAX_KEYS;
use super::screen;
use super::seconds::MAX_SECONDS;
use super::view::{Order, View};

const COLOURED: Palette = Palette { is_coloured: true };
const PAGE: (usize, usize) = (80, 21);

/// A query that recursion has answered.
pub(super) fn query(name: &str, took_ms: f64) -> FinishedQuery {
    FinishedQuery {
        received_s: 1_790_000_000,
        client: "192.0.2.7".to_owned(),
        transport: "udp".to_owned(),
        name: Some(name.to_owned()),
        r#type: Some("A".to_owned()),
        outcome: Some(QueryOutcome::Recursed),
        rcode: Some("NOERROR".to_owned()),
        ede: None,
        failed: false,
        took_ms,
    }
}

/// Servers at fault: address, questions and the longest wait.
pub(super) fn servers(servers: &[(&str, u64, f64)]) -> TroubleReport {
    let entry = |(name, questions, worst_ms): &(&str, u64, f64)| TroubleEntry {
        name: (*name).to_owned(),
        questions: *questions,
        clients: 1,
        worst_ms: *worst_ms,
        cause: VerdictCause::ProviderSilent,
        text: format!("{name} stayed silent"),
    };
    TroubleReport {
        failures: false,
        seconds: 900,
        questions: 10,
        hurt: 5,
        clients: 1,
        names: Vec::new(),
        providers: Vec::new(),
        servers: servers.iter().map(entry).collect(),
        causes: Vec::new(),
        history: HistoryFill::default(),
    }
}

fn status() -> Box<DaemonStatus> {
    let passage = PassageReport { state: PassageState::Open, ..PassageReport::default() };
    let network = NetworkReport { loss: 0.012, passage, ..NetworkReport::default() };
    Box::new(DaemonStatus { uptime_s: 7384, waiting: 3, network, ..DaemonStatus::default() })
}

/// The figures of a daemon in a house, after two minutes.
fn house() -> Figures {
    let mut figures = Figures::new(1000);
    for second in 1000..1120_u64 {
        figures.advance(second);
        let mut add = |client: u64, name: &str, outcome, took_ms| {
            let query = FinishedQuery {
                client: format!("192.168.1.{client}"),
                outcome: Some(outcome),
                failed: outcome == QueryOutcome::Failed,
                ..query(name, took_ms)
            };
            figures.add(&AdminEvent::Query(query), "");
        };
        for number in 0..20 + 15 * (second / 7 % 3) {
            add(number % 3 + 7, "www.example.com.", QueryOutcome::Cached, 0.06);
        }
        for number in 0..second % 4 {
            add(
                7,
                &format!("n{number}.example.net."),
                QueryOutcome::Recursed,
                18.0 + 30.0 * number as f64,
            );
        }
        if second % 10 == 0 {
            add(8, "ads.example.org.", QueryOutcome::Policy, 0.08);
        }
        if second % 25 == 0 {
            add(
                9,
                "a-name-that-is-rather-long-for-a-narrow-terminal.provider.example.",
                QueryOutcome::Failed,
                2304.0,
            );
            add(9, "old.example.", QueryOutcome::Stale, 1800.0);
        }
    }
    figures.advance(1120);
    figures.take_status(status());
    figures.take_troubles(Some([
        servers(&[("192.0.2.53", 7, 2304.0), ("2001:db8::53", 2, 812.0)]),
        servers(&[]),
    ]));
    figures
}

fn shown(
    figures: &Figures,
    view: &View,
    (width, height): (u16, u16),
    palette: Palette,
) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| screen::draw(frame.buffer_mut(), figures, view, palette)).unwrap();
    terminal
}

fn text(figures: &Figures, view: &View, size: (u16, u16)) -> String {
    shown(figures, view, size, COLOURED).backend().to_string()
}

/// Compares the screen with the file of this name.
fn holds(name: &str, figures: &Figures, view: &View, size: (u16, u16)) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text(figures, view, size)));
}

fn why() -> Box<WhyReport> {
    let texts = (1..=30).map(|number| format!("n{number}.below.example.")).collect();
    Box::new(WhyReport {
        name: "below.example.".to_owned(),
        resolutions: Vec::new(),
        names_below: texts,
        history: HistoryFill { records: 30, ..HistoryFill::default() },
    })
}

#[test]
fn the_screen_is_as_in_these_files() {
    let (figures, mut view) = (house(), View::new());
    holds("top-80x24", &figures, &view, (80, 24));
    holds("top-200x50", &figures, &view, (200, 50));
    holds("top-60x20", &figures, &view, (60, 20));
    view.press(Key::Tab, &figures, PAGE);
    view.press(Key::Tab, &figures, PAGE);
    holds("top-60x20-clients", &figures, &view, (60, 20));
    holds("top-40x8", &figures, &view, (40, 8));
    holds("top-without-news", &Figures::new(0), &View::new(), (80, 24));
}

#[test]
fn every_size_of_a_terminal_is_drawn() {
    let (figures, mut view) = (house(), View::new());
    for width in [1, 7, 39, 40, 41, 75, 76, 77, 300] {
        for height in [1, 7, 8, 9, 17, 18, 19, 60] {
            text(&figures, &view, (width, height));
        }
    }
    view.press(Key::Enter, &figures, PAGE);
    text(&figures, &view, (40, 8));
}

#[test]
fn colours_go_with_no_color_and_the_marked_row_stays_visible() {
    let (figures, view) = (house(), View::new());
    let styles = |is_coloured| {
        let terminal = shown(&figures, &view, (80, 24), Palette { is_coloured });
        let cells = terminal.backend().buffer().content();
        let colours = cells.iter().any(|cell| cell.fg != Color::Reset || cell.bg != Color::Reset);
        let marked = cells.iter().filter(|cell| cell.modifier.contains(Modifier::REVERSED)).count();
        (colours, marked)
    };
    assert_eq!(styles(true), (true, 47));
    assert_eq!(styles(false), (false, 47));
}

#[test]
fn a_name_leads_to_why_it_was_slow() {
    let (figures, mut view) = (house(), View::new());
    let mut press = |key| view.press(key, &figures, PAGE);
    assert_eq!(press(Key::Down), None);
    let name = "old.example.".to_owned();
    assert_eq!(press(Key::Enter), Some(Order::Why(name.clone())));
    view.take_why("another.example.", Err("no answer".to_owned()));
    assert!(text(&figures, &view, (80, 24)).contains("the daemon is asked"));
    view.take_why(&name, Ok(why()));
    let page = text(&figures, &view, (80, 24));
    assert!(page.contains("n1.below.example.") && !page.contains("n30.below.example."), "{page}");
    for key in [Key::End, Key::PageDown, Key::PageDown] {
        view.press(key, &figures, PAGE);
    }
    assert!(text(&figures, &view, (80, 24)).contains("n30.below.example."));
    view.press(Key::Home, &figures, PAGE);
    assert!(text(&figures, &view, (80, 24)).contains("n1.below.example."));
    assert_eq!(view.press(Key::Character('q'), &figures, PAGE), None, "back, and not the end");
    assert_eq!(view.press(Key::Character('q'), &figures, PAGE), Some(Order::Quit));
}

#[test]
fn a_server_and_a_client_lead_further() {
    let (figures, mut view) = (house(), View::new());
    view.press(Key::Tab, &figures, PAGE);
    assert_eq!(view.press(Key::Enter, &figures, PAGE), None);
    assert!(text(&figures, &view, (80, 24)).contains("192.0.2.53 stayed silent"));
    view.press(Key::Escape, &figures, PAGE);
    view.press(Key::Tab, &figures, PAGE);
    view.press(Key::End, &figures, PAGE);
    assert_eq!(view.press(Key::Enter, &figures, PAGE), Some(Order::Filter));
    assert_eq!(view.filter, "192.168.1.9");
    assert_eq!(view.press(Key::Escape, &figures, PAGE), Some(Order::Filter));
    assert_eq!(view.filter, "");
}

#[test]
fn the_mark_stays_on_its_row_while_rows_move() {
    let (mut figures, mut view) = (house(), View::new());
    view.press(Key::Down, &figures, PAGE);
    assert_eq!(view.marked_row(view.pane, &figures), 1);
    figures.add(&AdminEvent::Query(FinishedQuery { failed: true, ..query("new.", 9000.0) }), "");
    assert_eq!(view.marked_row(view.pane, &figures), 2);
}

#[test]
fn a_pause_holds_the_screen_and_the_figures_go_on() {
    let (mut figures, mut view) = (house(), View::new());
    view.press(Key::Character('p'), &figures, PAGE);
    let before = text(&figures, &view, (80, 24));
    assert!(before.contains("PAUSED"));
    figures.add(&AdminEvent::Query(query("late.example.", 9000.0)), "");
    figures.advance(1130);
    assert_eq!(text(&figures, &view, (80, 24)), before);
    view.press(Key::Character(' '), &figures, PAGE);
    assert!(text(&figures, &view, (80, 24)).contains("late.example."));
}

#[test]
fn a_filter_is_typed_and_taken_back() {
    let (figures, mut view) = (house(), View::new());
    view.press(Key::Character('/'), &figures, PAGE);
    for letter in "exq".chars() {
        assert_eq!(view.press(Key::Character(letter), &figures, PAGE), None);
    }
    view.press(Key::Backspace, &figures, PAGE);
    assert!(text(&figures, &view, (80, 24)).contains("filter by name or client: ex "));
    assert_eq!(view.press(Key::Enter, &figures, PAGE), Some(Order::Filter));
    assert!(text(&figures, &view, (80, 24)).contains("only ex"));
    view.press(Key::Character('/'), &figures, PAGE);
    for _ in 0..300 {
        view.press(Key::Character('y'), &figures, PAGE);
    }
    assert_eq!(view.typed.as_ref().map(String::len), Some(255), "the longest name");
    assert_eq!(view.press(Key::Escape, &figures, PAGE), None);
    assert_eq!(view.filter, "ex");
}

#[test]
fn trouble_is_told_on_top() {
    let (mut figures, view) = (house(), View::new());
    let problem = Problem {
        severity: Severity::Error,
        text: "No server responds".to_owned(),
        advice: String::new(),
    };
    figures.take_status(Box::new(DaemonStatus { problems: vec![problem], ..*status() }));
    figures.add(&AdminEvent::Lost(LostEvents { count: 1234 }), "");
    let page = text(&figures, &view, (80, 24));
    for told in ["cannot resolve", "No server responds", "1,234 not seen"] {
        assert!(page.contains(told), "{told}: {page}");
    }
    figures.advance(1140);
    assert!(text(&figures, &view, (80, 24)).contains("no reply for 20 s"));
}

#[test]
fn a_flood_of_names_and_clients_takes_bounded_memory() {
    let mut figures = Figures::new(0);
    for number in 0..3 * MAX_KEYS as u64 {
        figures.advance(number / 4);
        let query = FinishedQuery {
            client: format!("10.0.{}.{}", number / 250, number % 250),
            ..query(&format!("{number}.example."), 50.0)
        };
        figures.add(&AdminEvent::Query(query), "");
        assert!(figures.names.ranked().count() <= MAX_KEYS);
    }
    assert!(figures.clients.ranked().count() <= MAX_KEYS);
    assert_eq!(figures.lost, 0, "there is room for four a second");
    for number in 0..=MAX_KEYS as u64 {
        let query = FinishedQuery { client: format!("2001:db8::{number:x}"), ..query("a.", 0.1) };
        figures.add(&AdminEvent::Query(query), "");
    }
    assert!(figures.lost > 0, "not seen");
    assert_eq!(figures.seconds.last(usize::MAX).count(), MAX_SECONDS - 1);
}
