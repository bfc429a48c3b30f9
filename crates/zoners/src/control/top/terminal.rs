//! The terminal: raw mode and the alternate screen, and their end in every case.

use std::fmt::Write as _;
use std::io::{self, Stdout, Write, stdin, stdout};
use std::sync::Mutex;

use ratatui_core::backend::{Backend, ClearType, WindowSize};
use ratatui_core::buffer::Cell;
use ratatui_core::layout::{Position, Size};
use ratatui_core::style::{Color, Modifier};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};

/// To the alternate screen, without a cursor (DECSET 1049, DECTCEM).
const ENTER: &str = "\x1b[?1049h\x1b[?25l";
/// And back.
const LEAVE: &str = "\x1b[?25h\x1b[?1049l";

/// The modes of the terminal before, while it is taken.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// The terminal of this program, taken until this is dropped.
#[derive(Debug)]
pub(super) struct TakenTerminal(());

impl TakenTerminal {
    /// Takes the terminal. A panic gives it back before its message is printed.
    pub(super) fn take() -> io::Result<Self> {
        let told = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            give_back();
            told(panic);
        }));
        enter()?;
        Ok(TakenTerminal(()))
    }

    /// Gives the terminal back, stops the program as Ctrl-Z does, and takes the terminal when the program goes on.
    pub(super) fn suspend(&self) -> io::Result<()> {
        give_back();
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::TSTP)?;
        enter()
    }
}

impl Drop for TakenTerminal {
    fn drop(&mut self) {
        give_back();
    }
}

fn enter() -> io::Result<()> {
    let before = tcgetattr(stdin())?;
    let mut raw = before.clone();
    raw.make_raw();
    *lock() = Some(before);
    tcsetattr(stdin(), OptionalActions::Now, &raw)?;
    let written = stdout().write_all(ENTER.as_bytes()).and_then(|()| stdout().flush());
    written.inspect_err(|_| give_back())
}

/// Once for each time that the terminal was taken. A terminal that has gone needs nothing.
fn give_back() {
    if let Some(before) = lock().take() {
        let _ = stdout().write_all(LEAVE.as_bytes());
        let _ = stdout().flush();
        let _ = tcsetattr(stdin(), OptionalActions::Now, &before);
    }
}

fn lock() -> std::sync::MutexGuard<'static, Option<Termios>> {
    BEFORE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Writes the changes of a screen as escape sequences (ECMA-48), which every terminal of today knows.
#[derive(Debug)]
pub(super) struct AnsiBackend {
    stdout: Stdout,
    /// What is not written yet: a frame is one write.
    waiting: String,
}

impl AnsiBackend {
    pub(super) fn new() -> Self {
        AnsiBackend { stdout: stdout(), waiting: String::new() }
    }

    fn go(&mut self, column: u16, row: u16) {
        let (row, column) = (u32::from(row) + 1, u32::from(column) + 1);
        // Writing to a text never fails.
        let _ = write!(self.waiting, "\x1b[{row};{column}H");
    }

    /// Writes with a colour and weights of the palette from now on (SGR).
    fn set_style(&mut self, (colour, modifier): (Color, Modifier)) {
        let weights = [(Modifier::BOLD, 1), (Modifier::DIM, 2), (Modifier::REVERSED, 7)];
        let weights = weights.iter().filter(|(weight, _)| modifier.contains(*weight));
        let colours = [
            (Color::Red, 31),
            (Color::Green, 32),
            (Color::Yellow, 33),
            (Color::Blue, 34),
            (Color::Magenta, 35),
            (Color::Cyan, 36),
        ];
        let colours = colours.iter().filter(|(known, _)| *known == colour);
        let codes = weights.map(|(_, code)| code).chain(colours.map(|(_, code)| code));
        self.waiting.push_str("\x1b[0");
        for code in codes {
            let _ = write!(self.waiting, ";{code}");
        }
        self.waiting.push('m');
    }
}

impl Backend for AnsiBackend {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let mut place = None;
        let mut style = None;
        for (column, row, cell) in content {
            if place != Some((column, row)) {
                self.go(column, row);
            }
            let wanted = (cell.fg, cell.modifier);
            if style.replace(wanted) != Some(wanted) {
                self.set_style(wanted);
            }
            self.waiting.push_str(cell.symbol());
            place = column.checked_add(1).map(|next| (next, row));
        }
        self.waiting.push_str("\x1b[0m");
        Ok(())
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        Ok(Position::ORIGIN)
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        let Position { x, y } = position.into();
        self.go(x, y);
        Ok(())
    }

    fn clear(&mut self) -> io::Result<()> {
        self.waiting.push_str("\x1b[0m\x1b[2J");
        Ok(())
    }

    fn clear_region(&mut self, _: ClearType) -> io::Result<()> {
        // The whole screen is drawn, and cleared.
        self.clear()
    }

    fn size(&self) -> io::Result<Size> {
        let size = tcgetwinsize(&self.stdout)?;
        // A terminal behind a serial line does not know.
        let of = |known: u16, usual: u16| if known == 0 { usual } else { known };
        Ok(Size::new(of(size.ws_col, 80), of(size.ws_row, 24)))
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        Ok(WindowSize { columns_rows: self.size()?, pixels: Size::default() })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stdout.write_all(self.waiting.as_bytes())?;
        self.waiting.clear();
        self.stdout.flush()
    }
}

#[cfg(test)]
mod tests {
    use ratatui_core::buffer::Buffer;
    use ratatui_core::layout::Rect;
    use ratatui_core::style::Style;

    use super::*;

    #[test]
    fn changes_are_written_with_their_places_and_styles() {
        let before = Buffer::empty(Rect::new(0, 0, 9, 3));
        let mut after = before.clone();
        after.set_string(1, 0, "ab", Style::new());
        after.set_string(3, 0, "c", Style::new().fg(Color::Red).add_modifier(Modifier::BOLD));
        after.set_string(0, 2, "d", Style::new().add_modifier(Modifier::DIM));
        let mut backend = AnsiBackend::new();
        backend.draw(before.diff(&after).into_iter()).unwrap();
        assert_eq!(backend.waiting, "\x1b[1;2H\x1b[0mab\x1b[0;1;31mc\x1b[3;1H\x1b[0;2md\x1b[0m");
    }
}
