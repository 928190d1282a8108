//! Names of things: the provider's call, stream and recording ids, and the side of the line that is heard.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

/// An id that came from outside and is safe in a path, a URL and a log line: 1 to 64 characters of
/// `A-Z a-z 0-9 _ -`. Twilio's are two letters and 32 hex digits; other providers' are UUIDs.
fn valid(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an id is 1 to 64 characters of A-Z, a-z, 0-9, _ and -")]
pub struct BadId;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $example:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
        #[schema(value_type = String, pattern = "^[A-Za-z0-9_-]{1,64}$", example = $example)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// The id as the provider wrote it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                if valid(text) { Ok(Self(text.into())) } else { Err(BadId) }
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadId;
            fn try_from(text: String) -> Result<Self, BadId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.as_ref().to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id! {
    /// The provider's id of a call (Twilio: `CA…`). It is also the call's id in the API and the store.
    CallSid, "CA0123456789abcdef0123456789abcdef"
}
id! {
    /// The provider's id of one media stream (Twilio: `MZ…`). A call that reconnects has several.
    StreamSid, "MZ0123456789abcdef0123456789abcdef"
}
id! {
    /// The provider's id of a recording that it made (Twilio: `RE…`).
    RecordingSid, "RE0123456789abcdef0123456789abcdef"
}

/// A side of the line: `Inbound` is what the caller says, `Outbound` what the caller hears.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Track {
    Inbound,
    Outbound,
}

impl Track {
    pub const ALL: [Self; 2] = [Self::Inbound, Self::Outbound];

    /// `inbound` or `outbound`, as on the wire, in the store and in file names.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::Outbound => "outbound",
        }
    }

    /// 0 for inbound, 1 for outbound: the place in a per-track array and in a stereo file.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Track {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a text is not a track.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a track is inbound or outbound, not {0:?}")]
pub struct BadTrack(pub String);

impl FromStr for Track {
    type Err = BadTrack;
    /// Accepts `inbound_track` too, as dtmf events and TwiML write it.
    fn from_str(text: &str) -> Result<Self, BadTrack> {
        match text.strip_suffix("_track").unwrap_or(text) {
            "inbound" => Ok(Self::Inbound),
            "outbound" => Ok(Self::Outbound),
            _ => Err(BadTrack(text.chars().take(32).collect())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_safe_in_paths_and_urls() {
        for good in ["CA0123456789abcdef0123456789abcdef", "x", "a-b_C9"] {
            assert_eq!(
                good.parse::<CallSid>().map(|i| i.to_string()),
                Ok(good.into())
            );
        }
        for bad in ["", "../etc", "a/b", "a b", "שלום", &"x".repeat(65)] {
            assert_eq!(bad.parse::<StreamSid>(), Err(BadId), "{bad:?}");
        }
    }

    #[test]
    fn tracks_parse_in_both_spellings() {
        for (text, track) in [
            ("inbound", Some(Track::Inbound)),
            ("outbound_track", Some(Track::Outbound)),
            ("both_tracks", None),
            ("", None),
        ] {
            assert_eq!(text.parse().ok(), track, "{text:?}");
        }
    }
}
