//! Everything that can be changed is changed, and the answers held against the description.

use callscribe::http::{Outside, description};

use super::{
    filled::{DELIVERY, filled},
    keeps_to, of_id,
    schema::Schemas,
    send,
};
use crate::harness::site::Site;

/// The operation's id, method, address and body.
type Change<'a> = (&'a str, &'a str, String, &'a str);

async fn asked(site: &Site, changes: &[Change<'_>]) {
    let api = description(&Outside::default());
    let schemas = Schemas::of(&api);
    for (id, method, address, body) in changes {
        let answer = send(site, method, address, body).await;
        let what = format!("{method} {address} {body}");
        keeps_to(&schemas, of_id(&api, id), &answer, &what);
    }
}

/// The id of the first in a list.
async fn first(site: &Site, list: &str) -> String {
    let all = site.get(&format!("/api/v1/{list}")).await.json();
    all[list][0]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn changes_of_leads_and_work_answer_as_described() {
    let site = filled().await;
    let lead = first(&site, "leads").await;
    let job = first(&site, "jobs").await;
    asked(
        &site,
        &[
            (
                "patch_leads_id",
                "PATCH",
                format!("/api/v1/leads/{lead}"),
                r#"{"notes":"called back"}"#,
            ),
            (
                "patch_leads_id",
                "PATCH",
                format!("/api/v1/leads/{lead}"),
                r#"{"nonsense":1}"#,
            ),
            ("patch_leads_id", "PATCH", "/api/v1/leads/none".into(), "{}"),
            (
                "patch_leads_id",
                "PATCH",
                format!("/api/v1/leads/{lead}"),
                r#"{"notes":"mine","seen":{"notes":"other"}}"#,
            ),
            (
                "post_deliveries_id_redeliver",
                "POST",
                format!("/api/v1/deliveries/{DELIVERY}/redeliver"),
                "",
            ),
            (
                "post_deliveries_id_redeliver",
                "POST",
                "/api/v1/deliveries/none/redeliver".into(),
                "",
            ),
            (
                "post_jobs_id_retry",
                "POST",
                format!("/api/v1/jobs/{job}/retry"),
                "",
            ),
            (
                "delete_jobs_id",
                "DELETE",
                format!("/api/v1/jobs/{job}"),
                "",
            ),
            ("delete_jobs_id", "DELETE", "/api/v1/jobs/none".into(), ""),
        ],
    )
    .await;
}

#[tokio::test]
async fn changes_of_customers_answer_as_described() {
    let site = filled().await;
    let customer = first(&site, "customers").await;
    asked(
        &site,
        &[
            (
                "post_customers",
                "POST",
                "/api/v1/customers".into(),
                r#"{"name":"דנה","phones":["0541234568"]}"#,
            ),
            ("post_customers", "POST", "/api/v1/customers".into(), "{}"),
            (
                "post_customers",
                "POST",
                "/api/v1/customers".into(),
                r#"{"nonsense":1}"#,
            ),
            (
                "post_customers",
                "POST",
                "/api/v1/customers".into(),
                r#"{"name":"x","external_id":"7"}"#,
            ),
            (
                "patch_customers_id",
                "PATCH",
                format!("/api/v1/customers/{customer}"),
                r#"{"notes":"likes tea"}"#,
            ),
            (
                "patch_customers_id",
                "PATCH",
                "/api/v1/customers/none".into(),
                "{}",
            ),
            (
                "delete_customers_id",
                "DELETE",
                format!("/api/v1/customers/{customer}"),
                "",
            ),
            (
                "delete_customers_id",
                "DELETE",
                format!("/api/v1/customers/{customer}"),
                "",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn changes_of_bookings_answer_as_described() {
    let site = filled().await;
    let booking = first(&site, "bookings").await;
    asked(
        &site,
        &[
            (
                "post_bookings",
                "POST",
                "/api/v1/bookings".into(),
                r#"{"customer_external_id":"7","starts_at":"2025-11-15"}"#,
            ),
            ("post_bookings", "POST", "/api/v1/bookings".into(), "{}"),
            (
                "post_bookings",
                "POST",
                "/api/v1/bookings".into(),
                r#"{"customer_external_id":"none","starts_at":"2025-11-15"}"#,
            ),
            (
                "patch_bookings_id",
                "PATCH",
                format!("/api/v1/bookings/{booking}"),
                r#"{"status":"cancelled"}"#,
            ),
            (
                "patch_bookings_id",
                "PATCH",
                "/api/v1/bookings/none".into(),
                "{}",
            ),
            (
                "delete_bookings_id",
                "DELETE",
                format!("/api/v1/bookings/{booking}"),
                "",
            ),
            (
                "delete_bookings_id",
                "DELETE",
                format!("/api/v1/bookings/{booking}"),
                "",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn changes_of_links_answer_as_described() {
    let site = filled().await;
    let link = || "/api/v1/calls/CA1/link".to_owned();
    let customer = || "/api/v1/calls/CA1/customer".to_owned();
    asked(
        &site,
        &[
            (
                "put_calls_id_link",
                "PUT",
                link(),
                r#"{"customer_id":null}"#,
            ),
            (
                "put_calls_id_link",
                "PUT",
                link(),
                r#"{"customer_id":"none"}"#,
            ),
            ("put_calls_id_link", "PUT", link(), r#"{"nonsense":1}"#),
            (
                "put_calls_id_link",
                "PUT",
                "/api/v1/calls/CA9/link".into(),
                r#"{"customer_id":null}"#,
            ),
            ("delete_calls_id_link", "DELETE", link(), ""),
            (
                "delete_calls_id_link",
                "DELETE",
                "/api/v1/calls/CA9/link".into(),
                "",
            ),
            (
                "post_calls_id_customer",
                "POST",
                customer(),
                r#"{"name":"דנה"}"#,
            ),
            ("post_calls_id_customer", "POST", customer(), "{}"),
            (
                "post_calls_id_customer",
                "POST",
                customer(),
                r#"{"name":"x","external_id":"7"}"#,
            ),
            (
                "post_calls_id_customer",
                "POST",
                "/api/v1/calls/CA9/customer".into(),
                r#"{"name":"x"}"#,
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn changes_of_prompts_answer_as_described() {
    let site = filled().await;
    let place = || "/api/v1/prompts/internet/outage".to_owned();
    asked(
        &site,
        &[
            (
                "put_prompts_domain_category",
                "PUT",
                place(),
                r#"{"prompt":"since, place"}"#,
            ),
            (
                "put_prompts_domain_category",
                "PUT",
                place(),
                r#"{"prompt":""}"#,
            ),
            ("put_prompts_domain_category", "PUT", place(), "{}"),
            ("put_prompts_domain_category", "PUT", place(), "no"),
            ("delete_prompts_domain_category", "DELETE", place(), ""),
            ("delete_prompts_domain_category", "DELETE", place(), ""),
            (
                "delete_prompts_domain_category",
                "DELETE",
                "/api/v1/prompts/1/2".into(),
                "",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn uploads_answer_as_described() {
    let site = filled().await;
    let api = description(&Outside::default());
    let schemas = Schemas::of(&api);
    let tones: &[u8] = include_bytes!("../../../fixtures/audio/tones/tones.m4a");
    let wishes = [("prefer", "respond-async")];
    for (files, status) in [
        (&[("a.m4a", tones)][..], 202),
        (&[("a.m4a", tones), ("b.m4a", b"no")], 202),
        (&[("b.m4a", b"no"), ("c.m4a", b"")], 200),
        (&[("b.m4a", b"no")], 415),
        (&[("c.m4a", b"")], 400),
        (&[("d.flac", b"fLaC and then a letter")], 422),
        (&[], 400),
    ] {
        for (path, id) in [
            ("/api/v1/files", "post_files"),
            ("/api/transcribe/", "post_api_transcribe"),
        ] {
            let answer = site.send_files(path, files, &wishes).await;
            assert_eq!(answer.status.as_u16(), status, "{}", answer.text());
            keeps_to(&schemas, of_id(&api, id), &answer, &format!("{files:?}"));
        }
    }
    let plain = send(&site, "POST", "/api/v1/files", "{}").await;
    keeps_to(&schemas, of_id(&api, "post_files"), &plain, "no form");
}

#[tokio::test]
async fn deletions_of_calls_and_recordings_answer_as_described() {
    let site = filled().await;
    asked(
        &site,
        &[
            (
                "delete_calls_id_recording_track",
                "DELETE",
                "/api/v1/calls/CA1/recording/inbound?dry_run=true".into(),
                "",
            ),
            (
                "delete_calls_id_recording_track",
                "DELETE",
                "/api/v1/calls/CA1/recording/inbound".into(),
                "",
            ),
            (
                "delete_calls_id_recording_track",
                "DELETE",
                "/api/v1/calls/CA1/recording/inbound".into(),
                "",
            ),
            (
                "delete_calls_id",
                "DELETE",
                "/api/v1/calls/CA1?dry_run=true".into(),
                "",
            ),
            ("delete_calls_id", "DELETE", "/api/v1/calls/CA2".into(), ""),
            ("delete_calls_id", "DELETE", "/api/v1/calls/CA1".into(), ""),
            ("delete_calls_id", "DELETE", "/api/v1/calls/CA1".into(), ""),
        ],
    )
    .await;
}
