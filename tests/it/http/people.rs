//! Customers and bookings at the API.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::site::{Answer, Site};

const CUSTOMERS: &str = "/api/v1/customers";
const BOOKINGS: &str = "/api/v1/bookings";

async fn add(site: &Site, path: &str, body: Value) -> Value {
    let answer = site.send_json(Method::POST, path, &body).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    let made = answer.json();
    let place = format!("{path}/{}", made["id"].as_str().unwrap());
    assert_eq!(answer.header("location"), place);
    assert_eq!(site.get(&place).await.json(), made);
    made
}

fn refused(answer: &Answer, status: StatusCode, said: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    let message = answer.json()["error"]["message"].to_string();
    assert!(message.contains(said), "{message}");
}

#[tokio::test]
async fn a_customer_lives() {
    let site = Site::open().await;
    let draft = json!({
        "external_id": "7", "name": "John Smith", "phones": ["(555) 012-3456"],
        "language": "en", "preferences": ["vegetarian", "parking"],
    });
    let made = add(&site, CUSTOMERS, draft).await;
    assert_eq!(
        made["phones"],
        json!([{ "raw": "(555) 012-3456", "e164": "+15550123456" }])
    );
    let path = format!("{CUSTOMERS}/{}", made["id"].as_str().unwrap());
    let change = json!({ "notes": "asked twice", "email": "", "phones": ["+1-555-0123"] });
    let changed = site.send_json(Method::PATCH, &path, &change).await.json();
    assert_eq!(changed["phones"][0]["e164"], "+15550123");
    assert_eq!(
        (&changed["name"], &changed["notes"]),
        (&made["name"], &json!("asked twice"))
    );
    for (query, found) in [
        ("", 1),
        ("?phone=%2B15550123", 1),
        ("?phone=+1-555-0123", 1),
        ("?phone=5550123456", 0),
        ("?name=john", 1),
        ("?name=smith", 0),
        ("?external_id=7", 1),
        ("?external_id=8", 0),
    ] {
        let list = site.get(&format!("{CUSTOMERS}{query}")).await.json();
        assert_eq!(
            list["customers"].as_array().unwrap().len(),
            found,
            "{query}"
        );
    }
    let gone = site.ask(Method::DELETE, &path, &[]).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    assert_eq!(site.get(&path).await.status, StatusCode::NOT_FOUND);
    let gone = site.ask(Method::DELETE, &path, &[]).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn customers_come_page_by_page() {
    let site = Site::open().await;
    for n in 0..5 {
        site.clock.advance(std::time::Duration::from_secs(1));
        add(&site, CUSTOMERS, json!({ "name": format!("c{n}") })).await;
    }
    let (mut names, mut query) = (Vec::new(), String::from("?limit=2"));
    loop {
        let page = site.get(&format!("{CUSTOMERS}{query}")).await.json();
        let customers = page["customers"].as_array().unwrap().clone();
        names.extend(
            customers
                .iter()
                .map(|c| c["name"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next"].as_str() else {
            break;
        };
        query = format!("?limit=2&cursor={next}");
    }
    assert_eq!(names, ["c4", "c3", "c2", "c1", "c0"]);
}

#[tokio::test]
async fn a_booking_lives_in_the_business_s_time() {
    let site = Site::open().await;
    add(
        &site,
        CUSTOMERS,
        json!({ "name": "Ann", "phones": ["+15550123456"] }),
    )
    .await;
    let made = add(
        &site,
        BOOKINGS,
        json!({
            "customer_phone": "555-012-3456", "starts_at": "2024-11-15T18:30", "guests": 30,
            "status": "pending", "title": "hibachi party",
        }),
    )
    .await;
    assert_eq!(made["starts_at"], "2024-11-15T18:30:00+00:00");
    let path = format!("{BOOKINGS}/{}", made["id"].as_str().unwrap());
    let change = json!({ "status": "confirmed", "starts_at": "2024-11-16" });
    let changed = site.send_json(Method::PATCH, &path, &change).await.json();
    assert_eq!(
        (
            &changed["starts_at"],
            &changed["status"],
            &changed["guests"]
        ),
        (&json!("2024-11-16"), &json!("confirmed"), &json!(30))
    );
    let customer = made["customer_id"].as_str().unwrap();
    for (query, found) in [
        (String::new(), 1),
        (format!("?customer_id={customer}&status=confirmed"), 1),
        ("?customer_id=x".into(), 0),
        (
            "?from=2024-11-16T00:00:00Z&to=2024-11-17T00:00:00Z".into(),
            1,
        ),
        ("?to=2024-11-16T00:00:00Z".into(), 0),
    ] {
        let list = site.get(&format!("{BOOKINGS}{query}")).await.json();
        assert_eq!(list["bookings"].as_array().unwrap().len(), found, "{query}");
    }
    let gone = site.ask(Method::DELETE, &path, &[]).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    assert_eq!(site.get(&path).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_is_asked_wrongly_is_told() {
    let site = Site::open().await;
    let ann = json!({ "name": "Ann", "external_id": "7" });
    add(&site, CUSTOMERS, ann).await;
    let bad = StatusCode::BAD_REQUEST;
    for (path, body, status, said) in [
        (CUSTOMERS, json!({}), bad, "name: is missing"),
        (
            CUSTOMERS,
            json!({ "name": "a", "phones": ["none"] }),
            bad,
            "phones",
        ),
        (
            CUSTOMERS,
            json!({ "name": "a", "nmae": "b" }),
            StatusCode::UNPROCESSABLE_ENTITY,
            "nmae",
        ),
        (
            CUSTOMERS,
            json!({ "name": "a", "external_id": "7" }),
            StatusCode::CONFLICT,
            "external_id",
        ),
        (
            BOOKINGS,
            json!({ "starts_at": "2024-11-15" }),
            bad,
            "customer_id",
        ),
        (
            BOOKINGS,
            json!({ "customer_external_id": "7" }),
            bad,
            "starts_at",
        ),
        (
            BOOKINGS,
            json!({ "customer_external_id": "7", "starts_at": "soon" }),
            bad,
            "starts_at",
        ),
        (
            BOOKINGS,
            json!({ "customer_external_id": "8", "starts_at": "2024-11-15" }),
            StatusCode::CONFLICT,
            "no such customer",
        ),
        (
            BOOKINGS,
            json!({ "customer_phone": "12", "starts_at": "2024-11-15" }),
            bad,
            "phone",
        ),
    ] {
        refused(
            &site.send_json(Method::POST, path, &body).await,
            status,
            said,
        );
    }
    for query in ["?phone=12", "?cursor=x", "?limit=0"] {
        refused(&site.get(&format!("{CUSTOMERS}{query}")).await, bad, "");
    }
    let foreign = [("origin", "https://evil.example")];
    let answer = site.ask(Method::POST, CUSTOMERS, &foreign).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
}
