//! A download that goes on where it broke off, also in a later run.

use std::{error::Error as _, io, path::Path, time::Duration};

use reqwest::{Client, Response, StatusCode, header};
use tokio::{
    fs::{File, OpenOptions},
    io::AsyncWriteExt,
};

use super::{Options, Progress, Stretch, tls};

/// Stretches in a row that bring not one byte before the source is given up.
const MAX_FRUITLESS: u32 = 3;

pub(super) struct Download<'a> {
    pub(super) url: &'a str,
    /// Bytes of the whole file.
    pub(super) size: u64,
    /// Where it gathers.
    pub(super) part: &'a Path,
}

/// How a stretch ended before the end of the file.
enum Broken {
    /// Trying again may help.
    Off(String),
    /// This source will not do.
    Hopeless(String),
}

impl Download<'_> {
    /// Leaves the file of the right size at `part`, its contents unverified.
    pub(super) async fn run(
        &self,
        options: &Options,
        progress: &mut dyn Progress,
    ) -> Result<(), String> {
        let client = client(options)?;
        let io = |e: io::Error| format!("{}: {e}", self.part.display());
        let mut fruitless = 0;
        let mut begun = false;
        loop {
            let have = self.have().await.map_err(io)?;
            if have == self.size {
                return Ok(());
            }
            match self.stretch(&client, have, &mut begun, progress).await {
                Ok(()) => {}
                Err(Broken::Hopeless(why)) => return Err(why),
                // Nothing ever came: no network, most likely, and the next source may need none.
                Err(Broken::Off(why)) if !begun => return Err(why),
                Err(Broken::Off(why)) => {
                    let gained = self.have().await.map_err(io)? > have;
                    fruitless = if gained { 0 } else { fruitless + 1 };
                    if fruitless == MAX_FRUITLESS {
                        return Err(why);
                    }
                    progress.say(&format!("{why}; going on from where it broke off"));
                    let pause = Duration::from_millis(options.retry_pause_ms);
                    tokio::time::sleep(pause * 2u32.pow(fruitless)).await;
                }
            }
        }
    }

    async fn have(&self) -> io::Result<u64> {
        match tokio::fs::metadata(self.part).await {
            Ok(metadata) if metadata.len() > self.size => {
                tokio::fs::remove_file(self.part).await?;
                Ok(0)
            }
            Ok(metadata) => Ok(metadata.len()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(error),
        }
    }

    async fn stretch(
        &self,
        client: &Client,
        have: u64,
        begun: &mut bool,
        progress: &mut dyn Progress,
    ) -> Result<(), Broken> {
        let mut request = client.get(self.url);
        if have > 0 {
            request = request.header(header::RANGE, format!("bytes={have}-"));
        }
        let response = request.send().await.map_err(|e| Broken::Off(chain(e)))?;
        let start = self.start(&response, have)?;
        *begun = true;
        let unwritable = |e: io::Error| Broken::Hopeless(format!("{}: {e}", self.part.display()));
        let mut file = self.open(start).await.map_err(unwritable)?;
        progress.begin(Stretch::Downloading, start, Some(self.size));
        let written = self.receive(response, &mut file, start, progress).await;
        file.flush().await.map_err(unwritable)?;
        written
    }

    /// At which byte of the file the response begins.
    fn start(&self, response: &Response, have: u64) -> Result<u64, Broken> {
        let length = |start: u64| match response.content_length() {
            Some(length) if start + length != self.size => Err(Broken::Hopeless(format!(
                "the file there has {} bytes, the manifest says {}",
                start + length,
                self.size
            ))),
            _ => Ok(start),
        };
        match response.status() {
            // The server does not do ranges: from the beginning.
            StatusCode::OK => length(0),
            StatusCode::PARTIAL_CONTENT if range_start(response) == Some(have) => length(have),
            StatusCode::PARTIAL_CONTENT => Err(Broken::Hopeless(format!(
                "asked for bytes from {have} on, got {:?}",
                response.headers().get(header::CONTENT_RANGE)
            ))),
            status if status.is_server_error() => Err(Broken::Off(format!("answered {status}"))),
            status => Err(Broken::Hopeless(format!("answered {status}"))),
        }
    }

    async fn open(&self, start: u64) -> io::Result<File> {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.part)
            .await?;
        file.set_len(start).await?;
        Ok(file)
    }

    async fn receive(
        &self,
        mut response: Response,
        file: &mut File,
        start: u64,
        progress: &mut dyn Progress,
    ) -> Result<(), Broken> {
        let mut done = start;
        loop {
            match response.chunk().await {
                Ok(Some(bytes)) => {
                    done += bytes.len() as u64;
                    if done > self.size {
                        return Err(Broken::Hopeless(format!(
                            "the file there has more than the {} bytes of the manifest",
                            self.size
                        )));
                    }
                    file.write_all(&bytes)
                        .await
                        .map_err(|e| Broken::Hopeless(format!("{}: {e}", self.part.display())))?;
                    progress.at(done);
                }
                Ok(None) if done == self.size => return Ok(()),
                Ok(None) => {
                    return Err(Broken::Off(format!(
                        "it ended after {done} of {} bytes",
                        self.size
                    )));
                }
                Err(error) => return Err(Broken::Off(chain(error))),
            }
        }
    }
}

fn client(options: &Options) -> Result<Client, String> {
    tls::install_provider();
    Client::builder()
        .user_agent(concat!("callscribe/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(Duration::from_secs(options.connect_timeout_s))
        .read_timeout(Duration::from_secs(options.stall_timeout_s))
        .build()
        .map_err(|e| {
            format!(
                "no TLS ({}): are the system's certificates installed (Debian: ca-certificates)?",
                chain(e)
            )
        })
}

/// `bytes 100-199/200` → 100.
fn range_start(response: &Response) -> Option<u64> {
    let value = response
        .headers()
        .get(header::CONTENT_RANGE)?
        .to_str()
        .ok()?;
    let (start, _) = value.strip_prefix("bytes ")?.split_once('-')?;
    start.parse().ok()
}

/// reqwest's own message stops at "error sending request"; where to is said by who asks.
fn chain(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}
