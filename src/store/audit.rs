//! Who did what: listened to, exported or deleted something, came in or was refused, changed who may come
//! in. A row names ids only, never a number and never what was said.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use serde::Serialize;

use super::{
    Error, Store,
    db::{Row, args},
    notes::new_id,
};

/// What kind of somebody it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    Account,
    Token,
    /// Somebody on this machine, while there are no accounts.
    Open,
    /// The command line.
    Console,
    /// Somebody who is not in.
    Stranger,
}

impl Actor {
    const ALL: [Self; 5] = [
        Self::Account,
        Self::Token,
        Self::Open,
        Self::Console,
        Self::Stranger,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Token => "token",
            Self::Open => "open",
            Self::Console => "console",
            Self::Stranger => "stranger",
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Actor {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let mut all = Self::ALL.into_iter();
        all.find(|actor| actor.as_str() == text).ok_or(())
    }
}

/// What is written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deed {
    pub actor: Actor,
    /// The account's or the token's; empty for who has none.
    pub name: String,
    /// Where it came from; empty where it came from nowhere.
    pub address: String,
    /// `recording.fetched`, `call.deleted`, `login`: a word for programs.
    pub action: &'static str,
    /// Ids of what it was done to, the call's first.
    pub object: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct AuditEntry {
    pub id: String,
    pub at: Timestamp,
    pub actor: Actor,
    pub name: String,
    pub address: String,
    pub action: String,
    pub object: String,
}

/// Which of them a page lists, newest first.
#[derive(Debug, Clone, Default)]
pub struct WhichDeeds {
    pub name: Option<String>,
    pub action: Option<String>,
    /// The first id in `object`: everything about one call.
    pub object: Option<String>,
}

impl Store {
    /// # Errors
    /// When the database fails.
    pub async fn note_deed(&self, deed: &Deed, at: Timestamp) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        tx.run(
            "INSERT INTO audit (id, at, actor, name, address, action, object)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            args![
                new_id(at),
                at,
                deed.actor.as_str(),
                &deed.name,
                &deed.address,
                deed.action,
                &deed.object,
            ],
        )
        .await?;
        tx.commit().await
    }

    /// At most `limit` entries after the one that `after` names, newest first, and where the next page
    /// begins.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn deeds(
        &self,
        which: &WhichDeeds,
        after: Option<&str>,
        limit: u32,
    ) -> Result<(Vec<AuditEntry>, Option<String>), Error> {
        let rows = self
            .db
            .rows(
                "SELECT * FROM audit WHERE ($1 IS NULL OR name = $1) AND ($2 IS NULL OR action = $2)
                    AND ($3 IS NULL OR object = $3
                        OR substr(object, 1, length($3) + 1) = $3 || ' ')
                    AND ($4 IS NULL OR id < $4) ORDER BY id DESC LIMIT $5",
                args![
                    which.name.as_deref(),
                    which.action.as_deref(),
                    which.object.as_deref(),
                    after,
                    i64::from(limit) + 1,
                ],
            )
            .await?;
        let page = rows.iter().map(entry_from);
        let mut page = page.collect::<Result<Vec<_>, _>>()?;
        let more = page.len() > limit as usize;
        page.truncate(limit as usize);
        let next = page.last().filter(|_| more).map(|last| last.id.clone());
        Ok((page, next))
    }

    /// Forgets what is older: how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_deeds(&self, before: Timestamp) -> Result<u64, Error> {
        let mut tx = self.db.begin().await?;
        let gone = tx
            .run("DELETE FROM audit WHERE at < $1", args![before])
            .await?;
        tx.commit().await?;
        Ok(gone)
    }
}

fn entry_from(row: &Row) -> Result<AuditEntry, Error> {
    Ok(AuditEntry {
        id: row.text("id")?,
        at: row.time("at")?,
        actor: row.parsed("actor")?,
        name: row.text("name")?,
        address: row.text("address")?,
        action: row.text("action")?,
        object: row.text("object")?,
    })
}
