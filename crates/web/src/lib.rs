//! The dashboard: pages about a running daemon, in a browser.
//!
//! The third door of the administration, beside the control socket and the command line: a page shows replies of an
//! [`Admin`](zoners_api::Admin), and a form sends a request. The crate knows no DNS and opens no socket;
//! [`zoners_http`] serves the [`Route`](zoners_http::Route)s, and has checked Host and Origin before.
//!
//! # Access
//!
//! The owner of the daemon gets a link over the control socket ([`Dashboard::link`]). The link is for one use and for a
//! minute, and leaves a session in the browser: a cookie. The port is not in the scope of a cookie (RFC 6265 section
//! 8.5): a program of another user on this machine could lure the browser to a port and get the cookie. So the link has a
//! host of its own ([`Dashboard::host`]), which no program can guess.
//!
//! Over a network ([`Entrance::Password`]) the password is the way in, over TLS alone. Programs show a token for the HTTP
//! API, which is the control socket's ([`TokenBook`]); only hashes of password and tokens are kept ([`AccessKeys`]).
//!
//! # Pages
//!
//! Each page is complete without a script. The script (`assets/live.js`) fetches the page again
//! now and then, and shows queries as they end. Nothing comes from another site (Content-Security-Policy).

mod access;
mod assets;
mod chart;
mod dashboard;
mod feed;
mod http_api;
mod keys;
mod layout;
mod login;
mod login_limits;
mod pages;
mod password;
mod secrets;
mod site;
#[cfg(test)]
mod tests;
mod tokens;
mod words;

pub use dashboard::{Dashboard, Entrance, LoginObserver, Randomness};
pub use keys::AccessKeys;
pub use login_limits::LoginOutcome;
pub use password::{PasswordHash, SALT_OCTETS};
pub use tokens::TokenBook;
