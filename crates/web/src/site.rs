//! Everything that the dashboard serves.

use std::sync::Arc;

use zoners_api::Admin;
use zoners_http::Route;

use crate::dashboard::{Dashboard, Entrance};
use crate::{assets, http_api, login, pages};

impl<A: Admin> Dashboard<A> {
    /// The routes: links, requests, pages and their forms, style and script.
    #[must_use]
    pub fn routes(self: &Arc<Self>) -> Vec<Route> {
        let mut routes = match self.entrance() {
            Entrance::Link => vec![self.enter()],
            Entrance::Password => login::routes(self).into(),
        };
        routes.push(self.requests());
        routes.extend(http_api::routes(self));
        routes.extend(assets::routes());
        routes.extend(pages::routes(self));
        routes
    }
}
