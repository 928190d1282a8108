-- One text for SQLite and PostgreSQL: three types only. Times of day are milliseconds of UTC since
-- 1970; positions and lengths in audio are samples at 8 kHz since the call's first stream began.

CREATE TABLE calls (
    sid TEXT PRIMARY KEY,
    account_sid TEXT,
    direction TEXT,
    from_number TEXT,
    to_number TEXT,
    language TEXT,
    parameters TEXT NOT NULL,
    state TEXT NOT NULL,
    interrupted BIGINT NOT NULL DEFAULT 0,
    degraded BIGINT NOT NULL DEFAULT 0,
    started_at BIGINT NOT NULL,
    ended_at BIGINT,
    duration BIGINT NOT NULL DEFAULT 0,
    served_version BIGINT NOT NULL,
    served_reason TEXT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX calls_by_start ON calls (started_at, sid);
CREATE INDEX calls_by_state ON calls (state, started_at);

-- A socket that reconnects is a further stream of its call, under its own number even where the
-- provider's id is the same again.
CREATE TABLE streams (
    call_sid TEXT NOT NULL REFERENCES calls (sid) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    sid TEXT NOT NULL,
    node TEXT NOT NULL,
    inbound_speaker TEXT,
    outbound_speaker TEXT,
    parameters TEXT NOT NULL,
    position BIGINT NOT NULL,
    duration BIGINT NOT NULL DEFAULT 0,
    opened_at BIGINT NOT NULL,
    closed_at BIGINT,
    end_reason TEXT,
    counters TEXT,
    PRIMARY KEY (call_sid, number)
);
CREATE INDEX streams_open ON streams (node) WHERE closed_at IS NULL;

CREATE TABLE versions (
    call_sid TEXT NOT NULL REFERENCES calls (sid) ON DELETE CASCADE,
    version BIGINT NOT NULL,
    kind TEXT NOT NULL,
    model TEXT,
    model_sha256 TEXT,
    parameters TEXT NOT NULL,
    language TEXT,
    reason TEXT NOT NULL,
    fingerprint TEXT,
    duration BIGINT NOT NULL,
    coverage TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (call_sid, version)
);
CREATE UNIQUE INDEX versions_by_fingerprint ON versions (call_sid, fingerprint);

CREATE TABLE segments (
    call_sid TEXT NOT NULL,
    version BIGINT NOT NULL,
    stream BIGINT NOT NULL,
    track TEXT NOT NULL,
    number BIGINT NOT NULL,
    speaker TEXT,
    start_at BIGINT NOT NULL,
    end_at BIGINT NOT NULL,
    text TEXT NOT NULL,
    words TEXT NOT NULL,
    PRIMARY KEY (call_sid, version, stream, track, number),
    FOREIGN KEY (call_sid, version) REFERENCES versions (call_sid, version) ON DELETE CASCADE
);

CREATE TABLE notes (
    id TEXT PRIMARY KEY,
    call_sid TEXT NOT NULL REFERENCES calls (sid) ON DELETE CASCADE,
    stream BIGINT,
    track TEXT,
    position BIGINT NOT NULL,
    kind TEXT NOT NULL,
    detail TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX notes_by_call ON notes (call_sid, position, id);

CREATE TABLE recordings (
    call_sid TEXT NOT NULL,
    stream BIGINT NOT NULL,
    track TEXT NOT NULL,
    speaker TEXT NOT NULL,
    state TEXT NOT NULL,
    parts TEXT NOT NULL,
    duration BIGINT NOT NULL DEFAULT 0,
    gaps TEXT NOT NULL DEFAULT '[]',
    detail TEXT NOT NULL DEFAULT 'null',
    failed TEXT,
    opened_at BIGINT NOT NULL,
    closed_at BIGINT,
    PRIMARY KEY (call_sid, stream, track),
    FOREIGN KEY (call_sid, stream) REFERENCES streams (call_sid, number) ON DELETE CASCADE
);

-- At most one waiting job of a kind and key; one more may be running meanwhile.
CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    job_key TEXT NOT NULL,
    payload TEXT NOT NULL,
    state TEXT NOT NULL,
    priority BIGINT NOT NULL,
    run_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    max_attempts BIGINT NOT NULL,
    lease_until BIGINT,
    worker TEXT,
    last_error TEXT,
    created_at BIGINT NOT NULL,
    finished_at BIGINT
);
CREATE UNIQUE INDEX jobs_waiting ON jobs (kind, job_key) WHERE state = 'queued';
CREATE INDEX jobs_by_due ON jobs (kind, state, run_at);
