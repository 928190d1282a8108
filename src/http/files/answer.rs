//! What is told of a file: how far it is, and what came of it in the end.

use std::borrow::Cow;

use axum::http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema},
};

use super::no_file;
use crate::{
    after::files::Taken,
    http::{AppState, HttpError, call_file::is_settled},
    ids::CallSid,
    insight::{Path, Sentiment, Tokens, domain::General},
    store::{CallState, File, Reading},
    time::MediaTime,
    transcript::{Document, formats},
};

/// How far a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = FileState)]
#[serde(rename_all = "snake_case")]
pub(in crate::http) enum Step {
    Transcribing,
    /// The words are there; what they are about is looked for.
    Reading,
    Done,
    /// Nobody speaks in it.
    Empty,
    Failed,
}

impl Step {
    /// By its transcript alone.
    pub(in crate::http) const fn of(state: CallState) -> Self {
        match state {
            CallState::Live | CallState::Finishing => Self::Transcribing,
            CallState::Final => Self::Done,
            CallState::Empty => Self::Empty,
            CallState::Failed => Self::Failed,
        }
    }
}

/// Seconds of sound, of all speakers' channels together.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = FileProgress)]
pub(super) struct ProgressJson {
    done: MediaTime,
    total: MediaTime,
}

#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = StageTokens)]
struct StageJson {
    input: u64,
    output: u64,
    total: u64,
}

impl StageJson {
    fn of(stages: &[Tokens]) -> Self {
        let input = stages.iter().map(|tokens| tokens.input).sum();
        let output = stages.iter().map(|tokens| tokens.output).sum();
        Self {
            input,
            output,
            total: input + output,
        }
    }
}

/// What the language model took.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = TokenUsage)]
struct UsageJson {
    stage1_transcription_and_detection: StageJson,
    stage2_combined_analysis: StageJson,
    total: StageJson,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = FailedStage)]
struct FailedJson {
    #[schema(minimum = 1, example = 2)]
    stage: u32,
    reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = Reason)]
struct ErrorJson {
    code: &'static str,
    message: String,
}

/// What was read out of a file's words.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = FileReading)]
struct ReadingJson {
    #[schema(example = "healthcare")]
    domain: String,
    #[schema(example = "appointment_scheduling")]
    category: String,
    /// That these two are right: 0 to 1.
    #[schema(minimum = 0, example = 0.9)]
    confidence: f64,
    sentiment: Option<Sentiment>,
    general: General,
    /// Flat: a value of a value is `outer.inner`.
    #[schema(value_type = BTreeMap<String, Value>, example = json!({ "appointment_date": "2025-12-15", "provider": "Dr. Smith" }))]
    domain_specific_data: Map<String, Value>,
    /// Null where that stage failed.
    detected_by: Option<Path>,
    extracted_by: Option<Path>,
    /// What of the model's answer was not believed.
    notes: Vec<String>,
    token_usage: UsageJson,
    /// Which stage failed, and why. After the second one what the patterns see is told instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    failed: Option<FailedJson>,
}

/// All of [`ReadingJson`] or nothing of it.
enum MaybeReading {}

impl PartialSchema for MaybeReading {
    fn schema() -> RefOr<Schema> {
        match ReadingJson::schema() {
            RefOr::T(Schema::Object(mut reading)) => {
                reading.required.clear();
                RefOr::T(Schema::Object(reading))
            }
            other => other,
        }
    }
}

impl ToSchema for MaybeReading {
    fn name() -> Cow<'static, str> {
        ReadingJson::name()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        ReadingJson::schemas(schemas);
    }
}

/// A file, and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = File)]
pub(in crate::http) struct FileJson {
    /// Null where it is not stored, as is what goes with it.
    pub(super) id: Option<CallSid>,
    #[schema(example = "call.mp3")]
    filename: String,
    stored: bool,
    pub(super) state: Step,
    /// What is waited for, or why that transcript is served, or why nothing is stored.
    reason: String,
    #[schema(example = "mp3")]
    kind: String,
    bytes: u64,
    duration: MediaTime,
    created_at: Option<Timestamp>,
    #[schema(example = "/api/v1/files/FI0123456789abcdef0123456789abcdef")]
    pub(super) href: Option<String>,
    call: Option<String>,
    page: Option<String>,
    /// While it is transcribed by this process.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    progress: Option<ProgressJson>,
    #[serde(flatten)]
    words: Words,
}

/// Absent while the file is worked on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = FileWords)]
struct Words {
    /// Why its sound ends before the file does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    broken: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    language: Option<String>,
    /// A line a speaker's turn.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "[00:00-00:05] Customer: Hi…")]
    transcription: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    error: Option<ErrorJson>,
    #[serde(flatten)]
    #[schema(value_type = MaybeReading)]
    reading: Option<ReadingJson>,
}

impl FileJson {
    /// Without its words.
    pub(super) fn of(state: &AppState, file: &File) -> Self {
        let id = &file.call;
        let heard = state.files.progress(id);
        Self {
            id: Some(id.clone()),
            filename: file.name.clone(),
            stored: true,
            state: Step::of(file.state),
            reason: file.served_reason.clone(),
            kind: file.kind.clone(),
            bytes: file.bytes,
            duration: file.duration,
            created_at: Some(file.created_at),
            href: Some(format!("/api/v1/files/{id}")),
            call: Some(format!("/api/v1/calls/{id}")),
            page: Some(format!("/calls/{id}")),
            progress: heard.map(|(done, total)| ProgressJson { done, total }),
            words: Words::default(),
        }
    }

    /// Of a file that the database did not take, or of which it does not take what came of it. In the second
    /// case the file's job goes on once there is a database again.
    pub(super) fn unstored(taken: &Taken, document: &Document, reading: &Reading) -> Self {
        let file = &taken.file;
        let (kept, reason) = match taken.unstored {
            Some(_) => (
                None,
                "the database failed: the file was heard, and nothing of it is kept",
            ),
            None => (
                Some(&file.call),
                "the database failed meanwhile: this is not stored, and the file is heard again once it answers",
            ),
        };
        let mut told = Self {
            id: kept.cloned(),
            filename: file.name.clone(),
            stored: false,
            state: Step::Done,
            reason: reason.into(),
            kind: file.kind.clone(),
            bytes: file.bytes,
            duration: document.duration,
            created_at: None,
            href: kept.map(|id| format!("/api/v1/files/{id}")),
            call: kept.map(|id| format!("/api/v1/calls/{id}")),
            page: kept.map(|id| format!("/calls/{id}")),
            progress: None,
            words: Words::default(),
        };
        told.say(taken.broken.as_deref(), document);
        told.read(reading);
        told
    }

    fn say(&mut self, broken: Option<&str>, document: &Document) {
        self.words = Words {
            broken: broken.map(ToOwned::to_owned),
            language: document.language.clone(),
            transcription: Some(formats::spoken(document)),
            ..Words::default()
        };
    }

    fn read(&mut self, reading: &Reading) {
        if let Some((1, why)) = &reading.failed {
            self.state = Step::Failed;
            self.words.error = Some(ErrorJson {
                code: "stage_one_failed",
                message: format!("the language model cannot say what the file is about: {why}"),
            });
        }
        self.words.reading = Some(ReadingJson::of(reading));
    }

    /// Without the first stage the answer is an error that holds the transcript.
    pub(super) fn status(&self) -> StatusCode {
        match self.words.error {
            Some(_) => StatusCode::BAD_GATEWAY,
            None => StatusCode::OK,
        }
    }
}

impl ReadingJson {
    fn of(reading: &Reading) -> Self {
        let general = &reading.general;
        let failed = reading.failed.clone();
        Self {
            domain: reading.pair.domain.clone(),
            category: reading.pair.category.clone(),
            confidence: f64::from(reading.confidence) / 1000.0,
            sentiment: general.sentiment,
            general: general.clone(),
            domain_specific_data: reading.specific.clone(),
            detected_by: reading.detected_by,
            extracted_by: reading.extracted_by,
            notes: reading.notes.clone(),
            token_usage: UsageJson {
                stage1_transcription_and_detection: StageJson::of(&reading.tokens[..1]),
                stage2_combined_analysis: StageJson::of(&reading.tokens[1..]),
                total: StageJson::of(&reading.tokens),
            },
            failed: failed.map(|(stage, reason)| FailedJson { stage, reason }),
        }
    }
}

/// What is known of a file by now.
pub(super) async fn answer(state: &AppState, call: &CallSid) -> Result<FileJson, HttpError> {
    let file = state.store.file(call).await?.ok_or_else(no_file)?;
    let mut told = FileJson::of(state, &file);
    let Some(reading) = outcome(state, &file).await? else {
        if is_settled(file.state) {
            told.state = Step::Reading;
        }
        return Ok(told);
    };
    let version = Some(file.served_version);
    let transcript = state.store.transcript(call, version).await?;
    let recordings = state.store.recordings(call).await?;
    let broken = recordings.iter().find_map(|r| r.failed.as_deref());
    told.say(broken, &transcript.ok_or_else(no_file)?.document());
    if let Some(reading) = reading {
        told.read(&reading);
    }
    Ok(told)
}

/// What came of a file in the end; `None` while it is heard or read. Of one without words nothing is read.
pub(super) async fn outcome(
    state: &AppState,
    file: &File,
) -> Result<Option<Option<Reading>>, HttpError> {
    match file.state {
        CallState::Live | CallState::Finishing => Ok(None),
        CallState::Empty | CallState::Failed => Ok(Some(None)),
        CallState::Final => {
            let reading = state.store.reading(&file.call).await?;
            let current = reading.filter(|(version, _)| *version == file.served_version);
            Ok(current.map(|(_, reading)| Some(reading)))
        }
    }
}
