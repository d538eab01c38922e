//! A secret that was passed in the wrong place is shown by no error.

use auth_http::{Client, ClientBuilder, Credential, Error, Key, KeyNotes, PrivateKey, Provider, SealKey, SigningAlgorithm};

const KEY: &str = "test_sk_a3f09c17be5d4482a3f09c17be5d4482a3f09c17be5d4482";

const SECRETS: [&str; 8] = [
    "live_sk_8Gq2Zr7LwX4tB9vKc1Nf6YpHs3Dm5JaQe0Ru8TiWo2Vb7ExQ",
    "q7/Zk2+Vn8Lw4Xs1Tb9/Rc6Yf3Hd5Jm0Pa7Ge2Uo4Ni8=",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJtYWRlLXVwIn0.Zk2Vn8Lw4Xs1Tb9Rc6Yf3Hd5Jm0Pa7Ge2Uo4Ni8aB0",
    "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49Zk2Vn8Lw4Xs1Tb9Rc6Yf3\n-----END PRIVATE KEY-----",
    "LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tCk1JR0hBZ0VBTUJNR0J5cUdTTTQ5",
    "{\"client_id\": \"own\", \"client_secret\": \"Zk2Vn8Lw4Xs1Tb9Rc6Yf3Hd5Jm0Pa7Ge2Uo4Ni8\"}",
    "{\"kty\":\"EC\",\"d\":\"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE\"}",
    "redis+cluster://:hunter2-hunter2-hunter2@h:6379",
];

/// Tries to pass a secret, and gives what came of it as `Debug` shows it, or the error.
type Attempt = fn(&str) -> Result<String, Error>;

const PLACES: [(&str, Attempt); 17] = [
    ("provider", |text| Ok(Provider::builtin(text).map(|provider| provider.name().to_owned())?)),
    ("environment", |text| made(|builder| builder.environment(text))),
    ("base_url", |text| made(|builder| builder.base_url(text))),
    ("token_url", |text| made(|builder| builder.token_url(text))),
    ("issuer", |text| made(|builder| builder.issuer(text))),
    ("authorization_url", |text| made(|builder| builder.authorization_url(text))),
    ("header", |text| made(|builder| builder.header(text))),
    ("scheme", |text| made(|builder| builder.scheme(text))),
    ("integration", |text| made(|builder| builder.integration(text))),
    ("proxy", |text| made(|builder| builder.proxy(text))),
    ("allow_redirect_to", |text| made(|builder| builder.allow_redirect_to([text]))),
    ("variable", |text| Credential::from_env(text).map(|credential| format!("{credential:?}"))),
    ("file", |text| Credential::from_file(text).map(|credential| format!("{credential:?}"))),
    ("private key's file", |text| PrivateKey::from_file(SigningAlgorithm::Es256, text).map(|key| format!("{key:?}"))),
    ("seal key's variable", |text| SealKey::from_env(text).map(|key| format!("{key:?}"))),
    ("seal key's file", |text| SealKey::from_file(text).map(|key| format!("{key:?}"))),
    ("name of a key", |text| {
        let notes = KeyNotes { name: Some(text.into()), id: Some(text.into()), ..KeyNotes::default() };
        made(|builder| builder.credential(Credential::key(Key::new(KEY).notes(notes.clone()))))
    }),
];

fn made(set: impl Fn(ClientBuilder) -> ClientBuilder) -> Result<String, Error> {
    let builder = Client::builder(Provider::builtin("finora")?).credential(Credential::key(KEY));
    let client = set(builder).build()?;
    Ok(format!("{}\n{:?}\n{:?}", client.explain(), client.keys(), client.rotation_plan()))
}

#[test]
fn no_error_shows_it() {
    for (place, attempt) in PLACES {
        for secret in SECRETS {
            let shown = match attempt(secret) {
                Ok(shown) => shown,
                Err(error) => format!("{error}\n{error:?}\n{:?}", error.advice()),
            };
            let letters: Vec<char> = secret.chars().collect();
            for run in letters.windows(12) {
                let run: String = run.iter().collect();
                let is_scheme = "redis+cluster://".contains(&run);
                assert!(is_scheme || !shown.contains(&run), "{place}: {shown}");
            }
        }
    }
}

#[test]
fn what_was_mistyped_is_still_named() {
    for (place, text) in
        [("provider", "finorra"), ("environment", "prodction"), ("variable", "FINORA_APY_KEY_2"), ("file", "/nowhere/at-all/keys2026.json")]
    {
        let (_, attempt) = PLACES.iter().find(|(name, _)| *name == place).unwrap();
        let told = attempt(text).unwrap_err().to_string();
        assert!(told.contains(text), "{told}");
    }
}
