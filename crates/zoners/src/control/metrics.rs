//! `zoners metrics`: every figure in a text format of Prometheus.

use zoners_api::{AdminRequest, MetricsText};

use super::Socket;
use crate::Failure;
use crate::output;

/// Arguments of `zoners metrics`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The same figures are at /metrics of the HTTP service, if the configuration has server.http and
server.http-metrics.

Examples:
  zoners metrics                                     in OpenMetrics
  zoners metrics --classic | promtool check metrics  in the older text format
  zoners metrics --classic | sponge /var/lib/prometheus/node-exporter/zoners.prom"
)]
pub(crate) struct MetricsArguments {
    /// Print the older text format of Prometheus (0.0.4), as for node-exporter, instead of OpenMetrics.
    #[arg(long)]
    classic: bool,
    #[command(flatten)]
    socket: Socket,
}

pub(crate) fn run(arguments: &MetricsArguments) -> Result<(), Failure> {
    let request = AdminRequest::Metrics { classic: arguments.classic };
    let metrics: MetricsText = arguments.socket.request(&request)?;
    output::octets(metrics.text.as_bytes());
    Ok(())
}
