#![no_main]

use callscribe::{call::probe, time::Clock};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| probe::timeline(data, Clock::system().now()));
