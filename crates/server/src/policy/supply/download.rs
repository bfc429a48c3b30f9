//! A list downloaded into the store, with names resolved by the resolver of this process.

use zoners_dns::Network;
use zoners_http::{
    Download, DownloadError, DownloadLimits, Downloaded, HttpUrl, TlsClient, Validators,
};
use zoners_policy::ListForm;
use zoners_resolver::Resolver;

use super::texts::TextStore;
use crate::resolved_hosts::ResolvedHosts;

/// The media types of lists.
const ACCEPT: &str = "text/plain, */*;q=0.5";

/// A download to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListDownload {
    /// The identifier of the list.
    pub(crate) list: String,
    pub(crate) url: HttpUrl,
    pub(crate) form: Option<ListForm>,
    pub(crate) max_octets: u64,
    /// The version of the copy in the store.
    pub(crate) validators: Validators,
}

/// The outcome of a download.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DownloadOutcome {
    /// The copy in the store is the list still.
    Unchanged,
    /// A new copy with this digest is in the store.
    Copied(String, Validators),
    /// No new copy: the reason, and the pause wanted by the server, in seconds.
    Failed(String, Option<u64>),
}

impl ListDownload {
    /// Makes the download. Blocked names are no obstacle: the resolver knows no policy.
    pub(crate) async fn run<N: Network>(
        &self,
        resolver: &Resolver<N>,
        tls: Option<&TlsClient>,
        store: &TextStore,
    ) -> DownloadOutcome {
        let failed = |why: String| DownloadOutcome::Failed(why, None);
        let mut text = match store.begin(self.form) {
            Ok(text) => text,
            Err(error) => return failed(format!("no copy can be written: {error}")),
        };
        let limits = DownloadLimits { octets: self.max_octets, ..DownloadLimits::default() };
        let (url, validators) = (&self.url, &self.validators);
        let download = Download { url, accept: ACCEPT, validators, limits: &limits };
        match download.run(&ResolvedHosts(resolver), tls, &mut text).await {
            Ok(Downloaded::Unchanged) => DownloadOutcome::Unchanged,
            Ok(Downloaded::Complete { validators, .. }) => match text.finish(&self.list) {
                Ok(digest) => DownloadOutcome::Copied(digest, validators),
                Err(error) => failed(error.to_string()),
            },
            Err(error) => {
                let wanted = match &error {
                    DownloadError::Status { retry_after_s, .. } => *retry_after_s,
                    _ => None,
                };
                DownloadOutcome::Failed(error.to_string(), wanted)
            }
        }
    }
}
