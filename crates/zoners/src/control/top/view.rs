//! What the person looks at, and what a key changes.

use zoners_api::WhyReport;

use super::figures::Figures;
use super::keys::Key;
use super::panes::Pane;
use crate::control::why;
use crate::print::{clean, wrapped};

/// The most characters of a filter: a name has no more (RFC 1035 section 2.3.4).
const MAX_FILTER: usize = 255;
/// Rows that a page up or down moves.
const PAGE_ROWS: usize = 10;

/// What a key asks of the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Quit,
    Interrupt,
    Suspend,
    Redraw,
    /// Ask the daemon for past resolutions of this name.
    Why(String),
    /// Another filter begins.
    Filter,
}

/// A page that covers the tables.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    pub(super) title: String,
    content: Content,
    /// Lines above the first one on the screen.
    scrolled: usize,
}

#[derive(Clone, Debug)]
enum Content {
    Awaited,
    Why(Box<WhyReport>),
    Text(Vec<String>),
}

impl Reading {
    /// The lines at a width, with escape sequences for their styles.
    fn lines(&self, width: usize) -> Vec<String> {
        match &self.content {
            Content::Awaited => vec!["the daemon is asked".to_owned()],
            Content::Why(report) => why::page(report, width),
            Content::Text(texts) => {
                texts.iter().flat_map(|text| wrapped(&clean(text), width)).collect()
            }
        }
    }

    /// The lines on a screen of this size.
    pub(super) fn visible(&self, width: usize, height: usize) -> Vec<String> {
        let lines = self.lines(width);
        let first = self.scrolled.min(lines.len().saturating_sub(height));
        lines.into_iter().skip(first).take(height).collect()
    }

    fn scroll(&mut self, key: Key, (width, height): (usize, usize)) {
        let most = self.lines(width).len().saturating_sub(height);
        self.scrolled = moved(self.scrolled.min(most), most, key);
    }
}

/// What the person looks at.
#[derive(Clone, Debug)]
pub(super) struct View {
    pub(super) pane: Pane,
    /// The key of the marked row in each table; the first row without one.
    marked: [Option<String>; Pane::ALL.len()],
    pub(super) reading: Option<Reading>,
    pub(super) filter: String,
    /// The filter while it is typed.
    pub(super) typed: Option<String>,
    /// The figures at the moment of the pause.
    frozen: Option<Box<Figures>>,
}

impl View {
    pub(super) fn new() -> Self {
        View {
            pane: Pane::Names,
            marked: [const { None }; Pane::ALL.len()],
            reading: None,
            filter: String::new(),
            typed: None,
            frozen: None,
        }
    }

    pub(super) const fn is_paused(&self) -> bool {
        self.frozen.is_some()
    }

    /// The figures to be shown.
    pub(super) fn figures<'a>(&'a self, live: &'a Figures) -> &'a Figures {
        self.frozen.as_deref().unwrap_or(live)
    }

    /// The number of the marked row. A row that has gone leaves the mark at the first.
    pub(super) fn marked_row(&self, pane: Pane, figures: &Figures) -> usize {
        let marked = self.marked[pane as usize].as_ref();
        let rows = pane.rows(figures);
        rows.iter().position(|row| Some(&row.key) == marked).unwrap_or(0)
    }

    /// Takes the past resolutions of a name, if they are still wanted.
    pub(super) fn take_why(&mut self, name: &str, report: Result<Box<WhyReport>, String>) {
        if let Some(reading) = &mut self.reading
            && matches!(reading.content, Content::Awaited)
            && reading.title == name
        {
            reading.content = match report {
                Ok(report) => Content::Why(report),
                Err(error) => Content::Text(vec![error]),
            };
        }
    }

    /// What a key does. `size` is the room for a page, in columns and lines.
    pub(super) fn press(
        &mut self,
        key: Key,
        live: &Figures,
        size: (usize, usize),
    ) -> Option<Order> {
        match key {
            Key::Interrupt => return Some(Order::Interrupt),
            Key::Suspend => return Some(Order::Suspend),
            Key::Redraw => return Some(Order::Redraw),
            _ => {}
        }
        if self.typed.is_some() {
            return self.typing(key);
        }
        if let Some(reading) = &mut self.reading {
            match key {
                Key::Escape | Key::Enter | Key::Backspace | Key::Character('q') => {
                    self.reading = None
                }
                _ => reading.scroll(key, size),
            }
            return None;
        }
        match key {
            Key::Character('q') => return Some(Order::Quit),
            Key::Character('p' | ' ') => self.toggle_pause(live),
            Key::Character('/') => self.typed = Some(self.filter.clone()),
            Key::Escape if !self.filter.is_empty() => return self.begin_filter(String::new()),
            Key::Tab => self.pane = self.pane.next(),
            Key::Enter | Key::Character('w') => return self.open(live),
            _ => self.mark(key, live),
        }
        None
    }

    fn typing(&mut self, key: Key) -> Option<Order> {
        let typed = self.typed.as_mut()?;
        match key {
            Key::Character(letter) if typed.len() < MAX_FILTER => typed.push(letter),
            Key::Backspace => drop(typed.pop()),
            Key::Escape => self.typed = None,
            Key::Enter => {
                let filter = std::mem::take(typed);
                self.typed = None;
                return self.begin_filter(filter);
            }
            _ => {}
        }
        None
    }

    fn begin_filter(&mut self, filter: String) -> Option<Order> {
        let is_new = self.filter != filter;
        self.filter = filter;
        if is_new {
            self.frozen = None;
        }
        is_new.then_some(Order::Filter)
    }

    fn toggle_pause(&mut self, live: &Figures) {
        self.frozen = match self.frozen {
            Some(_) => None,
            None => Some(Box::new(live.clone())),
        };
    }

    fn mark(&mut self, key: Key, live: &Figures) {
        let figures = self.figures(live);
        let rows = self.pane.rows(figures);
        let row = moved(self.marked_row(self.pane, figures), rows.len().saturating_sub(1), key);
        self.marked[self.pane as usize] = rows.into_iter().nth(row).map(|row| row.key);
    }

    /// Opens the marked row.
    fn open(&mut self, live: &Figures) -> Option<Order> {
        let figures = self.figures(live);
        let row = self.marked_row(self.pane, figures);
        let key = self.pane.rows(figures).into_iter().nth(row)?.key;
        let (content, order) = match self.pane {
            Pane::Clients => return self.begin_filter(key),
            Pane::Names => (Content::Awaited, Some(Order::Why(key.clone()))),
            Pane::Servers => {
                let entry = figures.servers.iter().find(|entry| entry.name == key)?;
                (Content::Text(server_texts(entry)), None)
            }
        };
        self.reading = Some(Reading { title: key, content, scrolled: 0 });
        order
    }
}

fn server_texts(entry: &zoners_api::TroubleEntry) -> Vec<String> {
    let zoners_api::TroubleEntry { questions, clients, worst_ms, text, .. } = entry;
    vec![
        text.clone(),
        String::new(),
        format!(
            "{questions} slow or failed questions of {clients} clients, the longest {worst_ms:.0} ms."
        ),
        "More: zoners servers, zoners slow, zoners failures".to_owned(),
    ]
}

/// The place after a key, from 0 to `most`.
fn moved(place: usize, most: usize, key: Key) -> usize {
    let place = match key {
        Key::Up | Key::Character('k') => place.saturating_sub(1),
        Key::Down | Key::Character('j') => place + 1,
        Key::PageUp => place.saturating_sub(PAGE_ROWS),
        Key::PageDown => place + PAGE_ROWS,
        Key::Home | Key::Character('g') => 0,
        Key::End | Key::Character('G') => most,
        _ => place,
    };
    place.min(most)
}
