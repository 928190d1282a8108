//! Whose calls they were, at the API: histories, a person's word, the review list, the context.

use axum::http::{Method, StatusCode};
use callscribe::{
    ids::Track,
    people::link::{Link, Why},
    store::{NewCall, NewLead},
};
use serde_json::{Value, json};

use crate::harness::{
    line::nobody,
    site::{Answer, Site},
};

const JOHN: &str = "+15550123";

async fn add(site: &Site, path: &str, body: Value) -> String {
    let answer = site.send_json(Method::POST, path, &body).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    answer.json()["id"].as_str().unwrap().to_owned()
}

async fn john(site: &Site) -> String {
    let draft = json!({
        "name": "John Smith", "phones": [JOHN], "language": "en", "preferences": ["vegetarian"],
    });
    add(site, "/api/v1/customers", draft).await
}

/// A call of John's number that is over, as the job would have linked it.
async fn called(site: &Site, sid: &str, text: &str, found: &Link) {
    let call = NewCall {
        from: Some(JOHN.into()),
        ..nobody(sid)
    };
    let line = site.call_of(call, [None, None]).await;
    line.hang_up(60).await;
    line.finish(&[(Track::Inbound, 0.0, text)]).await;
    let linked = site
        .store
        .linked(&line.call, Some(JOHN), found, text, site.clock.wall());
    linked.await.unwrap().unwrap();
}

fn of(customer: &str, booking: Option<&str>) -> Link {
    Link {
        customer: Some(customer.into()),
        booking: booking.map(Into::into),
        parts: None,
        confidence: 95,
        why: None,
    }
}

fn unknown() -> Link {
    Link {
        why: Some(Why::Unknown),
        ..Link::default()
    }
}

fn ids(page: &Value) -> Vec<&str> {
    let calls = page["conversations"].as_array().unwrap();
    calls
        .iter()
        .map(|one| one["id"].as_str().unwrap())
        .collect()
}

fn refused(answer: &Answer, status: StatusCode, said: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    let message = answer.json()["error"]["message"].to_string();
    assert!(message.contains(said), "{message}");
}

#[tokio::test]
async fn a_customer_s_calls_are_told_page_by_page() {
    let site = Site::open().await;
    let john = john(&site).await;
    for n in 0..3 {
        called(
            &site,
            &format!("CA{n}"),
            "Where can I park?",
            &of(&john, None),
        )
        .await;
    }
    let path = format!("/api/v1/conversations/customer/{john}");
    let page = site.get(&format!("{path}?limit=2")).await.json();
    assert_eq!(page["customer_name"], "John Smith");
    assert_eq!(
        (&page["total_calls"], ids(&page)),
        (&json!(3), vec!["CA2", "CA1"])
    );
    let first = &page["conversations"][0];
    assert_eq!(first["transcript_excerpt"], "Where can I park?");
    assert_eq!(
        (
            &first["duration_seconds"],
            &first["call_type"],
            &first["confidence"]
        ),
        (&json!(60.0), &json!("inbound"), &json!(95))
    );
    assert_eq!(
        (&first["booking_id"], &first["ai_insights"]),
        (&Value::Null, &Value::Null)
    );
    let next = page["next"].as_str().unwrap();
    let rest = site
        .get(&format!("{path}?limit=2&cursor={next}"))
        .await
        .json();
    assert_eq!((ids(&rest), &rest["next"]), (vec!["CA0"], &Value::Null));
    let found = "/api/v1/conversations/search?text=PARK&limit=1";
    assert_eq!(ids(&site.get(found).await.json()), ["CA2"]);
}

#[tokio::test]
async fn what_is_asked_wrongly_is_refused() {
    let site = Site::open().await;
    for (path, status, said) in [
        (
            "/api/v1/conversations/customer/none",
            StatusCode::NOT_FOUND,
            "no customer",
        ),
        (
            "/api/v1/conversations/booking/none",
            StatusCode::NOT_FOUND,
            "no booking",
        ),
        (
            "/api/v1/conversations/search?limit=0",
            StatusCode::BAD_REQUEST,
            "limit",
        ),
        (
            "/api/v1/conversations/search?cursor=x",
            StatusCode::BAD_REQUEST,
            "cursor",
        ),
        (
            "/api/v1/conversations/search?sentiment=glad",
            StatusCode::BAD_REQUEST,
            "glad",
        ),
        (
            "/api/v1/customers/none/context",
            StatusCode::NOT_FOUND,
            "no customer",
        ),
        (
            "/api/v1/calls/CA9/link",
            StatusCode::NOT_FOUND,
            "not linked",
        ),
    ] {
        refused(&site.get(path).await, status, said);
    }
}

#[tokio::test]
async fn a_booking_s_calls_are_before_it_during_it_and_after() {
    let site = Site::open().await;
    let john = john(&site).await;
    // The site's clock stands at half past two in the afternoon.
    let draft = json!({
        "customer_id": john, "starts_at": "2025-11-10T14:40", "ends_at": "2025-11-10T14:50",
    });
    let booking = add(&site, "/api/v1/bookings", draft).await;
    for n in 0..3 {
        called(
            &site,
            &format!("CA{n}"),
            "hello",
            &of(&john, Some(&booking)),
        )
        .await;
        site.clock.advance(std::time::Duration::from_secs(600));
    }
    let path = format!("/api/v1/conversations/booking/{booking}");
    let told = site.get(&path).await.json();
    for (part, expected) in [("before", "CA0"), ("during", "CA1"), ("after", "CA2")] {
        assert_eq!(told[part].as_array().unwrap().len(), 1, "{told}");
        assert_eq!(told[part][0]["id"], expected);
    }
    assert_eq!(told["customer_id"], json!(john));
}

#[tokio::test]
async fn a_person_s_word_goes_before_the_rule_s() {
    let site = Site::open().await;
    let john = john(&site).await;
    called(&site, "CA1", "hello", &unknown()).await;
    let path = "/api/v1/calls/CA1/link";
    let review = site.get("/api/v1/links/review").await.json();
    assert_eq!(
        (ids(&review), &review["conversations"][0]["why"]),
        (vec!["CA1"], &json!("unknown"))
    );
    let told = site
        .send_json(Method::PUT, path, &json!({ "customer_id": john }))
        .await;
    assert_eq!(told.status, StatusCode::OK, "{}", told.text());
    let linked = site.get(path).await.json();
    assert_eq!(
        (&linked["customer_id"], &linked["made_by"]),
        (&json!(john), &json!("person"))
    );
    for (body, status, said) in [
        (
            json!({ "customer_id": "none" }),
            StatusCode::CONFLICT,
            "no such customer",
        ),
        (
            json!({ "customer": john }),
            StatusCode::UNPROCESSABLE_ENTITY,
            "unknown field",
        ),
    ] {
        refused(
            &site.send_json(Method::PUT, path, &body).await,
            status,
            said,
        );
    }
    let nobody = site
        .send_json(Method::PUT, path, &json!({ "customer_id": null }))
        .await;
    assert_eq!(nobody.json()["customer_id"], Value::Null);
    let review = site.get("/api/v1/links/review").await.json();
    assert!(ids(&review).is_empty(), "nobody's, by a person's word");
    let gone = site.ask(Method::DELETE, path, &[]).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    let nowhere = site
        .ask(Method::DELETE, "/api/v1/calls/CA9/link", &[])
        .await;
    refused(&nowhere, StatusCode::NOT_FOUND, "not linked");
}

#[tokio::test]
async fn a_customer_is_made_of_a_call_s_number() {
    let site = Site::open().await;
    called(&site, "CA1", "hello", &unknown()).await;
    let path = "/api/v1/calls/CA1/customer";
    let made = site
        .send_json(Method::POST, path, &json!({ "name": "Jane" }))
        .await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    assert_eq!(made.json()["phones"][0]["e164"], JOHN);
    let at = site.clock.wall();
    let withheld = Link {
        why: Some(Why::Withheld),
        ..Link::default()
    };
    let call = "CA1".parse().unwrap();
    site.store
        .linked(&call, None, &withheld, "", at)
        .await
        .unwrap();
    for (path, body, status, said) in [
        (
            path,
            json!({ "name": "Jane" }),
            StatusCode::CONFLICT,
            "no number",
        ),
        (
            "/api/v1/calls/CA9/customer",
            json!({ "name": "x" }),
            StatusCode::NOT_FOUND,
            "no call",
        ),
    ] {
        refused(
            &site.send_json(Method::POST, path, &body).await,
            status,
            said,
        );
    }
}

#[tokio::test]
async fn the_context_is_text_or_json() {
    let site = Site::open().await;
    let john = john(&site).await;
    let draft = json!({ "customer_id": john, "starts_at": "2025-11-11", "guests": 30 });
    add(&site, "/api/v1/bookings", draft).await;
    called(&site, "CA1", "Where can I park?", &of(&john, None)).await;
    let path = format!("/api/v1/customers/{john}/context");
    let text = site.get(&path).await;
    assert!(text.header("content-type").starts_with("text/plain"));
    let expected = "Customer: John Smith\nRecent calls, newest first:\n\
         - 2025-11-10 14:30: Where can I park?\nPreferences: vegetarian\n\
         Booking: 2025-11-11, confirmed, 30 guests";
    assert_eq!(text.text(), expected);
    let json = site.get(&format!("{path}?format=json")).await.json();
    assert_eq!(
        (&json["text"], &json["bookings"][0]["guests"]),
        (&json!(expected), &json!(30))
    );
    let accept = [("accept", "application/json")];
    assert_eq!(site.ask(Method::GET, &path, &accept).await.json(), json);
}

#[tokio::test]
async fn who_answers_knows_who_calls_while_it_rings() {
    let site = Site::open().await;
    let john = john(&site).await;
    for (sid, from) in [("CA1", "+1-555-0123"), ("CA2", "+15550199999")] {
        let lead = NewLead {
            call: sid.parse().unwrap(),
            account_sid: None,
            from: Some(from.into()),
            to: None,
            direction: Some("inbound".into()),
            call_status: None,
            details: Default::default(),
        };
        site.store.ring(&lead, site.clock.wall()).await.unwrap();
        site.call_of(nobody(sid), [None, None]).await;
    }
    let listed = async |sid: &str| {
        let list = site.get(&format!("/api/v1/leads?call_sid={sid}")).await;
        list.json()["leads"][0].clone()
    };
    let of = async |sid: &str| {
        let id = listed(sid).await["id"].as_str().unwrap().to_owned();
        let page = site.get(&format!("/leads/{id}")).await;
        let shown = page.text().contains("vegetarian");
        (site.get(&format!("/api/v1/leads/{id}")).await.json(), shown)
    };
    let (known, shown) = of("CA1").await;
    assert!(shown);
    assert_eq!(
        (&known["customer_id"], &known["customer_name"]),
        (&Value::Null, &Value::Null),
        "not linked yet"
    );
    let known = known["customer"].clone();
    assert_eq!(
        (&known["id"], &known["name"]),
        (&json!(john), &json!("John Smith"))
    );
    assert!(known["context"].as_str().unwrap().contains("vegetarian"));
    let (unknown, shown) = of("CA2").await;
    assert_eq!((&unknown["customer"], shown), (&Value::Null, false));
    let page = site.get("/calls/CA1").await;
    assert!(page.text().contains("John Smith") && page.text().contains("vegetarian"));
    let page = site.get("/calls/CA2").await;
    assert!(!page.text().contains("John Smith"));
    // The link goes before the number.
    let linked_to = Link {
        customer: Some(john.clone()),
        ..Link::default()
    };
    let call = "CA2".parse().unwrap();
    let linked = site
        .store
        .linked(&call, None, &linked_to, "", site.clock.wall());
    linked.await.unwrap().unwrap();
    let lead = listed("CA2").await;
    assert_eq!(
        (&lead["customer_id"], &lead["customer_name"]),
        (&json!(john), &json!("John Smith"))
    );
    let one = of("CA2").await.0;
    assert_eq!(one["customer"]["id"], json!(john));
    only_those_who_may_are_told(&site, one["id"].as_str().unwrap()).await;
}

async fn only_those_who_may_are_told(site: &Site, lead: &str) {
    for (scopes, told) in [("leads:read", false), ("leads:read people:read", true)] {
        let token = site.token(&format!("t{told}"), scopes, None).await;
        let headers = [("authorization", token.as_str())];
        for path in [format!("/api/v1/leads/{lead}"), format!("/leads/{lead}")] {
            let answer = site.ask(Method::GET, &path, &headers).await;
            assert_eq!(answer.status, StatusCode::OK, "{path}");
            assert_eq!(answer.text().contains("vegetarian"), told, "{path}");
        }
        let list = site.ask(Method::GET, "/api/v1/leads", &headers).await;
        assert_eq!(list.text().contains("John Smith"), told);
    }
}
