//! Everything that can be read is asked for, and the answers held against the description.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use callscribe::http::{Outside, description};
use serde_json::json;

use super::{filled::filled, keeps_to, of_id, operations, schema::Schemas};

#[tokio::test]
async fn every_get_answers_as_described() {
    let site = filled().await;
    let api = site.get("/api/v1/openapi.json").await.json();
    let schemas = Schemas::of(&api);
    let mut ids = BTreeMap::new();
    for list in ["leads", "customers", "bookings", "files"] {
        let all = site.get(&format!("/api/v1/{list}")).await.json();
        let id = all[list][0]["id"].as_str().unwrap().to_owned();
        ids.insert(list.trim_end_matches('s'), id.clone());
        ids.insert(list, id);
    }
    let mut asked = 0;
    for (method, path, operation) in operations(&api) {
        let is_here = !path.starts_with("/media") && !path.starts_with("/webhook");
        let is_endless = ["/api/v1/events", "/api/v1/leads/events"].contains(&path);
        if method != "get" || !is_here || is_endless {
            continue;
        }
        let id = path.split('/').find_map(|part| ids.get(part));
        let id = id.map_or("CA1", String::as_str);
        let address = path.replace("{id}", id).replace("{track}", "inbound");
        let answer = site.get(&address).await;
        assert_eq!(
            answer.status,
            StatusCode::OK,
            "{address}: {}",
            answer.text()
        );
        keeps_to(&schemas, operation, &answer, &address);
        asked += 1;
    }
    assert!(asked >= 35, "{asked}");
}

#[tokio::test]
async fn what_is_asked_closely_answers_as_described() {
    let site = filled().await;
    let api = description(&Outside::default());
    let schemas = Schemas::of(&api);
    for (address, id, list) in [
        ("/api/v1/search?q=hello", "get_search", "hits"),
        (
            "/api/v1/search?q=hello&order=newest&limit=1&state=ended&track=inbound",
            "get_search",
            "hits",
        ),
        (
            "/api/v1/calls?q=hello&state=final&number=5550123&since=2025-11-10&until=2025-11-10",
            "get_calls",
            "calls",
        ),
        (
            "/api/v1/calls/CA1/timeline",
            "get_calls_id_timeline",
            "events",
        ),
        ("/api/v1/calls/CA1/changes", "get_calls_id_changes", "turns"),
        (
            "/api/v1/recordings?since=2025-11-10T00:00:00Z",
            "get_recordings",
            "recordings",
        ),
        (
            "/api/v1/leads?text=Locked&status=processed",
            "get_leads",
            "leads",
        ),
        (
            "/api/v1/audit?action=customer.added",
            "get_audit",
            "entries",
        ),
        (
            "/api/v1/customers?phone=%2B972541234567",
            "get_customers",
            "customers",
        ),
        ("/api/v1/files?limit=1", "get_files", "files"),
        (
            "/api/v1/bookings?status=confirmed",
            "get_bookings",
            "bookings",
        ),
        (
            "/api/v1/conversations/search?text=hello&from=2025-11-10T00:00:00Z&limit=1",
            "get_conversations_search",
            "conversations",
        ),
    ] {
        let answer = site.get(address).await;
        assert_eq!(
            answer.status,
            StatusCode::OK,
            "{address}: {}",
            answer.text()
        );
        keeps_to(&schemas, of_id(&api, id), &answer, address);
        assert_ne!(
            answer.json()[list].as_array().map_or(0, Vec::len),
            0,
            "{address}: {}",
            answer.text()
        );
    }
}

#[tokio::test]
async fn what_is_asked_wrongly_is_refused_as_described() {
    let site = filled().await;
    let api = description(&Outside::default());
    let schemas = Schemas::of(&api);
    for (address, id) in [
        ("/api/v1/search?limit=0", "get_search"),
        ("/api/v1/calls?state=lively", "get_calls"),
        ("/api/v1/calls/CA1/changes?from=9", "get_calls_id_changes"),
        ("/api/v1/calls/CA9/timeline", "get_calls_id_timeline"),
        (
            "/api/v1/calls/CA1/waveform/inbound?width=9",
            "get_calls_id_waveform_track",
        ),
        (
            "/api/v1/calls/CA1/spectrogram/nobody",
            "get_calls_id_spectrogram_track",
        ),
        ("/api/v1/recordings?limit=0", "get_recordings"),
        ("/api/v1/audit?limit=0", "get_audit"),
        ("/api/v1/customers/none", "get_customers_id"),
        ("/api/v1/bookings/none", "get_bookings_id"),
        (
            "/api/v1/conversations/search?sentiment=glad",
            "get_conversations_search",
        ),
        (
            "/api/v1/conversations/customer/none",
            "get_conversations_customer_id",
        ),
        (
            "/api/v1/conversations/booking/none",
            "get_conversations_booking_id",
        ),
        ("/api/v1/links/review?limit=0", "get_links_review"),
        ("/api/v1/calls/CA9/link", "get_calls_id_link"),
        (
            "/api/v1/customers/none/context?format=json",
            "get_customers_id_context",
        ),
        ("/api/v1/files?cursor=x", "get_files"),
        ("/api/v1/files/none", "get_files_id"),
        ("/api/v1/files/CA1", "get_files_id"),
        ("/api/v1/files/none/events", "get_files_id_events"),
    ] {
        let answer = site.get(address).await;
        assert!(answer.status.is_client_error(), "{address}");
        keeps_to(&schemas, of_id(&api, id), &answer, address);
    }
}

#[test]
fn what_a_folder_holds_that_cannot_be_listed_is_not_told() {
    let api = description(&Outside::default());
    let usage = of_id(&api, "get_recordings_usage");
    let schema = &usage["responses"]["200"]["content"]["application/json"]["schema"];
    let told =
        json!({ "retention_days": 0, "archive_days": 0, "next_purge": null, "goes_then": 0 });
    let faults = Schemas::of(&api).faults(&told, schema);
    assert_eq!(faults, Vec::<String>::new());
}
