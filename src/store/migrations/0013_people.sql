-- Customers and bookings, as a business brought them.
CREATE TABLE customers (
    id TEXT PRIMARY KEY,
    external_id TEXT UNIQUE,
    name TEXT NOT NULL,
    -- In lower case, to be found by.
    name_key TEXT NOT NULL,
    -- [{"raw": …, "e164": …}, …]
    phones TEXT NOT NULL,
    email TEXT,
    language TEXT,
    preferences TEXT NOT NULL,
    notes TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX customers_by_name ON customers (name_key);

-- By which numbers customers are found.
CREATE TABLE customer_phones (
    e164 TEXT NOT NULL,
    customer_id TEXT NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
    PRIMARY KEY (e164, customer_id)
);
CREATE INDEX customer_phones_by_customer ON customer_phones (customer_id);

CREATE TABLE bookings (
    id TEXT PRIMARY KEY,
    external_id TEXT UNIQUE,
    customer_id TEXT NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
    starts_at BIGINT NOT NULL,
    -- 0 where a day is known and no time: starts_at is its first moment then.
    starts_has_time BIGINT NOT NULL,
    ends_at BIGINT,
    ends_has_time BIGINT,
    status TEXT NOT NULL,
    guests BIGINT,
    title TEXT NOT NULL,
    notes TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX bookings_by_customer ON bookings (customer_id, starts_at);
CREATE INDEX bookings_by_start ON bookings (starts_at, id);
