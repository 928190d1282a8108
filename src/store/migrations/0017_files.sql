-- Audio that somebody uploaded. Each file is a call of direction `file`, with the recordings that were made
-- of it; its name is what the sender called it.
CREATE TABLE files (
    call_sid TEXT PRIMARY KEY REFERENCES calls (sid) ON DELETE CASCADE,
    file_name TEXT NOT NULL,
    kind TEXT NOT NULL,
    bytes BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX files_by_time ON files (created_at, call_sid);
