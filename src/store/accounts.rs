//! People who may come in: a name, a role, and the hash of a password.
//!
//! There is an admin as long as there are accounts: the last one can neither be made less nor be removed
//! before all others.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use serde::Serialize;
use unicode_normalization::UnicodeNormalization;

use super::{
    Error, Role, Store,
    db::{Row, Tx, args},
    notes::new_id,
};

/// Characters of a name.
const LONGEST_NAME: usize = 64;

/// What somebody is called at the door: letters of any script, digits, and `. _ - @`; small ones, so that
/// nobody is refused, or taken for another, for a capital.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountName(String);

/// A name that cannot be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a name is 1 to {LONGEST_NAME} letters, digits, or . _ - @")]
pub struct BadName;

impl AccountName {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for AccountName {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Self, BadName> {
        let name: String = text.trim().nfkc().flat_map(char::to_lowercase).collect();
        let fits = |c: char| c.is_alphanumeric() || ".-_@".contains(c);
        let long = name.chars().count();
        match (1..=LONGEST_NAME).contains(&long) && name.chars().all(fits) {
            true => Ok(Self(name)),
            false => Err(BadName),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Account {
    pub id: String,
    pub name: AccountName,
    pub role: Role,
    pub created_at: Timestamp,
    /// When the password was last changed.
    pub password_at: Timestamp,
    /// The last login.
    pub seen_at: Option<Timestamp>,
}

impl Store {
    /// Whether anybody has an account: without one, this machine's own people come in freely.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn has_accounts(&self) -> Result<bool, Error> {
        let row = self.db.row("SELECT id FROM accounts LIMIT 1", &[]).await?;
        Ok(row.is_some())
    }

    /// # Errors
    /// When the database fails.
    pub async fn accounts(&self) -> Result<Vec<Account>, Error> {
        let sql = "SELECT * FROM accounts ORDER BY name";
        let rows = self.db.rows(sql, &[]).await?;
        rows.iter().map(account_from).collect()
    }

    /// # Errors
    /// When the database fails.
    pub async fn account(&self, name: &AccountName) -> Result<Option<Account>, Error> {
        let sql = "SELECT * FROM accounts WHERE name = $1";
        let row = self.db.row(sql, args![name.as_str()]).await?;
        row.as_ref().map(account_from).transpose()
    }

    /// The account of that name with the hash of its password.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn password_of(
        &self,
        name: &AccountName,
    ) -> Result<Option<(Account, String)>, Error> {
        let sql = "SELECT * FROM accounts WHERE name = $1";
        let Some(row) = self.db.row(sql, args![name.as_str()]).await? else {
            return Ok(None);
        };
        Ok(Some((account_from(&row)?, row.text("password")?)))
    }

    /// # Errors
    /// When the database fails, the name is taken, or the first account is no admin.
    pub async fn add_account(
        &self,
        name: &AccountName,
        role: Role,
        password: &str,
        at: Timestamp,
    ) -> Result<Account, Error> {
        let mut tx = self.db.begin().await?;
        if role != Role::Admin && admins(&mut tx).await? == 0 {
            return Err(Error::Refused("the first account is an admin's".into()));
        }
        let row = tx
            .row(
                "INSERT INTO accounts (id, name, role, password, created_at, password_at)
                 VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT (name) DO NOTHING RETURNING *",
                args![new_id(at), name.as_str(), role.as_str(), password, at],
            )
            .await?;
        let Some(row) = row else {
            return Err(Error::Refused(format!(
                "there is an account {name} already"
            )));
        };
        tx.commit().await?;
        account_from(&row)
    }

    /// Another password; every session of the account ends.
    ///
    /// # Errors
    /// When the database fails or the account is not there.
    pub async fn set_password(
        &self,
        name: &AccountName,
        password: &str,
        at: Timestamp,
    ) -> Result<Account, Error> {
        let mut tx = self.db.begin().await?;
        let row = tx
            .row(
                "UPDATE accounts SET password = $2, password_at = $3 WHERE name = $1 RETURNING *",
                args![name.as_str(), password, at],
            )
            .await?;
        let account = account_from(&row.ok_or_else(|| none(name))?)?;
        end_sessions(&mut tx, &account.id).await?;
        tx.commit().await?;
        Ok(account)
    }

    /// # Errors
    /// When the database fails, the account is not there, or it is the last admin's.
    pub async fn set_role(&self, name: &AccountName, role: Role) -> Result<Account, Error> {
        let mut tx = self.db.begin().await?;
        let admins_before = admins(&mut tx).await?;
        let row = tx
            .row(
                "UPDATE accounts SET role = $2 WHERE name = $1 RETURNING *",
                args![name.as_str(), role.as_str()],
            )
            .await?;
        let account = account_from(&row.ok_or_else(|| none(name))?)?;
        if admins_before > 0 && admins(&mut tx).await? == 0 {
            return Err(last_admin());
        }
        tx.commit().await?;
        Ok(account)
    }

    /// Removes an account and its sessions.
    ///
    /// # Errors
    /// When the database fails, the account is not there, or it is the last admin's and there are others.
    pub async fn remove_account(&self, name: &AccountName) -> Result<Account, Error> {
        let mut tx = self.db.begin().await?;
        admins(&mut tx).await?;
        let sql = "SELECT * FROM accounts WHERE name = $1";
        let row = tx.row(sql, args![name.as_str()]).await?;
        let account = account_from(&row.ok_or_else(|| none(name))?)?;
        end_sessions(&mut tx, &account.id).await?;
        tx.run("DELETE FROM accounts WHERE id = $1", args![&account.id])
            .await?;
        let sql = "SELECT COUNT(*) AS n FROM accounts";
        let others = tx.one(sql, &[]).await?.int("n")?;
        if others > 0 && admins(&mut tx).await? == 0 {
            return Err(last_admin());
        }
        tx.commit().await?;
        Ok(account)
    }
}

/// How many there are. Holds their rows, so that two who make each other less do so one after the other.
async fn admins(tx: &mut Tx) -> Result<u64, Error> {
    tx.run("UPDATE accounts SET role = role WHERE role = 'admin'", &[])
        .await
}

async fn end_sessions(tx: &mut Tx, account: &str) -> Result<u64, Error> {
    tx.run("DELETE FROM sessions WHERE account_id = $1", args![account])
        .await
}

fn none(name: &AccountName) -> Error {
    Error::NoAccount(name.to_string())
}

fn last_admin() -> Error {
    Error::Refused("the last admin stays one while there are other accounts".into())
}

pub(super) fn account_from(row: &Row) -> Result<Account, Error> {
    Ok(Account {
        id: row.text("id")?,
        name: row.parsed("name")?,
        role: row.parsed("role")?,
        created_at: row.time("created_at")?,
        password_at: row.time("password_at")?,
        seen_at: row.maybe_time("seen_at")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_small_and_plain() {
        for (given, kept) in [
            ("dana", Some("dana")),
            (" Dana ", Some("dana")),
            ("dana.levi@example", Some("dana.levi@example")),
            ("דנה", Some("דנה")),
            ("ＤＡＮＡ", Some("dana")),
            ("", None),
            ("a b", None),
            ("<b>", None),
            ("a/b", None),
            ("a\u{202e}b", None),
            ("a\0", None),
        ] {
            let name = given.parse::<AccountName>().ok();
            assert_eq!(name.as_ref().map(AccountName::as_str), kept, "{given:?}");
        }
        assert!("a".repeat(64).parse::<AccountName>().is_ok());
        assert_eq!("a".repeat(65).parse::<AccountName>(), Err(BadName));
    }
}
