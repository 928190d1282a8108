//! Whose calls they were, on the pages: the review list, a person's word, what is shown to whom.

use axum::http::StatusCode;
use callscribe::{
    insight::{Insights, Sentiment},
    people::link::{Parts, Why},
    store::Role,
};
use serde_json::json;

use crate::harness::{
    site::Site,
    whose::{Called, check, nobodys, of, saved},
};

const DANA: &str = "+972541234567";

fn unknown(sid: &str) -> Called<'_> {
    Called {
        sid,
        number: Some(DANA),
        text: "hello, how much is it?",
        link: nobodys(Why::Unknown),
    }
}

#[tokio::test]
async fn a_call_of_nobody_s_becomes_somebody_s() {
    let site = Site::open().await;
    check(&site.get("/review").await, &["Nothing to review."], &[]);
    let call = site.called(&unknown("CA1")).await;
    let heard = Insights {
        customer_name: Some("Dana Levi".into()),
        ..Insights::default()
    };
    site.meant(&call, "Prices", Sentiment::Neutral, heard).await;
    check(
        &site.get("/review").await,
        &[
            "No customer has this number.",
            "how much is it?",
            "Make a customer of this number",
        ],
        &[],
    );
    check(
        &site.get("/calls/CA1").await,
        &["Nobody’s call", "/calls/CA1/customer"],
        &["data-pending"],
    );
    let form = site.get("/calls/CA1/customer").await;
    check(&form, &["value=\"Dana Levi\"", DANA], &[]);
    let body = "name=Dana+Levi&phones=%2B972541234567";
    let place = saved(&site, "/calls/CA1/customer", body).await;
    let id = place.rsplit('/').next().unwrap().to_owned();
    // As the job finds, which the new customer asked for.
    site.link(&call, Some(DANA), &of(&id, None), "hello").await;
    check(
        &site.get(&place).await,
        &["Calls (1)", "Prices", "Found by the number, 95 % sure."],
        &[],
    );
    check(&site.get("/review").await, &["Nothing to review."], &[]);
    check(
        &site.get("/calls/CA1").await,
        &["<bdi>Dana Levi</bdi>", "Correct it"],
        &["Nobody’s call"],
    );
}

#[tokio::test]
async fn a_person_s_word_stands_until_it_is_taken_back() {
    let site = Site::open().await;
    let (dana, yossi) = (
        site.customer("Dana", DANA).await,
        site.customer("Yossi", DANA).await,
    );
    let party = site.booking(&yossi, "party", "2025-11-20T18:30").await;
    let ambiguous = Called {
        link: nobodys(Why::Ambiguous),
        ..unknown("CA1")
    };
    let call = site.called(&ambiguous).await;
    check(
        &site.get("/review").await,
        &["Several customers have this number", "It is nobody’s"],
        &["Make a customer of this number"],
    );
    let page = site.get("/calls/CA1/link?from=review").await;
    check(
        &page,
        &[
            "<bdi>Dana</bdi>",
            "<bdi>Yossi</bdi>",
            &format!("value=\"{yossi}.{party}\""),
            "party",
        ],
        &["Take it back", "checked"],
    );
    let body = format!("choice={yossi}.{party}&from=review");
    assert_eq!(saved(&site, "/calls/CA1/link", &body).await, "/review");
    check(&site.get("/review").await, &["Nothing to review."], &[]);
    // The rule is asked again, for whatever reason, and finds somebody else.
    site.link(&call, Some(DANA), &of(&dana, None), "hello")
        .await;
    let page = site.get("/calls/CA1").await;
    check(
        &page,
        &["<bdi>Yossi</bdi>", "party", "A person said so."],
        &["<bdi>Dana</bdi>"],
    );
    let timeline = site.get(&format!("/bookings/{party}")).await;
    check(
        &timeline,
        &["data-call=\"CA1\"", "10 days before", "A person said so."],
        &[],
    );

    let page = site.get("/calls/CA1/link").await;
    check(&page, &["Take it back", "checked"], &[]);
    assert_eq!(saved(&site, "/calls/CA1/unlink", "").await, "/calls/CA1");
    site.link(&call, Some(DANA), &of(&dana, None), "hello")
        .await;
    check(&site.get("/calls/CA1").await, &["<bdi>Dana</bdi>"], &[]);

    assert_eq!(
        saved(&site, "/calls/CA1/link", "choice=nobody").await,
        "/calls/CA1"
    );
    check(
        &site.get("/calls/CA1").await,
        &["Nobody’s call", "A person said that it is nobody’s."],
        &[],
    );
    check(&site.get("/review").await, &["Nothing to review."], &[]);
    let found = site.get("/calls/CA1/link?q=yos").await;
    check(&found, &["Found", "Nobody else."], &[]);
}

#[tokio::test]
async fn a_word_that_cannot_be_is_refused() {
    let site = Site::open().await;
    site.called(&unknown("CA1")).await;
    for (path, body, status) in [
        ("/calls/CA1/link", "choice=none", StatusCode::CONFLICT),
        ("/calls/CA9/link", "choice=nobody", StatusCode::NOT_FOUND),
        ("/calls/CA9/unlink", "", StatusCode::NOT_FOUND),
        ("/calls/CA1/link", "", StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        assert_eq!(
            site.form(path, body, &[]).await.status,
            status,
            "{path} {body}"
        );
    }
}

#[tokio::test]
async fn it_is_told_why_a_call_is_about_a_booking() {
    let site = Site::open().await;
    let dana = site.customer("Dana", DANA).await;
    let party = site.booking(&dana, "party", "2025-11-10T16:00").await;
    let parts = Parts {
        exact_date: 10,
        within_3_h: 5,
        same_day: 3,
        named: 5,
        agreeing: 2,
    };
    let called = Called {
        link: of(&dana, Some((&party, parts))),
        ..unknown("CA1")
    };
    site.called(&called).await;
    let why = "Why this booking: exact date 10, within 3 hours 5, same day 3, named 5; 23 in all. 2 things said fit it: time, meal or guests. 95 % sure.";
    for path in [
        "/calls/CA1".to_owned(),
        format!("/customers/{dana}"),
        format!("/bookings/{party}"),
        "/calls/CA1/link".into(),
    ] {
        check(&site.get(&path).await, &[why], &[]);
    }
}

#[tokio::test]
async fn a_booking_s_calls_stand_on_a_line_of_time() {
    let site = Site::open().await;
    let dana = site.customer("Dana", DANA).await;
    // The site's clock stands at half past two in the afternoon.
    let draft = json!({
        "customer_id": dana, "title": "party",
        "starts_at": "2025-11-10T15:40", "ends_at": "2025-11-10T16:00",
    });
    let party = site.booking_as(draft).await;
    check(
        &site.get(&format!("/bookings/{party}")).await,
        &["No calls about it yet."],
        &["It ends"],
    );
    for (sid, wait) in [("CA1", 4800), ("CA2", 1800), ("CA3", 0)] {
        let link = of(&dana, Some((&party, Parts::default())));
        site.called(&Called {
            link,
            ..unknown(sid)
        })
        .await;
        site.clock.advance(std::time::Duration::from_secs(wait));
    }
    let page = site.get(&format!("/bookings/{party}")).await;
    let at = |text: &str| {
        page.text()
            .find(text)
            .unwrap_or_else(|| panic!("{text}: {}", page.text()))
    };
    let order = [
        "1 h 9 min before",
        "begins",
        "11 min in",
        "It ends",
        "22 min after",
    ];
    assert!(
        order.windows(2).all(|pair| at(pair[0]) < at(pair[1])),
        "{}",
        page.text()
    );
}

#[tokio::test]
async fn a_customer_s_calls_are_filtered_and_paged() {
    let site = Site::open().await;
    let dana = site.customer("Dana", DANA).await;
    for n in 0..25 {
        let (sid, text) = (format!("CA{n:02}"), format!("about order number {n:02}"));
        let called = Called {
            sid: &sid,
            text: &text,
            link: of(&dana, None),
            ..unknown("")
        };
        site.called(&called).await;
    }
    let call = "CA03".parse().unwrap();
    site.meant(
        &call,
        "An angry call",
        Sentiment::Negative,
        Insights::default(),
    )
    .await;
    let path = format!("/customers/{dana}");
    let first = site.get(&path).await;
    check(
        &first,
        &["Calls (25)", "CA24", "CA05", "Older calls"],
        &["data-call=\"CA04\""],
    );
    let (_, rest) = first.text().split_once("rel=\"next\" href=\"").unwrap();
    let older = site.get(rest.split(['"', '#']).next().unwrap()).await;
    check(
        &older,
        &["CA04", "CA00", "Newest calls"],
        &["data-call=\"CA05\""],
    );
    let angry = site.get(&format!("{path}?sentiment=negative")).await;
    check(
        &angry,
        &["An angry call", "Show all"],
        &["data-call=\"CA04\""],
    );
    let said = site.get(&format!("{path}?text=NUMBER+07")).await;
    check(&said, &["data-call=\"CA07\""], &["data-call=\"CA08\""]);
    check(
        &site.get(&format!("{path}?text=zebra")).await,
        &["No call is like that."],
        &[],
    );
    let odd = site.get(&format!("{path}?sentiment=glad")).await;
    assert_eq!(odd.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn who_may_only_look_is_offered_nothing_else() {
    let site = Site::open().await;
    let dana = site.customer("Dana", DANA).await;
    let party = site.booking(&dana, "party", "2025-11-20T18:30").await;
    site.called(&unknown("CA1")).await;
    site.called(&Called {
        link: of(&dana, None),
        ..unknown("CA2")
    })
    .await;
    site.account("gil", Role::Admin).await;
    site.account("yossi", Role::Viewer).await;
    site.account("avi", Role::Operator).await;
    let cookies = [site.cookie_of("yossi").await, site.cookie_of("avi").await];
    for path in [
        "/customers".to_owned(),
        format!("/customers/{dana}"),
        "/bookings".into(),
        format!("/bookings/{party}"),
        "/review".into(),
        "/calls/CA1".into(),
        "/calls/CA2".into(),
    ] {
        let offers = async |cookie: &str| {
            let page = site
                .ask(axum::http::Method::GET, &path, &[("cookie", cookie)])
                .await;
            assert_eq!(page.status, StatusCode::OK, "{path}");
            let (_, main) = page.text().split_once("<main").unwrap();
            [
                "/new",
                "/edit",
                "/delete\"",
                "/link",
                "/customer\"",
                "nobody’s</button>",
            ]
            .iter()
            .any(|what| main.contains(what))
        };
        assert!(!offers(&cookies[0]).await, "{path}: to a viewer");
        assert!(offers(&cookies[1]).await, "{path}: to an operator");
    }
    let token = site.token("calls", "calls:read", None).await;
    let bearer = [("authorization", token.as_str())];
    let page = site
        .ask(axum::http::Method::GET, "/calls/CA2", &bearer)
        .await;
    assert_eq!(page.status, StatusCode::OK);
    check(&page, &["CA2"], &["Dana"]);
}

#[tokio::test]
async fn who_answers_sees_who_rings() {
    let site = Site::open().await;
    let draft = json!({ "name": "דנה כהן", "phones": [DANA], "preferences": ["צמחוני"] });
    let dana = site.customer_as(draft).await;
    let lead = site.ring("CA1", DANA).await;
    let link = format!("/customers/{dana}");
    check(&site.get("/leads").await, &[&link, "דנה כהן"], &[]);
    let page = site.get(&format!("/leads/{lead}")).await;
    check(
        &page,
        &[&link, "צמחוני", "Known by the number"],
        &["Correct it"],
    );
    let stranger = site.ring("CA2", "+972549999999").await;
    check(
        &site.get(&format!("/leads/{stranger}")).await,
        &["id=\"people\""],
        &["דנה"],
    );
    let line = site.call("CA1").await;
    let page = site.get("/calls/CA1").await;
    // This call's own ends are others'.
    check(&page, &["id=\"people\""], &["data-pending", "דנה"]);
    line.hang_up(5).await;
    check(&site.get("/calls/CA1").await, &["data-pending"], &[]);
}

#[tokio::test]
async fn what_people_brought_is_text_and_never_markup() {
    let site = Site::open().await;
    let bad = "<img src=x>";
    let draft = json!({ "name": bad, "phones": [DANA], "notes": bad, "preferences": [bad], "external_id": bad });
    let id = site.customer_as(draft).await;
    let draft = json!({
        "customer_id": id, "starts_at": "2025-11-10", "title": bad, "notes": bad, "external_id": bad,
    });
    let booking = site.booking_as(draft).await;
    let parts = Parts::default();
    let called = Called {
        text: bad,
        link: of(&id, Some((&booking, parts))),
        ..unknown("CA1")
    };
    site.called(&called).await;
    site.called(&Called {
        text: bad,
        ..unknown("CA2")
    })
    .await;
    let pages: Vec<String> = [
        "/customers",
        "/bookings",
        "/review",
        "/calls/CA1",
        "/calls/CA1/link",
    ]
    .map(ToOwned::to_owned)
    .into_iter()
    .chain(["", "/edit", "/delete"].map(|rest| format!("/customers/{id}{rest}")))
    .chain(["", "/edit", "/delete"].map(|rest| format!("/bookings/{booking}{rest}")))
    .collect();
    for path in pages {
        check(&site.get(&path).await, &["&lt;img"], &["<img src=x"]);
    }
}
