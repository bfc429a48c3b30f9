//! Everything that the dashboard serves.

use std::sync::Arc;

use zoners_api::Admin;
use zoners_http::Route;

use crate::dashboard::Dashboard;
use crate::{assets, pages};

impl<A: Admin> Dashboard<A> {
    /// The routes: links, requests, pages and their forms, style and script.
    #[must_use]
    pub fn routes(self: &Arc<Self>) -> Vec<Route> {
        let mut routes = vec![self.enter(), self.requests()];
        routes.extend(assets::routes());
        routes.extend(pages::routes(self));
        routes
    }
}
