//! URLs beside another parser: whatever both accept leads to the same host.

use auth_core::Url;
use proptest::prelude::*;

/// What both make of a text, where the machine accepts it.
fn read_alike(text: &str) -> Result<(), TestCaseError> {
    let Ok(ours) = Url::parse(text) else { return Ok(()) };
    // A host that the other refuses, such as a malformed `xn--` label, cannot lead it elsewhere.
    let Ok(theirs) = url::Url::parse(text) else { return Ok(()) };
    let host = theirs.host().map(|host| host.to_string());
    let address = |host: &str| host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().ok();
    prop_assert_eq!(theirs.scheme() == "https", ours.origin().is_secure(), "{}", text);
    prop_assert_eq!(theirs.port_or_known_default(), Some(ours.origin().port()), "{}", text);
    let theirs_host = host.unwrap_or_default();
    if let Some(theirs) = address(&theirs_host) {
        prop_assert_eq!(Some(theirs), address(ours.origin().host()), "{}", text);
    } else {
        prop_assert_eq!(theirs_host.as_str(), ours.origin().host(), "{}", text);
    }
    prop_assert_eq!(theirs.path(), ours.path(), "{}", text);
    prop_assert!(theirs.username().is_empty() && theirs.password().is_none(), "{}", text);
    // What is sent reads the same once more.
    prop_assert_eq!(&Url::parse(ours.as_str()).unwrap(), &ours, "{}", text);
    Ok(())
}

/// Pieces on which parsers are known to disagree, and ordinary ones.
fn piece() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "https:",
        "http:",
        "HTTPS:",
        "//",
        "/",
        "\\",
        "@",
        ":",
        "?",
        "#",
        ".",
        "..",
        "%2e",
        "%2E%2e",
        "%2f",
        "%5c",
        "%00",
        "a.example",
        "api.example.com",
        "EVIL.example",
        "localhost",
        "127.0.0.1",
        "127.1",
        "0x7f.1",
        "0177.0.0.1",
        "2130706433",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[fe80::1%25eth0]",
        "[v1.x]",
        "1.2.3.4.",
        "xn--bcher-kva",
        "a_b",
        "a!b",
        "ａ",
        "é",
        ":443",
        ":0443",
        ":80",
        ":",
        ":65536",
        "user",
        "user:pw@",
        " ",
        "\t",
        "\n",
        "\0",
        ";",
        "=",
        "&",
        "v1",
        "x y",
        "'",
        "*",
        "~",
        "-",
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn both_parsers_read_one_host_path_and_port(pieces in prop::collection::vec(piece(), 1..9), whole in any::<bool>()) {
        let text = if whole { pieces.concat() } else { format!("https://{}", pieces.concat()) };
        read_alike(&text)?;
    }

    #[test]
    fn a_joined_path_stays_below_its_base_for_both(pieces in prop::collection::vec(piece(), 1..9)) {
        let base = Url::parse("https://gate.example/finora").unwrap();
        if let Ok(joined) = base.join(&format!("/{}", pieces.concat())) {
            let theirs = url::Url::parse(joined.as_str()).unwrap();
            prop_assert_eq!(theirs.host_str(), Some("gate.example"));
            prop_assert!(theirs.path().starts_with("/finora/"), "{}", joined.as_str());
        }
    }
}
