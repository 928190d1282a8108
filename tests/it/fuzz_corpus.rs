//! The committed corpora of `tests/fuzz`, through the functions that the fuzz targets call.

use std::{fs, path::Path};

use callscribe::{audio::decode, call, recordings, time::Clock, wire};

#[test]
fn the_corpora_hold() {
    let now = Clock::manual(jiff::Timestamp::UNIX_EPOCH).now();
    check("frame", |data| call::probe::frames(data, now));
    check("timeline", |data| call::probe::timeline(data, now));
    check("signature", wire::probe::signature);
    check("wav_header", recordings::probe::wav_header);
    check("wav_header", decode::probe::file);
}

/// Each file whole, cut at every length, and with every byte changed.
fn check(target: &str, run: impl Fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus");
    let mut files = 0;
    for entry in fs::read_dir(corpus.join(target)).unwrap() {
        let data = fs::read(entry.unwrap().path()).unwrap();
        files += 1;
        run(&data);
        for at in (0..data.len()).step_by(data.len() / 64 + 1) {
            run(&data[..at]);
            let mut changed = data.clone();
            changed[at] ^= 0x15;
            run(&changed);
        }
    }
    assert!(files >= 5, "{target} has {files} files");
}
