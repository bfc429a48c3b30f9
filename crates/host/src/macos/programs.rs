//! The programs of this Mac, run in earnest.

use std::io;
use std::time::Duration;

use super::dynamic_store::StoreSession;
use crate::mac_dns::MacPrograms;
use crate::plan::{CommandEnd, CommandRunner, LimitedCommands, SystemCommand};
use crate::program::output_of;
use crate::resolvers::{self, SystemResolver};

/// The programs, with the scutil(8) that holds our entry.
#[derive(Debug)]
pub struct RealMacPrograms {
    session: Option<StoreSession>,
    commands: LimitedCommands,
}

impl RealMacPrograms {
    /// The programs, with the longest time for a command.
    #[must_use]
    pub fn new(limit: Duration) -> Self {
        RealMacPrograms { session: None, commands: LimitedCommands { limit } }
    }
}

impl CommandRunner for RealMacPrograms {
    fn run(&mut self, command: &SystemCommand) -> io::Result<CommandEnd> {
        self.commands.run(command)
    }
}

impl MacPrograms for RealMacPrograms {
    fn resolvers(&mut self) -> Option<Vec<SystemResolver>> {
        resolvers::all().ok()
    }

    fn ask_store(&mut self, commands: &str) -> Option<String> {
        output_of(super::dynamic_store::SCUTIL, commands)
    }

    /// A session that has ended is replaced: configd has removed its entries.
    fn tell_store(&mut self, commands: &str) -> io::Result<()> {
        if let Some(session) = &mut self.session
            && session.run(commands).is_ok()
        {
            return Ok(());
        }
        let mut session = StoreSession::open()?;
        let told = session.run(commands);
        self.session = Some(session);
        told
    }
}
