//! A URL that is taken stays what it is: reading its text again gives the same, and a path or location keeps its rules.
#![no_main]

use auth_core::Url;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &str)| {
    let (text, other) = input;
    let Ok(url) = Url::parse(text) else { return };
    let again = Url::parse(url.as_str()).expect("what was taken is taken again");
    assert_eq!(again.as_str(), url.as_str());
    assert!(url.as_str().is_ascii());
    if let Ok(joined) = url.join(other) {
        assert_eq!(joined.origin(), url.origin());
    }
    if let Ok(followed) = url.follow(other) {
        assert_eq!(Url::parse(followed.as_str()).expect("a location is a URL"), followed);
    }
});
