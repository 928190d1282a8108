//! The two databases behind one face: the same SQL text, three types (`BIGINT`, `TEXT`, null), rows
//! read by column name. SQLite has one writer connection, so that writers queue here instead of
//! failing with "database is locked", and readers beside it; its log is moved into the file by a third,
//! so that no commit waits for that.

use std::{borrow::Cow, str::FromStr, sync::Arc, time::Duration};

use jiff::Timestamp;
use sqlx::{
    AssertSqlSafe, Database, Encode, Executor, PgPool, Postgres, Row as _, SqlSafeStr, Sqlite,
    SqlitePool, Transaction, Type,
    migrate::Migrator,
    postgres::{PgConnectOptions, PgPoolOptions, PgRow},
    query::Query,
    sqlite::{
        SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
    },
};

use tokio::time::MissedTickBehavior;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{Error, Options};
use crate::{tasks, time::MediaTime};

/// What both databases take. What only one of them takes stands in a folder of its own beside it, under the
/// same row of numbers: both folders have a file for each such number, and the two become one list.
static MIGRATIONS: Migrator = sqlx::migrate!("src/store/migrations");
static OF_SQLITE: Migrator = sqlx::migrate!("src/store/migrations/sqlite");
static OF_POSTGRES: Migrator = sqlx::migrate!("src/store/migrations/postgres");

fn migrations(own: &Migrator) -> Migrator {
    Migrator::with_migrations(MIGRATIONS.iter().chain(own.iter()).cloned().collect())
}

/// How long a SQLite writer of another process (`callscribe migrate`, a backup) may hold us up.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Tries to open a SQLite file that another process is switching to WAL: SQLite answers "busy" to that
/// at once, without waiting for the timeout above.
const OPEN_TRIES: u32 = 20;
const OPEN_PAUSE: Duration = Duration::from_millis(50);
/// Between two moves of the log into the file. A commit that had to do it would wait for the disk, and
/// all who write after it: 10 to 30 ms, every 150 commits or so.
const MOVE_EVERY: Duration = Duration::from_millis(250);
/// Pages of 4 KiB in the log over which a commit moves them itself, should the mover not keep up.
const MOST_PAGES: &str = "10000";

#[derive(Clone)]
pub(super) enum Db {
    Sqlite {
        writer: SqlitePool,
        readers: SqlitePool,
        /// Moves what was written from the log into the file, beside the writer.
        mover: SqlitePool,
        /// Ends that with the last clone.
        _moving: Arc<DropGuard>,
    },
    Postgres(PgPool),
}

/// One transaction; dropped without [`Tx::commit`], it is rolled back.
pub(super) enum Tx {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

pub(super) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

/// A bound value. The option is inside, because PostgreSQL wants a type for null too.
pub(super) enum Arg<'a> {
    Int(Option<i64>),
    Text(Option<Cow<'a, str>>),
}

/// `args![a, b]`: values to bind to `$1`, `$2`.
macro_rules! args {
    ($($value:expr),* $(,)?) => { &[$($crate::store::db::Arg::from($value)),*] };
}
pub(super) use args;

impl Db {
    /// Connects and brings the schema up to date. Any number of processes may do so at once.
    pub(super) async fn open(options: &Options) -> Result<Self, Error> {
        let url = options.url.as_str();
        if url.starts_with("sqlite:") {
            let mut tries = 1;
            loop {
                match open_sqlite(url, options).await {
                    Err(error) if is_busy(&error) && tries < OPEN_TRIES => tries += 1,
                    done => return done,
                }
                tokio::time::sleep(OPEN_PAUSE).await;
            }
        }
        if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            return open_postgres(url, options).await;
        }
        Err(Error::Url)
    }

    pub(super) async fn begin(&self) -> Result<Tx, Error> {
        Ok(match self {
            Self::Sqlite { writer, .. } => Tx::Sqlite(writer.begin_with("BEGIN IMMEDIATE").await?),
            Self::Postgres(pool) => Tx::Postgres(pool.begin().await?),
        })
    }

    /// Reads outside a transaction.
    pub(super) async fn rows(
        &self,
        sql: &'static str,
        args: &[Arg<'_>],
    ) -> Result<Vec<Row>, Error> {
        Ok(match self {
            Self::Sqlite { readers, .. } => {
                let rows = readers.fetch_all(bound(sql, args)).await?;
                rows.into_iter().map(Row::Sqlite).collect()
            }
            Self::Postgres(pool) => {
                let rows = pool.fetch_all(bound(sql, args)).await?;
                rows.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    pub(super) async fn row(
        &self,
        sql: &'static str,
        args: &[Arg<'_>],
    ) -> Result<Option<Row>, Error> {
        Ok(self.rows(sql, args).await?.into_iter().next())
    }

    /// The same, planned for these very values: where what is cheap depends on how common a word is.
    pub(super) async fn rows_afresh(
        &self,
        sql: &'static str,
        args: &[Arg<'_>],
    ) -> Result<Vec<Row>, Error> {
        Ok(match self {
            Self::Sqlite { .. } => self.rows(sql, args).await?,
            Self::Postgres(pool) => {
                let rows = pool.fetch_all(bound(sql, args).persistent(false)).await?;
                rows.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite {
                writer,
                readers,
                mover,
                ..
            } => {
                readers.close().await;
                mover.close().await;
                writer.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

impl Tx {
    /// Rows changed.
    pub(super) async fn run(&mut self, sql: &'static str, args: &[Arg<'_>]) -> Result<u64, Error> {
        Ok(match self {
            Self::Sqlite(tx) => tx.execute(bound(sql, args)).await?.rows_affected(),
            Self::Postgres(tx) => tx.execute(bound(sql, args)).await?.rows_affected(),
        })
    }

    pub(super) async fn rows(
        &mut self,
        sql: &'static str,
        args: &[Arg<'_>],
    ) -> Result<Vec<Row>, Error> {
        Ok(match self {
            Self::Sqlite(tx) => {
                let rows = tx.fetch_all(bound(sql, args)).await?;
                rows.into_iter().map(Row::Sqlite).collect()
            }
            Self::Postgres(tx) => {
                let rows = tx.fetch_all(bound(sql, args)).await?;
                rows.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    pub(super) async fn row(
        &mut self,
        sql: &'static str,
        args: &[Arg<'_>],
    ) -> Result<Option<Row>, Error> {
        Ok(self.rows(sql, args).await?.into_iter().next())
    }

    /// The row of a statement that always gives one: `RETURNING` of an upsert, an aggregate.
    pub(super) async fn one(&mut self, sql: &'static str, args: &[Arg<'_>]) -> Result<Row, Error> {
        self.row(sql, args)
            .await?
            .ok_or(Error::Db(sqlx::Error::RowNotFound))
    }

    /// Inserts many rows by few statements. `into` is `INSERT INTO table (columns) VALUES`.
    pub(super) async fn insert_all(
        &mut self,
        into: &'static str,
        rows: &[Vec<Arg<'_>>],
    ) -> Result<(), Error> {
        self.insert_all_by(into, rows, "").await
    }

    /// The same, where something follows the values: `INSERT INTO … SELECT … FROM (VALUES`, `) AS new`.
    pub(super) async fn insert_all_by(
        &mut self,
        into: &'static str,
        rows: &[Vec<Arg<'_>>],
        then: &'static str,
    ) -> Result<(), Error> {
        /// Rows to a statement: SQLite binds 32,766 values at most, and text stays small.
        const CHUNK: usize = 200;
        for chunk in rows.chunks(CHUNK) {
            // Made of a text of this room and of `$n`: values are bound.
            let sql = format!("{into} {}{then}", placeholders(chunk));
            let args = chunk.iter().flatten();
            match self {
                Self::Sqlite(tx) => tx
                    .execute(bound(AssertSqlSafe(sql), args).persistent(false))
                    .await
                    .map(drop),
                Self::Postgres(tx) => tx
                    .execute(bound(AssertSqlSafe(sql), args).persistent(false))
                    .await
                    .map(drop),
            }?;
        }
        Ok(())
    }

    /// Whether a row that another transaction holds must be passed over by name; SQLite has one writer.
    pub(super) const fn has_row_locks(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    pub(super) async fn commit(self) -> Result<(), Error> {
        match self {
            Self::Sqlite(tx) => tx.commit().await?,
            Self::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }
}

impl Row {
    pub(super) fn int(&self, column: &str) -> Result<i64, Error> {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(column)?,
            Self::Postgres(row) => row.try_get(column)?,
        })
    }

    pub(super) fn maybe_int(&self, column: &str) -> Result<Option<i64>, Error> {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(column)?,
            Self::Postgres(row) => row.try_get(column)?,
        })
    }

    pub(super) fn maybe_text(&self, column: &str) -> Result<Option<String>, Error> {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(column)?,
            Self::Postgres(row) => row.try_get(column)?,
        })
    }

    pub(super) fn text(&self, column: &str) -> Result<String, Error> {
        self.maybe_text(column)?
            .ok_or_else(|| Error::corrupt(column, "null"))
    }

    /// A name, an id or a state that was written by [`Arg::from`] of its text.
    pub(super) fn parsed<T: FromStr>(&self, column: &str) -> Result<T, Error> {
        let text = self.text(column)?;
        text.parse().map_err(|_| Error::corrupt(column, &text))
    }

    pub(super) fn json<T: serde::de::DeserializeOwned>(&self, column: &str) -> Result<T, Error> {
        serde_json::from_str(&self.text(column)?)
            .map_err(|error| Error::corrupt(column, &error.to_string()))
    }

    pub(super) fn media(&self, column: &str) -> Result<MediaTime, Error> {
        let samples = self.int(column)?;
        u64::try_from(samples)
            .map(MediaTime)
            .map_err(|_| Error::corrupt(column, "negative"))
    }

    pub(super) fn time(&self, column: &str) -> Result<Timestamp, Error> {
        let ms = self.int(column)?;
        Timestamp::from_millisecond(ms).map_err(|_| Error::corrupt(column, "no time"))
    }

    pub(super) fn maybe_time(&self, column: &str) -> Result<Option<Timestamp>, Error> {
        match self.maybe_int(column)? {
            Some(_) => self.time(column).map(Some),
            None => Ok(None),
        }
    }

    pub(super) fn count(&self, column: &str) -> Result<u32, Error> {
        u32::try_from(self.int(column)?).map_err(|_| Error::corrupt(column, "out of range"))
    }
}

macro_rules! arg_from {
    ($($kind:ident: $($type:ty => |$value:ident| $convert:expr),+ $(,)?;)+) => {$($(
        impl<'a> From<$type> for Arg<'a> {
            fn from($value: $type) -> Self {
                Self::$kind(Some($convert))
            }
        }
        impl<'a> From<Option<$type>> for Arg<'a> {
            fn from(value: Option<$type>) -> Self {
                Self::$kind(value.map(|$value| $convert))
            }
        }
    )+)+};
}
arg_from! {
    Int: i64 => |n| n, u32 => |n| i64::from(n), bool => |b| i64::from(b),
        Timestamp => |at| at.as_millisecond(),
        MediaTime => |at| i64::try_from(at.0).unwrap_or(i64::MAX);
    Text: &'a str => |text| Cow::Borrowed(text), &'a String => |text| Cow::Borrowed(text.as_str()),
        String => |text| Cow::Owned(text);
}

async fn open_sqlite(url: &str, options: &Options) -> Result<Db, Error> {
    let connect = SqliteConnectOptions::from_str(url)?
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT);
    if let Some(folder) = connect.get_filename().parent() {
        tokio::fs::create_dir_all(folder).await?;
    }
    let writer = SqlitePoolOptions::new()
        .max_connections(1)
        .connect_with(
            connect
                .clone()
                .pragma("wal_autocheckpoint", MOST_PAGES)
                // What is deleted is overwritten, in the index of words as elsewhere.
                .pragma("secure_delete", "ON"),
        )
        .await?;
    // sqlx takes no lock on SQLite while it migrates; a transaction that writes from the start does.
    let mut tx = writer.begin_with("BEGIN IMMEDIATE").await?;
    migrations(&OF_SQLITE)
        .run_direct(None, &mut *tx, false)
        .await?;
    tx.commit().await?;
    let readers = SqlitePoolOptions::new()
        .max_connections(options.connections.max(1))
        .connect_with(connect.clone().create_if_missing(false))
        .await?;
    let mover = SqlitePoolOptions::new()
        .max_connections(1)
        .connect_with(connect.create_if_missing(false))
        .await?;
    let stop = CancellationToken::new();
    let moving = move_log(mover.clone(), stop.clone());
    drop(tasks::spawn("sqlite log", moving));
    Ok(Db::Sqlite {
        writer,
        readers,
        mover,
        _moving: Arc::new(stop.drop_guard()),
    })
}

/// Until it is stopped, or the connections are closed. It holds nobody up, and what fails now is moved
/// the next time, or by a commit.
async fn move_log(mover: SqlitePool, stop: CancellationToken) {
    let mut every = tokio::time::interval(MOVE_EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !mover.is_closed() {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = every.tick() => {}
        }
        if let Err(error) = mover.execute("PRAGMA wal_checkpoint(PASSIVE)").await {
            tracing::debug!(%error, "the log of the database stays as it is");
        }
    }
}

async fn open_postgres(url: &str, options: &Options) -> Result<Db, Error> {
    let pool = PgPoolOptions::new()
        .max_connections(options.connections.max(2))
        .acquire_timeout(Duration::from_secs(10))
        .connect_with(PgConnectOptions::from_str(url)?)
        .await?;
    migrations(&OF_POSTGRES).run(&pool).await?;
    Ok(Db::Postgres(pool))
}

fn is_busy(error: &Error) -> bool {
    match error {
        Error::Db(error) | Error::Migrate(sqlx::migrate::MigrateError::Execute(error)) => error
            .as_database_error()
            .is_some_and(|error| error.message().contains("locked")),
        _ => false,
    }
}

fn bound<'q, 'v, DB: Database>(
    sql: impl SqlSafeStr,
    args: impl IntoIterator<Item = &'v Arg<'v>>,
) -> Query<'q, DB, DB::Arguments>
where
    Option<i64>: for<'t> Encode<'t, DB> + Type<DB>,
    for<'t> Option<&'t str>: Encode<'t, DB> + Type<DB>,
{
    args.into_iter()
        .fold(sqlx::query(sql), |query, arg| match arg {
            Arg::Int(int) => query.bind(*int),
            Arg::Text(text) => query.bind(text.as_deref().map(storable).as_deref()),
        })
}

/// PostgreSQL takes no NUL in a text, and a peer may send one.
fn storable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        Cow::Owned(text.replace('\0', "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// `($1, $2), ($3, $4)` for two rows of two.
fn placeholders(rows: &[Vec<Arg<'_>>]) -> String {
    let mut next = 0;
    let groups: Vec<String> = rows
        .iter()
        .map(|row| {
            let names: Vec<String> = row
                .iter()
                .map(|_| {
                    next += 1;
                    format!("${next}")
                })
                .collect();
            format!("({})", names.join(", "))
        })
        .collect();
    groups.join(", ")
}
