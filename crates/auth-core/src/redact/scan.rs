//! Openings: the few literals that every secret's place contains, and the search for all of them at once.
//!
//! Nearly all of a log is clean. So a vector search looks for four to six letters out of the middle of each opening, chosen because they are
//! rare in logs (`riza` for `Authorization`, `ooki` for `Cookie`), and only where one is found does a recogniser look closer.

use aho_corasick::automaton::Automaton as _;
use aho_corasick::nfa::contiguous::{Builder, NFA};
use aho_corasick::{Input, MatchKind, packed};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

/// What may begin where a literal was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opening {
    /// The name of a header, a JSON member or a form field.
    Name,
    /// The scheme word `Bearer`.
    Bearer,
    /// The scheme word `Basic`.
    Basic,
    /// A key that its prefix gives away.
    Prefix,
    /// A JSON web token.
    Jwt,
    /// The user information of a URL.
    UserInfo,
    /// The `-u id:password` of curl.
    UserOption,
    /// The first line of a private key in PEM.
    PrivateKey,
}

/// The most literals of one vector search; with more, text is searched a byte at a step.
#[cfg(test)]
const MOST: usize = 64;

/// The words of HTTP, which are looked for in small letters (so capitalised, too) and in capitals. HTTP would take `bEaReR` as well (RFC 9110 section 11.1),
/// but nothing writes it, and looking for every mixture costs a second pass over the whole text.
///
/// Four bytes each, because the vector search compares four at once; a scheme word with the blank after it, because most words `Bearer` in a log are
/// quoted as the type of a token.
const HTTP: [(&str, Opening); 6] = [
    ("riza", Opening::Name), // authorization
    ("RIZA", Opening::Name),
    ("rer ", Opening::Bearer), // bearer
    ("RER ", Opening::Bearer),
    ("sic ", Opening::Basic), // basic
    ("SIC ", Opening::Basic),
];

/// Headers and parameters in the cases in which they are written; the last letter of a URL's scheme makes `://` four bytes long.
const AS_WRITTEN: [(&str, Opening); 14] = [
    ("ooki", Opening::Name), // cookie
    ("OOKI", Opening::Name),
    ("pi-k", Opening::Name), // api-key
    ("pi-K", Opening::Name),
    ("PI-K", Opening::Name),
    ("pi_k", Opening::Name), // api_key
    ("PI_K", Opening::Name),
    ("pike", Opening::Name), // apikey
    ("piKe", Opening::Name),
    ("rer%", Opening::Bearer), // bearer in a URL
    ("code=", Opening::Name),
    ("code%3", Opening::Name),
    ("key=", Opening::Name),
    ("key%3", Opening::Name),
];

/// The letters that schemes with user information end with: http, https, ftp, ssh, git, mysql, postgres, mongodb, mongodb+srv, redis, sqlserver, oracle,
/// ldap, kafka, bolt, clickhouse and their like.
const SCHEME_ENDS: &str = "spbltvhrdeakmn";

/// What stands in fields and tokens.
const FIELDS: [(&str, Opening); 14] = [
    ("PIKE", Opening::Name),
    ("ecre", Opening::Name), // secret
    ("ECRE", Opening::Name),
    ("sswo", Opening::Name), // password
    ("SSWO", Opening::Name),
    ("sswd", Opening::Name),   // passwd
    ("sserti", Opening::Name), // assertion
    (".eyJ", Opening::Jwt),    // the base64 of `{"`, second part of a signed token
    ("eyJh", Opening::Jwt),    // of `{"a`, as in alg: first part, for encrypted tokens
    ("eyJ0", Opening::Jwt),    // typ
    ("eyJr", Opening::Jwt),    // kid
    ("eyJl", Opening::Jwt),    // enc
    ("eyJj", Opening::Jwt),    // cty
    ("eyJ6", Opening::Jwt),    // zip
];

/// `token` with what follows it where a value comes next; `token expired` and `token_type` are then not even looked at.
const TOKENS: [&str; 12] =
    ["oken:", "oken=", "oken\"", "oken'", "oken\\", "oken%", "oken =", "oken :", "oken]", "OKEN:", "OKEN=", "OKEN\""];

/// What is rarer: a second search, because one vector search has no room for more.
const RARE: [(&str, Opening); 61] = [
    ("phra", Opening::Name), // passphrase
    ("PHRA", Opening::Name),
    ("_pass", Opening::Name), // db_pass
    ("_PASS", Opening::Name),
    ("pass=", Opening::Name),
    ("PASS=", Opening::Name),
    ("PWD=", Opening::Name),
    ("pwd=", Opening::Name),
    ("Pwd=", Opening::Name),
    ("PWD:", Opening::Name),
    ("pwd:", Opening::Name),
    ("pwd\"", Opening::Name),
    ("te_k", Opening::Name), // private_key
    ("TE_K", Opening::Name),
    ("te-k", Opening::Name),
    ("teKe", Opening::Name),
    ("rifier", Opening::Name), // code_verifier
    ("RIFIER", Opening::Name),
    ("vice_co", Opening::Name), // device_code
    ("VICE_CO", Opening::Name),
    ("viceCo", Opening::Name),
    ("eal_k", Opening::Name), // seal_key
    ("EAL_K", Opening::Name),
    ("ing_key", Opening::Name), // sealing_key, signing_key
    ("ING_KEY", Opening::Name),
    ("ion_key", Opening::Name), // encryption_key
    ("ION_KEY", Opening::Name),
    ("ion-K", Opening::Name), // Ocp-Apim-Subscription-Key
    ("ion-k", Opening::Name),
    ("ionK", Opening::Name),
    ("ons-k", Opening::Name), // x-functions-key
    ("ons-K", Opening::Name),
    ("mer_k", Opening::Name), // former_key
    ("MER_K", Opening::Name),
    ("ntKey", Opening::Name), // AccountKey of Azure's connection strings
    ("oken&", Opening::Name),
    ("oken>", Opening::Name),
    ("oken\x1b", Opening::Name),
    ("OKEN'", Opening::Name),
    ("OKEN\\", Opening::Name),
    ("OKEN%", Opening::Name),
    ("--tok", Opening::Name),
    ("-token ", Opening::Name),
    (" -u ", Opening::UserOption),
    ("--user ", Opening::UserOption),
    ("KEY-----", Opening::PrivateKey),
    ("Y BLOCK-----", Opening::PrivateKey),
    ("\"d\":", Opening::Name), // private members of a JSON web key
    ("\"p\":", Opening::Name),
    ("\"q\":", Opening::Name),
    ("\"k\":", Opening::Name),
    ("\"dp\":", Opening::Name),
    ("\"dq\":", Opening::Name),
    ("\"qi\":", Opening::Name),
    ("\"d\\\"", Opening::Name),
    ("\"p\\\"", Opening::Name),
    ("\"q\\\"", Opening::Name),
    ("\"k\\\"", Opening::Name),
    ("'d':", Opening::Name),
    ("'k':", Opening::Name),
    ("rer\x1b", Opening::Bearer),
];

/// A set of literals that are searched together.
#[derive(Clone)]
pub(super) struct Literals {
    engine: Engine,
    openings: Vec<Opening>,
}

#[derive(Clone)]
enum Engine {
    /// Vectors: 16 or 32 bytes at a step. Needs a processor that has them, and `std` to ask.
    Packed(packed::Searcher),
    /// An automaton: a byte at a step, on any machine, for any number of literals. It finds the same.
    Automaton(Arc<NFA>),
}

impl Literals {
    /// The openings that are always looked for.
    pub(super) fn builtin() -> Option<Self> {
        let schemes = SCHEME_ENDS.bytes().map(|letter| ([&[letter], &b"://"[..]].concat(), Opening::UserInfo));
        let written = AS_WRITTEN.iter().chain(&HTTP).map(owned).chain(schemes);
        let tokens = TOKENS.iter().map(|word| (word.as_bytes().to_vec(), Opening::Name));
        Self::new(written.chain(FIELDS.iter().map(owned)).chain(tokens).collect())
    }

    /// The openings that are rarer.
    pub(super) fn rare() -> Option<Self> {
        Self::new(RARE.iter().map(owned).collect())
    }

    /// Literals with what each opens; the same literal twice counts once. `None` if there are none.
    pub(super) fn new(mut list: Vec<(Vec<u8>, Opening)>) -> Option<Self> {
        list.sort_by(|(a, _), (b, _)| a.cmp(b));
        list.dedup_by(|(a, _), (b, _)| a == b);
        let (literals, openings): (Vec<_>, Vec<_>) = list.into_iter().unzip();
        if literals.is_empty() {
            return None;
        }
        let packed = packed::Config::new().match_kind(packed::MatchKind::LeftmostLongest).builder().extend(&literals).build();
        let engine = packed.map_or_else(|| automaton(&literals), Engine::Packed);
        Some(Self { engine, openings })
    }

    /// The first literal that begins at `from` or later.
    fn find(&self, text: &[u8], from: usize) -> Option<Hit> {
        let (at, end, pattern) = match &self.engine {
            Engine::Packed(searcher) => {
                let found = searcher.find_in(text, aho_corasick::Span { start: from, end: text.len() })?;
                (found.start(), found.end(), found.pattern())
            }
            Engine::Automaton(automaton) => {
                let found = automaton.try_find(&Input::new(text).range(from..)).ok()??;
                (found.start(), found.end(), found.pattern())
            }
        };
        Some(Hit { at, end, opening: self.openings[pattern.as_usize()] })
    }
}

fn owned((word, opening): &(&str, Opening)) -> (Vec<u8>, Opening) {
    (word.as_bytes().to_vec(), *opening)
}

fn automaton(literals: &[Vec<u8>]) -> Engine {
    let built = Builder::new().match_kind(MatchKind::LeftmostLongest).build(literals);
    Engine::Automaton(Arc::new(built.expect("literals of a few bytes each do not exhaust 2^31 states")))
}

/// Where a literal was found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hit {
    pub(super) at: usize,
    pub(super) end: usize,
    pub(super) opening: Opening,
}

/// As many searches as there can be: two that are always there, and the prefixes with the caller's headers.
const SETS: usize = 3;

/// The hits of several sets of literals in one text, in order.
pub(super) struct Hits<'a> {
    text: &'a [u8],
    searches: [Search<'a>; SETS],
}

/// One set of literals, and what it found last.
struct Search<'a> {
    set: Option<&'a Literals>,
    /// Where the hit is; `usize::MAX` if there is none.
    at: usize,
    hit: Option<Hit>,
    /// The hit was handed out.
    used: bool,
}

impl<'a> Hits<'a> {
    pub(super) fn new(text: &'a [u8], mut sets: impl Iterator<Item = &'a Literals>, from: usize) -> Self {
        let searches = core::array::from_fn(|_| {
            let mut search = Search { set: sets.next(), at: 0, hit: None, used: false };
            search.advance(text, from);
            search
        });
        Self { text, searches }
    }

    /// The next hit that begins at `from` or later; `from` never goes back. Hits of several sets may begin at the same place, each is handed out once.
    pub(super) fn next(&mut self, from: usize) -> Option<Hit> {
        for search in &mut self.searches {
            if search.at < from || search.used {
                search.advance(self.text, from.max(search.at.saturating_add(usize::from(search.used))));
            }
        }
        let first = self.searches.iter_mut().min_by_key(|search| search.at)?;
        first.used = first.hit.is_some();
        first.hit
    }
}

impl Search<'_> {
    fn advance(&mut self, text: &[u8], from: usize) {
        self.hit = self.set.and_then(|literals| if from < text.len() { literals.find(text, from) } else { None });
        self.at = self.hit.map_or(usize::MAX, |hit| hit.at);
        self.used = false;
    }
}

/// A word in every mixture of upper and lower case: 2^n of n letters.
pub(super) fn every_case(word: &[u8]) -> Vec<Vec<u8>> {
    word.iter().fold(vec![Vec::new()], |begun, byte| {
        let mut cases = vec![byte.to_ascii_lowercase(), byte.to_ascii_uppercase()];
        cases.dedup();
        begun.iter().flat_map(|start| cases.iter().map(move |case| [start.as_slice(), &[*case]].concat())).collect()
    })
}

/// The window of `length` bytes that is least likely in ordinary text, because each hit elsewhere costs a closer look.
pub(super) fn rare_window(word: &[u8], length: usize) -> &[u8] {
    let rarity = |window: &&[u8]| -> usize {
        window
            .iter()
            .map(|byte| if byte.is_ascii_alphabetic() { usize::from(b"jkqvwxyz".contains(&byte.to_ascii_lowercase())) } else { 2 })
            .sum()
    };
    word.windows(length.min(word.len()).max(1)).max_by_key(rarity).unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_builtin_openings_fit_the_vector_search() {
        for literals in [Literals::builtin().unwrap(), Literals::rare().unwrap()] {
            assert!(literals.openings.len() <= MOST, "{} literals make the search slower", literals.openings.len());
            if cfg!(all(feature = "std", target_arch = "x86_64")) {
                assert!(matches!(literals.engine, Engine::Packed(_)));
            }
        }
    }

    #[test]
    fn both_engines_find_the_same() {
        let list: Vec<_> = ["riz", "toke", "tok", "_sk_"].iter().map(|word| (word.as_bytes().to_vec(), Opening::Name)).collect();
        let fast = Literals::new(list.clone()).unwrap();
        let words: Vec<Vec<u8>> = list.into_iter().map(|(word, _)| word).collect();
        let slow = Literals { engine: automaton(&words), openings: fast.openings.clone() };
        let text = b"a token, an authorization, live_sk_ and a stoker in some more words so that vectors are used at all";
        for from in 0..text.len() {
            let [a, b] = [&fast, &slow].map(|set| set.find(text, from).map(|hit| (hit.at, hit.end)));
            assert_eq!(a, b, "from {from}");
        }
    }

    #[test]
    fn windows_and_cases() {
        assert_eq!(rare_window(b"live_sk_", 4), b"_sk_");
        assert_eq!(every_case(b"i-k").len(), 4);
        assert_eq!(every_case(b"rer ").len(), 8);
    }
}
