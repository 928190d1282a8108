-- Whose call it was, by the rule or by a person's word.
CREATE TABLE links (
    call_sid TEXT PRIMARY KEY REFERENCES calls (sid) ON DELETE CASCADE,
    -- When the call began.
    called_at BIGINT NOT NULL,
    -- E.164 of the other side, where it is one.
    number TEXT,
    customer_id TEXT REFERENCES customers (id) ON DELETE SET NULL,
    booking_id TEXT REFERENCES bookings (id) ON DELETE SET NULL,
    -- What speaks for the booking: {"exact_date": 10, …}, and the sum of it.
    parts TEXT,
    score BIGINT NOT NULL,
    confidence BIGINT NOT NULL,
    -- Why there is no customer.
    why TEXT,
    -- rule or person
    made_by TEXT NOT NULL,
    -- What call_log.insights says of it, to be listed by.
    sentiment TEXT,
    -- The first words of what was said.
    excerpt TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX links_by_customer ON links (customer_id, called_at, call_sid);
CREATE INDEX links_by_booking ON links (booking_id, called_at, call_sid);
CREATE INDEX links_by_number ON links (number, called_at);
CREATE INDEX links_by_time ON links (called_at, call_sid);
CREATE INDEX links_by_sentiment ON links (sentiment, called_at, call_sid);
CREATE INDEX links_for_review ON links (called_at, call_sid)
    WHERE customer_id IS NULL AND made_by = 'rule';

-- In the whole order of the list: one without the id was sorted by it, and all bookings of a customer were
-- read for that.
DROP INDEX bookings_by_customer;
CREATE INDEX bookings_by_customer ON bookings (customer_id, starts_at, id);
