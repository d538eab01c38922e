//! Bytes from a store are a record or are refused; what was read is written in a form that reads the same.
#![no_main]

use auth_core::Record;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match Record::from_bytes(bytes) {
        Ok(record) => {
            let written = record.to_bytes();
            assert_eq!(Record::from_bytes(&written).unwrap().to_bytes(), written);
        }
        Err(error) => assert!(error.to_string().len() < 200),
    }
});
