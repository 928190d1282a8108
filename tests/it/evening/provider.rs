//! The telephone provider's recordings: late, never there, or as they should be.

use std::collections::BTreeMap;

use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use callscribe::tasks;

use super::{ACCOUNT, Shared, TOKEN, caller::Manner};

const RECORDING: &[u8] = include_bytes!("../../fixtures/audio/two_speakers.mp3");
/// How often a late recording is asked for in vain.
const LATE: u32 = 3;

#[derive(Clone, Default)]
pub(super) struct Provider {
    pub(super) port: u16,
    asked: Shared<BTreeMap<String, u32>>,
}

impl Provider {
    pub(super) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let provider = Self {
            port: listener.local_addr().unwrap().port(),
            ..Self::default()
        };
        let path = "/2010-04-01/Accounts/{account}/Recordings/{recording}";
        let app = Router::new()
            .route(path, get(recording))
            .with_state(provider.clone());
        drop(tasks::spawn("provider", async move {
            axum::serve(listener, app).await.unwrap();
        }));
        provider
    }
}

async fn recording(
    State(provider): State<Provider>,
    Path((_, recording)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let expected = format!("Basic {}", STANDARD.encode(format!("{ACCOUNT}:{TOKEN}")));
    if headers
        .get(header::AUTHORIZATION)
        .is_none_or(|a| *a != expected)
    {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let sid = recording.strip_suffix(".mp3").unwrap_or(&recording);
    let n = u32::from_str_radix(&sid[sid.len() - 8..], 16).unwrap();
    let manner = Manner::of(n);
    let asked = {
        let mut asked = provider.asked.lock().unwrap();
        let asked = asked.entry(sid.to_owned()).or_default();
        *asked += 1;
        *asked
    };
    if manner.is_never || (manner.is_late && asked <= LATE) {
        return StatusCode::NOT_FOUND.into_response();
    }
    ([(header::CONTENT_TYPE, "audio/mpeg")], RECORDING).into_response()
}
