//! libFuzzer's entry to the target of this name; what it does is in the library.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::gate(data);
});
