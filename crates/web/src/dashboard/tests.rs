//! Requests of browsers, with and without a session.

use super::*;
use crate::tests::{TestAdmin, browser};

const RANDOM: [u8; 32] = [0xab; 32];

/// A dashboard whose secrets count up.
fn dashboard() -> Arc<Dashboard<TestAdmin>> {
    let number = Mutex::new(0);
    let random = move || {
        *number.lock() += 1;
        [*number.lock(); 32]
    };
    Dashboard::new(Arc::default(), Box::new(random), Arc::default())
}

#[test]
fn the_host_of_links_is_random_and_of_this_machine() {
    let dashboard =
        Dashboard::new(Arc::<TestAdmin>::default(), Box::new(|| RANDOM), Arc::default());
    assert_eq!(dashboard.host(), "zoners-abababababababab.localhost");
}

#[tokio::test(start_paused = true)]
async fn a_link_opens_a_session_once() {
    let dashboard = dashboard();
    let link = dashboard.link(5380);
    assert!(link.url.starts_with(&format!("http://{}:5380/enter?link=", dashboard.host())));
    let (_, path) = link.url.split_once(":5380").unwrap();
    let entered = browser::get(&dashboard, path, None).await;
    assert_eq!(entered.status, StatusCode::OK);
    let cookie = entered.cookie.unwrap();
    assert!(cookie.contains("HttpOnly; SameSite=Strict; Path=/"), "{cookie}");
    let session = cookie.split(';').next().unwrap().to_owned();
    for path in ["/", "/queries", "/why", "/lookup", "/servers", "/policy", "/network", "/settings"]
    {
        let page = browser::get(&dashboard, path, Some(&session)).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert!(page.body.contains("aria-current=\"page\""), "{path}: {}", page.body);
        assert!(page.policy.contains("default-src 'none'"), "{path}");
        assert!(!page.body.contains("style=\""), "the policy admits no such style: {path}");
    }
    let again = browser::get(&dashboard, path, None).await;
    assert_eq!((again.status, again.cookie), (StatusCode::FORBIDDEN, None));
}

#[tokio::test(start_paused = true)]
async fn without_a_session_there_is_no_page_and_no_form() {
    let dashboard = dashboard();
    let wrong = format!("zoners-session={}", secret(RANDOM));
    for path in ["/", "/queries", "/events", "/policy", "/settings"] {
        for cookie in [None, Some(&*wrong)] {
            let page = browser::get(&dashboard, path, cookie).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{path}");
            assert!(page.body.contains("zoners dashboard"), "{}", page.body);
        }
    }
    for path in ["/style.css", "/live.js", "/icon.svg"] {
        assert_eq!(browser::get(&dashboard, path, None).await.status, StatusCode::OK);
    }
    let sent = browser::post(&dashboard, "/policy/pause", "seconds=300", None, true).await;
    assert_eq!(sent.status, StatusCode::FORBIDDEN);
    assert!(dashboard.admin.pauses().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_form_must_come_from_a_page_of_the_dashboard() {
    let dashboard = dashboard();
    let session = browser::enter(&dashboard).await;
    let send = |origin| {
        browser::post(&dashboard, "/policy/pause", "group=kids&seconds=300", Some(&session), origin)
    };
    assert_eq!(send(false).await.status, StatusCode::FORBIDDEN);
    assert!(dashboard.admin.pauses().is_empty());
    assert_eq!(send(true).await.status, StatusCode::SEE_OTHER);
    assert_eq!(dashboard.admin.pauses(), [(Some("kids".to_owned()), 300)]);
    let wrong = browser::post(&dashboard, "/policy/pause", "seconds=soon", Some(&session), true);
    let wrong = wrong.await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    assert!(wrong.body.contains("seconds: write a number"), "{}", wrong.body);
    assert_eq!(
        browser::post(&dashboard, "/leave", "", Some(&session), true).await.status,
        StatusCode::SEE_OTHER
    );
    assert_eq!(browser::get(&dashboard, "/", Some(&session)).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test(start_paused = true)]
async fn requests_in_json_get_the_replies_of_the_control_socket() {
    let dashboard = dashboard();
    let session = browser::enter(&dashboard).await;
    let ask = |body: &'static str| browser::api(&dashboard, body, Some(&session));
    let reply = ask("{\"do\":\"day\"}").await;
    assert_eq!(reply.status, StatusCode::OK);
    assert!(reply.body.starts_with("{\"version\":1,\"reply\":\"day\""), "{}", reply.body);
    for refused in [
        "{\"do\":\"watch\"}",
        "{\"do\":\"hand-over\"}",
        "{\"do\":\"dashboard\"}",
        "{\"do\":\"cache-dump\"}",
        "{}",
        "x",
    ] {
        let reply = ask(refused).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{refused}");
        assert!(reply.body.contains("\"reply\":\"error\""), "{}", reply.body);
    }
    assert_eq!(
        browser::api(&dashboard, "{\"do\":\"day\"}", None).await.status,
        StatusCode::FORBIDDEN
    );
}

#[tokio::test(start_paused = true)]
async fn queries_come_as_they_end_and_the_watch_ends_with_the_last_browser() {
    let dashboard = dashboard();
    let session = browser::enter(&dashboard).await;
    let mut stream = browser::stream(&dashboard, "/events?text=www", &session).await;
    assert!(stream.next().await.unwrap().starts_with(": "), "the head goes out at once");
    dashboard.admin.end_queries(&["www.example.", "<b>.example."]);
    let rows = stream.next().await.unwrap();
    assert!(rows.starts_with("event: rows\ndata: <tr>") && rows.contains("www.example"), "{rows}");
    assert!(!rows.contains("b&gt;"), "left out by the filter: {rows}");
    let page = browser::get(&dashboard, "/queries", Some(&session)).await;
    assert!(page.body.contains("&lt;b&gt;.example") && !page.body.contains("<b>.example"));
    assert_eq!(dashboard.admin.watches(), 1, "one for all browsers");
    drop(stream);
    tokio::time::sleep(std::time::Duration::from_secs(120)).await;
    assert_eq!(dashboard.admin.watches(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_rule_is_told_before_it_is_made_and_taken_back_from_the_same_page() {
    let dashboard = dashboard();
    let session = browser::enter(&dashboard).await;
    let get = |path: &'static str| browser::get(&dashboard, path, Some(&session));
    let post = |form: &'static str, has_origin: bool| {
        browser::post(&dashboard, "/rule", form, Some(&session), has_origin)
    };
    let page = get("/rule?name=a.ads.example.&client=192.0.2.7&effect=block").await;
    for told in ["What that does", "Block a.ads.example", "value=\"ads.example.\""] {
        assert!(page.body.contains(told), "{told}: {}", page.body);
    }
    assert!(dashboard.admin.rules().is_empty(), "told, not done");
    let form = "name=a.ads.example.&rule=ads.example.&effect=block";
    assert_eq!(post(form, false).await.status, StatusCode::FORBIDDEN);
    assert_eq!(post(form, true).await.status, StatusCode::SEE_OTHER);
    assert_eq!(dashboard.admin.rules().len(), 1);
    let page = get("/queries?rule=ads.example.").await;
    assert!(page.body.contains("ads.example and every name below are blocked"), "{}", page.body);
    assert!(get("/policy").await.body.contains("Take back the rule for ads.example"));
    assert_eq!(post("name=ads.example.&effect=remove", true).await.status, StatusCode::SEE_OTHER);
    assert!(dashboard.admin.rules().is_empty());
    let page = get("/queries?rule=ads.example.").await;
    assert!(page.body.contains("no rule of yours for ads.example"), "{}", page.body);
    assert_eq!(post("name=a.example.&effect=drop", true).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test(start_paused = true)]
async fn past_queries_are_searched_and_lead_to_older_ones() {
    let dashboard = dashboard();
    let session = browser::enter(&dashboard).await;
    let page = browser::get(&dashboard, "/queries?when=past&text=ads", Some(&session)).await;
    assert!(
        page.body.contains("in the query log") && page.body.contains("name=ads"),
        "{}",
        page.body
    );
    assert!(
        page.body.contains("/queries?when=past&amp;text=ads&amp;only=&amp;until=0&amp;skip=1"),
        "{}",
        page.body
    );
    assert_eq!(dashboard.admin.watches(), 0, "no watch for the past");
}

#[tokio::test(start_paused = true)]
async fn each_setting_of_the_file_is_told_with_its_line() {
    let dashboard = dashboard();
    let session = browser::enter(&dashboard).await;
    let page = browser::get(&dashboard, "/settings", Some(&session)).await.body;
    assert!(page.contains("<td class=\"n\" data-column=\"line\">7</td>"), "{page}");
    for told in ["/etc/zoners/zoners.toml", "server.threads", "1 setting at the default value"] {
        assert!(page.contains(told), "{told}: {page}");
    }
}
