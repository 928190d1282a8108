//! The rows, made inside the database: through the store's own verbs they would take an hour.

use jiff::Timestamp;
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};

use super::Args;

/// Calls are spread over so many days.
const DAYS: u64 = 400;

pub(super) fn first_day() -> Timestamp {
    "2024-12-01T00:00:00Z".parse().unwrap()
}

/// As the database writes it, of a number.
fn id(kind: u8, number: &str) -> String {
    format!("'00000000-000{kind}-7000-8000-' || substr(CAST(1000000000000 + {number} AS TEXT), 2)")
}

pub(super) fn customer(number: u64) -> String {
    format!("00000000-0001-7000-8000-{number:012}")
}

/// Made for the call of three times its number.
pub(super) fn booking(number: u64) -> String {
    format!("00000000-0002-7000-8000-{number:012}")
}

pub(super) fn call(number: u64) -> String {
    format!("CA{number}")
}

pub(super) async fn make(url: &str, args: &Args) {
    let mut raw = Raw::open(url).await;
    let made = tables(&raw, args);
    for sql in made {
        raw.run(&sql).await;
    }
    raw.close().await;
}

/// A row for each number from 0 to below `$count`, under the name of `n (i)`.
fn numbers(count: u64) -> String {
    format!(
        "WITH RECURSIVE n (i) AS (SELECT CAST(0 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {count})"
    )
}

fn tables(raw: &Raw, args: &Args) -> Vec<String> {
    let (calls, customers) = (args.calls, args.customers);
    let first = first_day().as_millisecond();
    let step = DAYS * 86_400_000 / calls;
    let at = format!("({first} + i * {step})");
    // A hundredth is one customer's; one in twenty is nobody's.
    let whose = format!("CASE WHEN i % 100 = 0 THEN 0 ELSE 1 + i * 7919 % ({customers} - 1) END");
    let nobody = "i % 20 = 7";
    let number = format!(
        "CASE WHEN {nobody} THEN '+97252' || substr(CAST(10000000 + i % 1000000 AS TEXT), 2)
            ELSE '+97254' || substr(CAST(10000000 + {whose} AS TEXT), 2) END"
    );
    let base = format!("({at} / 1000 * 2147483648)");
    let said = |side: u8| {
        let place = ["where can i park", "we will see to it"][usize::from(side)];
        format!("'c' || (i % 10) || ' m' || (i % 1000) || ' r' || (i % 200000) || ' {place}'")
    };
    let sentiment =
        "CASE WHEN i % 10 = 0 THEN 'negative' WHEN i % 10 < 5 THEN 'neutral' ELSE 'positive' END";
    let (customer, its_customer) = (id(1, "i"), id(1, &format!("({whose})")));
    let booked = format!("i % 3 = 0 AND NOT ({nobody})");
    let its_booking = format!(
        "CASE WHEN {booked} THEN {} WHEN i % 300 = 100 THEN {} END",
        id(2, "i / 3"),
        id(2, "0")
    );
    let all = numbers(calls);
    let mut made = vec![
        format!(
            "INSERT INTO customers {} SELECT {customer}, NULL, 'Customer ' || i, 'customer ' || i,
                '[{{\"raw\":\"+97254' || substr(CAST(10000000 + i AS TEXT), 2) || '\",\"e164\":\"+97254' || substr(CAST(10000000 + i AS TEXT), 2) || '\"}}]',
                NULL, 'en', '[\"vegetarian\"]', '', {first}, {first} FROM n", numbers(customers)),
        format!(
            "INSERT INTO customer_phones {} SELECT '+97254' || substr(CAST(10000000 + i AS TEXT), 2), {customer} FROM n", numbers(customers)),
        format!(
            "INSERT INTO bookings {all} SELECT {}, NULL, {its_customer}, {at} + 21600000, 1, NULL, NULL, 'confirmed', 4,
                'Dinner', '', {at}, {at} FROM n WHERE {booked}", id(2, "i / 3")),
        format!(
            "INSERT INTO calls {all} SELECT 'CA' || i, NULL, 'inbound', {number}, '+97231234567', 'en', '{{}}', 'final', 0, 0,
                {at}, {at} + 120000, 960000, 2, 'the final transcript', {at} FROM n"),
        format!(
            "INSERT INTO versions {all} SELECT 'CA' || i, 2, 'final', NULL, NULL, 'null', 'en', '', 'bench', 960000, '[]', {at} FROM n"),
        format!(
            "INSERT INTO call_log {all} SELECT 'CA' || i, NULL, NULL, 'en', NULL, NULL, NULL, '{{\"title\":\"Asks where to park\",\"points\":[\"by car\",\"on Friday\"]}}',
                '{{\"customer_name\":null,\"preferred_time\":null,\"sentiment\":\"' || {sentiment} || '\",\"topics\":[\"parking\"],\"intent\":\"question\",\"action_items\":[\"call back\"]}}',
                'on_box', '{{}}', 2, {at}, {at} FROM n"),
        format!(
            "INSERT INTO links (call_sid, called_at, number, customer_id, booking_id, parts, score, confidence, why, made_by, sentiment, excerpt, created_at, updated_at)
             {all} SELECT 'CA' || i, {at}, {number}, CASE WHEN {nobody} THEN NULL ELSE {its_customer} END, {its_booking},
                NULL, 0, 95, CASE WHEN {nobody} THEN 'unknown' END, 'rule', {sentiment}, {}, {at}, {at} FROM n", said(0)),
        format!(
            "INSERT INTO search_calls {all} SELECT 'CA' || i, {base}, 2 FROM n"),
    ];
    for side in [0, 1] {
        made.extend(spoken(raw, [&all, &at, &base], side, &said(side)));
    }
    if let Raw::Postgres(_) = raw {
        made.insert(0, "DROP INDEX search_text_by_lexeme".into());
        made.push("CREATE INDEX search_text_by_lexeme ON search_text USING gin (lexemes) WITH (fastupdate = off)".into());
        made.push("VACUUM ANALYZE".into());
    }
    made
}

/// What one side said, and its place in the index.
fn spoken(raw: &Raw, [all, at, base]: [&str; 3], side: u8, said: &str) -> [String; 3] {
    let track = ["inbound", "outbound"][usize::from(side)];
    [
        format!(
            "INSERT INTO segments {all} SELECT 'CA' || i, 2, 0, '{track}', 0, NULL, {side} * 40000, {side} * 40000 + 32000, {said}, '[]' FROM n"
        ),
        format!(
            "INSERT INTO search_entries {all} SELECT {base} + {side}, 'CA' || i, 2, 0, '{track}', 0 FROM n"
        ),
        match raw {
            Raw::Sqlite(_) => format!(
                "INSERT INTO search_text (rowid, body) {all} SELECT {base} + {side}, '_t{track} _c' || {base} || ' _len ' || {said} FROM n"
            ),
            Raw::Postgres(_) => {
                let spans = [("h", 3600), ("d", 86_400), ("m", 32 * 86_400)];
                let spans =
                    spans.map(|(name, secs)| format!("_{name}' || {at} / 1000 / {secs} || '"));
                let marks = format!("_t{track} _len _c' || {base} || ' {}", spans.join(" "));
                let pairs = format!("ARRAY(SELECT '_w' || w[k] || '_' || w[k + 1]
                    FROM (SELECT string_to_array(lower({said}), ' ') AS w) said, generate_series(1, array_length(w, 1) - 1) k)");
                format!("INSERT INTO search_text {all} SELECT {base} + {side},
                    array_to_tsvector(string_to_array('{marks}', ' ') || {pairs}) || to_tsvector('simple', {said}) FROM n")
            }
        },
    ]
}

enum Raw {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Raw {
    async fn open(url: &str) -> Self {
        if url.starts_with("sqlite:") {
            let mut raw = Self::Sqlite(SqliteConnection::connect(url).await.unwrap());
            raw.run(
                "PRAGMA foreign_keys = off; PRAGMA synchronous = off; PRAGMA cache_size = -500000",
            )
            .await;
            return raw;
        }
        let mut raw = Self::Postgres(PgConnection::connect(url).await.unwrap());
        raw.run("SET session_replication_role = replica; SET work_mem = '256MB'; SET maintenance_work_mem = '512MB'")
            .await;
        raw
    }

    async fn run(&mut self, sql: &str) {
        let sql = sqlx::raw_sql(AssertSqlSafe(sql));
        match self {
            Self::Sqlite(db) => sql.execute(db).await.map(drop).unwrap(),
            Self::Postgres(db) => sql.execute(db).await.map(drop).unwrap(),
        }
    }

    async fn close(self) {
        match self {
            Self::Sqlite(db) => db.close().await.unwrap(),
            Self::Postgres(db) => db.close().await.unwrap(),
        }
    }
}
