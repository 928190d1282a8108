CREATE TABLE search_entries (
    id INTEGER PRIMARY KEY,
    call_sid TEXT NOT NULL,
    version BIGINT NOT NULL,
    stream BIGINT NOT NULL,
    track TEXT NOT NULL,
    number BIGINT NOT NULL,
    UNIQUE (call_sid, version, stream, track, number),
    FOREIGN KEY (call_sid, version, stream, track, number)
        REFERENCES segments (call_sid, version, stream, track, number) ON DELETE CASCADE
);
-- Words come folded and with one blank between them; what begins with _ is no word but a mark.
CREATE VIRTUAL TABLE search_text USING fts5 (body, tokenize = "ascii tokenchars '_'", prefix = '3', columnsize = 0);
-- What is deleted leaves nothing in the index.
INSERT INTO search_text (search_text, rank) VALUES ('secure-delete', 1);
CREATE TRIGGER search_forgets AFTER DELETE ON search_entries BEGIN
    DELETE FROM search_text WHERE rowid = old.id;
END;
