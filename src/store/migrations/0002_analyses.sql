-- What the analysis of a call's recordings found; the newest one stands.
CREATE TABLE analyses (
    call_sid TEXT PRIMARY KEY REFERENCES calls (sid) ON DELETE CASCADE,
    verdict TEXT NOT NULL,
    analysis TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
