//! The vectors that all languages share (`tests/vectors`), each with its source.

use super::START;
use serde_json::Value;

/// A file of vectors as it stands.
pub fn file(name: &str) -> Value {
    let path = format!("{}/../../tests/vectors/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let file: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"));
    assert_eq!(file["now_ms"].as_u64().unwrap_or(START.as_millis()), START.as_millis());
    file
}

/// The vectors of a file, so many at least, lest some go missing unnoticed.
pub fn vectors(name: &str, at_least: usize) -> Vec<Value> {
    let list = file(name)["vectors"].as_array().expect("a list of vectors").clone();
    for vector in &list {
        assert!(vector["source"].as_str().is_some_and(|source| source.starts_with("https://")), "{} has no source", vector["name"]);
    }
    assert!(list.len() >= at_least, "{name}: {}", list.len());
    list
}

pub fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("{name} is missing in {value}"))
}

/// The body of a vector's answer, in bytes.
pub fn body(value: &Value) -> Vec<u8> {
    let text = value["body"].as_str().unwrap_or_default();
    let times = value["repeat"].as_u64().map_or(1, |times| usize::try_from(times).unwrap());
    if value["latin1"] == true {
        text.chars().map(|c| u8::try_from(c).expect("a character of Latin-1")).collect()
    } else {
        text.repeat(times).into_bytes()
    }
}

/// The header fields of a vector.
pub fn headers(value: &Value) -> Vec<(String, String)> {
    let pair = |pair: &Value| (pair[0].as_str().unwrap().into(), pair[1].as_str().unwrap().into());
    value["headers"].as_array().map(|pairs| pairs.iter().map(pair).collect()).unwrap_or_default()
}
