//! Customers, as a business brings them.

use serde::{Deserialize, Serialize};

use super::{Region, Unfit, phone::Party, short};

const NAME: usize = 200;
const EXTERNAL_ID: usize = 200;
const PHONES: usize = 10;
const PHONE: usize = 64;
/// RFC 5321, 4.5.3.1.3.
const EMAIL: usize = 254;
/// RFC 5646, 4.4.1, says that 35 characters hold every tag.
const LANGUAGE: usize = 35;
const PREFERENCES: usize = 50;
const NOTES: usize = 10_000;

/// A number of a customer's: as it was brought, and in the form that calls are compared in.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Phone {
    pub raw: String,
    /// Null where the number is not complete: nobody is found by it.
    pub e164: Option<String>,
}

/// A customer as brought. Over one that is there: what is absent stays, what is empty is taken away.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[schema(as = CustomerDraft)]
#[serde(default, deny_unknown_fields)]
pub struct Draft {
    /// The business's own id.
    pub external_id: Option<String>,
    pub name: Option<String>,
    /// In any form.
    pub phones: Option<Vec<String>>,
    pub email: Option<String>,
    /// BCP 47, as `he` or `en-US`.
    pub language: Option<String>,
    /// What he likes to have: "vegetarian", "parking".
    pub preferences: Option<Vec<String>>,
    pub notes: Option<String>,
}

/// What is known of a customer; checked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = CustomerDetails)]
pub struct Details {
    pub external_id: Option<String>,
    pub name: String,
    pub phones: Vec<Phone>,
    pub email: Option<String>,
    pub language: Option<String>,
    pub preferences: Vec<String>,
    pub notes: String,
}

/// A customer as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Customer {
    pub id: String,
    #[serde(flatten)]
    pub details: Details,
    pub created_at: jiff::Timestamp,
    pub updated_at: jiff::Timestamp,
}

impl Draft {
    /// A new customer.
    ///
    /// # Errors
    /// When a field cannot be what it should be, or the name is missing.
    pub fn check(self, region: Region) -> Result<Details, Unfit> {
        self.over(&Details::default(), region)
    }

    /// A customer that is there, changed by what this has.
    ///
    /// # Errors
    /// As [`Draft::check`].
    pub fn over(self, old: &Details, region: Region) -> Result<Details, Unfit> {
        let text = |field, brought: Option<String>, was: &Option<String>, most| match brought {
            Some(brought) => short(field, Some(brought), most),
            None => Ok(was.clone()),
        };
        let name = short("name", self.name.or_else(|| Some(old.name.clone())), NAME)?;
        let phones = self.phones.map(|phones| checked_phones(phones, region));
        let preferences = self.preferences.map(checked_preferences);
        Ok(Details {
            external_id: text(
                "external_id",
                self.external_id,
                &old.external_id,
                EXTERNAL_ID,
            )?,
            name: name.ok_or_else(|| Unfit::new("name", "is missing"))?,
            phones: phones.unwrap_or_else(|| Ok(old.phones.clone()))?,
            email: checked_email(text("email", self.email, &old.email, EMAIL)?)?,
            language: checked_language(text("language", self.language, &old.language, LANGUAGE)?)?,
            preferences: preferences.unwrap_or_else(|| Ok(old.preferences.clone()))?,
            notes: text("notes", self.notes, &Some(old.notes.clone()), NOTES)?.unwrap_or_default(),
        })
    }
}

impl Details {
    /// Names of the fields in which the two differ.
    #[must_use]
    pub fn changed_from(&self, old: &Self) -> Vec<&'static str> {
        let differs = [
            ("external_id", self.external_id != old.external_id),
            ("name", self.name != old.name),
            ("phones", self.phones != old.phones),
            ("email", self.email != old.email),
            ("language", self.language != old.language),
            ("preferences", self.preferences != old.preferences),
            ("notes", self.notes != old.notes),
        ];
        let changed = differs.into_iter().filter(|(_, differs)| *differs);
        changed.map(|(field, _)| field).collect()
    }
}

fn checked_phones(phones: Vec<String>, region: Region) -> Result<Vec<Phone>, Unfit> {
    let mut checked: Vec<Phone> = Vec::new();
    for raw in phones {
        let Some(raw) = short("phones", Some(raw), PHONE)? else {
            continue;
        };
        let e164 = match Party::read(&raw, region) {
            Party::Number(number) => Some(number),
            Party::Short(_) => None,
            _ => return Err(Unfit::new("phones", "one of them is no phone number")),
        };
        let phone = Phone { raw, e164 };
        let known = |known: &Phone| known.e164.is_some() && known.e164 == phone.e164;
        if !checked.iter().any(known) {
            checked.push(phone);
        }
    }
    match checked.len() {
        0..=PHONES => Ok(checked),
        _ => Err(Unfit::new("phones", format!("{PHONES} at most"))),
    }
}

fn checked_preferences(preferences: Vec<String>) -> Result<Vec<String>, Unfit> {
    let mut checked = Vec::new();
    for preference in preferences {
        checked.extend(short("preferences", Some(preference), NAME)?);
    }
    match checked.len() {
        0..=PREFERENCES => Ok(checked),
        _ => Err(Unfit::new("preferences", format!("{PREFERENCES} at most"))),
    }
}

fn checked_email(email: Option<String>) -> Result<Option<String>, Unfit> {
    let fits = |email: &str| {
        let parts = email.split_once('@');
        parts.is_some_and(|(name, host)| !name.is_empty() && host.contains('.'))
            && !email.contains(char::is_whitespace)
    };
    match email {
        Some(email) if !fits(&email) => Err(Unfit::new("email", "is no address")),
        email => Ok(email),
    }
}

fn checked_language(language: Option<String>) -> Result<Option<String>, Unfit> {
    let fits = |tag: &str| {
        let mut parts = tag.split('-');
        let first = parts.next().unwrap_or_default();
        let is_part = |part: &str| {
            (1..=8).contains(&part.len()) && part.chars().all(|c| c.is_ascii_alphanumeric())
        };
        matches!(first.len(), 2..=3)
            && first.chars().all(|c| c.is_ascii_alphabetic())
            && parts.all(is_part)
    };
    match language {
        Some(tag) if !fits(&tag) => Err(Unfit::new("language", "is a tag as he or en-US")),
        language => Ok(language),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region() -> Region {
        "IL".parse().unwrap()
    }

    fn named(name: &str) -> Draft {
        Draft {
            name: Some(name.into()),
            ..Draft::default()
        }
    }

    #[test]
    fn what_fits_is_cleaned_and_numbers_are_one_form() {
        let draft = Draft {
            phones: Some(vec![
                " 054-123-4567 ".into(),
                "+972 54 123 4567".into(),
                "".into(),
                "123-4567".into(),
            ]),
            email: Some(" dana@example.com ".into()),
            language: Some("he-IL".into()),
            preferences: Some(vec!["צמחוני".into(), " ".into()]),
            ..named("  דנה כהן ")
        };
        let details = draft.check(region()).unwrap();
        assert_eq!(details.name, "דנה כהן");
        let phone = |raw: &str, e164: Option<&str>| Phone {
            raw: raw.into(),
            e164: e164.map(Into::into),
        };
        assert_eq!(
            details.phones,
            [
                phone("054-123-4567", Some("+972541234567")),
                phone("123-4567", None)
            ]
        );
        assert_eq!(details.preferences, ["צמחוני"]);
        assert_eq!(details.email.as_deref(), Some("dana@example.com"));
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let long = "x".repeat(201);
        for (draft, field) in [
            (Draft::default(), "name"),
            (named("   "), "name"),
            (named(&long), "name"),
            (
                Draft {
                    external_id: Some(long.clone()),
                    ..named("a")
                },
                "external_id",
            ),
            (
                Draft {
                    phones: Some(vec!["call me".into()]),
                    ..named("a")
                },
                "phones",
            ),
            (
                Draft {
                    phones: Some((0..11).map(|n| format!("+97254000000{n:02}")).collect()),
                    ..named("a")
                },
                "phones",
            ),
            (
                Draft {
                    email: Some("dana".into()),
                    ..named("a")
                },
                "email",
            ),
            (
                Draft {
                    email: Some("a b@c.d".into()),
                    ..named("a")
                },
                "email",
            ),
            (
                Draft {
                    language: Some("hebrew".into()),
                    ..named("a")
                },
                "language",
            ),
            (
                Draft {
                    language: Some("he_IL".into()),
                    ..named("a")
                },
                "language",
            ),
            (
                Draft {
                    preferences: Some(vec![long.clone()]),
                    ..named("a")
                },
                "preferences",
            ),
        ] {
            let error = draft.clone().check(region()).unwrap_err();
            assert_eq!(error.field, field, "{draft:?}");
        }
    }

    #[test]
    fn what_is_absent_stays_and_what_is_empty_goes() {
        let full = Draft {
            external_id: Some("7".into()),
            phones: Some(vec!["0541234567".into()]),
            email: Some("a@b.c".into()),
            notes: Some("n".into()),
            ..named("Dana")
        };
        let old = full.check(region()).unwrap();
        let same = Draft::default().over(&old, region()).unwrap();
        assert_eq!((same.changed_from(&old), &same), (vec![], &old));
        let change = Draft {
            email: Some(String::new()),
            phones: Some(vec![]),
            ..Draft::default()
        };
        let new = change.over(&old, region()).unwrap();
        assert_eq!(new.changed_from(&old), ["phones", "email"]);
        assert_eq!((new.email, new.phones.len()), (None, 0));
        assert!(named("").over(&old, region()).is_err(), "a name is kept");
    }
}
