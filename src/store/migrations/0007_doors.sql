-- Who may come in, and what was done: accounts with their sessions, tokens for programs, the audit log.
CREATE TABLE accounts (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    -- viewer, operator or admin.
    role TEXT NOT NULL,
    -- In PHC's string format: algorithm, parameters, salt and hash.
    password TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    password_at BIGINT NOT NULL,
    seen_at BIGINT
);

CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    -- SHA-256 of what the cookie holds.
    hash TEXT NOT NULL UNIQUE,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    address TEXT NOT NULL,
    -- How the browser names itself.
    agent TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL
);
CREATE INDEX sessions_by_account ON sessions (account_id);

CREATE TABLE tokens (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    -- SHA-256 of the token.
    hash TEXT NOT NULL UNIQUE,
    -- Separated by spaces.
    scopes TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    used_at BIGINT
);

CREATE TABLE audit (
    id TEXT PRIMARY KEY,
    at BIGINT NOT NULL,
    -- account, token, open, console or stranger; and its name, where it has one.
    actor TEXT NOT NULL,
    name TEXT NOT NULL,
    address TEXT NOT NULL,
    action TEXT NOT NULL,
    object TEXT NOT NULL
);
CREATE INDEX audit_by_time ON audit (at);
