//! Customers and bookings out of a CSV file: a header names the columns, a line is a draft or a reason why
//! it is none. Comma, semicolon or tab, whichever the header has most of; UTF-8, with or without its mark.
//!
//! What a column is called is what the API calls the field; a few plain words are taken as well. An unknown
//! column is an error rather than ignored: a mistyped `phone` would quietly lose every number.

use std::{collections::HashMap, io::Read};

use super::{Unfit, booking, customer};

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Customers,
    Bookings,
}

/// A line that was read, from 2: the header is line 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line<T> {
    pub number: u64,
    pub draft: Result<T, Unfit>,
}

/// The file cannot be read as a whole.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    #[error("the file is empty: its first line names the columns")]
    Empty,
    #[error("the file is not UTF-8: save it as \"CSV UTF-8\"")]
    NotUtf8,
    #[error("line 1: there is no column {0:?}; there are {1}")]
    Column(String, String),
    #[error("line 1: the column {0:?} comes twice")]
    Twice(String),
    #[error(
        "line 1: these are columns of neither customers (name, phone, …) nor bookings (starts_at, customer_phone, …)"
    )]
    Neither,
    #[error(transparent)]
    Read(#[from] csv::Error),
}

const CUSTOMER: [&str; 7] = [
    "external_id",
    "name",
    "phones",
    "email",
    "language",
    "preferences",
    "notes",
];
const BOOKING: [&str; 10] = [
    "external_id",
    "customer_id",
    "customer_external_id",
    "customer_phone",
    "starts_at",
    "ends_at",
    "status",
    "guests",
    "title",
    "notes",
];
/// Other words for a column.
const WORDS: [(&str, &str); 10] = [
    ("id", "external_id"),
    ("phone", "phones"),
    ("phone_number", "phones"),
    ("mobile", "phones"),
    ("full_name", "name"),
    ("customer_name", "name"),
    ("customer", "customer_external_id"),
    ("date", "starts_at"),
    ("start", "starts_at"),
    ("end", "ends_at"),
];

/// A file whose header was read.
pub struct Sheet<R> {
    reader: csv::Reader<R>,
    columns: Vec<&'static str>,
    pub kind: Kind,
    /// With lines that end in CR and LF the reader stands before the LF when it says where it is.
    behind: u64,
    /// Lines by their external id, so that one is not brought twice.
    seen: HashMap<String, u64>,
}

impl<R: Read> Sheet<std::io::Chain<std::io::Cursor<Vec<u8>>, R>> {
    /// Reads the header; `kind` where the columns are not to tell.
    ///
    /// # Errors
    /// When there is none that fits.
    pub fn open(mut file: R, kind: Option<Kind>) -> Result<Self, Unreadable> {
        let mut start = vec![0; 16 * 1024];
        let mut length = 0;
        while length < start.len() {
            match file.read(&mut start[length..]).map_err(csv::Error::from)? {
                0 => break,
                read => length += read,
            }
        }
        start.truncate(length);
        if start.starts_with(b"\xEF\xBB\xBF") {
            start.drain(..3);
        }
        let delimiter = delimiter(&start);
        let behind = start.windows(2).any(|pair| pair == b"\r\n").into();
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .flexible(true)
            .trim(csv::Trim::All)
            .from_reader(std::io::Cursor::new(start).chain(file));
        let header = reader.headers().map_err(not_utf8)?;
        let names: Vec<String> = header.iter().map(named).collect();
        if names.iter().all(String::is_empty) {
            return Err(Unreadable::Empty);
        }
        let kind = kind
            .or_else(|| told_by(&names))
            .ok_or(Unreadable::Neither)?;
        let columns = columns(&names, kind)?;
        Ok(Self {
            reader,
            columns,
            kind,
            behind,
            seen: HashMap::new(),
        })
    }
}

impl<R: Read> Sheet<R> {
    /// The next customer; `None` at the end.
    ///
    /// # Errors
    /// When the file cannot be read any further.
    pub fn customer(&mut self) -> Result<Option<Line<customer::Draft>>, Unreadable> {
        self.next(|cells| {
            let mut draft = customer::Draft::default();
            for (column, cell) in cells {
                let text = Some(cell.to_owned());
                match column {
                    "external_id" => draft.external_id = text,
                    "name" => draft.name = text,
                    "phones" => draft.phones = Some(several(cell)),
                    "email" => draft.email = text,
                    "language" => draft.language = text,
                    "preferences" => draft.preferences = Some(several(cell)),
                    _ => draft.notes = text,
                }
            }
            Ok(draft)
        })
    }

    /// The next booking; `None` at the end.
    ///
    /// # Errors
    /// When the file cannot be read any further.
    pub fn booking(&mut self) -> Result<Option<Line<booking::Draft>>, Unreadable> {
        self.next(|cells| {
            let mut draft = booking::Draft::default();
            for (column, cell) in cells {
                let text = Some(cell.to_owned());
                match column {
                    "external_id" => draft.external_id = text,
                    "customer_id" => draft.customer_id = text,
                    "customer_external_id" => draft.customer_external_id = text,
                    "customer_phone" => draft.customer_phone = text,
                    "starts_at" => draft.starts_at = text,
                    "ends_at" => draft.ends_at = text,
                    "status" => draft.status = text,
                    "guests" if cell.is_empty() => {}
                    "guests" => {
                        let guests = cell.parse();
                        let whole = |_| Unfit::new("guests", "is a whole number");
                        draft.guests = Some(guests.map_err(whole)?);
                    }
                    "title" => draft.title = text,
                    _ => draft.notes = text,
                }
            }
            Ok(draft)
        })
    }

    fn next<T>(
        &mut self,
        read: impl FnOnce(Vec<(&'static str, &str)>) -> Result<T, Unfit>,
    ) -> Result<Option<Line<T>>, Unreadable> {
        let mut record = csv::StringRecord::new();
        if !self.reader.read_record(&mut record).map_err(not_utf8)? {
            return Ok(None);
        }
        let number = self.behind + record.position().map_or(0, csv::Position::line);
        if record.len() > self.columns.len() {
            let why = format!("{} cells for {} columns", record.len(), self.columns.len());
            let draft = Err(Unfit::new("line", why));
            return Ok(Some(Line { number, draft }));
        }
        let cells: Vec<_> = self.columns.iter().copied().zip(&record).collect();
        let id = cells.iter().find(|(column, _)| *column == "external_id");
        let id = id.map(|(_, cell)| *cell).filter(|id| !id.is_empty());
        let before = id.and_then(|id| self.seen.insert(id.to_owned(), number));
        let draft = match before {
            Some(line) => Err(Unfit::new(
                "external_id",
                format!("the same stands on line {line}"),
            )),
            None => read(cells),
        };
        Ok(Some(Line { number, draft }))
    }
}

/// Numbers and preferences of one cell: `054-1234567; 03-7654321`.
fn several(cell: &str) -> Vec<String> {
    let parts = cell.split([';', '|', '\n']).map(str::trim);
    let parts = parts.filter(|part| !part.is_empty());
    parts.map(ToOwned::to_owned).collect()
}

fn named(column: &str) -> String {
    let column = column.trim().to_lowercase().replace([' ', '-'], "_");
    let other = WORDS.iter().find(|(word, _)| *word == column);
    other.map_or(column, |(_, name)| (*name).to_owned())
}

fn told_by(names: &[String]) -> Option<Kind> {
    let has = |name: &str| names.iter().any(|known| known == name);
    match (has("name"), has("starts_at")) {
        (true, false) => Some(Kind::Customers),
        (false, true) => Some(Kind::Bookings),
        _ => None,
    }
}

fn columns(names: &[String], kind: Kind) -> Result<Vec<&'static str>, Unreadable> {
    let known: &[&'static str] = match kind {
        Kind::Customers => &CUSTOMER,
        Kind::Bookings => &BOOKING,
    };
    let mut columns = Vec::new();
    for name in names {
        let found = known.iter().find(|known| *known == name);
        let column = found.ok_or_else(|| Unreadable::Column(name.clone(), known.join(", ")))?;
        if columns.contains(column) {
            return Err(Unreadable::Twice(name.clone()));
        }
        columns.push(*column);
    }
    Ok(columns)
}

fn delimiter(start: &[u8]) -> u8 {
    let header = start
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let count = |delimiter: &u8| header.iter().filter(|byte| *byte == delimiter).count();
    // The last of equals wins, so the comma stands last.
    [b'\t', b';', b',']
        .into_iter()
        .max_by_key(count)
        .unwrap_or(b',')
}

fn not_utf8(error: csv::Error) -> Unreadable {
    match error.kind() {
        csv::ErrorKind::Utf8 { .. } => Unreadable::NotUtf8,
        _ => Unreadable::Read(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn customers(text: &str) -> Vec<Line<customer::Draft>> {
        let mut sheet = Sheet::open(text.as_bytes(), None).unwrap();
        assert_eq!(sheet.kind, Kind::Customers);
        std::iter::from_fn(|| sheet.customer().unwrap()).collect()
    }

    #[test]
    fn any_separator_and_order_of_columns() {
        let expected = customer::Draft {
            external_id: Some("7".into()),
            name: Some("דנה כהן".into()),
            phones: Some(vec!["054-1234567".into(), "03-7654321".into()]),
            ..customer::Draft::default()
        };
        for text in [
            "id,name,phone\n7,דנה כהן,054-1234567; 03-7654321\n",
            "\u{feff}Phone Number;ID;Full Name\r\n\"054-1234567|03-7654321\";7;דנה כהן\r\n",
            "name\tphones\texternal_id\n דנה כהן \t054-1234567;03-7654321\t7",
        ] {
            let lines = customers(text);
            assert_eq!(lines.len(), 1, "{text}");
            assert_eq!(lines[0].draft.as_ref().unwrap(), &expected, "{text}");
            assert_eq!(lines[0].number, 2);
        }
    }

    #[test]
    fn a_bad_line_is_told_and_the_rest_goes_on() {
        let lines = customers("id,name\n1,Dana\n1,Dana again\n2,a,b,c\n3\n");
        let told: Vec<(u64, Option<&str>)> = lines
            .iter()
            .map(|line| {
                (
                    line.number,
                    line.draft.as_ref().err().map(|unfit| unfit.field),
                )
            })
            .collect();
        let expected = [
            (2, None),
            (3, Some("external_id")),
            (4, Some("line")),
            (5, None),
        ];
        assert_eq!(told, expected);
        let text = "customer_phone,starts_at,guests\n0541234567,2024-11-15,many\n,2024-11-15,\n";
        let mut sheet = Sheet::open(text.as_bytes(), None).unwrap();
        assert_eq!(sheet.kind, Kind::Bookings);
        let first = sheet.booking().unwrap().unwrap();
        assert_eq!(first.draft.unwrap_err().field, "guests");
        let second = sheet.booking().unwrap().unwrap();
        assert_eq!(second.draft.unwrap().guests, None);
        assert!(sheet.booking().unwrap().is_none());
    }

    #[test]
    fn a_header_that_does_not_fit_is_told() {
        for (text, expected) in [
            ("", "empty"),
            ("\n\n", "empty"),
            ("name,phon\n", "\"phon\""),
            ("name,phone,mobile\n", "twice"),
            ("a,b\n1,2\n", "neither"),
        ] {
            let error = Sheet::open(text.as_bytes(), None).err().unwrap();
            assert!(error.to_string().contains(expected), "{text:?}: {error}");
        }
        let latin = b"name,phone\nJos\xe9,+15550123456\n";
        let mut sheet = Sheet::open(&latin[..], None).unwrap();
        assert!(matches!(sheet.customer(), Err(Unreadable::NotUtf8)));
    }
}
