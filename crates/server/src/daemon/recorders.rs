//! The threads that hand queries and messages on: to the query log, and to a reader of dnstap.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zoners_dns::Counters;

use super::dnstap_writer::DnstapWriter;
use super::generation::{Core, Generation};
use super::query_logger::QueryLogger;
use super::workers::Workers;

/// Both threads, as far as the configuration wants them; dropping ends them.
#[derive(Debug)]
pub(super) struct Recorders {
    query_log: Option<QueryLogger>,
    _dnstap: Option<DnstapWriter>,
}

impl Recorders {
    /// Starts the threads for the queries of `workers`; `state` is the state folder. A query log that cannot be written is
    /// no reason for no service.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(super) fn begin(
        core: &Core,
        generation: &Generation,
        state: Option<&Path>,
        workers: &Workers,
    ) -> io::Result<Self> {
        let config = &generation.config;
        let query_log = QueryLogger::start(&config.query_log, state, &workers.events());
        let query_log = query_log
            .inspect_err(|error| tracing::warn!("query log: {error}: no query is logged"))
            .ok()
            .flatten();
        let tap = core.tap.clone().zip(config.dnstap.to.clone());
        let dnstap = tap.map(|(tap, to)| DnstapWriter::start(tap, to)).transpose()?;
        Ok(Recorders { query_log, _dnstap: dnstap })
    }

    /// The folder of the query log and the counters of rows, if queries are logged.
    pub(super) fn query_log(&self) -> Option<(PathBuf, Arc<Counters>)> {
        self.query_log.as_ref().map(QueryLogger::report)
    }
}
