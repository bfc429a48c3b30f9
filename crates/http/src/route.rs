//! The table of routes.

use std::borrow::Cow;
use std::fmt;
use std::pin::Pin;

use crate::refusal::HttpRefusal;
use crate::{HttpRequest, HttpResponse, Method};

type Answering = Pin<Box<dyn Future<Output = HttpResponse> + Send>>;
type Handler = Box<dyn Fn(HttpRequest) -> Answering + Send + Sync>;

/// A method, a path, and the handler.
pub struct Route {
    method: Method,
    path: Cow<'static, str>,
    /// Whether the route also matches its path with one more segment.
    has_below: bool,
    handler: Handler,
}

impl Route {
    /// A route; a route for GET answers HEAD too.
    #[must_use]
    pub fn new<F>(
        method: Method,
        path: impl Into<Cow<'static, str>>,
        handler: impl Fn(HttpRequest) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = HttpResponse> + Send + 'static,
    {
        Route {
            method,
            path: path.into(),
            has_below: false,
            handler: Box::new(move |request| Box::pin(handler(request))),
        }
    }

    /// The same route, for paths with one more segment too.
    #[must_use]
    pub fn with_below(self) -> Self {
        Route { has_below: true, ..self }
    }

    /// The segment of a path below the path of the route; none at the route itself.
    #[must_use]
    pub fn segment<'p>(own: &str, path: &'p str) -> Option<&'p str> {
        let segment = path.strip_prefix(own)?.strip_prefix('/')?;
        (!segment.is_empty() && !segment.contains('/')).then_some(segment)
    }

    fn has(&self, path: &str) -> bool {
        self.path == path || self.has_below && Route::segment(&self.path, path).is_some()
    }

    /// The path, compared octet by octet.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// Answers a request that the service has admitted.
    pub async fn answer(&self, request: HttpRequest) -> HttpResponse {
        (self.handler)(request).await
    }

    /// The route of a request.
    pub(crate) fn find<'a>(
        routes: &'a [Route],
        method: &Method,
        path: &str,
    ) -> Result<&'a Route, HttpRefusal> {
        let method = if method == Method::HEAD { &Method::GET } else { method };
        let mut at_path = routes.iter().filter(|route| route.has(path)).peekable();
        if at_path.peek().is_none() {
            return Err(HttpRefusal::NoPath);
        }
        at_path.clone().find(|route| route.method == *method).ok_or_else(|| {
            let methods = at_path.map(|route| route.method.clone());
            let has_head = |methods: &[Method]| methods.contains(&Method::GET);
            let mut methods: Vec<Method> = methods.collect();
            methods.extend(has_head(&methods).then_some(Method::HEAD));
            HttpRefusal::NoMethod(methods)
        })
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StatusCode;

    #[test]
    fn a_route_is_found_by_path_and_method() {
        let route = |method, path| {
            Route::new(method, path, |_| async { HttpResponse::text(StatusCode::OK, "") })
        };
        let routes =
            [route(Method::GET, "/a"), route(Method::POST, "/a"), route(Method::PUT, "/b")];
        let find = |method, path| Route::find(&routes, &method, path).map(|r| format!("{r:?}"));
        assert_eq!(find(Method::POST, "/a"), Ok("POST /a".into()));
        assert_eq!(find(Method::HEAD, "/a"), Ok("GET /a".into()));
        for path in ["/", "/a/", "/A", "/c", ""] {
            assert_eq!(find(Method::GET, path), Err(HttpRefusal::NoPath), "{path}");
        }
        let allowed = vec![Method::GET, Method::POST, Method::HEAD];
        assert_eq!(find(Method::DELETE, "/a"), Err(HttpRefusal::NoMethod(allowed)));
        assert_eq!(find(Method::HEAD, "/b"), Err(HttpRefusal::NoMethod(vec![Method::PUT])));
    }

    #[test]
    fn a_route_may_have_paths_of_one_more_segment() {
        let route =
            Route::new(Method::GET, "/a", |_| async { HttpResponse::text(StatusCode::OK, "") });
        let routes = [route.with_below()];
        let finds = |path| Route::find(&routes, &Method::GET, path).is_ok();
        assert!(["/a", "/a/phone", "/a/x.y"].into_iter().all(finds));
        assert!(!["/a/", "/ab", "/a/b/c", "/a//", "/b/a"].into_iter().any(finds));
        assert_eq!(Route::segment("/a", "/a/phone"), Some("phone"));
        assert_eq!(Route::segment("/a", "/a"), None);
    }
}
