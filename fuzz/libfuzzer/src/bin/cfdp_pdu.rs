#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| heliograph_fuzz::cfdp_pdu(input));
