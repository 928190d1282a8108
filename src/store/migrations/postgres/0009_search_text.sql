CREATE TABLE search_entries (
    id BIGINT PRIMARY KEY,
    call_sid TEXT NOT NULL,
    version BIGINT NOT NULL,
    stream BIGINT NOT NULL,
    track TEXT NOT NULL,
    number BIGINT NOT NULL,
    UNIQUE (call_sid, version, stream, track, number),
    FOREIGN KEY (call_sid, version, stream, track, number)
        REFERENCES segments (call_sid, version, stream, track, number) ON DELETE CASCADE
);
CREATE TABLE search_text (
    id BIGINT PRIMARY KEY REFERENCES search_entries (id) ON DELETE CASCADE,
    lexemes TSVECTOR NOT NULL
);
-- Without a list of what waits to be indexed: every search would read it.
CREATE INDEX search_text_by_lexeme ON search_text USING gin (lexemes) WITH (fastupdate = off);
