#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| zoners_fuzz::quic_stream::run(octets));
