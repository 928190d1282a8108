//! `GET /api/v1/search`: moments at which something was said.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

use super::{AppState, HttpError, call_file::CallJson, error::Params, filter};
use crate::{
    ids::Track,
    store::{
        Which,
        search::{Count, Found, Hit, Order, Piece, Query, Remark, Search, SearchCursor},
    },
    time::MediaTime,
};

/// Moments of a page, where nothing is asked for; 50 at most.
pub(super) const PAGE: u32 = 20;

#[derive(Deserialize, Default, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(super) struct Asked {
    /// Words, `"a phrase"`, `begin*`, `-without`, `OR`.
    #[param(example = "locksmith -car")]
    pub(super) q: String,
    /// Of calls that began on that day (UTC) or at that moment, or later.
    #[param(example = "2025-11-10")]
    pub(super) since: String,
    /// To the end of that day, or before that moment.
    #[param(example = "2025-11-10T14:30:52Z")]
    pub(super) until: String,
    /// The last digits of either side's number, four or more.
    #[param(example = "4567")]
    pub(super) number: String,
    /// `all`, `live`, `ended`, `finishing`, `final`, `empty` or `failed`.
    #[param(value_type = Which, inline)]
    pub(super) state: String,
    /// `inbound` or `outbound`.
    #[param(value_type = Track, inline)]
    pub(super) track: String,
    /// Words of a speaker's name.
    pub(super) speaker: String,
    /// ISO 639-1.
    #[param(example = "en")]
    pub(super) language: String,
    /// `best` (of the newest 200) or `newest`.
    #[param(pattern = "^(best|newest)$")]
    pub(super) order: String,
    /// The `next` of the page before.
    pub(super) cursor: Option<String>,
    /// 1 to 50.
    #[param(minimum = 1, maximum = 50)]
    pub(super) limit: Option<u32>,
}

impl Asked {
    pub(super) fn search(&self) -> Result<Search, String> {
        let text = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let track = match self.track.as_str() {
            "" => None,
            track => Some(
                track
                    .parse::<Track>()
                    .map_err(|error| format!("track: {error}"))?,
            ),
        };
        let order = match self.order.as_str() {
            "" | "best" => Order::Best,
            "newest" => Order::Newest,
            _ => return Err("order: best or newest".into()),
        };
        Ok(Search {
            query: Query::parse(&self.q),
            since: filter::since(&self.since)?,
            until: filter::until(&self.until)?,
            number: filter::number(&self.number)?,
            which: filter::which(&self.state)?,
            track,
            speaker: text(&self.speaker),
            language: text(&self.language),
            order,
        })
    }

    pub(super) fn cursor(&self) -> Result<Option<SearchCursor>, HttpError> {
        Ok(self
            .cursor
            .as_deref()
            .filter(|cursor| !cursor.is_empty())
            .map(str::parse)
            .transpose()?)
    }
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Found)]
struct FoundJson<'a> {
    hits: Vec<HitJson<'a>>,
    /// How many there are; null where it is `newest` first.
    count: Option<Count>,
    /// What was taken otherwise than it may have been meant.
    remarks: Vec<String>,
    /// Ask for it as `cursor`; null on the last page.
    next: Option<String>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Hit)]
struct HitJson<'a> {
    call: CallJson<'a>,
    track: Track,
    speaker: Option<&'a str>,
    /// Of the stretch of speech, seconds.
    start: MediaTime,
    end: MediaTime,
    /// Of the first word that was looked for.
    at: MediaTime,
    /// The text in pieces; `hit` are those that were looked for.
    excerpt: &'a [Piece],
    /// The page that plays it.
    url: String,
}

/// The moments at which something was said.
///
/// Over all that is transcribed: words, `"a phrase"`, `begin*`, `-without`, `this OR that`; the best of the newest first,
/// or simply the newest. `url` is the page that plays the moment.
#[utoipa::path(
    get, path = "/api/v1/search", tag = "Calls",
    params(Asked),
    responses((status = 200, description = "A page of moments.", body = FoundJson), (status = 400, description = "`bad_request`: limit: 1 to 50"),),
)]
pub(super) async fn find(
    State(state): State<AppState>,
    Params(asked): Params<Asked>,
) -> Result<Response, HttpError> {
    let limit = asked.limit.unwrap_or(PAGE);
    if !(1..=crate::store::search::LARGEST_PAGE).contains(&limit) {
        return Err(HttpError::bad_request("limit: 1 to 50"));
    }
    let search = asked.search().map_err(HttpError::bad_request)?;
    let found = state
        .store
        .search(&search, asked.cursor()?.as_ref(), limit)
        .await?;
    Ok(Json(json(&search, &found)).into_response())
}

fn json<'a>(search: &Search, found: &'a Found) -> FoundJson<'a> {
    let hit = |hit: &'a Hit| HitJson {
        call: CallJson::from(&hit.call),
        track: hit.track,
        speaker: hit.speaker.as_deref(),
        start: hit.start,
        end: hit.end,
        at: hit.at,
        excerpt: &hit.excerpt,
        url: address(hit),
    };
    FoundJson {
        hits: found.hits.iter().map(hit).collect(),
        count: found.count,
        remarks: search.query.remarks().iter().map(remark).collect(),
        next: found.next.map(|next| next.to_string()),
    }
}

/// The call's page, at that moment: it plays from `play` on, and shows the turn.
pub(super) fn address(hit: &Hit) -> String {
    let seconds = |at: MediaTime| (at.as_secs() * 1000.0).round() / 1000.0;
    let (call, track) = (&hit.call.sid, hit.track);
    format!(
        "/calls/{call}?play={}&track={track}#{track}-{}",
        seconds(hit.at),
        seconds(hit.start)
    )
}

pub(super) fn remark(remark: &Remark) -> String {
    match remark {
        Remark::ShortPrefix(word) => {
            format!(
                "“{word}*” was taken as the word “{word}”: a beginning has three letters or more"
            )
        }
        Remark::OnlyWithout => "only words that must not be there: say what to find, too".into(),
        Remark::CutOff => "that was long: only its beginning was looked for".into(),
    }
}
