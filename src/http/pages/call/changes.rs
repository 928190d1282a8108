//! What changed from one version to another: the newer text with the words that came and went.

use maud::{Markup, html};

use super::{about::version_name, talk};
use crate::{
    http::{AppState, HttpError, call_file::CallFile, changes::between},
    store::Version,
    transcript::changes::{ChangedTurn, Changes, Fate},
};

pub(super) struct Compared {
    older: Version,
    changes: Changes,
}

/// Compares what the page shows with the version `against`.
pub(super) async fn compare(
    state: &AppState,
    file: &CallFile,
    against: u32,
) -> Result<Compared, HttpError> {
    let older = state
        .store
        .transcript(&file.call.sid, Some(against))
        .await?;
    let older = older.ok_or_else(|| {
        HttpError::not_found("this call has no such version of its transcript to compare with")
    })?;
    let newer = file.transcript.segments.clone();
    let changes = between(older.segments.into(), newer.into()).await?;
    Ok(Compared {
        older: older.version,
        changes,
    })
}

pub(super) fn section(file: &CallFile, compared: &Compared) -> Markup {
    let Compared { older, changes } = compared;
    let shown = file.transcript.version.version;
    let speakers = serde_json::to_string(&file.speakers()).unwrap_or_default();
    html! {
        section #talk.talk.compared tabindex="-1" aria-label="What changed" data-speakers=(speakers) {
            h2 { "From the " (version_name(older)) " to the " (version_name(&file.transcript.version)) }
            p.sums {
                ins { (changes.added) " words came" } " " del { (changes.removed) " went" } " "
                span.quiet { (changes.same) " stayed. Case and punctuation are not counted." }
                " " a href={ "/calls/" (file.call.sid) "?version=" (shown) } { "Only the text" }
            }
            ol #transcript.turns {
                @for turn in &changes.turns { (changed(turn)) }
            }
            @if changes.turns.is_empty() { p.quiet { "There are no words in either version." } }
        }
    }
}

fn changed(turn: &ChangedTurn) -> Markup {
    let name = talk::name(turn.speaker.as_deref(), turn.track);
    html! {
        li.turn.(turn.track).changed[turn.is_changed()] id=(talk::anchor(turn.track, turn.start))
            data-track=(turn.track) data-start=(talk::seconds(turn.start)) data-end=(talk::seconds(turn.end)) {
            (talk::who(name, turn.track, turn.start))
            p.said dir="auto" {
                @for (n, piece) in turn.pieces.iter().enumerate() {
                    @if n > 0 { " " }
                    @match piece.kind {
                        Fate::Same => (piece.text),
                        Fate::Removed => del { (piece.text) },
                        Fate::Added => ins { (piece.text) },
                    }
                }
            }
        }
    }
}
