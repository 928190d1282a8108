//! How lists are asked for page by page.

use super::HttpError;

/// Rows of a page, where nothing is asked for.
pub(super) const PAGE: u32 = 50;
const LARGEST_PAGE: u32 = 200;

/// A page's rows, 1 to 200.
pub(super) fn limit(asked: u32) -> Result<u32, HttpError> {
    match (1..=LARGEST_PAGE).contains(&asked) {
        true => Ok(asked),
        false => Err(HttpError::bad_request(format!(
            "limit: 1 to {LARGEST_PAGE}"
        ))),
    }
}

/// A page ends at an id.
pub(super) fn cursor(asked: Option<&str>) -> Result<Option<&str>, HttpError> {
    match asked {
        Some(cursor) if uuid::Uuid::parse_str(cursor).is_err() => Err(HttpError::bad_request(
            "cursor: a cursor is the `next` of a former page",
        )),
        asked => Ok(asked),
    }
}
