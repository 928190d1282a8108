//! The pairs of domain and category that are known, each with the prompt that its data is asked for by.

use jiff::Timestamp;

use super::{
    Error, NewJob, Store,
    db::{Row, args},
    jobs,
};
use crate::insight::domain::Pair;

/// A known pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    pub pair: Pair,
    /// None while it is in the making.
    pub text: Option<String>,
    /// `start`, `model` or `person`.
    pub made_by: String,
    pub updated_at: Timestamp,
}

impl Prompt {
    /// A pair whose prompt cannot be had.
    #[must_use]
    pub fn without_text(pair: Pair) -> Self {
        Self {
            pair,
            text: None,
            made_by: "start".into(),
            updated_at: Timestamp::UNIX_EPOCH,
        }
    }
}

impl Store {
    /// All known pairs, in order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn prompts(&self) -> Result<Vec<Prompt>, Error> {
        let rows = self
            .db
            .rows("SELECT * FROM prompts ORDER BY domain, category", &[])
            .await?;
        rows.iter().map(prompt_from).collect()
    }

    /// A person's prompt for a pair, known or new.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn put_prompt(&self, pair: &Pair, text: &str, at: Timestamp) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        tx.run(
            "INSERT INTO prompts (domain, category, prompt, made_by, created_at, updated_at)
             VALUES ($1, $2, $3, 'person', $4, $4)
             ON CONFLICT (domain, category) DO UPDATE SET prompt = excluded.prompt,
                made_by = excluded.made_by, updated_at = excluded.updated_at",
            args![&pair.domain, &pair.category, text, at],
        )
        .await?;
        tx.commit().await
    }

    /// Whether there was such a pair.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_prompt(&self, pair: &Pair) -> Result<bool, Error> {
        let mut tx = self.db.begin().await?;
        let gone = tx
            .run(
                "DELETE FROM prompts WHERE domain = $1 AND category = $2",
                args![&pair.domain, &pair.category],
            )
            .await?;
        tx.commit().await?;
        Ok(gone > 0)
    }

    /// Has a prompt made for a new pair: once, however many ask at the same instant. `false` for those who
    /// came later.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim_prompt(&self, pair: &Pair, at: Timestamp) -> Result<bool, Error> {
        let mut tx = self.db.begin().await?;
        let claimed = tx
            .run(
                "INSERT INTO prompts (domain, category, made_by, created_at, updated_at)
                 VALUES ($1, $2, 'model', $3, $3) ON CONFLICT (domain, category) DO NOTHING",
                args![&pair.domain, &pair.category, at],
            )
            .await?;
        if claimed > 0 {
            jobs::queue(&mut tx, &NewJob::write_prompt(pair, at), at).await?;
        }
        tx.commit().await?;
        Ok(claimed > 0)
    }

    /// The prompt of a pair in the making; what a person wrote meanwhile stands.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn prompt_made(&self, pair: &Pair, text: &str, at: Timestamp) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        tx.run(
            "UPDATE prompts SET prompt = $3, updated_at = $4
             WHERE domain = $1 AND category = $2 AND prompt IS NULL",
            args![&pair.domain, &pair.category, text, at],
        )
        .await?;
        tx.commit().await
    }

    /// It could not be made: the next file of the pair has it tried again.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn prompt_not_made(&self, pair: &Pair) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        tx.run(
            "DELETE FROM prompts WHERE domain = $1 AND category = $2 AND prompt IS NULL",
            args![&pair.domain, &pair.category],
        )
        .await?;
        tx.commit().await
    }
}

fn prompt_from(row: &Row) -> Result<Prompt, Error> {
    Ok(Prompt {
        pair: Pair {
            domain: row.text("domain")?,
            category: row.text("category")?,
        },
        text: row.maybe_text("prompt")?,
        made_by: row.text("made_by")?,
        updated_at: row.time("updated_at")?,
    })
}
