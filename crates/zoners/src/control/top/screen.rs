//! The screen: pictures of the last seconds, and tables below.

use ratatui_core::buffer::Buffer;
use ratatui_core::layout::Rect;
use ratatui_core::text::{Line, Span};
use zoners_api::words::grouped;

use super::figures::Figures;
use super::palette::Palette;
use super::panes::Pane;
use super::pictures;
use super::view::View;
use crate::control::status::{network, span};
use crate::print::{clean, cut};

/// The least room in which there is something to see.
const LEAST_WIDTH: u16 = 40;
const LEAST_HEIGHT: u16 = 8;
/// From this width on the tables stand side by side.
const SIDE_BY_SIDE: u16 = 76;
/// From this height on there are pictures above the tables.
const WITH_PICTURES: u16 = 18;
/// Lines above and below what fills the screen.
const FRAME_LINES: u16 = 3;

/// The columns and lines of a page on a screen of this size.
pub(super) fn page_size(area: Rect) -> (usize, usize) {
    (area.width.into(), area.height.saturating_sub(FRAME_LINES).into())
}

/// Draws the screen.
pub(super) fn draw(buffer: &mut Buffer, live: &Figures, view: &View, palette: Palette) {
    let area = *buffer.area();
    if area.width < LEAST_WIDTH || area.height < LEAST_HEIGHT {
        let told = format!("zoners top needs {LEAST_WIDTH} columns and {LEAST_HEIGHT} lines");
        buffer.set_stringn(0, 0, told, area.width.into(), Palette::PLAIN);
        return;
    }
    let figures = view.figures(live);
    title(buffer, figures, view, palette);
    footer(buffer, view);
    let body = Rect { y: 1, height: area.height - 2, ..area };
    if let Some(reading) = &view.reading {
        write(buffer, body.y, Line::styled(clean(&reading.title), Palette::BOLD));
        let (width, height) = page_size(area);
        for (row, text) in (body.y + 1..).zip(reading.visible(width, height)) {
            write(buffer, row, palette.line(&text));
        }
        return;
    }
    uplink(buffer, body.y, figures, palette);
    let below = Rect { y: body.y + 1, height: body.height - 1, ..body };
    let drawn = if area.height >= WITH_PICTURES {
        pictures::draw(buffer, below, figures, palette)
    } else {
        0
    };
    let tables = Rect { y: below.y + drawn, height: below.height - drawn, ..below };
    draw_tables(buffer, tables, figures, view, palette);
}

/// Writes a line over the whole width.
fn write(buffer: &mut Buffer, row: u16, line: Line<'_>) {
    let width = buffer.area().width;
    buffer.set_line(0, row, &line, width);
}

/// The daemon and how it is doing; on the right the rate of queries.
fn title(buffer: &mut Buffer, figures: &Figures, view: &View, palette: Palette) {
    let mut spans = vec![Span::styled("zoners top", Palette::BOLD), Span::raw("  ")];
    spans.push(match (&figures.status, figures.overdue_s()) {
        (_, Some(late)) => Span::styled(format!("no reply for {}", span(late)), palette.bad()),
        (None, None) => Span::raw("the daemon is asked"),
        (Some(status), None) => {
            let worst = status.problems.first().map(|problem| problem.severity);
            let word = match worst {
                Some(zoners_api::Severity::Error) => "cannot resolve",
                Some(zoners_api::Severity::Warning) => "works, with a warning",
                Some(zoners_api::Severity::Notice) | None => "works",
            };
            Span::styled(format!("{word}, up {}", span(status.uptime_s)), palette.severity(worst))
        }
    });
    if view.is_paused() {
        spans.extend([Span::raw("  "), Span::styled(" PAUSED ", Palette::MARKED)]);
    }
    write(buffer, 0, Line::from(spans));
    let (recent, seconds) = figures.seconds.recent();
    let rate = pictures::rounded_rate(recent.queries(), seconds);
    let lost = match figures.lost {
        0 => String::new(),
        lost => format!("{} not seen, ", grouped(lost)),
    };
    let text = format!("  {lost}{rate} queries/s");
    let column = buffer.area().width.saturating_sub(text.chars().count() as u16);
    buffer.set_string(column, 0, text, Palette::BOLD);
}

/// The worst problem, or the uplink in words.
fn uplink(buffer: &mut Buffer, row: u16, figures: &Figures, palette: Palette) {
    let (text, style) = match (&figures.refusal, &figures.status) {
        (Some(refusal), _) => (refusal.clone(), palette.bad()),
        (None, None) => return,
        (None, Some(status)) => match status.problems.first() {
            Some(problem) => (problem.text.clone(), palette.severity(Some(problem.severity))),
            None => {
                let waiting = match status.waiting {
                    0 => String::new(),
                    waiting => format!("; {} wait", grouped(waiting)),
                };
                (format!("Uplink {}{waiting}", network(&status.network)), Palette::PLAIN)
            }
        },
    };
    let text = cut(&clean(&text), buffer.area().width.into());
    write(buffer, row, Line::styled(text, style));
}

/// The keys, or the filter.
fn footer(buffer: &mut Buffer, view: &View) {
    let area = *buffer.area();
    let row = area.bottom() - 1;
    let line = match (&view.typed, &view.reading) {
        (Some(typed), _) => Line::from(vec![
            Span::styled("filter by name or client: ", Palette::BOLD),
            Span::raw(tail(typed, area.width.into())),
            Span::styled(" ", Palette::MARKED),
        ]),
        (None, Some(_)) => Line::styled("q back  up/down scroll", Palette::DIM),
        (None, None) => {
            let filter = match view.filter.as_str() {
                "" => String::new(),
                filter => format!("  only {}", clean(filter)),
            };
            Line::from(vec![
                Span::styled(
                    "q quit  p pause  / filter  tab table  up/down row  enter why",
                    Palette::DIM,
                ),
                Span::styled(filter, Palette::BOLD),
            ])
        }
    };
    write(buffer, row, line);
}

/// The end of a typed text that has room beside the label.
fn tail(typed: &str, width: usize) -> String {
    const LABEL: usize = 28;
    let surplus = typed.chars().count().saturating_sub(width.saturating_sub(LABEL));
    typed.chars().skip(surplus).collect()
}

/// The tables side by side, or the one that is looked at.
fn draw_tables(buffer: &mut Buffer, area: Rect, figures: &Figures, view: &View, palette: Palette) {
    if area.width < SIDE_BY_SIDE {
        draw_table(buffer, area, view.pane, figures, view, palette);
        return;
    }
    let left = Rect { width: area.width * 3 / 5 - 1, ..area };
    let right = Rect { x: left.right() + 2, width: area.width - left.width - 2, ..area };
    let top = Rect { height: area.height / 2, ..right };
    let bottom = Rect { y: top.bottom(), height: area.height - top.height, ..right };
    for (pane, area) in [(Pane::Names, left), (Pane::Servers, top), (Pane::Clients, bottom)] {
        draw_table(buffer, area, pane, figures, view, palette);
    }
}

fn draw_table(
    buffer: &mut Buffer,
    area: Rect,
    pane: Pane,
    figures: &Figures,
    view: &View,
    palette: Palette,
) {
    let is_looked_at = view.pane == pane;
    let width = usize::from(area.width);
    let mark = if is_looked_at { "> " } else { "" };
    let mut lines = vec![
        Line::styled(format!("{mark}{}", pane.title()), Palette::BOLD),
        Line::styled(pane.heading(), Palette::DIM),
    ];
    let rows = pane.rows(figures);
    if rows.is_empty() {
        lines.push(Line::styled(format!("  {}", pane.nothing(figures)), Palette::DIM));
    }
    let room = usize::from(area.height).saturating_sub(lines.len());
    let marked = view.marked_row(pane, figures);
    let first = marked.saturating_sub(room.saturating_sub(1));
    for (number, row) in rows.iter().enumerate().skip(first) {
        let text = cut(&clean(&format!("{}{}", row.figures, row.key)), width);
        let style = if row.has_failed { palette.bad() } else { Palette::PLAIN };
        let is_marked = is_looked_at && number == marked;
        let text = if is_marked { format!("{text:<width$}") } else { text };
        lines
            .push(Line::styled(text, if is_marked { style.patch(Palette::MARKED) } else { style }));
    }
    for (row, line) in (area.y..area.bottom()).zip(&lines) {
        buffer.set_line(area.x, row, line, area.width);
    }
}
