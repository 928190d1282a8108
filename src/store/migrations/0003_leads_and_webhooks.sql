-- One per call, made when it rings: before there is a stream, and where there never is one.
CREATE TABLE leads (
    id TEXT PRIMARY KEY,
    call_sid TEXT NOT NULL UNIQUE,
    account_sid TEXT,
    from_number TEXT,
    to_number TEXT,
    direction TEXT,
    -- What else the provider said when it rang, as JSON.
    details TEXT NOT NULL,
    -- The provider's word for the call: ringing, in-progress, completed, …
    call_status TEXT,
    -- new, processed or failed, and why it failed.
    status TEXT NOT NULL,
    reason TEXT,
    notes TEXT NOT NULL DEFAULT '',
    duration_s BIGINT,
    ended_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX leads_by_start ON leads (created_at, id);
CREATE INDEX leads_by_phone ON leads (from_number, created_at);
CREATE INDEX leads_by_status ON leads (status, created_at);

-- Recordings that the provider made.
CREATE TABLE provider_recordings (
    recording_sid TEXT PRIMARY KEY,
    call_sid TEXT NOT NULL,
    account_sid TEXT,
    -- completed, absent or failed, as the provider said.
    status TEXT NOT NULL,
    url TEXT,
    duration_s BIGINT,
    channels BIGINT,
    details TEXT NOT NULL,
    -- waiting, used, unused or failed, and why.
    outcome TEXT NOT NULL,
    reason TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX provider_recordings_by_call ON provider_recordings (call_sid, created_at);

-- What a call meant, by the newest look at its transcript.
CREATE TABLE call_log (
    call_sid TEXT PRIMARY KEY,
    -- The final transcript and the live one, as plain text.
    final_transcript TEXT,
    transcription TEXT,
    language TEXT,
    extracted_service TEXT,
    extracted_city TEXT,
    -- 0 to 1000.
    extraction_confidence BIGINT,
    -- {"title": …, "points": [… , …]}
    summary TEXT,
    -- customer_name, preferred_time, sentiment, topics, intent, action_items: JSON.
    insights TEXT NOT NULL,
    -- on_box or model; which model and prompt, and what it took: JSON.
    path TEXT NOT NULL,
    made_by TEXT NOT NULL,
    -- The version of the transcript that was read.
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

-- What other systems are told: one row for each call, target and occasion.
CREATE TABLE deliveries (
    id TEXT PRIMARY KEY,
    call_sid TEXT NOT NULL,
    target TEXT NOT NULL,
    -- call.completed or call.updated.
    event TEXT NOT NULL,
    -- The version of the transcript that it tells; 0 for none.
    version BIGINT NOT NULL,
    body TEXT NOT NULL,
    -- waiting, delivered or dead.
    state TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    delivered_at BIGINT
);
CREATE UNIQUE INDEX deliveries_once ON deliveries (call_sid, target, event, version);

CREATE TABLE delivery_attempts (
    delivery_id TEXT NOT NULL REFERENCES deliveries (id) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    took_ms BIGINT NOT NULL,
    http_status BIGINT,
    error TEXT,
    PRIMARY KEY (delivery_id, number)
);
