#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| zoners_fuzz::http3_streams::run(octets));
