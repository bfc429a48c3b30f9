//! Pictures that move to the left by a column each second: queries by outcome, and the waits for answers.

use ratatui_core::buffer::Buffer;
use ratatui_core::layout::Rect;
use ratatui_core::style::Style;
use zoners_api::words::grouped;

use super::figures::Figures;
use super::palette::Palette;
use super::seconds::{Ending, FIGURE_SECONDS, MAX_SECONDS, Second};

/// Columns before a picture.
const LABEL: u16 = 10;
/// Columns after a picture.
const FIGURES: u16 = 17;
/// From this height of the screen on a picture has two lines.
const TALL: u16 = 36;
/// The eighths of a line.
const BARS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// The shortest and the longest wait with a bar of their own, in milliseconds; bars are logarithmic between.
const SHORTEST_MS: f64 = 0.1;
const LONGEST_MS: f64 = 10_000.0;
/// Shares of the answers, with the words for them.
const SHARES: [(f64, &str); 3] = [(0.5, "half"), (0.95, "95 %"), (0.99, "99 %")];

/// Draws the pictures at the top of the area, and returns the number of their lines.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, figures: &Figures, palette: Palette) -> u16 {
    let lines = if area.height >= TALL { 2 } else { 1 };
    let width = area.width.saturating_sub(LABEL + FIGURES).min(MAX_SECONDS as u16);
    let seconds: Vec<&Second> = figures.seconds.last(width.into()).collect();
    let (recent, count) = figures.seconds.recent();
    let picture = |row: u16| Rect { x: LABEL, y: row, width, height: lines };

    let mut row = area.y;
    heading(buffer, row, "Queries", "/s    share");
    row += 1;
    let most = seconds.iter().map(|second| second.queries()).max().unwrap_or(0).max(1);
    for ending in Ending::ALL {
        let style = palette.ending(ending);
        let shares = seconds.iter().map(|second| second.ended(ending) as f64 / most as f64);
        bars(buffer, picture(row), shares, style);
        let (ended, all) = (recent.ended(ending), recent.queries().max(1));
        let share = ended as f64 * 100.0 / all as f64;
        let rate = rounded_rate(ended, count);
        beside(buffer, row + lines - 1, ending.name(), &format!("{rate} {share:>6.1} %"), style);
        row += lines;
    }

    heading(buffer, row, "Answers", "within");
    row += 1;
    for (share, words) in SHARES {
        let heights = seconds.iter().map(|second| second.waits.within(share).map_or(0.0, height));
        bars(buffer, picture(row), heights, Palette::PLAIN);
        let told = recent.waits.within(share).map_or_else(|| "-".to_owned(), wait);
        beside(buffer, row + lines - 1, words, &told, Palette::PLAIN);
        row += lines;
    }
    row - area.y
}

fn heading(buffer: &mut Buffer, row: u16, label: &str, figures: &str) {
    beside(buffer, row, label, figures, Palette::BOLD);
    let time = format!("columns: 1 s, figures: {FIGURE_SECONDS} s");
    let room = buffer.area().width.saturating_sub(LABEL + FIGURES);
    buffer.set_stringn(LABEL, row, time, room.into(), Palette::DIM);
}

/// The label before a picture, and the figures after it.
fn beside(buffer: &mut Buffer, row: u16, label: &str, figures: &str, style: Style) {
    buffer.set_stringn(0, row, label, LABEL.into(), style);
    let column = buffer.area().width.saturating_sub(figures.chars().count() as u16);
    buffer.set_string(column, row, figures, style);
}

/// Bars from the right edge of the area: each has a share of the height, and at least an eighth of a line if there is
/// anything to show.
fn bars(
    buffer: &mut Buffer,
    area: Rect,
    shares: impl DoubleEndedIterator<Item = f64>,
    style: Style,
) {
    for (column, share) in (area.x..area.right()).rev().zip(shares.rev()) {
        let full = f64::from(area.height) * 8.0;
        let least = if share > 0.0 { 1 } else { 0 };
        let mut eighths = ((share.min(1.0) * full).round() as usize).max(least);
        for row in (area.y..area.bottom()).rev() {
            let shown = eighths.min(8);
            eighths -= shown;
            if let (Some(cell), Some(bar)) = (buffer.cell_mut((column, row)), BARS.get(shown)) {
                cell.set_char(*bar).set_style(style);
            }
        }
    }
}

/// A number of queries in so many seconds, as queries a second.
pub(super) fn rounded_rate(queries: u64, seconds: usize) -> String {
    let rate = queries as f64 / seconds.max(1) as f64;
    match rate {
        _ if queries > 0 && rate < 0.05 => "<0.1".to_owned(),
        0.05..9.95 => format!("{rate:.1}"),
        _ => grouped(rate.round() as u64),
    }
}

/// The height of a bar for a wait.
fn height(ms: f64) -> f64 {
    let octaves = (ms / SHORTEST_MS).max(1.0).log2() / (LONGEST_MS / SHORTEST_MS).log2();
    octaves.clamp(0.01, 1.0)
}

fn wait(ms: f64) -> String {
    match ms {
        ..9.95 => format!("{ms:.1} ms"),
        _ => format!("{} ms", grouped(ms.round() as u64)),
    }
}
