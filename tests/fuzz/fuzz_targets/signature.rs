#![no_main]

use callscribe::wire::probe;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| probe::signature(data));
