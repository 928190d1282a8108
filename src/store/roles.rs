//! What somebody may do, and which roles may do it.
//!
//! A scope is the smallest thing that is allowed or not; a role is the set of all scopes up to its own.
//! Programs get scopes one by one, people get a role.

use std::{collections::BTreeSet, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// What an account may do; each may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads and listens.
    Viewer,
    /// Also edits leads, tries work again, speaks at the microphone page.
    Operator,
    /// Also deletes, and says who may come in.
    Admin,
}

impl Role {
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Operator, Self::Admin];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    #[must_use]
    pub fn scopes(self) -> Scopes {
        let all = Scope::ALL.into_iter();
        Scopes(all.filter(|scope| scope.role() <= self).collect())
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Role {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|role| role.as_str() == text);
        found.ok_or("a role is viewer, operator or admin")
    }
}

/// One thing that is allowed or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Calls, their words and what they meant; search.
    CallsRead,
    /// Recordings, and pictures of them.
    RecordingsRead,
    LeadsRead,
    /// Customers and bookings.
    PeopleRead,
    /// The work after calls, and what other systems were told.
    JobsRead,
    /// Metrics and the page of the machine's health.
    HealthRead,
    LeadsWrite,
    PeopleWrite,
    /// Trying again and dropping; telling other systems again.
    JobsWrite,
    /// Speaking into the microphone page: it makes a call.
    Speak,
    /// Uploading audio files, and saying how such are read.
    FilesWrite,
    /// Deleting calls and recordings.
    CallsDelete,
    /// Accounts, tokens and the audit log.
    Doors,
}

impl Scope {
    pub const ALL: [Self; 13] = [
        Self::CallsRead,
        Self::RecordingsRead,
        Self::LeadsRead,
        Self::PeopleRead,
        Self::JobsRead,
        Self::HealthRead,
        Self::LeadsWrite,
        Self::PeopleWrite,
        Self::JobsWrite,
        Self::Speak,
        Self::FilesWrite,
        Self::CallsDelete,
        Self::Doors,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CallsRead => "calls:read",
            Self::RecordingsRead => "recordings:read",
            Self::LeadsRead => "leads:read",
            Self::PeopleRead => "people:read",
            Self::PeopleWrite => "people:write",
            Self::JobsRead => "jobs:read",
            Self::HealthRead => "health:read",
            Self::LeadsWrite => "leads:write",
            Self::JobsWrite => "jobs:write",
            Self::Speak => "calls:speak",
            Self::FilesWrite => "files:write",
            Self::CallsDelete => "calls:delete",
            Self::Doors => "doors:manage",
        }
    }

    /// The least role that has it.
    #[must_use]
    pub const fn role(self) -> Role {
        match self {
            Self::CallsRead
            | Self::RecordingsRead
            | Self::LeadsRead
            | Self::PeopleRead
            | Self::JobsRead
            | Self::HealthRead => Role::Viewer,
            Self::LeadsWrite
            | Self::PeopleWrite
            | Self::JobsWrite
            | Self::Speak
            | Self::FilesWrite => Role::Operator,
            Self::CallsDelete | Self::Doors => Role::Admin,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A word that names no scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no scope; they are {all}", all = Scopes(Scope::ALL.into()))]
pub struct UnknownScope(String);

impl FromStr for Scope {
    type Err = UnknownScope;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|scope| scope.as_str() == text);
        found.ok_or_else(|| UnknownScope(text.chars().take(32).collect()))
    }
}

/// Several scopes; as text they stand apart by spaces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scopes(BTreeSet<Scope>);

impl Scopes {
    #[must_use]
    pub fn has(&self, scope: Scope) -> bool {
        self.0.contains(&scope)
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = Scope> {
        self.0.iter().copied()
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().collect())
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<&str> = self.iter().map(Scope::as_str).collect();
        f.write_str(&words.join(" "))
    }
}

impl FromStr for Scopes {
    type Err = UnknownScope;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.split_whitespace().map(str::parse).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_do_what_the_one_before_it_may_and_more() {
        let [viewer, operator, admin] = Role::ALL.map(Role::scopes);
        for scope in Scope::ALL {
            assert!(admin.has(scope), "{scope}");
            assert!(!viewer.has(scope) || operator.has(scope), "{scope}");
            assert_eq!(scope.as_str().parse(), Ok(scope));
        }
        assert_eq!(
            operator.to_string(),
            "calls:read recordings:read leads:read people:read jobs:read health:read leads:write people:write jobs:write calls:speak files:write"
        );
        assert_eq!(viewer.iter().count(), 6);
        assert_eq!(operator.to_string().parse(), Ok(operator));
    }

    #[test]
    fn an_unknown_word_is_refused_and_the_known_ones_are_named() {
        let error = "calls:read calls:wirte".parse::<Scopes>().unwrap_err();
        let told = error.to_string();
        assert!(
            told.contains("calls:wirte") && told.contains("doors:manage"),
            "{told}"
        );
        assert!("Admin".parse::<Role>().is_err());
        assert!("".parse::<Scopes>().unwrap().is_empty());
    }
}
