use std::path::PathBuf;

use anyhow::ensure;
use secrecy::SecretString;

use crate::cli::phone::Flags;

/// Behave like many Twilio streams at once, and say whether the server kept up.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit status: 0 the server kept up; 1 or 2 an argument, a file or an address is bad; \
    3 the server fell behind: it lost or refused something, or its live words came late; \
    4 the generator itself fell behind, and the figures say nothing about the server."
)]
pub struct Args {
    /// Audio files, taken in turns; without any, something like speech. Of a stereo file the left
    /// channel is inbound, the right outbound.
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Callers at once.
    #[arg(long, value_name = "N")]
    pub calls: usize,
    #[command(flatten)]
    pub phone: Flags,
    /// Begin the calls spread over so many seconds.
    #[arg(long, default_value_t = 0.0, value_name = "SECONDS")]
    pub ramp: f64,
    /// Call again and again for so long, beginning with the first call; without it, each caller calls once.
    #[arg(long, value_name = "SECONDS")]
    pub seconds: Option<f64>,
    /// The pause of a caller between two calls; half as long to half as long again.
    #[arg(long, default_value_t = 1.0, value_name = "SECONDS")]
    pub think: f64,
    /// The share of calls, 0 to 1, whose connection is cut without a stop and comes again up to 1.2 s
    /// later; calls of a few seconds are left whole.
    #[arg(long, default_value_t = 0.0, value_name = "P")]
    pub reconnect: f64,
    /// The server's figures, or none; by default /metrics where the media door is.
    #[arg(long, value_name = "URL|none")]
    pub metrics: Option<String>,
    /// The server's access token, where its figures ask for one.
    #[arg(long, env = "CALLSCRIBE_HTTP__ACCESS_TOKEN", hide_env_values = true)]
    pub access_token: Option<SecretString>,
    /// Follow up to 20 of the callers as a viewer does, and measure how late their first words come.
    #[arg(long)]
    pub words: bool,
    /// Print the report as JSON.
    #[arg(long)]
    pub json: bool,
}

/// The longest time that can be asked for: a day, in seconds.
const LONGEST: f64 = 86_400.0;

impl Args {
    pub(super) fn check(&self) -> anyhow::Result<()> {
        ensure!(
            (1..=100_000).contains(&self.calls),
            "--calls: from 1 to 100000"
        );
        self.phone.check()?;
        ensure!(
            (0.0..=1.0).contains(&self.reconnect),
            "--reconnect: from 0 to 1"
        );
        ensure!(self.phone.jitter <= 10_000, "--jitter: at most 10000 ms");
        for (name, seconds) in [("--ramp", self.ramp), ("--think", self.think)] {
            ensure!(
                (0.0..=LONGEST).contains(&seconds),
                "{name}: from 0 to {LONGEST} s"
            );
        }
        if let Some(seconds) = self.seconds {
            ensure!(
                (1.0..=LONGEST).contains(&seconds),
                "--seconds: from 1 to {LONGEST}"
            );
            ensure!(
                self.ramp + 1.0 <= seconds,
                "--ramp: the last call would begin less than a second before --seconds are over"
            );
        }
        Ok(())
    }
}
