//! Any bytes as a snapshot: refused, or a sound engine that gives the same snapshot again.

#![no_main]

use cift_core::journal::Runner;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // The checksum would stop nearly everything; with a right one the fuzzer reaches the reader of the state.
    let mut sealed = bytes.to_vec();
    sealed.extend_from_slice(blake3::hash(bytes).as_bytes());
    for bytes in [bytes, &sealed] {
        if let Ok(runner) = Runner::restore(bytes) {
            runner.engine().validate().expect("a sound engine");
            assert_eq!(runner.snapshot(), bytes);
        }
    }
});
