//! `KeyError`: what is wrong with a key, where, and what to do, without showing it.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// `KeyFault` is what is wrong with a key. Positions count characters from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyFault {
    /// There is no text.
    Empty,
    /// White space or a line break came along.
    WhiteSpace {
        /// Where.
        position: usize,
    },
    /// The key stands in quotation marks.
    Quoted,
    /// The whole header value was pasted, scheme included.
    SchemePasted,
    /// A control character, such as NUL.
    ControlCharacter {
        /// Where.
        position: usize,
    },
    /// A character outside ASCII, which often looks like one inside.
    NotAscii {
        /// Where.
        position: usize,
    },
    /// A text from documentation that stands for a key.
    Placeholder,
    /// It starts like none of the keys that this provider issues.
    UnknownPrefix {
        /// The prefixes there are.
        known: Vec<String>,
    },
    /// It starts like a key of another provider.
    OtherProvider {
        /// Whose key it looks like.
        title: String,
    },
    /// The part after the prefix is too short or too long.
    Length {
        /// What is right, such as `48` or `at least 16`.
        expected: String,
        /// What there is.
        found: usize,
    },
    /// A character that keys of this form do not have.
    Alphabet {
        /// Where.
        position: usize,
        /// What may stand there.
        expected: &'static str,
    },
    /// This API takes no credential of this kind.
    NotTaken {
        /// What it takes instead.
        instead: &'static str,
    },
    /// It is declared for an environment that this provider does not have.
    UnknownEnvironment {
        /// The environments there are.
        known: Vec<String>,
    },
    /// Its prefix says one environment and the declaration another.
    DeclaredOtherwise {
        /// What its prefix says.
        prefix_says: String,
        /// What was declared.
        declared: String,
    },
}

impl KeyFault {
    /// The fault's name in lower case with underscores, as in test vectors.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::WhiteSpace { .. } => "white_space",
            Self::Quoted => "quoted",
            Self::SchemePasted => "scheme_pasted",
            Self::ControlCharacter { .. } => "control_character",
            Self::NotAscii { .. } => "not_ascii",
            Self::Placeholder => "placeholder",
            Self::UnknownPrefix { .. } => "unknown_prefix",
            Self::OtherProvider { .. } => "other_provider",
            Self::Length { .. } => "length",
            Self::Alphabet { .. } => "alphabet",
            Self::NotTaken { .. } => "not_taken",
            Self::UnknownEnvironment { .. } => "unknown_environment",
            Self::DeclaredOtherwise { .. } => "declared_otherwise",
        }
    }

    /// Where in the key the fault is, counted in characters from 1, if it is in one place.
    pub fn position(&self) -> Option<usize> {
        match self {
            Self::WhiteSpace { position }
            | Self::ControlCharacter { position }
            | Self::NotAscii { position }
            | Self::Alphabet { position, .. } => Some(*position),
            _ => None,
        }
    }
}

/// `KeyError` says what is wrong with a key or secret, where, and how to mend it; it holds no part of the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyError {
    pub(crate) provider: String,
    pub(crate) what: &'static str,
    pub(crate) fault: KeyFault,
    pub(crate) obtain: Option<String>,
}

impl KeyError {
    /// What is wrong.
    pub fn fault(&self) -> &KeyFault {
        &self.fault
    }

    /// The provider that the key was meant for, by its title.
    pub fn provider(&self) -> &str {
        &self.provider
    }

    /// How to mend it, in words for a person.
    pub fn advice(&self) -> String {
        let obtain = self.obtain.as_deref().map_or(String::new(), |place| alloc::format!("; it is issued at: {place}"));
        let advice = match &self.fault {
            KeyFault::Empty => "set the variable or file that it comes from",
            KeyFault::WhiteSpace { .. } => "copy it again without the spaces or line breaks around or inside it",
            KeyFault::Quoted => "remove the quotation marks: in an .env file or a secret store they become part of the value",
            KeyFault::SchemePasted => "pass the key alone, the scheme word before it is added on sending",
            KeyFault::ControlCharacter { .. } => "read it as text: it looks like binary or a cut-off file",
            KeyFault::NotAscii { .. } => {
                "copy it again from where it was issued: some program replaced a character by one that looks like it"
            }
            KeyFault::Placeholder => "replace the example from the documentation by your own",
            KeyFault::UnknownPrefix { .. } | KeyFault::OtherProvider { .. } => {
                "check that this is the key for this API and not for another"
            }
            KeyFault::Length { .. } => "copy it again as a whole",
            KeyFault::Alphabet { .. } => "copy it again: a character was added or changed",
            KeyFault::NotTaken { instead } => return alloc::format!("pass {instead}"),
            KeyFault::UnknownEnvironment { .. } => "declare one of the environments there are",
            KeyFault::DeclaredOtherwise { .. } => "use the key that was issued for the declared environment, or declare the one of the key",
        };
        alloc::format!("{advice}{obtain}")
    }
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the {} for {} ", self.what, self.provider)?;
        match &self.fault {
            KeyFault::Empty => f.write_str("is empty"),
            KeyFault::WhiteSpace { position } => write!(f, "has white space at position {position}"),
            KeyFault::Quoted => f.write_str("stands in quotation marks"),
            KeyFault::SchemePasted => f.write_str("starts with a scheme word such as `Bearer`"),
            KeyFault::ControlCharacter { position } => write!(f, "has a control character at position {position}"),
            KeyFault::NotAscii { position } => write!(f, "has a character outside ASCII at position {position}"),
            KeyFault::Placeholder => f.write_str("is a placeholder from documentation"),
            KeyFault::UnknownPrefix { known } => write!(f, "starts with none of the prefixes {}", known.join(", ")),
            KeyFault::OtherProvider { title } => write!(f, "looks like a key of {title}"),
            KeyFault::Length { expected, found } => write!(f, "has {found} characters after its prefix instead of {expected}"),
            KeyFault::Alphabet { position, expected } => write!(f, "has a character at position {position} that is not one of {expected}"),
            KeyFault::NotTaken { instead } => write!(f, "is of a kind that this API does not take: it takes {instead}"),
            KeyFault::UnknownEnvironment { known } => {
                write!(f, "is declared for an environment that does not exist: there are {}", known.join(", "))
            }
            KeyFault::DeclaredOtherwise { prefix_says, declared } => {
                write!(f, "belongs to {prefix_says} by its prefix, but {declared} was declared")
            }
        }?;
        write!(f, "; {}", self.advice())
    }
}

impl core::error::Error for KeyError {}
