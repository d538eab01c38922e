use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::Mutex;

/// The source of made-up keys, tokens and ids; repeatable when seeded.
pub(crate) struct Dice(Mutex<fastrand::Rng>);

impl Dice {
    pub(crate) fn new(seed: Option<u64>) -> std::io::Result<Self> {
        let seed = match seed {
            Some(seed) => seed,
            None => getrandom::u64().map_err(std::io::Error::other)?,
        };
        Ok(Self(Mutex::new(fastrand::Rng::with_seed(seed))))
    }

    fn pick(&self, alphabet: &[u8], length: usize) -> String {
        let mut rng = self.0.lock();
        (0..length).map(|_| char::from(alphabet[rng.usize(..alphabet.len())])).collect()
    }

    /// Lower-case hexadecimal characters.
    pub(crate) fn hex(&self, length: usize) -> String {
        self.pick(b"0123456789abcdef", length)
    }

    /// Letters and digits, as most vendors write keys.
    pub(crate) fn word(&self, length: usize) -> String {
        self.pick(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", length)
    }

    /// Characters of a ULID in lower case, as in Numora's `doc_01jpwq4q9m7q4q2k8dax1x1q5n`.
    pub(crate) fn ulid_like(&self) -> String {
        format!("01{}", self.pick(b"0123456789abcdefghjkmnpqrstvwxyz", 24))
    }

    /// A token with the look of a JWT; its signature is noise.
    pub(crate) fn jwt_like(&self, claims: &serde_json::Value) -> String {
        let header = URL_SAFE_NO_PAD.encode(br#"{"alg":"HS256","typ":"JWT"}"#);
        let claims = URL_SAFE_NO_PAD.encode(claims.to_string());
        format!("{header}.{claims}.{}", self.word(43))
    }
}
