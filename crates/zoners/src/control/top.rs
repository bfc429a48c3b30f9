//! `zoners top`: what happens in the daemon now, as a moving picture in the terminal.

mod figures;
mod keys;
mod palette;
mod panes;
mod pictures;
mod recent;
mod screen;
mod seconds;
mod sources;
mod terminal;
#[cfg(test)]
mod tests;
mod view;

use std::io::{self, IsTerminal};
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use ratatui_core::terminal::Terminal;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::Receiver;
use tokio::time::{MissedTickBehavior, interval};
use zoners_api::WatchFilter;
use zoners_dns::Prefix;

use super::Socket;
use crate::Failure;
use crate::lookup::name_on_the_wire;
use figures::Figures;
use keys::Key;
use palette::Palette;
use sources::News;
use terminal::{AnsiBackend, TakenTerminal};
use view::{Order, View};

/// The time between two frames, if no key is pressed. Over ssh a frame is some hundred octets.
const FRAME_INTERVAL: Duration = Duration::from_millis(250);
/// Added to the number of a signal in the exit code of a program that the signal has ended, as shells do.
const ENDED_BY_SIGNAL: i32 = 128;

/// Arguments of `zoners top`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Above: queries by outcome and the time within which answers came, a column for each second. Below: the
slowest names, failed ones first; servers without a useful reply; clients. Clients of the daemon do
not wait for this command.

Keys:
  q            end, or back from a page
  p, space     pause, and go on
  /            show only names or clients with a text; escape ends that
  tab          the next table
  up, down     another row, also j and k, page up and down, home and end
  enter        of a name: why it was slow or failed; of a server: the cause; of a client: its queries

Colours: none with NO_COLOR. For programs: zoners watch --json, zoners metrics."
)]
pub(crate) struct TopArguments {
    /// Show only queries of this client, or of the clients in a network such as 192.168.1.0/24.
    #[arg(long, value_name = "ADDRESS")]
    client: Option<Prefix>,
    /// Show only queries for this name and the names below it.
    #[arg(long, value_name = "NAME", value_parser = name_on_the_wire)]
    name: Option<String>,
    /// Show only queries that failed: those without an answer, or with SERVFAIL.
    #[arg(long)]
    failed: bool,
    #[command(flatten)]
    socket: Socket,
}

pub(crate) fn run(arguments: &TopArguments) -> Result<(), Failure> {
    if !(io::stdin().is_terminal() && io::stdout().is_terminal()) {
        let told =
            "zoners top draws on a terminal; for programs: zoners watch --json, zoners metrics";
        return Err(Failure::Usage(told.to_owned()));
    }
    let filter = WatchFilter {
        client: arguments.client.map(|client| client.to_string()),
        name: arguments.name.clone(),
        failed: arguments.failed,
        most_a_second: None,
    };
    let events = arguments.socket.watch(&filter)?;
    let paths = arguments.socket.paths()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(broken)?;
    let palette = Palette {
        is_coloured: anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never,
    };
    runtime.block_on(async {
        // Signals are heard before the terminal is taken, so that none leaves it taken.
        let mut ends = EndingSignals::listen().map_err(broken)?;
        let taken = TakenTerminal::take().map_err(broken)?;
        let (news, questions) = sources::begin(paths, events);
        let top = Top::new(taken, questions, palette).map_err(broken)?;
        tokio::select! {
            signal = ends.next() => Err(Failure::Told((ENDED_BY_SIGNAL + signal.as_raw_value()) as u8)),
            ended = top.run(news) => ended,
        }
    })
}

fn broken(error: io::Error) -> Failure {
    Failure::Failed(format!("the terminal: {error}"))
}

/// Signals that end the program.
struct EndingSignals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl EndingSignals {
    fn listen() -> io::Result<Self> {
        Ok(EndingSignals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> SignalKind {
        tokio::select! {
            _ = self.interrupt.recv() => SignalKind::interrupt(),
            _ = self.terminate.recv() => SignalKind::terminate(),
            _ = self.hang_up.recv() => SignalKind::hangup(),
        }
    }
}

/// The running program.
struct Top {
    taken: TakenTerminal,
    terminal: Terminal<AnsiBackend>,
    palette: Palette,
    started: Instant,
    figures: Figures,
    view: View,
    questions: SyncSender<String>,
}

impl Top {
    fn new(
        taken: TakenTerminal,
        questions: SyncSender<String>,
        palette: Palette,
    ) -> io::Result<Self> {
        Ok(Top {
            taken,
            terminal: Terminal::new(AnsiBackend::new())?,
            palette,
            started: Instant::now(),
            figures: Figures::new(0),
            view: View::new(),
            questions,
        })
    }

    async fn run(mut self, mut news: Receiver<News>) -> Result<(), Failure> {
        let mut frames = interval(FRAME_INTERVAL);
        frames.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let is_drawn = tokio::select! {
                _ = frames.tick() => {
                    self.figures.advance(self.started.elapsed().as_secs());
                    true
                }
                news = news.recv() => match news {
                    Some(News::Keys(keys)) => {
                        for key in keys {
                            if self.press(key)? {
                                return Ok(());
                            }
                        }
                        true
                    }
                    Some(news) => self.take(news)?,
                    None => return Ok(()),
                },
            };
            if is_drawn {
                self.draw().map_err(broken)?;
            }
        }
    }

    fn draw(&mut self) -> io::Result<()> {
        let Top { terminal, figures, view, palette, .. } = self;
        terminal.draw(|frame| screen::draw(frame.buffer_mut(), figures, view, *palette))?;
        Ok(())
    }

    /// Takes news that is no key; true if a person waits for them.
    fn take(&mut self, news: News) -> Result<bool, Failure> {
        match news {
            News::Events(events) => {
                events.iter().for_each(|event| self.figures.add(event, &self.view.filter));
            }
            News::Status(status) => self.figures.take_status(status),
            News::Troubles(reports) => self.figures.take_troubles(reports.map(|reports| *reports)),
            News::Refused(told) => self.figures.refusal = Some(told),
            News::Why(name, report) => {
                self.view.take_why(&name, report);
                return Ok(true);
            }
            News::WatchEnded => {
                return Err(Failure::Failed("the daemon has ended the watch".to_owned()));
            }
            News::KeysEnded => return Err(Failure::Unread),
            News::Keys(_) => {}
        }
        Ok(false)
    }

    /// Does what a key asks for; true if that is the end.
    fn press(&mut self, key: Key) -> Result<bool, Failure> {
        let size = self.terminal.size().map_err(broken)?;
        let size = screen::page_size((ratatui_core::layout::Position::ORIGIN, size).into());
        match self.view.press(key, &self.figures, size) {
            None => {}
            Some(Order::Quit) => return Ok(true),
            Some(Order::Interrupt) => return Err(Failure::Interrupted),
            Some(Order::Filter) => self.figures.restart(),
            Some(Order::Redraw) => self.terminal.clear().map_err(broken)?,
            Some(Order::Suspend) => {
                self.taken.suspend().map_err(broken)?;
                self.terminal.clear().map_err(broken)?;
            }
            Some(Order::Why(name)) => self.ask_why(name),
        }
        Ok(false)
    }

    fn ask_why(&mut self, name: String) {
        if self.questions.try_send(name.clone()).is_err() {
            let busy = "the daemon has not answered the questions before".to_owned();
            self.view.take_why(&name, Err(busy));
        }
    }
}
