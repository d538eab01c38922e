//! Sealed files: a wrong key, no seal and damage each have their own words, and nothing is lost.

use crate::contract::{claim, generation, record, save};
use crate::places::{Files, Place, random_key};
use auth_http::store::{Claim, Claimed, FileStore, Lease, Save, Saved, SealKey, TokenStore};
use std::time::Duration;

const LONG: Duration = Duration::from_mins(1);

/// A place where one record stands, under the id `a`.
fn with_a_record(place: Files) -> Files {
    let store = place.open();
    let (lease, _) = claim(&*store, "a", 1, LONG).unwrap();
    assert_eq!(save(&*store, "a", Some(&lease), 0, record(1)), Saved::Durable);
    store.release("a", &lease);
    place
}

fn key(text: &str) -> SealKey {
    SealKey::from_value(text).unwrap()
}

/// The store can neither read nor overwrite the record, says so in these words, and leaves the file as it is.
fn refuses(place: &Files, store: &dyn TokenStore, id: &str, words: &str) {
    let file = place.only(".record");
    let before = std::fs::read(&file).unwrap();
    let claimed = store.claim(id, &Claim { owner: 9, span: LONG });
    assert!(matches!(&claimed, Claimed::Down(why) if why.contains(words) && why.contains(".record")), "{words}: {claimed:?}");
    // The lease was not taken, and a save without one is refused as well.
    assert_eq!(store.holder(id), None);
    assert!(store.load(id).unwrap_err().contains(words));
    for lease in [None, Some(Lease { owner: 9 })] {
        for replaces in [0, 1] {
            let saved = store.save(id, &Save { record: record(2), replaces, lease: lease.clone() });
            assert!(matches!(&saved, Saved::Down(why) if why.contains(words)), "{words}: {saved:?}");
        }
    }
    assert_eq!(std::fs::read(&file).unwrap(), before, "{words}");
}

#[test]
fn a_sealed_record_shows_nothing() {
    let place = with_a_record(Files::sealed());
    let bytes = std::fs::read(place.only(".record")).unwrap();
    assert!(bytes.starts_with(b"ledgerauth sealed 1\n"));
    for word in ["at-1", "rt-1", "generation", "token"] {
        assert!(!bytes.windows(word.len()).any(|window| window == word.as_bytes()), "{word}");
    }
    let shown = format!("{:?} {:?}", FileStore::open(place.path()).unwrap(), key(place.key.as_ref().unwrap()));
    assert!(!shown.contains(place.key.as_ref().unwrap()), "{shown}");
    // The same record sealed twice does not look the same.
    let store = place.open();
    let (lease, _) = claim(&*store, "a", 1, LONG).unwrap();
    assert_eq!(save(&*store, "a", Some(&lease), 1, record(1)), Saved::Durable);
    assert_ne!(std::fs::read(place.only(".record")).unwrap(), bytes);
}

#[test]
fn another_key_is_named_as_such() {
    let place = with_a_record(Files::sealed());
    let store = FileStore::open(place.path()).unwrap().sealed(key(&random_key()));
    refuses(&place, &store, "a", "sealed with another key");
    assert_eq!(generation(&*place.open(), "a"), Some(1));
}

#[test]
fn a_store_without_a_key_does_not_touch_what_is_sealed() {
    let place = with_a_record(Files::sealed());
    refuses(&place, &FileStore::open(place.path()).unwrap(), "a", "the record is sealed: give the store the key");
}

#[test]
fn an_unsealed_record_is_not_trusted_where_a_key_is_set_until_it_is_allowed() {
    let place = with_a_record(Files::plain());
    let text = random_key();
    let strict = FileStore::open(place.path()).unwrap().sealed(key(&text));
    refuses(&place, &strict, "a", "is not sealed, but the store has a key");
    let allowing = FileStore::open(place.path()).unwrap().sealed(key(&text)).reads_unsealed();
    let (lease, found) = claim(&allowing, "a", 2, LONG).unwrap();
    assert_eq!(found.unwrap().generation, 1);
    assert_eq!(save(&allowing, "a", Some(&lease), 1, record(2)), Saved::Durable);
    assert_eq!(generation(&strict, "a"), Some(2));
}

#[test]
fn a_former_key_still_opens_and_the_new_one_seals() {
    let place = with_a_record(Files::sealed());
    let (old, new) = (place.key.clone().unwrap(), random_key());
    let store = FileStore::open(place.path()).unwrap().sealed(key(&new)).former_key(key(&old));
    let (lease, found) = claim(&store, "a", 2, LONG).unwrap();
    assert_eq!(found.unwrap().generation, 1);
    assert_eq!(save(&store, "a", Some(&lease), 1, record(2)), Saved::Durable);
    store.release("a", &lease);
    assert_eq!(generation(&FileStore::open(place.path()).unwrap().sealed(key(&new)), "a"), Some(2));
    refuses(&place, &FileStore::open(place.path()).unwrap().sealed(key(&old)), "a", "sealed with another key");
}

#[test]
fn every_flipped_bit_is_noticed() {
    let place = with_a_record(Files::sealed());
    let file = place.only(".record");
    let good = std::fs::read(&file).unwrap();
    let mark = b"ledgerauth sealed 1\n".len();
    let store = place.open();
    for byte in 0..good.len() {
        let mut bad = good.clone();
        bad[byte] ^= 1 << (byte % 8);
        std::fs::write(&file, &bad).unwrap();
        let why = store.load("a").unwrap_err();
        let words = if byte < mark { ["is not sealed", "upgrade it"] } else { ["is damaged", "is damaged"] };
        assert!(words.iter().any(|words| why.contains(words)), "byte {byte}: {why}");
    }
    for length in 0..good.len() {
        std::fs::write(&file, &good[..length]).unwrap();
        assert!(store.load("a").is_err(), "{length}");
    }
    std::fs::write(&file, &good[..good.len() - 1]).unwrap();
    refuses(&place, &*store, "a", "is damaged");
    std::fs::write(&file, good).unwrap();
    assert_eq!(generation(&*store, "a"), Some(1));
}

#[test]
fn a_record_cannot_be_passed_off_as_another_credentials() {
    let place = with_a_record(Files::sealed());
    let file = place.only(".record");
    let store = place.open();
    let (lease, _) = claim(&*store, "b", 1, LONG).unwrap();
    assert_eq!(save(&*store, "b", Some(&lease), 0, record(3)), Saved::Durable);
    store.release("b", &lease);
    let other = place.ending(".record").into_iter().find(|path| *path != file).unwrap();
    std::fs::rename(&file, &other).unwrap();
    refuses(&place, &*store, "b", "belongs to another credential");
}

#[test]
fn a_key_is_32_bytes_or_the_way_to_make_one() {
    let text = random_key();
    let place = Files::plain();
    let made = std::process::Command::new("sh").args(["-c", "head -c 32 /dev/urandom | base64"]).output().unwrap();
    let made = String::from_utf8(made.stdout).unwrap();
    for good in [text.clone(), text.to_uppercase(), format!(" {text}\n"), made.clone(), made.trim().trim_end_matches('=').into()] {
        let sealed = FileStore::open(place.path()).unwrap().sealed(key(&good));
        assert_eq!(sealed.load("a").unwrap().map(|record| record.generation), None);
    }
    let short = &text[..62];
    for bad in ["", "secret", short, &format!("{short}zz"), &"0".repeat(64), "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="] {
        let error = SealKey::from_value(bad).unwrap_err().to_string();
        assert!(error.contains("head -c 32 /dev/urandom | base64"), "{error}");
        assert!(bad.is_empty() || !error.contains(bad), "{error}");
    }
    let file = place.folder.path().join("key");
    std::fs::write(&file, made).unwrap();
    assert!(SealKey::from_file(&file).is_ok());
    std::fs::write(&file, "nonsense").unwrap();
    let error = SealKey::from_file(&file).unwrap_err().to_string();
    assert!(error.contains(file.to_str().unwrap()) && !error.contains("nonsense"), "{error}");
    let error = SealKey::from_file(place.folder.path().join("absent")).unwrap_err().to_string();
    assert!(error.contains("cannot be read"), "{error}");
    let error = SealKey::from_env("LEDGERAUTH_TEST_ABSENT").unwrap_err().to_string();
    assert!(error.contains("LEDGERAUTH_TEST_ABSENT is not set"), "{error}");
}
