//! Customers: made, changed, found, removed, and brought in by the thousand.

use jiff::Timestamp;

use super::{
    Error, Store,
    db::{Row, Tx, args},
    links, new_id,
    rows::to_json,
};
use crate::people::customer::{Customer, Details};

/// Which customers a page lists; all that are given must hold.
#[derive(Debug, Clone, Default)]
pub struct CustomerFilter {
    pub external_id: Option<String>,
    /// E.164.
    pub phone: Option<String>,
    /// What the name begins with, in any case.
    pub name: Option<String>,
    /// What the name or a word of it begins with, in any case.
    pub word: Option<String>,
}

/// What became of one that was brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Brought {
    New,
    /// The fields that are new.
    Changed(Vec<&'static str>),
    Same,
}

/// `$1` and `$2`: the id before which the page begins, and the limit; `$3` to `$7`: external id, number, the
/// names from and below which, and a pattern of a word, each of which may be null.
macro_rules! select_customers {
    ($first:literal) => {
        concat!(
            "SELECT * FROM customers WHERE id < $1 AND ",
            $first,
            " AND ($3 IS NULL OR external_id = $3)
              AND ($4 IS NULL OR id IN (SELECT customer_id FROM customer_phones WHERE e164 = $4))
              AND ($5 IS NULL OR name_key >= $5) AND ($6 IS NULL OR name_key < $6)
              AND ($7 IS NULL OR ' ' || name_key LIKE $7 ESCAPE '!')
              ORDER BY id DESC LIMIT $2"
        )
    };
}

impl Store {
    /// # Errors
    /// When another customer has this external id, or the database fails.
    pub async fn add_customer(&self, details: &Details, at: Timestamp) -> Result<Customer, Error> {
        let mut tx = self.db.begin().await?;
        let id = insert(&mut tx, details, at).await?;
        tx.commit().await?;
        let made = self.customer(&id).await?;
        made.ok_or(Error::Db(sqlx::Error::RowNotFound))
    }

    /// The customer as it is then; `None` where there is none.
    ///
    /// # Errors
    /// When another customer has this external id, or the database fails.
    pub async fn change_customer(
        &self,
        id: &str,
        details: &Details,
        at: Timestamp,
    ) -> Result<Option<Customer>, Error> {
        let mut tx = self.db.begin().await?;
        update(&mut tx, id, details, at).await?;
        tx.commit().await?;
        self.customer(id).await
    }

    /// With the bookings; his calls are nobody's then, until they are looked at again. Whether there was
    /// one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remove_customer(&self, id: &str, at: Timestamp) -> Result<bool, Error> {
        let mut tx = self.db.begin().await?;
        links::let_go(&mut tx, id, at).await?;
        let gone = tx
            .run("DELETE FROM customers WHERE id = $1", args![id])
            .await?;
        tx.commit().await?;
        Ok(gone > 0)
    }

    /// # Errors
    /// When the database fails.
    pub async fn customer(&self, id: &str) -> Result<Option<Customer>, Error> {
        let sql = "SELECT * FROM customers WHERE id = $1";
        let row = self.db.row(sql, args![id]).await?;
        row.as_ref().map(customer_from).transpose()
    }

    /// At most `limit` customers made before the one of the id `before`, newest first, and whether there
    /// are more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn customers(
        &self,
        filter: &CustomerFilter,
        before: Option<&str>,
        limit: u32,
    ) -> Result<(Vec<Customer>, bool), Error> {
        let sql = match filter {
            CustomerFilter {
                external_id: Some(_),
                ..
            } => select_customers!("external_id = $3"),
            CustomerFilter { phone: Some(_), .. } => {
                select_customers!("id IN (SELECT customer_id FROM customer_phones WHERE e164 = $4)")
            }
            CustomerFilter { name: Some(_), .. } => {
                select_customers!("name_key >= $5 AND name_key < $6")
            }
            _ => select_customers!("1 = 1"),
        };
        let name = filter.name.as_ref().map(|name| name.to_lowercase());
        let name_end = name.as_ref().map(|name| format!("{name}\u{10ffff}"));
        let args = args![
            before.unwrap_or("~"),
            i64::from(limit) + 1,
            filter.external_id.as_deref(),
            filter.phone.as_deref(),
            name,
            name_end,
            filter
                .word
                .as_deref()
                .map(|word| format!("% {}", starting(word))),
        ];
        let mut rows = self.db.rows(sql, args).await?;
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let customers = rows.iter().map(customer_from).collect::<Result<_, _>>()?;
        Ok((customers, more))
    }

    /// Makes each, or changes the one that it is: of the same external id, or, where it has none, of the
    /// same name and one of its numbers. With `dry`, only says what would become of them. One transaction.
    ///
    /// # Errors
    /// When the database fails: then nothing has changed.
    pub async fn bring_customers(
        &self,
        brought: &[Details],
        at: Timestamp,
        dry: bool,
    ) -> Result<Vec<Brought>, Error> {
        let mut tx = self.db.begin().await?;
        let mut outcomes = Vec::with_capacity(brought.len());
        for details in brought {
            outcomes.push(bring(&mut tx, details, at).await?);
        }
        match dry {
            true => drop(tx),
            false => tx.commit().await?,
        }
        Ok(outcomes)
    }
}

/// A pattern of what begins so; its own wildcards are letters.
fn starting(text: &str) -> String {
    let mut pattern = String::new();
    for c in text.trim().to_lowercase().chars() {
        if matches!(c, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

async fn bring(tx: &mut Tx, details: &Details, at: Timestamp) -> Result<Brought, Error> {
    let Some(known) = same(tx, details).await? else {
        insert(tx, details, at).await?;
        return Ok(Brought::New);
    };
    let changed = details.changed_from(&known.details);
    if changed.is_empty() {
        return Ok(Brought::Same);
    }
    update(tx, &known.id, details, at).await?;
    Ok(Brought::Changed(changed))
}

/// The customer that one who is brought is already.
async fn same(tx: &mut Tx, details: &Details) -> Result<Option<Customer>, Error> {
    if let Some(external_id) = &details.external_id {
        let sql = "SELECT * FROM customers WHERE external_id = $1";
        let row = tx.row(sql, args![external_id]).await?;
        return row.as_ref().map(customer_from).transpose();
    }
    for number in details
        .phones
        .iter()
        .filter_map(|phone| phone.e164.as_ref())
    {
        let sql = "SELECT customers.* FROM customers
             JOIN customer_phones ON customer_phones.customer_id = customers.id
             WHERE customer_phones.e164 = $1 AND customers.name_key = $2
                AND customers.external_id IS NULL
             ORDER BY customers.id LIMIT 1";
        let row = tx
            .row(sql, args![number, details.name.to_lowercase()])
            .await?;
        if let Some(row) = row {
            return customer_from(&row).map(Some);
        }
    }
    Ok(None)
}

async fn insert(tx: &mut Tx, details: &Details, at: Timestamp) -> Result<String, Error> {
    let id = new_id(at);
    free(tx, &id, details).await?;
    tx.run(
        "INSERT INTO customers (id, external_id, name, name_key, phones, email, language,
            preferences, notes, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)",
        args![
            &id,
            details.external_id.as_deref(),
            &details.name,
            details.name.to_lowercase(),
            to_json(&details.phones),
            details.email.as_deref(),
            details.language.as_deref(),
            to_json(&details.preferences),
            &details.notes,
            at,
        ],
    )
    .await?;
    index_phones(tx, &id, details).await?;
    links::again_by_customer(tx, &id, at).await?;
    Ok(id)
}

async fn update(tx: &mut Tx, id: &str, details: &Details, at: Timestamp) -> Result<(), Error> {
    free(tx, id, details).await?;
    let sql = "SELECT * FROM customers WHERE id = $1";
    let Some(row) = tx.row(sql, args![id]).await? else {
        return Ok(());
    };
    let old = customer_from(&row)?.details;
    tx.run(
        "UPDATE customers SET external_id = $2, name = $3, name_key = $4, phones = $5, email = $6,
                language = $7, preferences = $8, notes = $9, updated_at = $10
             WHERE id = $1",
        args![
            id,
            details.external_id.as_deref(),
            &details.name,
            details.name.to_lowercase(),
            to_json(&details.phones),
            details.email.as_deref(),
            details.language.as_deref(),
            to_json(&details.preferences),
            &details.notes,
            at,
        ],
    )
    .await?;
    // What calls are told apart by.
    if (&old.name, &old.phones) != (&details.name, &details.phones) {
        // Of the numbers that he had, and of those that he has.
        links::again_by_customer(tx, id, at).await?;
        index_phones(tx, id, details).await?;
        links::again_by_customer(tx, id, at).await?;
    }
    Ok(())
}

/// Says so where another customer has the external id.
async fn free(tx: &mut Tx, id: &str, details: &Details) -> Result<(), Error> {
    let Some(external_id) = &details.external_id else {
        return Ok(());
    };
    let sql = "SELECT id FROM customers WHERE external_id = $1 AND id <> $2";
    match tx.row(sql, args![external_id, id]).await? {
        Some(row) => Err(Error::Refused(format!(
            "external_id: it is the customer's {} already",
            row.text("id")?
        ))),
        None => Ok(()),
    }
}

async fn index_phones(tx: &mut Tx, id: &str, details: &Details) -> Result<(), Error> {
    let sql = "DELETE FROM customer_phones WHERE customer_id = $1";
    tx.run(sql, args![id]).await?;
    for number in details
        .phones
        .iter()
        .filter_map(|phone| phone.e164.as_ref())
    {
        let sql = "INSERT INTO customer_phones (e164, customer_id) VALUES ($1, $2)
             ON CONFLICT DO NOTHING";
        tx.run(sql, args![number, id]).await?;
    }
    Ok(())
}

pub(super) fn customer_from(row: &Row) -> Result<Customer, Error> {
    Ok(Customer {
        id: row.text("id")?,
        details: Details {
            external_id: row.maybe_text("external_id")?,
            name: row.text("name")?,
            phones: row.json("phones")?,
            email: row.maybe_text("email")?,
            language: row.maybe_text("language")?,
            preferences: row.json("preferences")?,
            notes: row.text("notes")?,
        },
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}
