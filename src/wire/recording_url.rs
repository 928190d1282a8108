//! Where a recording of the provider's is to be had: any form of `RecordingUrl` → one address, and whether
//! that address may be asked, with credentials or without.

use std::net::IpAddr;

use reqwest::Url;
use serde::{Deserialize, Serialize};

/// Twilio's API; other regions and edges are `api.{edge}.{region}.twilio.com`.
pub const TWILIO: &str = "https://api.twilio.com";

/// What a resource's address may end in; none of it belongs to its name.
const SUFFIXES: [&str; 3] = [".json", ".mp3", ".wav"];

/// The coding that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Small.
    #[default]
    Mp3,
    /// As it was on the line, eight times as large.
    Wav,
}

impl Format {
    /// What a file of it ends in, with the dot.
    #[must_use]
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Mp3 => ".mp3",
            Self::Wav => ".wav",
        }
    }
}

/// How far an address is trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// The provider's own: gets the credentials.
    Provider,
    /// On the list of the configuration: asked without credentials.
    Listed,
    /// Anybody's: not asked.
    Foreign,
}

/// Why a text is no address of a recording.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadUrl {
    #[error("the recording's address is empty")]
    Empty,
    #[error("the recording's address is no http or https address: {0}")]
    Malformed(String),
}

/// Which hosts are asked for recordings.
#[derive(Debug, Clone)]
pub struct Hosts {
    base: Url,
    listed: Vec<Url>,
}

impl Hosts {
    /// `base`: what relative addresses are relative to, Twilio's API as a rule. `listed`: further hosts,
    /// `media.example.com` for https on its usual port, or a whole origin (`http://10.0.0.7:9000`).
    ///
    /// # Errors
    /// When one of them is no address.
    pub fn new(base: &str, listed: &[String]) -> Result<Self, BadUrl> {
        let listed = listed.iter().map(|host| match host.contains("://") {
            true => parse(host),
            false => parse(&format!("https://{host}")),
        });
        Ok(Self {
            base: parse(base)?,
            listed: listed.collect::<Result<_, _>>()?,
        })
    }

    /// Whether what is sent to the base can be read on its way: it is not encrypted, and leaves this
    /// machine.
    #[must_use]
    pub fn is_in_the_clear(&self) -> bool {
        let host = self.base.host_str().unwrap_or_default();
        let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
        let is_here = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
        self.base.scheme() == "http" && !is_here
    }

    /// Whether an address may be asked. By its whole origin: another port is another server.
    #[must_use]
    pub fn trust(&self, url: &Url) -> Trust {
        if is_twilio(url) && url.scheme() == "https" && url.port().is_none()
            || url.origin() == self.base.origin()
        {
            Trust::Provider
        } else if self.listed.iter().any(|one| one.origin() == url.origin()) {
            Trust::Listed
        } else {
            Trust::Foreign
        }
    }

    /// The address of the media, by whatever form of address the provider gave: relative or absolute; of
    /// the resource (`.json`), the media, or bare; with a query, a slash at its end, a fragment. A foreign
    /// address means what it says: a signed one changed is a broken one.
    ///
    /// # Errors
    /// When it is no address at all.
    pub fn media(&self, given: &str, format: Format) -> Result<Url, BadUrl> {
        let given = given.trim();
        if given.is_empty() {
            return Err(BadUrl::Empty);
        }
        // A host without a scheme would be taken for a folder.
        let host = given.split('/').next().unwrap_or_default();
        let absolute = format!("https://{given}");
        let joined = match Url::parse(&absolute) {
            Ok(url) if !host.contains(':') && is_twilio(&url) => Ok(url),
            _ => self.base.join(given),
        };
        let mut url = checked(joined.map_err(|error| malformed(&error))?)?;
        url.set_fragment(None);
        // A password in an address is nobody's that we know.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        if is_twilio(&url) && url.scheme() == "http" {
            let _ = url.set_scheme("https");
        }
        if self.trust(&url) == Trust::Provider {
            url.set_query(None);
            let path = format!("{}{}", bare(url.path()), format.suffix());
            url.set_path(&path);
        }
        Ok(url)
    }
}

/// `AC…` of `/2010-04-01/Accounts/AC…/Recordings/RE….mp3`.
#[must_use]
pub fn account(url: &Url) -> Option<&str> {
    let mut segments = url.path_segments()?;
    segments.find(|segment| *segment == "Accounts")?;
    segments.next().filter(|account| account.starts_with("AC"))
}

/// A path without slashes and suffixes at its end, however many a careless sender has hung there.
fn bare(path: &str) -> &str {
    let mut path = path;
    loop {
        let mut shorter = path.trim_end_matches('/');
        for suffix in SUFFIXES {
            let split = shorter.len().saturating_sub(suffix.len());
            if let Some((stem, end)) = shorter.split_at_checked(split)
                && end.eq_ignore_ascii_case(suffix)
            {
                shorter = stem;
            }
        }
        if shorter.len() == path.len() {
            return path;
        }
        path = shorter;
    }
}

/// `api.twilio.com`, `api.ie1.twilio.com`, `api.dublin.ie1.twilio.com`.
fn is_twilio(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let Some(place) = host
        .strip_prefix("api.")
        .and_then(|rest| rest.strip_suffix("twilio.com"))
    else {
        return false;
    };
    let labels: Vec<&str> = place.split_terminator('.').collect();
    let is_label = |label: &&str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    (place.is_empty() || place.ends_with('.')) && labels.len() <= 2 && labels.iter().all(is_label)
}

fn parse(text: &str) -> Result<Url, BadUrl> {
    checked(Url::parse(text).map_err(|error| malformed(&error))?)
}

fn checked(url: Url) -> Result<Url, BadUrl> {
    match url.scheme() {
        "http" | "https" if url.has_host() => Ok(url),
        other => Err(malformed(&format!("{other:?} is not spoken here"))),
    }
}

fn malformed(why: &dyn std::fmt::Display) -> BadUrl {
    BadUrl::Malformed(why.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const API: &str = "https://api.twilio.com/2010-04-01/Accounts/AC1/Recordings/RE1";

    fn hosts() -> Hosts {
        let listed = ["media.example.com".into(), "http://10.0.0.7:9000".into()];
        Hosts::new(TWILIO, &listed).unwrap()
    }

    #[test]
    fn any_form_of_address_becomes_one() {
        for given in [
            "/2010-04-01/Accounts/AC1/Recordings/RE1.json",
            "/2010-04-01/Accounts/AC1/Recordings/RE1",
            "2010-04-01/Accounts/AC1/Recordings/RE1.mp3",
            API,
            &format!("{API}/"),
            &format!("{API}.json"),
            &format!("{API}.mp3"),
            &format!("{API}.MP3"),
            &format!("{API}.wav"),
            &format!("{API}.mp3/"),
            &format!("{API}.mp3.mp3"),
            &format!("{API}.json.mp3"),
            &format!("{API}.wav?RequestedChannels=2"),
            &format!("{API}?a=b&c=d"),
            &format!("{API}.json?x=/y.mp3#part"),
            &format!("  {API}.json \n"),
            &API.replace("https://", "http://"),
            &API.replace("https://", ""),
            &API.replace("https://", "//"),
            &API.replace("https://", "https://user:secret@"),
            &API.replace("api.twilio.com", "api.twilio.com:443"),
            &API.replace("api.twilio.com", "API.Twilio.COM"),
        ] {
            let url = hosts().media(given, Format::Mp3).unwrap();
            assert_eq!(url.as_str(), format!("{API}.mp3"), "{given:?}");
            assert_eq!(hosts().trust(&url), Trust::Provider, "{given:?}");
            assert_eq!(account(&url), Some("AC1"), "{given:?}");
        }
        let wav = hosts().media(&format!("{API}.mp3"), Format::Wav).unwrap();
        assert_eq!(wav.as_str(), format!("{API}.wav"));
    }

    #[test]
    fn further_forms_by_example() {
        for (given, url) in [
            (
                "https://api.twilio.com/recordings/abc123",
                "https://api.twilio.com/recordings/abc123.mp3",
            ),
            (
                "http://api.dublin.ie1.twilio.com/2010-04-01/Accounts/AC1/Recordings/RE1.json",
                "https://api.dublin.ie1.twilio.com/2010-04-01/Accounts/AC1/Recordings/RE1.mp3",
            ),
            // A signed address is left as it is.
            (
                "https://media.example.com/a/RE1.json?X-Sig=a%2Fb&n=1#x",
                "https://media.example.com/a/RE1.json?X-Sig=a%2Fb&n=1",
            ),
            ("//media.example.com/RE1", "https://media.example.com/RE1"),
        ] {
            let found = hosts().media(given, Format::Mp3).unwrap();
            assert_eq!(found.as_str(), url, "{given:?}");
        }
    }

    #[test]
    fn whom_an_address_belongs_to() {
        use Trust::{Foreign, Listed, Provider};
        for (url, trust) in [
            ("https://api.twilio.com/x", Provider),
            ("https://api.ie1.twilio.com/x", Provider),
            ("https://api.dublin.ie1.twilio.com/x", Provider),
            ("http://api.twilio.com/x", Foreign),
            ("https://api.twilio.com:8443/x", Foreign),
            ("https://api.twilio.com.evil.example/x", Foreign),
            ("https://api.evil-twilio.com/x", Foreign),
            ("https://apitwilio.com/x", Foreign),
            ("https://twilio.com/x", Foreign),
            ("https://evil.twilio.com/x", Foreign),
            ("https://api.a.b.c.twilio.com/x", Foreign),
            ("https://api..twilio.com/x", Foreign),
            ("https://api.twilio.com@evil.example/x", Foreign),
            ("https://media.example.com/x", Listed),
            ("http://media.example.com/x", Foreign),
            ("https://media.example.com:444/x", Foreign),
            ("http://10.0.0.7:9000/x", Listed),
            ("http://10.0.0.7/x", Foreign),
            ("http://169.254.169.254/latest/meta-data", Foreign),
        ] {
            assert_eq!(hosts().trust(&url.parse().unwrap()), trust, "{url}");
        }
        let fake = Hosts::new("http://127.0.0.1:9", &[]).unwrap();
        let own = fake.media("/Recordings/RE1.json", Format::Mp3).unwrap();
        assert_eq!(own.as_str(), "http://127.0.0.1:9/Recordings/RE1.mp3");
        assert_eq!(fake.trust(&own), Provider);
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for bad in [
            "",
            "  ",
            "ftp://x/RE1",
            "file:///etc/passwd",
            "https://",
            "data:,x",
        ] {
            assert!(hosts().media(bad, Format::Mp3).is_err(), "{bad:?}");
        }
        assert!(Hosts::new("nonsense", &[]).is_err());
        assert!(Hosts::new(TWILIO, &["a b".into()]).is_err());
    }
}
