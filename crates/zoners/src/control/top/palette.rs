//! Colours of the screen, and pages with escape sequences as lines of the screen.

use ratatui_core::style::{Color, Modifier, Style};
use ratatui_core::text::{Line, Span};
use zoners_api::Severity;

use super::seconds::Ending;

/// The styles: without colours (`NO_COLOR`) weight and reversal remain.
#[derive(Clone, Copy, Debug)]
pub(super) struct Palette {
    pub(super) is_coloured: bool,
}

impl Palette {
    pub(super) const PLAIN: Style = Style::new();
    pub(super) const BOLD: Style = Style::new().add_modifier(Modifier::BOLD);
    pub(super) const DIM: Style = Style::new().add_modifier(Modifier::DIM);
    pub(super) const MARKED: Style = Style::new().add_modifier(Modifier::REVERSED);

    const fn colour(self, colour: Color) -> Style {
        if self.is_coloured { Style::new().fg(colour) } else { Palette::PLAIN }
    }

    pub(super) const fn bad(self) -> Style {
        self.colour(Color::Red)
    }

    pub(super) const fn doubtful(self) -> Style {
        self.colour(Color::Yellow)
    }

    pub(super) const fn good(self) -> Style {
        self.colour(Color::Green)
    }

    pub(super) const fn ending(self, ending: Ending) -> Style {
        match ending {
            Ending::Cached => self.good(),
            Ending::Recursed => self.colour(Color::Cyan),
            Ending::Policy => self.colour(Color::Blue),
            Ending::Stale => self.doubtful(),
            Ending::Failed => self.bad(),
            Ending::Refused => self.colour(Color::Magenta),
        }
    }

    pub(super) const fn severity(self, severity: Option<Severity>) -> Style {
        match severity {
            Some(Severity::Error) => self.bad(),
            Some(Severity::Warning) => self.doubtful(),
            Some(Severity::Notice) | None => self.good(),
        }
    }

    /// A line of a page, in which `ESC [ … m` sets bold, dim, a colour, or nothing (ECMA-48, SGR).
    pub(super) fn line(self, text: &str) -> Line<'_> {
        let mut style = Palette::PLAIN;
        let mut pieces = text.split("\x1b[");
        let first = pieces.next().map(|text| Span::styled(text, style));
        let spans = pieces.filter_map(|piece| {
            let (parameter, text) = piece.split_once('m')?;
            style = match parameter {
                "1" => style.patch(Palette::BOLD),
                "2" => style.patch(Palette::DIM),
                "31" => style.patch(self.bad()),
                "32" => style.patch(self.good()),
                "33" => style.patch(self.doubtful()),
                _ => Palette::PLAIN,
            };
            Some(Span::styled(text, style))
        });
        first.into_iter().chain(spans).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::print::{BOLD, DIM, GREEN, RED, YELLOW};

    #[test]
    fn the_styles_of_pages_are_styles_of_the_screen() {
        let text = format!(
            "a{RED}b{RED:#}c{BOLD}d{BOLD:#}{DIM}e{DIM:#}{GREEN}f{GREEN:#}{YELLOW}g{YELLOW:#}"
        );
        let spans = |is_coloured| {
            let palette = Palette { is_coloured };
            let line = palette.line(&text);
            let written = line.spans.iter().filter(|span| !span.content.is_empty());
            written.map(|span| (span.content.to_string(), span.style)).collect::<Vec<_>>()
        };
        let colour = |letter: &str, colour| (letter.to_owned(), Style::new().fg(colour));
        let plain = |letter: &str| (letter.to_owned(), Palette::PLAIN);
        let bold = ("d".to_owned(), Palette::BOLD);
        let dim = ("e".to_owned(), Palette::DIM);
        assert_eq!(
            spans(true),
            [
                plain("a"),
                colour("b", Color::Red),
                plain("c"),
                bold.clone(),
                dim.clone(),
                colour("f", Color::Green),
                colour("g", Color::Yellow)
            ]
        );
        assert_eq!(
            spans(false),
            [plain("a"), plain("b"), plain("c"), bold, dim, plain("f"), plain("g")]
        );
    }
}
