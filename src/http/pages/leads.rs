//! `/leads`: who rang, newest first. A card is there at the ring and fills by itself.

use axum::extract::State;
use maud::{Markup, html};
use serde::Deserialize;

use super::{
    Page, day_and_time,
    filters::{address, days, filled, one_of},
    lead::{badge, is_pending, meaning, names, stage},
};
use crate::{
    http::{AppState, HttpError, error::Params, leads::number},
    store::{Lead, LeadFilter, LeadPage, LeadStatus},
};

const LEADS: u32 = 50;

#[derive(Deserialize)]
pub(in crate::http) struct Asked {
    status: Option<String>,
    phone: Option<String>,
    from: Option<String>,
    to: Option<String>,
    text: Option<String>,
    cursor: Option<String>,
}

impl Asked {
    fn filter(&self) -> Result<LeadFilter, HttpError> {
        let (since, until) = days(self.from.as_ref(), self.to.as_ref())?;
        Ok(LeadFilter {
            call: None,
            phone: filled(self.phone.as_ref()).map(|_| {
                let phone = self.phone.as_deref().unwrap_or_default();
                number(phone).trim().to_owned()
            }),
            status: one_of(self.status.as_ref(), "status")?,
            since,
            until,
            text: filled(self.text.as_ref()).map(ToOwned::to_owned),
        })
    }

    fn address(&self, cursor: Option<&str>) -> String {
        let fields = [
            ("status", filled(self.status.as_ref())),
            ("phone", filled(self.phone.as_ref())),
            ("from", filled(self.from.as_ref())),
            ("to", filled(self.to.as_ref())),
            ("text", filled(self.text.as_ref())),
            ("cursor", cursor),
        ];
        address("/leads", &fields)
    }

    fn is_filtered(&self) -> bool {
        self.address(None) != "/leads"
    }
}

pub(in crate::http) async fn show(
    State(state): State<AppState>,
    Params(asked): Params<Asked>,
) -> Result<Page, HttpError> {
    let position = state.hub.leads_position();
    let cursor = filled(asked.cursor.as_ref());
    let after = cursor.map(str::parse).transpose()?;
    let filter = asked.filter()?;
    let page = state.store.leads(&filter, after.as_ref(), LEADS).await?;
    let now = state.clock.wall();
    let pending = page.leads.iter().any(|lead| is_pending(lead, now));
    let content = html! {
        div.head {
            h1 { "Leads" }
            a #refresh.button href=(asked.address(cursor)) { "Refresh" }
        }
        (filters(&asked))
        div #leads data-pending[pending] {
            @if page.leads.is_empty() { (nothing(&asked)) } @else {
                ul.leads { @for lead in &page.leads { (row(lead)) } }
            }
            (pager(&asked, &page))
        }
    };
    Ok(Page::new("Leads", "leads", content).at(position))
}

fn filters(asked: &Asked) -> Markup {
    let status = filled(asked.status.as_ref());
    let value = |field: &Option<String>| filled(field.as_ref()).unwrap_or_default().to_owned();
    html! {
        form.filters method="get" action="/leads" role="search" aria-label="Filter leads" {
            label { "Status"
                select name="status" {
                    option value="" { "All" }
                    @for one in LeadStatus::ALL {
                        option value=(one) selected[status == Some(one.as_str())] { (super::lead::label(one)) }
                    }
                }
            }
            label { "Phone" input type="tel" name="phone" dir="ltr" value=(value(&asked.phone)) placeholder="+972…"; }
            label { "From day" input type="date" name="from" value=(value(&asked.from)); }
            label { "To day" input type="date" name="to" value=(value(&asked.to)); }
            label.wide { "Words in notes or summary" input type="search" name="text" dir="auto" value=(value(&asked.text)); }
            div.buttons {
                button { "Filter" }
                @if asked.is_filtered() { a href="/leads" { "Show all" } }
            }
        }
    }
}

fn nothing(asked: &Asked) -> Markup {
    html! {
        div.first {
            @if asked.is_filtered() {
                p { strong { "No lead is like that." } " Take a filter away, or " a href="/leads" { "look at all leads" } "." }
            } @else if filled(asked.cursor.as_ref()).is_some() {
                p { "There are no older leads." }
            } @else {
                p { strong { "No leads yet." } " A call appears here by itself the moment it rings." }
                p { "Let your Twilio number ask this server what to do with a call: set its “A call comes in” to https, your server's name, and the path that the configuration names (twilio.voice_path), which is" }
                p { code { "/webhook/twilio/voice" } " unless it says otherwise." }
            }
        }
    }
}

fn row(lead: &Lead) -> Markup {
    html! {
        li.lead.(lead.status) data-call=(lead.call) {
            div.line {
                (badge(lead))
                a.names href={ "/leads/" (lead.id) } { (names(lead)) }
                span.when { (day_and_time(lead.created_at)) }
            }
            (stage(lead))
            (meaning(lead))
            @if !lead.notes.is_empty() { p.note dir="auto" { (lead.notes) } }
        }
    }
}

fn pager(asked: &Asked, page: &LeadPage) -> Markup {
    let next = page.next.as_ref().map(ToString::to_string);
    html! {
        nav.pager aria-label="Pages" {
            @if filled(asked.cursor.as_ref()).is_some() { a href=(asked.address(None)) { "Newest leads" } } @else { span {} }
            @if let Some(next) = &next { a rel="next" href=(asked.address(Some(next))) { "Older leads" } }
        }
    }
}
