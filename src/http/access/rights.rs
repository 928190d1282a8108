//! What each door asks of whoever comes: one table of all routes behind the guard. What is not in it is an
//! admin's alone, so that a new route is never open by being forgotten.

use crate::store::Scope::{self, *};

/// What has to be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Need {
    /// Nothing: the way in and out.
    Nothing,
    /// To be let in, as whomever.
    Name,
    Scope(Scope),
}

/// A route that is guarded.
#[derive(Debug, Clone, Copy)]
pub(in crate::http) struct Right {
    pub(in crate::http) method: &'static str,
    /// As the router writes it.
    pub(in crate::http) route: &'static str,
    pub(in crate::http) need: Need,
    /// Under which name it stands in the audit log.
    pub(in crate::http) deed: Option<&'static str>,
}

const fn right(method: &'static str, route: &'static str, need: Need) -> Right {
    let deed = None;
    Right {
        method,
        route,
        need,
        deed,
    }
}

impl Right {
    const fn told(self, deed: &'static str) -> Self {
        Self {
            deed: Some(deed),
            ..self
        }
    }
}

/// By resource: pages, then the API.
static TABLE: &[Right] = &[
    right("GET", "/", Need::Scope(CallsRead)),
    right("GET", "/calls/{id}", Need::Scope(CallsRead)),
    right("GET", "/search", Need::Scope(CallsRead)),
    right("GET", "/api/v1/calls", Need::Scope(CallsRead)),
    right("GET", "/api/v1/calls/{id}", Need::Scope(CallsRead)),
    right(
        "GET",
        "/api/v1/calls/{id}/transcript",
        Need::Scope(CallsRead),
    )
    .told("transcript.exported"),
    right("GET", "/api/v1/calls/{id}/analysis", Need::Scope(CallsRead)),
    right("GET", "/api/v1/calls/{id}/insight", Need::Scope(CallsRead)),
    right("GET", "/api/v1/calls/{id}/events", Need::Scope(CallsRead)),
    right("GET", "/api/v1/calls/{id}/timeline", Need::Scope(CallsRead)),
    right("GET", "/api/v1/calls/{id}/changes", Need::Scope(CallsRead)),
    right("GET", "/api/v1/events", Need::Scope(CallsRead)),
    right("GET", "/api/v1/search", Need::Scope(CallsRead)),
    right("DELETE", "/api/v1/calls/{id}", Need::Scope(CallsDelete)).told("call.deleted"),
    right("GET", "/calls/{id}/delete", Need::Scope(CallsDelete)),
    right("POST", "/calls/{id}/delete", Need::Scope(CallsDelete)).told("call.deleted"),
    right("GET", "/recordings", Need::Scope(RecordingsRead)),
    right("GET", "/api/v1/recordings", Need::Scope(RecordingsRead)),
    right(
        "GET",
        "/api/v1/recordings/usage",
        Need::Scope(RecordingsRead),
    ),
    right(
        "GET",
        "/recordings/{call}/{stream}/{track}/delete",
        Need::Scope(CallsDelete),
    ),
    right(
        "POST",
        "/recordings/{call}/{stream}/{track}/delete",
        Need::Scope(CallsDelete),
    )
    .told("recording.deleted"),
    right(
        "GET",
        "/api/v1/calls/{id}/recording/{track}",
        Need::Scope(RecordingsRead),
    )
    .told("recording.fetched"),
    right(
        "GET",
        "/api/v1/calls/{id}/waveform/{track}",
        Need::Scope(RecordingsRead),
    ),
    right(
        "GET",
        "/api/v1/calls/{id}/spectrogram/{track}",
        Need::Scope(RecordingsRead),
    ),
    right(
        "DELETE",
        "/api/v1/calls/{id}/recording/{track}",
        Need::Scope(CallsDelete),
    )
    .told("recording.deleted"),
    right("GET", "/leads", Need::Scope(LeadsRead)),
    right("GET", "/leads/{id}", Need::Scope(LeadsRead)),
    right("GET", "/api/v1/leads", Need::Scope(LeadsRead)),
    right("GET", "/api/v1/leads/{id}", Need::Scope(LeadsRead)),
    right("GET", "/api/v1/leads/events", Need::Scope(LeadsRead)),
    right("POST", "/leads/{id}", Need::Scope(LeadsWrite)).told("lead.changed"),
    right("PATCH", "/api/v1/leads/{id}", Need::Scope(LeadsWrite)).told("lead.changed"),
    right("GET", "/customers", Need::Scope(PeopleRead)),
    right("GET", "/customers/{id}", Need::Scope(PeopleRead)),
    right("GET", "/customers/new", Need::Scope(PeopleWrite)),
    right("POST", "/customers/new", Need::Scope(PeopleWrite)).told("customer.added"),
    right("GET", "/customers/{id}/edit", Need::Scope(PeopleWrite)),
    right("POST", "/customers/{id}/edit", Need::Scope(PeopleWrite)).told("customer.changed"),
    right("GET", "/customers/{id}/delete", Need::Scope(PeopleWrite)),
    right("POST", "/customers/{id}/delete", Need::Scope(PeopleWrite)).told("customer.deleted"),
    right("GET", "/bookings", Need::Scope(PeopleRead)),
    right("GET", "/bookings/{id}", Need::Scope(PeopleRead)),
    right("GET", "/bookings/new", Need::Scope(PeopleWrite)),
    right("POST", "/bookings/new", Need::Scope(PeopleWrite)).told("booking.added"),
    right("GET", "/bookings/{id}/edit", Need::Scope(PeopleWrite)),
    right("POST", "/bookings/{id}/edit", Need::Scope(PeopleWrite)).told("booking.changed"),
    right("GET", "/bookings/{id}/delete", Need::Scope(PeopleWrite)),
    right("POST", "/bookings/{id}/delete", Need::Scope(PeopleWrite)).told("booking.deleted"),
    right("GET", "/review", Need::Scope(PeopleRead)),
    right("GET", "/calls/{id}/link", Need::Scope(PeopleWrite)),
    right("POST", "/calls/{id}/link", Need::Scope(PeopleWrite)).told("link.changed"),
    right("POST", "/calls/{id}/unlink", Need::Scope(PeopleWrite)).told("link.returned"),
    right("GET", "/calls/{id}/customer", Need::Scope(PeopleWrite)),
    right("POST", "/calls/{id}/customer", Need::Scope(PeopleWrite)).told("customer.added"),
    right("GET", "/api/v1/customers", Need::Scope(PeopleRead)),
    right("POST", "/api/v1/customers", Need::Scope(PeopleWrite)).told("customer.added"),
    right("GET", "/api/v1/customers/{id}", Need::Scope(PeopleRead)),
    right("PATCH", "/api/v1/customers/{id}", Need::Scope(PeopleWrite)).told("customer.changed"),
    right("DELETE", "/api/v1/customers/{id}", Need::Scope(PeopleWrite)).told("customer.deleted"),
    right("GET", "/api/v1/bookings", Need::Scope(PeopleRead)),
    right("POST", "/api/v1/bookings", Need::Scope(PeopleWrite)).told("booking.added"),
    right("GET", "/api/v1/bookings/{id}", Need::Scope(PeopleRead)),
    right("PATCH", "/api/v1/bookings/{id}", Need::Scope(PeopleWrite)).told("booking.changed"),
    right("DELETE", "/api/v1/bookings/{id}", Need::Scope(PeopleWrite)).told("booking.deleted"),
    right(
        "GET",
        "/api/v1/customers/{id}/context",
        Need::Scope(PeopleRead),
    ),
    right(
        "GET",
        "/api/v1/conversations/customer/{id}",
        Need::Scope(PeopleRead),
    ),
    right(
        "GET",
        "/api/v1/conversations/booking/{id}",
        Need::Scope(PeopleRead),
    ),
    right(
        "GET",
        "/api/v1/conversations/search",
        Need::Scope(PeopleRead),
    ),
    right("GET", "/api/v1/links/review", Need::Scope(PeopleRead)),
    right("GET", "/api/v1/calls/{id}/link", Need::Scope(PeopleRead)),
    right("PUT", "/api/v1/calls/{id}/link", Need::Scope(PeopleWrite)).told("link.changed"),
    right(
        "DELETE",
        "/api/v1/calls/{id}/link",
        Need::Scope(PeopleWrite),
    )
    .told("link.returned"),
    right(
        "POST",
        "/api/v1/calls/{id}/customer",
        Need::Scope(PeopleWrite),
    )
    .told("customer.added"),
    // A file's words are a call's.
    right("GET", "/files", Need::Scope(CallsRead)),
    right("POST", "/files", Need::Scope(FilesWrite)).told("file.uploaded"),
    right("POST", "/api/transcribe/", Need::Scope(FilesWrite)).told("file.uploaded"),
    right("POST", "/api/v1/files", Need::Scope(FilesWrite)).told("file.uploaded"),
    right("GET", "/api/v1/files", Need::Scope(CallsRead)),
    right("GET", "/api/v1/files/{id}", Need::Scope(CallsRead)),
    right("GET", "/api/v1/files/{id}/events", Need::Scope(CallsRead)),
    right("GET", "/api/v1/prompts", Need::Scope(CallsRead)),
    right(
        "PUT",
        "/api/v1/prompts/{domain}/{category}",
        Need::Scope(FilesWrite),
    )
    .told("prompt.changed"),
    right(
        "DELETE",
        "/api/v1/prompts/{domain}/{category}",
        Need::Scope(FilesWrite),
    )
    .told("prompt.deleted"),
    right("GET", "/jobs", Need::Scope(JobsRead)),
    right("GET", "/deliveries", Need::Scope(JobsRead)),
    right("GET", "/api/v1/jobs", Need::Scope(JobsRead)),
    right("GET", "/api/v1/deliveries", Need::Scope(JobsRead)),
    right("POST", "/jobs/{id}/retry", Need::Scope(JobsWrite)).told("job.retried"),
    right("GET", "/jobs/{id}/drop", Need::Scope(JobsWrite)),
    right("POST", "/jobs/{id}/drop", Need::Scope(JobsWrite)).told("job.dropped"),
    right("POST", "/deliveries/{id}/redeliver", Need::Scope(JobsWrite)).told("delivery.repeated"),
    right("POST", "/api/v1/jobs/{id}/retry", Need::Scope(JobsWrite)).told("job.retried"),
    right("DELETE", "/api/v1/jobs/{id}", Need::Scope(JobsWrite)).told("job.dropped"),
    right(
        "POST",
        "/api/v1/deliveries/{id}/redeliver",
        Need::Scope(JobsWrite),
    )
    .told("delivery.repeated"),
    right("GET", "/health", Need::Scope(HealthRead)),
    right("GET", "/metrics", Need::Scope(HealthRead)),
    right("GET", "/try", Need::Scope(Speak)),
    right("GET", "/try/stream", Need::Scope(Speak)),
    right("GET", "/api", Need::Name),
    right("GET", "/api/v1/openapi.json", Need::Name),
    right("GET", "/login", Need::Nothing),
    right("POST", "/login", Need::Nothing),
    right("POST", "/logout", Need::Nothing),
    // Own things; what is done there is written down by name.
    right("GET", "/account", Need::Name),
    right("POST", "/account/password", Need::Name),
    right("POST", "/account/sessions/{id}/end", Need::Name),
    right("GET", "/accounts", Need::Scope(Doors)),
    right("POST", "/accounts", Need::Scope(Doors)),
    right("POST", "/accounts/{name}/role", Need::Scope(Doors)),
    right("POST", "/accounts/{name}/password", Need::Scope(Doors)),
    right("POST", "/accounts/{name}/remove", Need::Scope(Doors)),
    right("POST", "/tokens", Need::Scope(Doors)),
    right("POST", "/tokens/{name}/remove", Need::Scope(Doors)),
    right("GET", "/audit", Need::Scope(Doors)),
    right("GET", "/api/v1/audit", Need::Scope(Doors)),
];

/// What stands in the table; `HEAD` is a `GET`.
pub(in crate::http) fn of(method: &str, route: &str) -> Option<&'static Right> {
    let method = if method == "HEAD" { "GET" } else { method };
    TABLE
        .iter()
        .find(|right| right.method == method && right.route == route)
}

/// The names in a path, where the route has `{…}`, one after the other.
pub(super) fn names(route: &str, path: &str) -> String {
    let pairs = route.split('/').zip(path.split('/'));
    let names = pairs.filter(|(pattern, _)| pattern.starts_with('{'));
    let names: Vec<&str> = names.map(|(_, name)| name).collect();
    names.join(" ")
}

/// Method, route and what has to be had, of each route in the table: a scope's name, `name` or `nothing`.
pub fn table() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    TABLE.iter().map(|right| {
        let need = match right.need {
            Need::Nothing => "nothing",
            Need::Name => "name",
            Need::Scope(scope) => scope.as_str(),
        };
        (right.method, right.route, need)
    })
}

/// What is written into the audit log of requests.
#[cfg(test)]
pub(in crate::http) fn deeds() -> impl Iterator<Item = &'static str> {
    TABLE.iter().filter_map(|right| right.deed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Role;

    #[test]
    fn each_route_stands_there_once() {
        for right in TABLE {
            let same = TABLE
                .iter()
                .filter(|other| (other.method, other.route) == (right.method, right.route));
            assert_eq!(same.count(), 1, "{right:?}");
        }
    }

    #[test]
    fn a_viewer_changes_nothing_but_what_is_its_own() {
        let viewer = Role::Viewer.scopes();
        for right in TABLE.iter().filter(|right| right.method != "GET") {
            let own = ["/login", "/logout", "/account/"];
            let is_own = own.iter().any(|start| right.route.starts_with(start));
            match right.need {
                Need::Scope(scope) => assert!(!viewer.has(scope), "{right:?}"),
                Need::Name | Need::Nothing => assert!(is_own, "{right:?}"),
            }
        }
    }

    #[test]
    fn the_names_in_a_path_are_found() {
        for (route, path, expected) in [
            ("/api/v1/calls/{id}", "/api/v1/calls/CA1", "CA1"),
            (
                "/api/v1/calls/{id}/recording/{track}",
                "/api/v1/calls/CA1/recording/inbound",
                "CA1 inbound",
            ),
            ("/", "/", ""),
        ] {
            assert_eq!(names(route, path), expected);
        }
        assert!(of("HEAD", "/").is_some());
        assert!(of("POST", "/").is_none());
    }
}
