//! Forms and lists of customers and bookings.

use axum::http::StatusCode;
use serde_json::json;

use crate::harness::{
    site::{Answer, Site},
    whose::{check, saved},
};

const DANA: &str = "+972541234567";

/// What the hidden field of the form on the page holds.
fn seen(page: &Answer) -> String {
    let (_, rest) = page.text().split_once("name=\"seen\" value=\"").unwrap();
    rest.split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_customer_is_made_changed_and_deleted_by_forms() {
    let site = Site::open().await;
    check(
        &site.get("/customers").await,
        &["No customers yet.", "/customers/new"],
        &[],
    );
    let body = "name=%D7%93%D7%A0%D7%94&phones=%2B972+54-123-4567%0D%0A%0D%0A&preferences=vegan%0D%0Aparking&email=&language=he&notes=&external_id=7";
    let place = saved(&site, "/customers/new", body).await;
    let page = site.get(&place).await;
    check(
        &page,
        &["<bdi>דנה</bdi>", DANA, "vegan", "parking", "No calls yet"],
        &[],
    );
    for (body, status, told) in [
        ("name=&phones=", StatusCode::BAD_REQUEST, "Name: is missing"),
        (
            "name=Avi&phones=call+me",
            StatusCode::BAD_REQUEST,
            "Numbers: one of them is no phone number",
        ),
        (
            "name=Avi&external_id=7",
            StatusCode::CONFLICT,
            "Your id: it is the customer",
        ),
    ] {
        let refused = site.form("/customers/new", body, &[]).await;
        assert_eq!(refused.status, status, "{body}");
        check(&refused, &["Not saved.", told], &[]);
    }
    let typed = site
        .form(
            "/customers/new",
            "name=Avi&phones=%22%3Cb%3E&notes=kept",
            &[],
        )
        .await;
    check(
        &typed,
        &["value=\"Avi\"", "&quot;&lt;b&gt;", "\nkept"],
        &["<b>"],
    );

    let edit = format!("{place}/edit");
    let stale = seen(&site.get(&edit).await).replace('+', "%2B");
    site.clock.advance(std::time::Duration::from_secs(1));
    let body = format!("name=Dana&phones=&preferences=&seen={stale}");
    assert_eq!(saved(&site, &edit, &body).await, place);
    check(
        &site.get(&place).await,
        &["<bdi>Dana</bdi>", "no call is found by itself"],
        &["vegan", DANA],
    );
    let body = format!("name=Danit&seen={stale}");
    let late = site.form(&edit, &body, &[]).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    check(&late, &["Somebody else changed it", "value=\"Danit\""], &[]);
    // Saving again is a choice.
    let body = format!("name=Danit&seen={}", seen(&late));
    assert_eq!(saved(&site, &edit, &body).await, place);

    let delete = format!("{place}/delete");
    check(&site.get(&delete).await, &["Danit", "goes for good."], &[]);
    assert_eq!(saved(&site, &delete, "").await, "/customers");
    assert_eq!(site.get(&place).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_booking_is_made_changed_and_deleted_by_forms() {
    let site = Site::open().await;
    let dana = site.customer("Dana", DANA).await;
    let new = format!("/bookings/new?customer={dana}");
    check(
        &site.get(&new).await,
        &["<bdi>Dana</bdi>"],
        &["your id of the customer"],
    );
    check(
        &site.get("/bookings/new").await,
        &["your id of the customer"],
        &[],
    );
    let place = saved(
        &site,
        "/bookings/new",
        "customer_phone=%2B972541234567&title=party&starts_day=2025-11-12&starts_time=18:30&ends_time=21:00&status=pending&guests=30",
    )
    .await;
    check(
        &site.get(&place).await,
        &[
            "party",
            "Wed 12 Nov 2025, 18:30",
            "21:00",
            "<dd>30</dd>",
            "Pending",
        ],
        &[],
    );
    let edit = format!("{place}/edit");
    let page = site.get(&edit).await;
    check(
        &page,
        &["value=\"2025-11-12\"", "value=\"18:30\"", "value=\"21:00\""],
        &[],
    );
    let body = format!(
        "title=party&starts_day=2025-11-13&starts_time=&ends_day=&ends_time=&status=confirmed&guests=&seen={}",
        seen(&page)
    );
    assert_eq!(saved(&site, &edit, &body).await, place);
    check(
        &site.get(&place).await,
        &["Thu 13 Nov 2025", "Confirmed"],
        &["guests", "18:30"],
    );
    let list = site
        .get(&format!(
            "/bookings?customer={dana}&status=confirmed&from=2025-11-13&to=2025-11-13"
        ))
        .await;
    check(&list, &["Bookings of <bdi>Dana</bdi>", "party"], &[]);
    let none = site.get("/bookings?status=cancelled").await;
    check(&none, &["No booking is like that."], &["party"]);
    check(
        &site.get(&format!("{place}/delete")).await,
        &["goes for good"],
        &[],
    );
    assert_eq!(
        saved(&site, &format!("{place}/delete"), "").await,
        "/bookings"
    );
    check(&site.get("/bookings").await, &["No bookings yet."], &[]);
}

#[tokio::test]
async fn what_is_no_booking_is_refused() {
    let site = Site::open().await;
    site.customer("Dana", DANA).await;
    for (body, told) in [
        ("title=x&starts_day=2025-11-12", "Say whose it is"),
        (
            "customer_phone=%2B972541234567&starts_day=",
            "Start: is missing",
        ),
        (
            "customer_phone=%2B972541234567&starts_day=2025-11-12&guests=many",
            "Guests: a number is meant",
        ),
        (
            "customer_phone=12&starts_day=2025-11-12",
            "is no complete number",
        ),
    ] {
        let refused = site.form("/bookings/new", body, &[]).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{body}");
        check(&refused, &[told], &[]);
    }
}

#[tokio::test]
async fn customers_are_found_by_name_number_and_own_id_page_by_page() {
    let site = Site::open().await;
    for n in 0..52 {
        site.clock.advance(std::time::Duration::from_secs(1));
        let draft = json!({ "name": format!("Guest {n:02}"), "external_id": format!("g{n}") });
        site.customer_as(draft).await;
    }
    site.clock.advance(std::time::Duration::from_secs(1));
    site.customer("דנה כהן", DANA).await;
    let first = site.get("/customers").await;
    check(
        &first,
        &["דנה כהן", "Guest 51", "Older customers"],
        &["Guest 02"],
    );
    let (_, rest) = first.text().split_once("rel=\"next\" href=\"").unwrap();
    let older = site.get(rest.split('"').next().unwrap()).await;
    check(
        &older,
        &["Guest 02", "Guest 00", "Newest customers"],
        &["Guest 03", "rel=\"next\""],
    );
    for (query, found) in [
        ("q=%D7%93%D7%A0%D7%94", "דנה כהן"),
        ("q=%2B972-54-123-4567", "דנה כהן"),
        ("q=%D7%9B%D7%94%D7%9F", "דנה כהן"),
        ("q=guest+07", "Guest 07"),
        ("external_id=g7", "Guest 07"),
        ("q=guest&external_id=nothing", "No customer is like that."),
        ("q=12345", "A number is looked for whole"),
    ] {
        let page = site.get(&format!("/customers?{query}")).await;
        check(&page, &[found], &["Guest 08"]);
    }
    let wrong = site.get("/customers?cursor=x").await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
}
