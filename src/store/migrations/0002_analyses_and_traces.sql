-- What the analysis of a call's recordings found; the newest one stands.
CREATE TABLE analyses (
    call_sid TEXT PRIMARY KEY REFERENCES calls (sid) ON DELETE CASCADE,
    verdict TEXT NOT NULL,
    analysis TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

-- How a track's live text came to be, for whoever wants it to come to be again.
CREATE TABLE traces (
    call_sid TEXT NOT NULL,
    stream BIGINT NOT NULL,
    track TEXT NOT NULL,
    build TEXT NOT NULL,
    models TEXT NOT NULL,
    trace TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (call_sid, stream, track),
    FOREIGN KEY (call_sid, stream) REFERENCES streams (call_sid, number) ON DELETE CASCADE
);
