//! The flags that all who behave as Twilio share.

use std::time::Duration;

use anyhow::ensure;
use secrecy::SecretString;

use super::{Choice, Door, Line};
use crate::ids::Track;

/// Where the streams go, what of the files, and over what line.
#[derive(Debug, clap::Args)]
pub struct Flags {
    /// The media door.
    #[arg(long, default_value = "ws://127.0.0.1:8080/media")]
    pub url: String,
    /// Send this track only: its channel of a stereo file, or a mono file as that track.
    #[arg(long, value_name = "inbound|outbound", conflicts_with = "both")]
    pub track: Option<Track>,
    /// Send both tracks, as is done anyway with a stereo file; a mono file is an error.
    #[arg(long)]
    pub both: bool,
    /// The share of frames to lose, 0 to 1.
    #[arg(long, default_value_t = 0.0, value_name = "P")]
    pub loss: f64,
    /// Delay each frame by up to this many milliseconds; over 20, frames overtake each other.
    #[arg(long, default_value_t = 0, value_name = "MS")]
    pub jitter: u64,
    /// What is left to chance (losses, delays) comes the same each time.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Sign each upgrade with this auth token.
    #[arg(long, env = "TWILIO_AUTH_TOKEN", hide_env_values = true)]
    pub token: Option<SecretString>,
    /// Sign this URL; by default the media door's, as wss.
    #[arg(long, value_name = "URL")]
    pub signed_url: Option<String>,
}

impl Flags {
    /// # Errors
    /// When a flag is out of its range; the text names it.
    pub fn check(&self) -> anyhow::Result<()> {
        ensure!((0.0..=1.0).contains(&self.loss), "--loss: from 0 to 1");
        Ok(())
    }

    #[must_use]
    pub const fn choice(&self) -> Choice {
        match self.track {
            Some(track) => Choice::Only(track),
            None if self.both => Choice::Both,
            None => Choice::AsItIs,
        }
    }

    #[must_use]
    pub const fn line(&self) -> Line {
        Line {
            loss: self.loss,
            jitter: Duration::from_millis(self.jitter),
            seed: self.seed,
        }
    }

    #[must_use]
    pub fn door(&self) -> Door {
        Door {
            url: self.url.clone(),
            signed_url: self.signed_url.clone(),
            token: self.token.clone(),
        }
    }
}
