//! What a search takes among a million segments, and what the index costs a segment that is written.
//! `cargo bench --bench search [-- --calls N --segments N --queries N --url sqlite://PATH|postgres://… --built]`
//!
//! The text is made, the same each time: words by Zipf's law out of 20,000 English-looking and 20,000
//! Hebrew ones. `--built` asks a database that an earlier run filled.

#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

use std::time::{Duration, Instant};

use callscribe::{
    ids::{CallSid, Track},
    speech::ModelInfo,
    store::{
        CallFilter, FinalText, LiveSegment, NewCall, NewStream, Options, Store, Stream, StreamEnd,
        Which,
        search::{Order, Query, Search},
    },
    time::{Clock, MediaTime},
    transcript::Segment,
};
use jiff::{SignedDuration, Timestamp};

/// Words of a segment, and of a language.
const WORDS: usize = 12;
const VOCABULARY: u32 = 20_000;
/// Calls are spread over so many days.
const DAYS: u64 = 400;

struct Arguments {
    calls: u64,
    segments: u64,
    queries: u32,
    url: Option<String>,
    built: bool,
}

fn main() {
    let arguments = arguments();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    runtime.unwrap().block_on(measure(&arguments));
}

async fn measure(arguments: &Arguments) {
    let folder = tempfile::tempdir().unwrap();
    let file = format!("sqlite://{}/bench.db", folder.path().display());
    let options = Options {
        url: arguments.url.clone().unwrap_or(file),
        ..Options::default()
    };
    let clock = Clock::system();
    let store = Store::open(&options).await.unwrap();
    println!(
        "{}, calls {}, segments a call {}, words a segment {WORDS}",
        callscribe::store::describe(&options.url),
        arguments.calls,
        arguments.segments
    );
    if !arguments.built {
        build(&store, &clock, arguments).await;
    }
    write_live(&store, &clock).await;
    println!(
        "{:<44} {:>8} {:>8} {:>8} {:>8}",
        "question", "hits", "p50 ms", "p95 ms", "max ms"
    );
    for (name, make) in kinds() {
        ask(&store, &clock, arguments, name, make).await;
    }
    list(&store, &clock, arguments).await;
    store.close().await;
}

async fn build(store: &Store, clock: &Clock, arguments: &Arguments) {
    let mut random = Random(7);
    let began = clock.now();
    let mut spent = Duration::ZERO;
    for number in 0..arguments.calls {
        let at = first_day()
            + SignedDuration::from_secs(seconds(number * DAYS * 86_400 / arguments.calls));
        let stream = open(store, number, at).await;
        let end = StreamEnd {
            at: at + SignedDuration::from_secs(300),
            reason: "stop".into(),
            duration: MediaTime::from_ms(300_000),
            counters: serde_json::Value::Null,
        };
        store.close_stream(&stream.key, &end).await.unwrap();
        let hebrew = number % 10 < 3;
        let segments = (0..arguments.segments)
            .map(|n| segment(&mut random, n, hebrew))
            .collect();
        let text = FinalText {
            call: stream.key.call.clone(),
            model: model(),
            parameters: serde_json::Value::Null,
            language: Some(if hebrew { "he" } else { "en" }.into()),
            duration: end.duration,
            segments,
            coverage: vec![],
            reason: "after the call".into(),
            fingerprint: "bench".into(),
        };
        let before = clock.now();
        store.replace_transcript(&text, end.at).await.unwrap();
        spent += clock.now() - before;
    }
    let segments = arguments.calls * arguments.segments;
    println!(
        "built in {:.0} s; a final segment written and indexed takes {:.0} µs",
        (clock.now() - began).as_secs_f64(),
        micros(spent, segments)
    );
}

/// Live text, in batches as the pen writes it, into the full index.
async fn write_live(store: &Store, clock: &Clock) {
    const BATCHES: u64 = 20;
    const BATCH: u64 = 50;
    let mut random = Random(11);
    let tag = u64::try_from(clock.wall().as_microsecond()).unwrap();
    let stream = open(store, tag, clock.wall()).await;
    let began = clock.now();
    for batch in 0..BATCHES {
        let live: Vec<LiveSegment> = (0..BATCH)
            .map(|n| LiveSegment {
                stream: stream.key.clone(),
                utterance: batch * BATCH + n,
                segment: segment(&mut random, batch * BATCH + n, n % 3 == 0),
            })
            .collect();
        store.append_segments(&live).await.unwrap();
    }
    let spent = clock.now() - began;
    println!(
        "a live segment written and indexed takes {:.0} µs",
        micros(spent, BATCHES * BATCH)
    );
}

type Make = Box<dyn Fn(u32) -> (Search, u32)>;

/// Each kind makes its n-th question, and says how many pages of it are turned before the measured one.
fn kinds() -> Vec<(&'static str, Make)> {
    words()
        .into_iter()
        .chain(combined())
        .chain(narrowed())
        .collect()
}

fn kind(typed: impl Fn(u32) -> String + 'static) -> Make {
    Box::new(move |n| (search(&typed(n)), 0))
}

fn words() -> Vec<(&'static str, Make)> {
    let begin = |n, letters| english(n).chars().take(letters).collect::<String>();
    vec![
        ("rare word", kind(|n| english(15_000 + n))),
        ("word of middling frequency", kind(|n| english(100 + n))),
        ("common word", kind(|n| english(n % 10))),
        ("Hebrew: rare word", kind(|n| hebrew(15_000 + n))),
        (
            "Hebrew: common word, with its prefixes",
            kind(|n| hebrew(n % 10)),
        ),
        ("word that nobody said", kind(|n| format!("zzz{n}"))),
        (
            "beginning of three letters",
            kind(move |n| format!("{}*", begin(n, 3))),
        ),
        (
            "beginning of four letters",
            kind(move |n| format!("{}*", begin(n, 4))),
        ),
        (
            "common word, page 2",
            Box::new(|n| (search(&english(n % 10)), 1)),
        ),
        (
            "word of middling frequency, page 2",
            Box::new(|n| (search(&english(100 + n)), 1)),
        ),
    ]
}

fn combined() -> Vec<(&'static str, Make)> {
    let two = |one, other| format!("{} {}", english(one), english(other));
    let without = |one, other| format!("{} -{}", english(one), english(other));
    vec![
        ("two common words", kind(move |n| two(n % 10, n % 7 + 10))),
        (
            "common and rare word",
            kind(move |n| two(n % 10, 9_000 + n)),
        ),
        (
            "phrase of two common words",
            kind(move |n| format!("\"{}\"", two(n % 10, n % 7))),
        ),
        (
            "phrase of two middling words",
            kind(move |n| format!("\"{}\"", two(50 + n, 60 + n))),
        ),
        (
            "phrase of three common words",
            kind(move |n| format!("\"{} {}\"", two(n % 5, n % 7), english(n % 3))),
        ),
        (
            "common word without another",
            kind(move |n| without(n % 10, n % 7 + 10)),
        ),
        (
            "rare word without a common one",
            kind(move |n| without(9_000 + n, 0)),
        ),
        (
            "either of three",
            kind(|n| {
                format!(
                    "{} OR {} OR {}",
                    english(n),
                    english(500 + n),
                    english(9_000 + n)
                )
            }),
        ),
    ]
}

fn narrowed() -> Vec<(&'static str, Make)> {
    fn of(word: fn(u32) -> u32, filter: fn(&mut Search, u32)) -> Make {
        Box::new(move |n| {
            let mut search = search(&english(word(n)));
            filter(&mut search, n);
            (search, 0)
        })
    }
    fn one_week(search: &mut Search, n: u32) {
        search.since = Some(first_day() + SignedDuration::from_hours(i64::from(n % 300) * 24));
        search.until = search
            .since
            .map(|at| at + SignedDuration::from_hours(7 * 24));
    }
    let common = |n| n % 10;
    vec![
        (
            "common word, newest first",
            of(common, |search, _| search.order = Order::Newest),
        ),
        (
            "common word, one side and language",
            of(common, |search, _| {
                search.track = Some(Track::Outbound);
                search.language = Some("en".into());
            }),
        ),
        ("common word, one week long ago", of(common, one_week)),
        ("rare word, one week long ago", of(|n| 5_000 + n, one_week)),
        (
            "common word, one number",
            of(common, |search, n| {
                search.number = Some(number(u64::from(n) * 7).parse().unwrap())
            }),
        ),
        (
            "common word, ended calls",
            of(common, |search, _| search.which = Which::Ended),
        ),
    ]
}

async fn ask(store: &Store, clock: &Clock, arguments: &Arguments, name: &str, make: Make) {
    let mut took = Vec::new();
    let mut hits = 0;
    for n in 0..arguments.queries {
        let (search, turned) = make(n);
        let mut cursor = None;
        for _ in 0..turned {
            cursor = store
                .search(&search, cursor.as_ref(), 20)
                .await
                .unwrap()
                .next;
        }
        let before = clock.now();
        let found = store.search(&search, cursor.as_ref(), 20).await.unwrap();
        took.push(clock.now() - before);
        hits += found.hits.len();
    }
    print(name, hits, took);
}

/// Pages of the list of calls.
async fn list(store: &Store, clock: &Clock, arguments: &Arguments) {
    for (name, filter, typed) in [
        ("list of calls", CallFilter::default(), ""),
        (
            "list of calls, one number",
            CallFilter {
                number: Some(number(70).parse().unwrap()),
                ..CallFilter::default()
            },
            "",
        ),
        (
            "list of calls, common word",
            CallFilter::default(),
            &english(3),
        ),
        (
            "list of calls, rare word",
            CallFilter::default(),
            &english(9_003),
        ),
    ] {
        let (mut took, mut hits) = (Vec::new(), 0);
        for _ in 0..arguments.queries {
            let before: Instant = clock.now();
            let page = if typed.is_empty() {
                store.calls_where(&filter, None, 50).await
            } else {
                store
                    .calls_saying(&Query::parse(typed), &filter, None, 50)
                    .await
            };
            took.push(clock.now() - before);
            hits += page.unwrap().calls.len();
        }
        print(name, hits, took);
    }
}

fn print(name: &str, hits: usize, mut took: Vec<Duration>) {
    took.sort_unstable();
    let ms =
        |share: usize| took[(took.len() * share / 100).min(took.len() - 1)].as_secs_f64() * 1e3;
    let each = hits / took.len();
    println!(
        "{name:<44} {each:>8} {:>8.1} {:>8.1} {:>8.1}",
        ms(50),
        ms(95),
        ms(100)
    );
}

fn search(typed: &str) -> Search {
    Search {
        query: Query::parse(typed),
        ..Search::default()
    }
}

async fn open(store: &Store, call: u64, at: Timestamp) -> Stream {
    let sid: CallSid = format!("CA{call}").parse().unwrap();
    let new = NewCall {
        sid,
        account_sid: None,
        direction: Some("inbound".into()),
        from: Some(number(call)),
        to: Some("+97231234567".into()),
        language: None,
        parameters: Default::default(),
        live_model: Some(model()),
    };
    let stream = NewStream {
        sid: "MZ1".parse().unwrap(),
        speakers: [None, None],
        parameters: Default::default(),
        opened_at: at,
    };
    store.open_stream(&new, &stream).await.unwrap()
}

/// Each number calls about ten times.
fn number(call: u64) -> String {
    format!("+97254{:07}", call % 2_500 * 3_331 % 10_000_000)
}

fn segment(random: &mut Random, number: u64, in_hebrew: bool) -> Segment {
    let words: Vec<String> = (0..WORDS)
        .map(|_| {
            if in_hebrew {
                hebrew(random.zipf())
            } else {
                english(random.zipf())
            }
        })
        .collect();
    Segment {
        track: Track::ALL[usize::from(number % 2 == 1)],
        speaker: None,
        start: MediaTime::from_ms(number * 5_000),
        end: MediaTime::from_ms(number * 5_000 + 4_800),
        text: words.join(" "),
        words: vec![],
    }
}

/// The n-th most common word: a hundred syllables, two or three of them.
fn english(n: u32) -> String {
    const CONSONANTS: &[u8] = b"bdfghklmnprstvwzcjqx";
    const VOWELS: &[u8] = b"aeiou";
    let mut rest = n.wrapping_mul(7_919) % VOCABULARY + 100;
    if n >= VOCABULARY {
        rest = n;
    }
    let mut word = String::new();
    while rest > 0 {
        let syllable = rest as usize % 100;
        word.push(char::from(CONSONANTS[syllable / 5]));
        word.push(char::from(VOWELS[syllable % 5]));
        rest /= 100;
    }
    word
}

fn hebrew(n: u32) -> String {
    const LETTERS: [char; 22] = [
        'א', 'ב', 'ג', 'ד', 'ה', 'ו', 'ז', 'ח', 'ט', 'י', 'כ', 'ל', 'מ', 'נ', 'ס', 'ע', 'פ', 'צ',
        'ק', 'ר', 'ש', 'ת',
    ];
    let mut rest = n.wrapping_mul(7_919) % VOCABULARY + 500;
    let mut word = String::new();
    while rest > 0 {
        word.push(LETTERS[rest as usize % 22]);
        rest /= 22;
    }
    word
}

struct Random(u64);

impl Random {
    /// Between 0 and 1.
    fn next(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
        let high = (self.0 >> 11) as f64;
        high / (1_u64 << 53) as f64
    }

    /// A rank from 0 by Zipf's law, which for large vocabularies is the exponential of an even number.
    fn zipf(&mut self) -> u32 {
        let rank = f64::from(VOCABULARY).powf(self.next()) - 1.0;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "below 20,000"
        )]
        let rank = rank as u32;
        rank
    }
}

fn first_day() -> Timestamp {
    "2025-01-01T00:00:00Z".parse().unwrap()
}

fn seconds(secs: u64) -> i64 {
    i64::try_from(secs).unwrap()
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn micros(spent: Duration, times: u64) -> f64 {
    spent.as_secs_f64() * 1e6 / times as f64
}

fn model() -> ModelInfo {
    ModelInfo {
        name: "base".into(),
        sha256: String::new(),
        multilingual: true,
    }
}

fn arguments() -> Arguments {
    let mut arguments = Arguments {
        calls: 25_000,
        segments: 40,
        queries: 100,
        url: None,
        built: false,
    };
    let mut given = std::env::args().skip(1);
    while let Some(name) = given.next() {
        let mut value = || {
            given
                .next()
                .unwrap_or_else(|| panic!("{name} needs a value"))
        };
        match name.as_str() {
            "--calls" => arguments.calls = value().parse().unwrap(),
            "--segments" => arguments.segments = value().parse().unwrap(),
            "--queries" => arguments.queries = value().parse().unwrap(),
            "--url" => arguments.url = Some(value()),
            "--built" => arguments.built = true,
            // What cargo passes to every bench.
            "--bench" => {}
            other => panic!("{other}: --calls N, --segments N, --queries N, --url URL or --built"),
        }
    }
    arguments
}
