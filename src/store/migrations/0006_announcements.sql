-- What was told of a call, and which text and why that one: a row for each occasion, whatever the
-- number of targets.
CREATE TABLE announcements (
    call_sid TEXT NOT NULL,
    event TEXT NOT NULL,
    -- The version of the transcript that was told; 0 for none.
    version BIGINT NOT NULL,
    -- final, live or none.
    source TEXT NOT NULL,
    reason TEXT NOT NULL,
    text_sha256 TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (call_sid, event, version)
);
CREATE UNIQUE INDEX announcements_first ON announcements (call_sid) WHERE event = 'call.completed';

-- Tries since it was queued, by the call's end or on demand, and why it is dead.
ALTER TABLE deliveries ADD COLUMN tries BIGINT NOT NULL DEFAULT 0;
ALTER TABLE deliveries ADD COLUMN reason TEXT;
CREATE INDEX deliveries_by_state ON deliveries (state, id);
