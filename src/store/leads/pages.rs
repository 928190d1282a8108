//! Leads as they are read: one, and pages of them.

use jiff::Timestamp;

use super::{
    super::{Error, Store, db::args, paging::Place},
    Lead, LeadStatus, lead_from,
};
use crate::ids::CallSid;

/// Which leads a page lists; all that are given must hold.
#[derive(Debug, Clone, Default)]
pub struct LeadFilter {
    pub call: Option<CallSid>,
    /// Of the other side: who called, or on an outbound call who was called. As the provider writes it.
    pub phone: Option<String>,
    pub status: Option<LeadStatus>,
    /// Rang at this moment or later.
    pub since: Option<Timestamp>,
    /// Rang before this moment.
    pub until: Option<Timestamp>,
    /// Somewhere in the notes, or in what the call meant, in capitals or not.
    pub text: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct LeadPage {
    pub leads: Vec<Lead>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<Place>,
}

/// Leads beside what their calls meant, of which there may be nothing yet.
macro_rules! select_leads {
    ($($rest:tt)*) => {
        concat!(
            "SELECT leads.*, calls.state AS call_state, call_log.language AS log_language,
                call_log.extracted_service, call_log.extracted_city, call_log.path AS log_path,
                call_log.extraction_confidence, call_log.summary,
                call_log.updated_at AS log_updated_at
             FROM leads LEFT JOIN calls ON calls.sid = leads.call_sid
                LEFT JOIN call_log ON call_log.call_sid = leads.call_sid ",
            $($rest)*
        )
    };
}

/// `$1` to `$9`: the cursor, the limit, and the filters, each of which may be null.
macro_rules! select_page {
    ($first:literal) => {
        select_leads!(
            "WHERE (leads.created_at, leads.id) < ($1, $2) AND ",
            $first,
            " AND ($4 IS NULL OR leads.call_sid = $4)
              AND ($5 IS NULL OR $5 = CASE WHEN leads.direction LIKE 'outbound%'
                THEN leads.to_number ELSE leads.from_number END)
              AND ($6 IS NULL OR leads.status = $6)
              AND ($7 IS NULL OR leads.created_at >= $7)
              AND ($8 IS NULL OR leads.created_at < $8)
              AND ($9 IS NULL OR LOWER(leads.notes || ' ' || COALESCE(extracted_service, '') || ' '
                || COALESCE(extracted_city, '') || ' ' || COALESCE(summary, ''))
                LIKE LOWER($9) ESCAPE '!')
              ORDER BY leads.created_at DESC, leads.id DESC LIMIT $3"
        )
    };
}

impl Store {
    /// # Errors
    /// When the database fails.
    pub async fn lead(&self, id: &str) -> Result<Option<Lead>, Error> {
        let sql = select_leads!("WHERE leads.id = $1");
        let row = self.db.row(sql, args![id]).await?;
        row.as_ref().map(lead_from).transpose()
    }

    /// # Errors
    /// When the database fails.
    pub async fn lead_of(&self, call: &CallSid) -> Result<Option<Lead>, Error> {
        let sql = select_leads!("WHERE leads.call_sid = $1");
        let row = self.db.row(sql, args![call.as_str()]).await?;
        row.as_ref().map(lead_from).transpose()
    }

    /// At most `limit` leads after the cursor, newest first. Leads that come in meanwhile never shift a
    /// page.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn leads(
        &self,
        filter: &LeadFilter,
        after: Option<&Place>,
        limit: u32,
    ) -> Result<LeadPage, Error> {
        // A text a filter: each finds its index, and "newest first" has a place to start from.
        let sql = match filter {
            LeadFilter { call: Some(_), .. } => select_page!("leads.call_sid = $4"),
            LeadFilter { phone: Some(_), .. } => {
                select_page!("(leads.from_number = $5 OR leads.to_number = $5)")
            }
            LeadFilter {
                status: Some(_), ..
            } => select_page!("leads.status = $6"),
            _ => select_page!("1 = 1"),
        };
        let (ms, id) = Place::bounds(after);
        let rows = self
            .db
            .rows(
                sql,
                args![
                    ms,
                    id,
                    i64::from(limit) + 1,
                    filter.call.as_ref().map(CallSid::as_str),
                    filter.phone.as_deref(),
                    filter.status.map(LeadStatus::as_str),
                    filter.since,
                    filter.until,
                    filter.text.as_deref().map(within),
                ],
            )
            .await?;
        let mut leads = rows.iter().map(lead_from).collect::<Result<Vec<_>, _>>()?;
        let more = leads.len() > limit as usize;
        leads.truncate(limit as usize);
        let last = leads.last().filter(|_| more);
        let next = last.map(|lead| Place::new(lead.created_at, &lead.id));
        Ok(LeadPage {
            next: next.transpose()?,
            leads,
        })
    }
}

/// A pattern that finds the text as it stands, wherever it is.
fn within(text: &str) -> String {
    let mut pattern = String::from("%");
    for c in text.chars() {
        if matches!(c, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}
