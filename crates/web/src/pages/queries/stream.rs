//! Queries as they end, as events for the script.

use std::sync::Arc;

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use zoners_http::HttpBodyWriter;

use super::filter::QueryFilter;
use super::row::row;
use crate::feed::EndedQueries;

/// Sends queries as events (server-sent events of HTML), until the browser leaves.
pub(super) async fn send(
    mut live: Receiver<Arc<EndedQueries>>,
    filter: QueryFilter,
    writer: HttpBodyWriter,
) {
    // The head of the response goes out with the first octets.
    let mut piece = ": the queries as they end\n\n".to_owned();
    loop {
        if !piece.is_empty() && !writer.write(piece).await {
            return;
        }
        let ended = tokio::select! {
            biased;
            () = writer.is_left() => return,
            ended = live.recv() => ended,
        };
        piece = match ended {
            Ok(ended) => events(&ended, &filter),
            Err(RecvError::Lagged(looks)) => format!("event: left-out\ndata: {looks}\n\n"),
            Err(RecvError::Closed) => return,
        };
    }
}

fn events(ended: &EndedQueries, filter: &QueryFilter) -> String {
    let rows = ended.queries.iter().rev().filter(|query| filter.admits(query)).map(row);
    // Data of an event lies in a line.
    let rows: String = rows.map(|row| row.into_string().replace(['\r', '\n'], " ")).collect();
    let mut events = String::new();
    if !rows.is_empty() {
        events = format!("event: rows\ndata: {rows}\n\n");
    }
    if ended.left_out > 0 {
        events = format!("{events}event: left-out\ndata: {}\n\n", ended.left_out);
    }
    events
}

#[cfg(test)]
mod tests {
    use super::*;
    use zoners_api::{FinishedQuery, QueryOutcome};

    #[test]
    fn rows_are_escaped_and_lie_in_one_line() {
        let query = FinishedQuery {
            received_s: 0,
            client: "192.0.2.7".into(),
            transport: "udp".into(),
            name: Some("<b>\"x\n.".into()),
            r#type: Some("A".into()),
            outcome: Some(QueryOutcome::Cached),
            rcode: None,
            ede: None,
            failed: true,
            took_ms: 0.1,
        };
        let ended = EndedQueries { queries: vec![query], left_out: 3 };
        let events = events(&ended, &QueryFilter::default());
        assert!(events.contains("&lt;b&gt;") && !events.contains("<b>"), "{events}");
        assert!(events.ends_with("event: left-out\ndata: 3\n\n"), "{events}");
        assert_eq!(events.lines().count(), 6, "{events}");
    }
}
