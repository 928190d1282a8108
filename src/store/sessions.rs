//! Browsers that somebody logged in with. A session ends by its age, by not being used, by logging out, and
//! with its account's password; its row knows only the hash of what the browser holds.

use jiff::{SignedDuration, Timestamp};

use super::{
    Account, Error, Store,
    accounts::account_from,
    db::{Row, args},
    notes::new_id,
};

/// A use is written down so often at most: reading a page is no write.
const SEEN_EVERY: SignedDuration = SignedDuration::from_secs(60);

/// How long a session lasts.
#[derive(Debug, Clone, Copy)]
pub struct Lifetimes {
    /// Without being used.
    pub idle: SignedDuration,
    /// At most.
    pub whole: SignedDuration,
}

#[derive(Debug, Clone)]
pub struct NewSession<'a> {
    /// SHA-256 of what the browser holds, in hex.
    pub hash: &'a str,
    pub address: &'a str,
    pub agent: &'a str,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub id: String,
    pub address: String,
    pub agent: String,
    pub created_at: Timestamp,
    pub seen_at: Timestamp,
}

impl Store {
    /// A login: the account's last one by now. Sessions whose time is up are forgotten.
    ///
    /// # Errors
    /// When the database fails or the account is gone.
    pub async fn open_session(
        &self,
        account: &Account,
        session: &NewSession<'_>,
        lifetimes: Lifetimes,
        at: Timestamp,
    ) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        tx.run(
            "DELETE FROM sessions WHERE created_at <= $1 OR seen_at <= $2",
            args![at - lifetimes.whole, at - lifetimes.idle],
        )
        .await?;
        let seen = tx
            .run(
                "UPDATE accounts SET seen_at = $2 WHERE id = $1 AND password_at = $3",
                args![&account.id, at, account.password_at],
            )
            .await?;
        if seen == 0 {
            // Removed, or given another password, since the old one was looked at.
            return Err(Error::NoAccount(account.name.to_string()));
        }
        tx.run(
            "INSERT INTO sessions (id, hash, account_id, address, agent, created_at, seen_at)
             VALUES ($1, $2, $3, $4, $5, $6, $6)",
            args![
                new_id(at),
                session.hash,
                &account.id,
                session.address,
                session.agent,
                at,
            ],
        )
        .await?;
        tx.commit().await
    }

    /// The session of that hash and whose it is, where its time is not up.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn session(
        &self,
        hash: &str,
        lifetimes: Lifetimes,
        at: Timestamp,
    ) -> Result<Option<(Session, Account)>, Error> {
        let row = self
            .db
            .row(
                "SELECT a.*, s.id AS session_id, s.address, s.agent,
                    s.created_at AS opened_at, s.seen_at AS used_at
                 FROM sessions s JOIN accounts a ON a.id = s.account_id
                 WHERE s.hash = $1 AND s.created_at > $2 AND s.seen_at > $3",
                args![hash, at - lifetimes.whole, at - lifetimes.idle],
            )
            .await?;
        let Some(row) = row else {
            return Ok(None);
        };
        let session = session_from(&row)?;
        if at.duration_since(session.seen_at) >= SEEN_EVERY {
            let mut tx = self.db.begin().await?;
            tx.run(
                "UPDATE sessions SET seen_at = $2 WHERE id = $1 AND seen_at < $2",
                args![&session.id, at],
            )
            .await?;
            tx.commit().await?;
        }
        Ok(Some((session, account_from(&row)?)))
    }

    /// An account's sessions that go on, the last used first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sessions_of(
        &self,
        account: &str,
        lifetimes: Lifetimes,
        at: Timestamp,
    ) -> Result<Vec<Session>, Error> {
        let rows = self
            .db
            .rows(
                "SELECT id AS session_id, address, agent, created_at AS opened_at, seen_at AS used_at
                 FROM sessions WHERE account_id = $1 AND created_at > $2 AND seen_at > $3
                 ORDER BY seen_at DESC, id DESC",
                args![account, at - lifetimes.whole, at - lifetimes.idle],
            )
            .await?;
        rows.iter().map(session_from).collect()
    }

    /// Ends one session of an account: whether there was one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end_session(&self, account: &str, id: &str) -> Result<bool, Error> {
        let mut tx = self.db.begin().await?;
        let ended = tx
            .run(
                "DELETE FROM sessions WHERE account_id = $1 AND id = $2",
                args![account, id],
            )
            .await?;
        tx.commit().await?;
        Ok(ended > 0)
    }
}

fn session_from(row: &Row) -> Result<Session, Error> {
    Ok(Session {
        id: row.text("session_id")?,
        address: row.text("address")?,
        agent: row.text("agent")?,
        created_at: row.time("opened_at")?,
        seen_at: row.time("used_at")?,
    })
}
