//! Bookings: made, changed, found, removed, and brought in by the thousand.

use jiff::Timestamp;

use super::{
    Brought, Error, Store,
    db::{Row, Tx, args},
    links, new_id,
    paging::Place,
};
use crate::people::booking::{Booking, Details, Draft, Status, When};

/// Whose booking it is, as whoever brings it knows him.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Booker {
    Id(String),
    ExternalId(String),
    /// E.164; it must be one customer's alone.
    Phone(String),
}

impl Booker {
    /// Whom a draft names, by the surest that it has; `number` makes E.164 of his phone.
    ///
    /// # Errors
    /// When `number` cannot.
    pub fn of<E>(
        draft: &Draft,
        number: impl FnOnce(&str) -> Result<String, E>,
    ) -> Result<Option<Self>, E> {
        let told = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        if let Some(id) = told(&draft.customer_id) {
            return Ok(Some(Self::Id(id)));
        }
        if let Some(id) = told(&draft.customer_external_id) {
            return Ok(Some(Self::ExternalId(id)));
        }
        let phone = told(&draft.customer_phone);
        let number = phone.map(|phone| number(&phone)).transpose()?;
        Ok(number.map(Self::Phone))
    }
}

/// Which bookings a page lists; all that are given must hold.
#[derive(Debug, Clone, Default)]
pub struct BookingFilter {
    pub customer: Option<String>,
    pub external_id: Option<String>,
    pub status: Option<Status>,
    /// That start at this moment or after it.
    pub from: Option<Timestamp>,
    /// That start before this moment.
    pub to: Option<Timestamp>,
}

/// `$1` to `$3`: the place before which the page begins, and the limit; `$4` to `$8`: customer, external id,
/// status, from and to, each of which may be null.
macro_rules! select_bookings {
    ($first:literal) => {
        concat!(
            "SELECT * FROM bookings WHERE (starts_at, id) < ($1, $2) AND ",
            $first,
            " AND ($4 IS NULL OR customer_id = $4) AND ($5 IS NULL OR external_id = $5)
              AND ($6 IS NULL OR status = $6)
              AND ($7 IS NULL OR starts_at >= $7) AND ($8 IS NULL OR starts_at < $8)
              ORDER BY starts_at DESC, id DESC LIMIT $3"
        )
    };
}

impl Store {
    /// # Errors
    /// When there is no such customer, another booking has this external id, or the database fails.
    pub async fn add_booking(
        &self,
        of: &Booker,
        details: &Details,
        at: Timestamp,
    ) -> Result<Booking, Error> {
        let mut tx = self.db.begin().await?;
        let customer = customer_of(&mut tx, of).await?;
        let id = insert(&mut tx, &customer, details, at).await?;
        tx.commit().await?;
        let made = self.booking(&id).await?;
        made.ok_or(Error::Db(sqlx::Error::RowNotFound))
    }

    /// The booking as it is then, another customer's where one is given; `None` where there is none.
    ///
    /// # Errors
    /// As [`Store::add_booking`].
    pub async fn change_booking(
        &self,
        id: &str,
        of: Option<&Booker>,
        details: &Details,
        at: Timestamp,
    ) -> Result<Option<Booking>, Error> {
        let mut tx = self.db.begin().await?;
        let customer = match of {
            Some(of) => Some(customer_of(&mut tx, of).await?),
            None => None,
        };
        update(&mut tx, id, customer.as_deref(), details, at).await?;
        tx.commit().await?;
        self.booking(id).await
    }

    /// Whether there was one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remove_booking(&self, id: &str, at: Timestamp) -> Result<bool, Error> {
        let mut tx = self.db.begin().await?;
        links::again_by_booking(&mut tx, id, at).await?;
        let sql = "DELETE FROM bookings WHERE id = $1";
        let gone = tx.run(sql, args![id]).await?;
        tx.commit().await?;
        Ok(gone > 0)
    }

    /// # Errors
    /// When the database fails.
    pub async fn booking(&self, id: &str) -> Result<Option<Booking>, Error> {
        let sql = "SELECT * FROM bookings WHERE id = $1";
        let row = self.db.row(sql, args![id]).await?;
        row.as_ref().map(booking_from).transpose()
    }

    /// At most `limit` bookings before the place, latest start first, and where the next page begins.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn bookings(
        &self,
        filter: &BookingFilter,
        before: Option<&Place>,
        limit: u32,
    ) -> Result<(Vec<Booking>, Option<Place>), Error> {
        let sql = match filter {
            BookingFilter {
                external_id: Some(_),
                ..
            } => select_bookings!("external_id = $5"),
            BookingFilter {
                customer: Some(_), ..
            } => select_bookings!("customer_id = $4"),
            _ => select_bookings!("1 = 1"),
        };
        let (ms, id) = Place::bounds(before);
        let args = args![
            ms,
            id,
            i64::from(limit) + 1,
            filter.customer.as_deref(),
            filter.external_id.as_deref(),
            filter.status.map(Status::as_str),
            filter.from,
            filter.to,
        ];
        let rows = self.db.rows(sql, args).await?;
        let mut bookings = rows
            .iter()
            .map(booking_from)
            .collect::<Result<Vec<_>, _>>()?;
        let more = bookings.len() > limit as usize;
        bookings.truncate(limit as usize);
        let last = bookings.last().filter(|_| more);
        let next = last.map(|last| Place::new(last.details.starts.at, &last.id));
        Ok((bookings, next.transpose()?))
    }

    /// Makes each, or changes the one that it is: of the same external id, or, where it has none, of the
    /// same customer at the same time. What refers to nobody is refused by itself. With `dry`, only says
    /// what would become of them. One transaction.
    ///
    /// # Errors
    /// When the database fails: then nothing has changed.
    pub async fn bring_bookings(
        &self,
        brought: &[(Booker, Details)],
        at: Timestamp,
        dry: bool,
    ) -> Result<Vec<Result<Brought, String>>, Error> {
        let mut tx = self.db.begin().await?;
        let mut outcomes = Vec::with_capacity(brought.len());
        for (of, details) in brought {
            outcomes.push(match bring(&mut tx, of, details, at).await {
                Ok(brought) => Ok(brought),
                Err(Error::Refused(why)) => Err(why),
                Err(error) => return Err(error),
            });
        }
        match dry {
            true => drop(tx),
            false => tx.commit().await?,
        }
        Ok(outcomes)
    }
}

async fn bring(
    tx: &mut Tx,
    of: &Booker,
    details: &Details,
    at: Timestamp,
) -> Result<Brought, Error> {
    let customer = customer_of(tx, of).await?;
    let row = match &details.external_id {
        Some(external_id) => {
            let sql = "SELECT * FROM bookings WHERE external_id = $1";
            tx.row(sql, args![external_id]).await?
        }
        None => {
            let sql = "SELECT * FROM bookings WHERE customer_id = $1 AND starts_at = $2
                    AND external_id IS NULL ORDER BY id LIMIT 1";
            tx.row(sql, args![&customer, details.starts.at]).await?
        }
    };
    let Some(row) = row else {
        insert(tx, &customer, details, at).await?;
        return Ok(Brought::New);
    };
    let known = booking_from(&row)?;
    let mut changed = details.changed_from(&known.details);
    if known.customer_id != customer {
        changed.push("customer_id");
    }
    if changed.is_empty() {
        return Ok(Brought::Same);
    }
    update(tx, &known.id, Some(&customer), details, at).await?;
    Ok(Brought::Changed(changed))
}

async fn customer_of(tx: &mut Tx, of: &Booker) -> Result<String, Error> {
    let (sql, key, what) = match of {
        Booker::Id(id) => (
            "SELECT id FROM customers WHERE id = $1",
            id,
            "customer_id: there is no such customer",
        ),
        Booker::ExternalId(id) => (
            "SELECT id FROM customers WHERE external_id = $1",
            id,
            "customer_external_id: there is no such customer",
        ),
        Booker::Phone(number) => (
            "SELECT customer_id AS id FROM customer_phones WHERE e164 = $1 LIMIT 2",
            number,
            "customer_phone: no customer has this number",
        ),
    };
    let rows = tx.rows(sql, args![key]).await?;
    match rows.as_slice() {
        [] => Err(Error::Refused(what.into())),
        [row] => row.text("id"),
        _ => Err(Error::Refused(
            "customer_phone: more than one customer has this number".into(),
        )),
    }
}

async fn insert(
    tx: &mut Tx,
    customer: &str,
    details: &Details,
    at: Timestamp,
) -> Result<String, Error> {
    let id = new_id(at);
    free(tx, &id, details).await?;
    tx.run(
        "INSERT INTO bookings (id, customer_id, external_id, starts_at, starts_has_time, ends_at,
            ends_has_time, status, guests, title, notes, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)",
        args![
            &id,
            customer,
            details.external_id.as_deref(),
            details.starts.at,
            details.starts.has_time,
            details.ends.map(|ends| ends.at),
            details.ends.map(|ends| ends.has_time),
            details.status.as_str(),
            details.guests,
            &details.title,
            &details.notes,
            at,
        ],
    )
    .await?;
    links::again_by_booking(tx, &id, at).await?;
    Ok(id)
}

async fn update(
    tx: &mut Tx,
    id: &str,
    customer: Option<&str>,
    details: &Details,
    at: Timestamp,
) -> Result<(), Error> {
    free(tx, id, details).await?;
    // Near where it was, and near where it is.
    links::again_by_booking(tx, id, at).await?;
    tx.run(
        "UPDATE bookings SET customer_id = COALESCE($2, customer_id), external_id = $3,
            starts_at = $4, starts_has_time = $5, ends_at = $6, ends_has_time = $7, status = $8,
            guests = $9, title = $10, notes = $11, updated_at = $12
         WHERE id = $1",
        args![
            id,
            customer,
            details.external_id.as_deref(),
            details.starts.at,
            details.starts.has_time,
            details.ends.map(|ends| ends.at),
            details.ends.map(|ends| ends.has_time),
            details.status.as_str(),
            details.guests,
            &details.title,
            &details.notes,
            at,
        ],
    )
    .await?;
    links::again_by_booking(tx, id, at).await?;
    Ok(())
}

/// Says so where another booking has the external id.
async fn free(tx: &mut Tx, id: &str, details: &Details) -> Result<(), Error> {
    let Some(external_id) = &details.external_id else {
        return Ok(());
    };
    let sql = "SELECT id FROM bookings WHERE external_id = $1 AND id <> $2";
    match tx.row(sql, args![external_id, id]).await? {
        Some(row) => Err(Error::Refused(format!(
            "external_id: it is the booking's {} already",
            row.text("id")?
        ))),
        None => Ok(()),
    }
}

pub(super) fn booking_from(row: &Row) -> Result<Booking, Error> {
    let status = row.text("status")?;
    let ends = row.maybe_time("ends_at")?.map(|at| When {
        at,
        has_time: row.maybe_int("ends_has_time").ok().flatten() == Some(1),
    });
    Ok(Booking {
        id: row.text("id")?,
        customer_id: row.text("customer_id")?,
        details: Details {
            external_id: row.maybe_text("external_id")?,
            starts: When {
                at: row.time("starts_at")?,
                has_time: row.int("starts_has_time")? == 1,
            },
            ends,
            status: status
                .parse()
                .map_err(|_| Error::corrupt("status", &status))?,
            guests: row
                .maybe_int("guests")?
                .and_then(|guests| guests.try_into().ok()),
            title: row.text("title")?,
            notes: row.text("notes")?,
        },
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}
