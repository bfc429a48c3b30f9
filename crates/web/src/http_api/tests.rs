use std::collections::BTreeSet;

use super::*;
use crate::keys::AccessKeys;
use crate::tests::{TestAdmin, browser};
use crate::tokens::TokenBook;

/// A dashboard with a token of each scope.
fn dashboard() -> (Arc<Dashboard<TestAdmin>>, [String; 3]) {
    let mut book = TokenBook::default();
    let mut octet = 0;
    let tokens = TokenScope::ALL.map(|scope| {
        octet += 1;
        // The clock of the machine counts: the tokens of the test end in the year 3000.
        let begin = 32_503_680_000 - 60;
        book.create(scope.name(), scope, 60, [octet; 32], begin).unwrap().0
    });
    let keys = Arc::new(AccessKeys::new(book, None));
    let random = Box::new(|| [0xab; 32]);
    (Dashboard::new(Arc::default(), random, keys), tokens)
}

#[tokio::test]
async fn a_request_needs_a_token_of_its_scope() {
    let (dashboard, [read, policy, admin]) = dashboard();
    let get = |path: &'static str, token: &str| {
        let token = token.to_owned();
        let dashboard = dashboard.clone();
        async move { browser::program(&dashboard, Method::GET, path, &token, "").await }
    };
    let post = |path: &'static str, token: &str, body: &'static str| {
        let token = token.to_owned();
        let dashboard = dashboard.clone();
        async move { browser::program(&dashboard, Method::POST, path, &token, body).await }
    };
    for wrong in ["", "zoners_0", &read[..70]] {
        let page = get("/api/v1/status", wrong).await;
        assert_eq!(page.status, StatusCode::UNAUTHORIZED, "{wrong}");
        assert!(page.body.contains("zoners token create"), "{}", page.body);
    }
    for token in [&read, &policy, &admin] {
        let page = get("/api/v1/day", token).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.body.starts_with("{\"version\":1,\"reply\":\"day\""), "{}", page.body);
    }
    let pause = "{\"seconds\":300,\"group\":null}";
    assert_eq!(post("/api/v1/policy-pause", &read, pause).await.status, StatusCode::FORBIDDEN);
    let refused = get("/api/v1/policy-pause?seconds=300", &policy).await;
    assert_eq!((refused.status, &*refused.allow), (StatusCode::METHOD_NOT_ALLOWED, "POST"));
    assert!(dashboard.admin.pauses().is_empty());
    assert_eq!(post("/api/v1/policy-pause", &policy, pause).await.status, StatusCode::OK);
    assert_eq!(dashboard.admin.pauses(), [(None, 300)]);
    assert_eq!(
        post("/api/v1/flush", &policy, "{\"name\":\"a.example\"}").await.status,
        StatusCode::FORBIDDEN
    );
    for kind in ["/api/v1/hand-over", "/api/v1/dashboard", "/api/v1/token-list", "/api/v1/watch"] {
        assert_eq!(post(kind, &admin, "").await.status, StatusCode::FORBIDDEN, "{kind}");
    }
}

#[tokio::test]
async fn parameters_and_bodies_are_read_by_the_types_of_the_fields() {
    let (dashboard, [read, ..]) = dashboard();
    let ask = |method, path: &'static str, body: &'static str| {
        let (dashboard, read) = (dashboard.clone(), read.clone());
        async move { browser::program(&dashboard, method, path, &read, body).await }
    };
    let found = ask(Method::GET, "/api/v1/queries?name=123&limit=5&failed=true", "").await;
    assert!(found.body.contains("\"name\":\"123\""), "{}", found.body);
    for (path, field) in [
        ("/api/v1/queries?limit=many", "u32"),
        ("/api/v1/why?nme=a", "nme"),
        ("/api/v1/lookup?name=a", "type"),
    ] {
        let refused = ask(Method::GET, path, "").await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{path}");
        assert!(refused.body.contains(field), "{}", refused.body);
    }
    let refused = ask(Method::POST, "/api/v1/queries", "[]").await;
    assert!(refused.body.contains("must be an object"), "{}", refused.body);
}

#[test]
fn every_field_that_is_no_text_is_known_and_no_other() {
    let description: Value = serde_json::from_str(OPENAPI).unwrap();
    let paths = description["paths"].as_object().unwrap();
    let (mut numbers, mut flags) = (BTreeSet::new(), BTreeSet::new());
    for (path, methods) in paths {
        let fields = &methods["post"]["requestBody"]["content"]["application/json"]["schema"];
        let fields = fields["properties"].as_object().unwrap_or_else(|| panic!("{path}"));
        for (name, schema) in fields {
            let types = schema["type"].to_string();
            let (is_number, is_flag) = (types.contains("integer"), types.contains("boolean"));
            assert_eq!(is_number, NUMBERS.contains(&&**name), "{path}: {name}: {types}");
            assert_eq!(is_flag, FLAGS.contains(&&**name), "{path}: {name}: {types}");
            numbers.extend(is_number.then_some(&**name));
            flags.extend(is_flag.then_some(&**name));
        }
    }
    assert_eq!((numbers, flags), (BTreeSet::from(NUMBERS), BTreeSet::from(FLAGS)));
}
