#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| zoners_fuzz::imports::run(octets));
