//! Where a page ended.

use std::{fmt, str::FromStr};

use jiff::Timestamp;

use super::Error;

/// A moment and the id of a row of it: opaque text to whoever pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    ms: i64,
    id: uuid::Uuid,
}

impl Place {
    pub(super) fn new(at: Timestamp, id: &str) -> Result<Self, Error> {
        Ok(Self {
            ms: at.as_millisecond(),
            id: id.parse().map_err(|_| Error::corrupt("id", id))?,
        })
    }

    /// What comes before, newest first, is less than these two.
    pub(super) fn bounds(place: Option<&Self>) -> (i64, String) {
        place.map_or((i64::MAX, String::new()), |place| {
            (place.ms, place.id.to_string())
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.ms, self.id)
    }
}

impl FromStr for Place {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        let (ms, id) = text.split_once('.').ok_or(Error::BadCursor)?;
        Ok(Self {
            ms: ms.parse().map_err(|_| Error::BadCursor)?,
            id: id.parse().map_err(|_| Error::BadCursor)?,
        })
    }
}
