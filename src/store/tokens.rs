//! Tokens by which programs come in: each has a name and scopes. The rows know only their hashes.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{
    Error, Scopes, Store,
    db::{Row, args},
    notes::new_id,
};

/// A use is written down so often at most.
const USED_EVERY: SignedDuration = SignedDuration::from_secs(60);

#[derive(Debug, Clone)]
pub struct NewToken<'a> {
    /// As an account's.
    pub name: &'a super::AccountName,
    /// SHA-256 of the token, in hex.
    pub hash: &'a str,
    pub scopes: &'a Scopes,
    pub created_by: &'a str,
    pub expires_at: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Token {
    pub id: String,
    pub name: String,
    #[serde(serialize_with = "as_text")]
    pub scopes: Scopes,
    pub created_by: String,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub used_at: Option<Timestamp>,
}

impl Store {
    /// # Errors
    /// When the database fails, the name is taken, or there are no scopes.
    pub async fn add_token(&self, token: &NewToken<'_>, at: Timestamp) -> Result<Token, Error> {
        if token.scopes.is_empty() {
            return Err(Error::Refused(
                "a token without scopes opens nothing".into(),
            ));
        }
        let mut tx = self.db.begin().await?;
        let row = tx
            .row(
                "INSERT INTO tokens (id, name, hash, scopes, created_by, created_at, expires_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (name) DO NOTHING RETURNING *",
                args![
                    new_id(at),
                    token.name.as_str(),
                    token.hash,
                    token.scopes.to_string(),
                    token.created_by,
                    at,
                    token.expires_at,
                ],
            )
            .await?;
        let Some(row) = row else {
            let text = format!("there is a token {} already", token.name);
            return Err(Error::Refused(text));
        };
        tx.commit().await?;
        token_from(&row)
    }

    /// # Errors
    /// When the database fails.
    pub async fn tokens(&self) -> Result<Vec<Token>, Error> {
        let sql = "SELECT * FROM tokens ORDER BY name";
        let rows = self.db.rows(sql, &[]).await?;
        rows.iter().map(token_from).collect()
    }

    /// The token of that hash, where its time is not up; and that it is used.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn token(&self, hash: &str, at: Timestamp) -> Result<Option<Token>, Error> {
        let row = self
            .db
            .row(
                "SELECT * FROM tokens WHERE hash = $1 AND (expires_at IS NULL OR expires_at > $2)",
                args![hash, at],
            )
            .await?;
        let Some(token) = row.as_ref().map(token_from).transpose()? else {
            return Ok(None);
        };
        let is_fresh = |used| at.duration_since(used) < USED_EVERY;
        if !token.used_at.is_some_and(is_fresh) {
            let mut tx = self.db.begin().await?;
            tx.run(
                "UPDATE tokens SET used_at = $2 WHERE id = $1",
                args![&token.id, at],
            )
            .await?;
            tx.commit().await?;
        }
        Ok(Some(token))
    }

    /// Removes a token, by its name or its id.
    ///
    /// # Errors
    /// When the database fails or the token is not there.
    pub async fn remove_token(&self, name: &str) -> Result<Token, Error> {
        let mut tx = self.db.begin().await?;
        let sql = "DELETE FROM tokens WHERE name = $1 OR id = $1 RETURNING *";
        let Some(row) = tx.row(sql, args![name]).await? else {
            return Err(Error::NoToken(name.into()));
        };
        tx.commit().await?;
        token_from(&row)
    }
}

fn as_text<S: serde::Serializer>(scopes: &Scopes, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(scopes)
}

fn token_from(row: &Row) -> Result<Token, Error> {
    Ok(Token {
        id: row.text("id")?,
        name: row.text("name")?,
        scopes: row.parsed("scopes")?,
        created_by: row.text("created_by")?,
        created_at: row.time("created_at")?,
        expires_at: row.maybe_time("expires_at")?,
        used_at: row.maybe_time("used_at")?,
    })
}
