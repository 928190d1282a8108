#![no_main]

use callscribe::{audio::decode, recordings};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    recordings::probe::wav_header(data);
    decode::probe::file(data);
});
