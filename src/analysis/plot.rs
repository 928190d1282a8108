//! The picture of a recording: for each track its wave, its level and its spectrogram over time, with
//! silences shaded and words where they were heard. SVG; [`png`] draws the same.

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use maud::{Markup, PreEscaped, html};
use resvg::{tiny_skia, usvg};

use super::{Analysis, Picture, Spectrogram, TrackAnalysis};
use crate::{ids::Track, speech::Word, time::MediaTime};

/// Of a picture without words.
const WIDTH: f64 = 1200.0;
/// Words need room: one every 0.4 s in three rows; from 200 s on some are left out.
const WORDS_PX_PER_S: f64 = 40.0;
const WIDEST: f64 = 8000.0;
const LEFT: f64 = 72.0;
const RIGHT: f64 = 20.0;
const TITLE: f64 = 44.0;
const HEADING: f64 = 26.0;
const WAVE: f64 = 110.0;
const LEVEL: f64 = 70.0;
const SPECTRUM: f64 = 130.0;
const WORDS: f64 = 56.0;
const GAP: f64 = 8.0;
const AXIS: f64 = 34.0;

/// The level panel shows from here to 0 dBFS, the spectrogram too.
const LOWEST_DBFS: f64 = -80.0;
/// The spectrogram of a telephone call ends here; Hz.
const HIGHEST_HZ: usize = 4000;

/// Colours, for either theme; a picture without a theme is light.
const STYLE: &str = "
.paper{fill:#fff}.panel{fill:#f4f5f7}.ink{fill:#1d2733}.soft{fill:#5b6776}.wave{fill:#2563a8}
.quiet{fill:#c9ced6;fill-opacity:.55}.line{stroke:#2563a8;fill:none;stroke-width:1.4}
.grid{stroke:#9aa4b1;stroke-opacity:.35;stroke-width:1}
text{font-family:'DejaVu Sans',Verdana,Arial,sans-serif;font-size:13px}
@media (prefers-color-scheme:dark){.paper{fill:#14181d}.panel{fill:#1f252d}.ink{fill:#e6eaf0}
.soft{fill:#a3adba}.wave{fill:#69a8ea}.line{stroke:#69a8ea}.quiet{fill:#3a434f}}
";

/// A track's part of the picture.
pub struct Panel<'a> {
    pub analysis: &'a TrackAnalysis,
    pub picture: &'a Picture,
    /// Written under the wave where they were heard; empty for none.
    pub words: &'a [Word],
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the picture cannot be read back: {0}")]
    Svg(#[from] usvg::Error),
    #[error("the picture is too large to draw")]
    TooLarge,
    #[error("the picture cannot be written: {0}")]
    Png(String),
}

/// Draws a recording.
#[must_use]
pub fn svg(title: &str, analysis: &Analysis, panels: &[Panel<'_>]) -> String {
    let words = panels.iter().any(|panel| !panel.words.is_empty());
    let scale = Scale::over(analysis.duration, words);
    let width = LEFT + scale.width + RIGHT;
    let mut y = TITLE;
    let mut body = Vec::new();
    for panel in panels {
        body.push(html! { g transform=(shift(0.0, y)) { (track(panel, &scale)) } });
        y += height(panel);
    }
    let height = y + AXIS;
    let verdict = match analysis.findings.first() {
        None => "good".to_owned(),
        Some(worst) => worst.text.clone(),
    };
    html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox={ "0 0 " (width) " " (height) }
            width=(width) height=(height) role="img" aria-label=(title) {
            style { (PreEscaped(STYLE)) }
            rect.paper width=(width) height=(height) {}
            text.ink x=(LEFT) y="22" style="font-size:17px;font-weight:bold" { (title) }
            text.soft x=(LEFT) y="40" { (clock(analysis.duration.as_secs())) " · " (verdict) }
            @for part in body { (part) }
            g transform=(shift(0.0, y)) { (scale.labels()) }
        }
    }
    .into_string()
}

/// The same as PNG, twice as large where that leaves it handy.
///
/// # Errors
/// When the text is no picture, or too large a one.
pub fn png(svg: &str) -> Result<Vec<u8>, Error> {
    let mut options = usvg::Options::default();
    options.fontdb_mut().load_font_data(FONT.to_vec());
    "DejaVu Sans".clone_into(&mut options.font_family);
    let tree = usvg::Tree::from_str(svg, &options)?;
    let handy = f64::from(tree.size().width()) <= 2.0 * WIDTH;
    let zoom = if handy { 2.0 } else { 1.0 };
    let size = tree
        .size()
        .to_int_size()
        .scale_by(zoom)
        .ok_or(Error::TooLarge)?;
    let mut pixels = tiny_skia::Pixmap::new(size.width(), size.height()).ok_or(Error::TooLarge)?;
    let transform = tiny_skia::Transform::from_scale(zoom, zoom);
    resvg::render(&tree, transform, &mut pixels.as_mut());
    pixels
        .encode_png()
        .map_err(|error| Error::Png(error.to_string()))
}

/// DejaVu Sans, Latin and Hebrew, so that a machine without fonts draws text, too.
const FONT: &[u8] = include_bytes!("DejaVuSans.subset.ttf");

fn height(panel: &Panel<'_>) -> f64 {
    let words = if panel.words.is_empty() { 0.0 } else { WORDS };
    let spectrum = if panel.picture.spectrogram.is_some() {
        SPECTRUM + GAP
    } else {
        0.0
    };
    HEADING + WAVE + words + GAP + LEVEL + GAP + spectrum + GAP
}

fn track(panel: &Panel<'_>, scale: &Scale) -> Markup {
    let name = match panel.analysis.track {
        Track::Inbound => "inbound",
        Track::Outbound => "outbound",
    };
    let below = if panel.words.is_empty() {
        WAVE
    } else {
        WAVE + WORDS
    };
    html! {
        text.ink x=(LEFT) y=(HEADING - 8.0) style="font-weight:bold" { (name) }
        text.soft x=(LEFT + 90.0) y=(HEADING - 8.0) { (summary(panel.analysis)) }
        g transform=(shift(LEFT, HEADING)) { (wave(panel, scale)) }
        @if !panel.words.is_empty() {
            g transform=(shift(LEFT, HEADING + WAVE)) { (words(panel.words, scale)) }
        }
        g transform=(shift(LEFT, HEADING + below + GAP)) { (level(panel, scale)) }
        @if let Some(spectrogram) = &panel.picture.spectrogram {
            g transform=(shift(LEFT, HEADING + below + GAP + LEVEL + GAP)) {
                (spectrum(spectrogram, panel.analysis.duration, scale))
            }
        }
    }
}

fn summary(track: &TrackAnalysis) -> String {
    let levels = &track.levels;
    let mut text = format!(
        "RMS {:.0}, of the sound {:.0}, peak {}, silence {:.0} %",
        levels.rms,
        levels.active_rms,
        levels.peak,
        levels.silence_share * 100.0
    );
    if let Some(snr) = track.snr_db {
        let _ = write!(text, ", {snr:.0} dB over the noise");
    }
    text
}

fn wave(panel: &Panel<'_>, scale: &Scale) -> Markup {
    let middle = WAVE / 2.0;
    let place = |sample: i16| middle - f64::from(sample) / 32_768.0 * middle;
    let columns = panel.picture.envelope.get();
    let each = seconds_each(panel);
    let mut path = String::new();
    for (n, column) in columns.iter().enumerate() {
        let x = scale.x(index(n) * each);
        let command = if n == 0 { 'M' } else { 'L' };
        let _ = write!(path, "{command}{x:.2} {:.2}", place(column.highest) - 0.3);
    }
    for (n, column) in columns.iter().enumerate().rev() {
        let x = scale.x(index(n) * each);
        let _ = write!(path, "L{x:.2} {:.2}", place(column.lowest) + 0.3);
    }
    html! {
        rect.panel width=(scale.width) height=(WAVE) {}
        @for silence in &panel.analysis.silences {
            @let (from, to) = (scale.x(silence.start.as_secs()), scale.x(silence.end.as_secs()));
            rect.quiet x=(round(from)) width=(round(to - from)) height=(WAVE) {}
        }
        (scale.grid(WAVE))
        path.wave d=(path) {}
        text.soft x="-8" y=(middle + 4.0) text-anchor="end" { "wave" }
    }
}

fn level(panel: &Panel<'_>, scale: &Scale) -> Markup {
    let each = seconds_each(panel);
    let place = |dbfs: f64| LEVEL * (dbfs.max(LOWEST_DBFS) / LOWEST_DBFS).clamp(0.0, 1.0);
    let mut points = String::new();
    for (n, column) in panel.picture.envelope.get().iter().enumerate() {
        let (x, y) = (scale.x((index(n) + 0.5) * each), place(column.dbfs()));
        let _ = write!(points, "{x:.2},{y:.2} ");
    }
    html! {
        rect.panel width=(scale.width) height=(LEVEL) {}
        (scale.grid(LEVEL))
        @for dbfs in [-20.0, -40.0, -60.0] {
            line.grid x2=(scale.width) y1=(place(dbfs)) y2=(place(dbfs)) {}
            text.soft x="-8" y=(place(dbfs) + 4.0) text-anchor="end" style="font-size:11px" { (dbfs) }
        }
        text.soft x="-8" y="10" text-anchor="end" style="font-size:11px" { "dBFS" }
        polyline.line points=(points) {}
    }
}

fn spectrum(spectrogram: &Spectrogram, duration: MediaTime, scale: &Scale) -> Markup {
    let place = |hz: f64| SPECTRUM * (1.0 - hz / index(HIGHEST_HZ));
    let image =
        heat(spectrogram).map(|png| format!("data:image/png;base64,{}", STANDARD.encode(png)));
    html! {
        rect.panel width=(scale.width) height=(SPECTRUM) {}
        @if let Some(image) = image {
            image width=(round(scale.x(duration.as_secs()))) height=(SPECTRUM)
                preserveAspectRatio="none" href=(image) {}
        }
        @for hz in [1000.0, 2000.0, 3000.0] {
            line.grid x2=(scale.width) y1=(place(hz)) y2=(place(hz)) {}
            text.soft x="-8" y=(place(hz) + 4.0) text-anchor="end" style="font-size:11px" { (hz) }
        }
        text.soft x="-8" y="10" text-anchor="end" style="font-size:11px" { "Hz" }
    }
}

/// Each word where it begins, in one of three rows; the less sure, the redder.
fn words(words: &[Word], scale: &Scale) -> Markup {
    let mut free = [f64::NEG_INFINITY; 3];
    let mut placed = Vec::new();
    for word in words {
        let x = scale.x(word.start.as_secs());
        let width = 6.4 * index(word.text.chars().count()) + 5.0;
        // What finds no room is left out: the transcript has it.
        if let Some(row) = free.iter().position(|free| *free <= x) {
            free[row] = x + width;
            placed.push((x, 14.0 + 17.0 * index(row), word));
        }
    }
    html! {
        @for (x, y, word) in placed {
            text.ink x=(round(x)) y=(y) style={ "font-size:11px;" (doubt(word.confidence)) } {
                title { (format!("{:.2} s, confidence {:.2}", word.start.as_secs(), word.confidence)) }
                (word.text)
            }
        }
    }
}

fn doubt(confidence: f32) -> &'static str {
    match confidence {
        c if c < 0.4 => "fill:#d1242f",
        c if c < 0.7 => "fill:#b7791f",
        _ => "",
    }
}

/// The spectrogram alone as PNG, a pixel for each column and bin, from 0 to 4 kHz. `None` where there is
/// too little sound for one.
#[must_use]
pub fn heat(spectrogram: &Spectrogram) -> Option<Vec<u8>> {
    let columns = spectrogram.columns();
    let bins = Spectrogram::BINS * HIGHEST_HZ / 8000;
    let (width, height) = (
        u32::try_from(columns.len()).ok()?,
        u32::try_from(bins).ok()?,
    );
    let mut pixels = tiny_skia::Pixmap::new(width, height)?;
    let row = columns.len();
    let data = pixels.pixels_mut();
    for (x, column) in columns.enumerate() {
        for (bin, dbfs) in column.take(bins).enumerate() {
            data[(bins - 1 - bin) * row + x] = colour(dbfs);
        }
    }
    pixels.encode_png().ok()
}

/// Dark to bright: a scale of six stops like matplotlib's "magma", even to the eye.
fn colour(dbfs: f32) -> tiny_skia::PremultipliedColorU8 {
    const STOPS: [[f32; 3]; 6] = [
        [0.0, 0.0, 4.0],
        [59.0, 15.0, 112.0],
        [140.0, 41.0, 129.0],
        [222.0, 73.0, 104.0],
        [254.0, 159.0, 109.0],
        [252.0, 253.0, 191.0],
    ];
    // Bins of a spectrogram lie well under the level of the whole sound.
    let at = ((dbfs + 95.0) / 65.0).clamp(0.0, 1.0) * 5.0;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0 to 255"
    )]
    let [red, green, blue] = {
        let below = (at as usize).min(4);
        let share = at - at.floor().min(4.0);
        std::array::from_fn(|c| {
            let (low, high) = (STOPS[below][c], STOPS[below + 1][c]);
            (low + (high - low) * share).clamp(0.0, 255.0) as u8
        })
    };
    tiny_skia::ColorU8::from_rgba(red, green, blue, 255).premultiply()
}

/// Time to places.
struct Scale {
    seconds: f64,
    width: f64,
    tick: f64,
}

impl Scale {
    fn over(duration: MediaTime, words: bool) -> Self {
        const TICKS: [f64; 13] = [
            0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0,
        ];
        let seconds = duration.as_secs().max(0.1);
        let width = if words {
            (seconds * WORDS_PX_PER_S).clamp(WIDTH, WIDEST)
        } else {
            WIDTH
        };
        let fits = |tick: &&f64| seconds / **tick <= width / 100.0;
        Self {
            seconds,
            width: width - LEFT - RIGHT,
            tick: TICKS.iter().find(fits).copied().unwrap_or(7200.0),
        }
    }

    fn x(&self, seconds: f64) -> f64 {
        (seconds / self.seconds).min(1.0) * self.width
    }

    fn ticks(&self) -> impl Iterator<Item = f64> {
        let tick = self.tick;
        (0..)
            .map(move |n| f64::from(n) * tick)
            .take_while(|at| *at <= self.seconds)
    }

    fn grid(&self, height: f64) -> Markup {
        html! {
            @for at in self.ticks() {
                line.grid x1=(round(self.x(at))) x2=(round(self.x(at))) y2=(height) {}
            }
        }
    }

    fn labels(&self) -> Markup {
        html! {
            @for at in self.ticks() {
                text.soft x=(round(LEFT + self.x(at))) y="16" text-anchor="middle" { (clock(at)) }
            }
        }
    }
}

/// Minutes and seconds, or hours too; tenths where a second is much.
fn clock(seconds: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a time of day at most"
    )]
    let tenths = (seconds * 10.0).round() as u64;
    let (whole, tenth) = (tenths / 10, tenths % 10);
    let (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
    let fraction = if tenth > 0 {
        format!(".{tenth}")
    } else {
        String::new()
    };
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}{fraction}")
    } else {
        format!("{minutes}:{seconds:02}{fraction}")
    }
}

fn seconds_each(panel: &Panel<'_>) -> f64 {
    index(panel.picture.envelope.each()) * 0.02
}

fn shift(x: f64, y: f64) -> String {
    format!("translate({x} {y})")
}

fn round(x: f64) -> f64 {
    (x * 100.0).round() / 100.0
}

#[expect(clippy::cast_precision_loss, reason = "places in a picture")]
const fn index(n: usize) -> f64 {
    n as f64
}
