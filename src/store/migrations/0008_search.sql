-- Which part of the search's numbers a call has (newer calls have higher ones), and which version of its
-- text is in the index; null: it waits to be put there.
CREATE TABLE search_calls (
    call_sid TEXT PRIMARY KEY REFERENCES calls (sid) ON DELETE CASCADE,
    base BIGINT NOT NULL,
    version BIGINT
);
CREATE UNIQUE INDEX search_calls_by_base ON search_calls (base);
CREATE INDEX search_calls_waiting ON search_calls (base) WHERE version IS NULL;
INSERT INTO search_calls (call_sid, base)
    SELECT sid, started_at / 1000 * 2147483648
        + (ROW_NUMBER() OVER (PARTITION BY started_at / 1000 ORDER BY sid) - 1) * 131072
    FROM calls;

CREATE INDEX calls_by_state_and_start ON calls (state, started_at, sid);
-- A number is asked for by its last digits, four or more: the index holds the last four.
CREATE INDEX calls_by_caller ON calls (substr(from_number, length(from_number) - 3), started_at, sid);
CREATE INDEX calls_by_called ON calls (substr(to_number, length(to_number) - 3), started_at, sid);
