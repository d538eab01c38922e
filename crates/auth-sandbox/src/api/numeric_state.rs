use std::collections::{HashMap, HashSet};

use serde_json::Value;

use crate::dice::Dice;
use crate::keys::{Environment, NumericClient, NumericCredentials, NumericToken};

#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) secret: String,
    pub(crate) environment: Environment,
    pub(crate) scopes: Vec<String>,
}

pub(crate) struct Token {
    pub(crate) environment: Environment,
    pub(crate) scopes: Vec<String>,
    /// Server clock, milliseconds; `None` for static tokens.
    pub(crate) expires_at: Option<u64>,
    /// The client it was minted for, or "static token".
    pub(crate) owner: String,
    pub(crate) family: Option<u64>,
}

pub(crate) struct Refresh {
    pub(crate) client: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) family: u64,
    pub(crate) used_at: Option<u64>,
}

/// Numeric's clients, tokens and tasks.
#[derive(Default)]
pub(crate) struct Numeric {
    pub(crate) clients: HashMap<String, Client>,
    pub(crate) tokens: HashMap<String, Token>,
    pub(crate) refresh_tokens: HashMap<String, Refresh>,
    pub(crate) dead_families: HashSet<u64>,
    pub(crate) tasks: Vec<(Environment, Value)>,
    last_family: u64,
}

impl Numeric {
    pub(crate) fn issue_client(&mut self, dice: &Dice, client: NumericClient) -> NumericCredentials {
        let label = match client.environment {
            Environment::Live => "numeric_prod_",
            Environment::Test => "numeric_sandbox_",
        };
        let credentials = NumericCredentials {
            client_id: client.client_id.unwrap_or_else(|| format!("{label}{}", dice.hex(12))),
            client_secret: client.client_secret.unwrap_or_else(|| dice.word(40)),
        };
        self.clients.insert(
            credentials.client_id.clone(),
            Client { secret: credentials.client_secret.clone(), environment: client.environment, scopes: client.scopes },
        );
        credentials
    }

    pub(crate) fn issue_static(&mut self, dice: &Dice, token: NumericToken) -> String {
        let text = dice.word(48);
        self.tokens.insert(
            text.clone(),
            Token {
                environment: token.environment,
                scopes: token.scopes,
                expires_at: None,
                owner: "static token".to_owned(),
                family: None,
            },
        );
        text
    }

    /// A refresh token of a new family.
    pub(crate) fn issue_refresh(&mut self, dice: &Dice, client_id: &str) -> Option<String> {
        let scopes = self.clients.get(client_id)?.scopes.clone();
        self.last_family += 1;
        let family = self.last_family;
        Some(self.add_refresh(dice, client_id, scopes, family))
    }

    pub(crate) fn add_refresh(&mut self, dice: &Dice, client_id: &str, scopes: Vec<String>, family: u64) -> String {
        let text = dice.word(48);
        self.refresh_tokens.insert(text.clone(), Refresh { client: client_id.to_owned(), scopes, family, used_at: None });
        text
    }

    pub(crate) fn revoke_family(&mut self, family: u64) {
        self.dead_families.insert(family);
        self.tokens.retain(|_, token| token.family != Some(family));
    }

    /// Revokes a token, a refresh token with its family, or a client with everything it was given.
    pub(crate) fn revoke(&mut self, key: &str) -> bool {
        if self.tokens.remove(key).is_some() {
            return true;
        }
        if let Some(family) = self.refresh_tokens.get(key).map(|refresh| refresh.family) {
            self.revoke_family(family);
            return true;
        }
        if self.clients.remove(key).is_some() {
            self.tokens.retain(|_, token| token.owner != key);
            self.refresh_tokens.retain(|_, refresh| refresh.client != key);
            return true;
        }
        false
    }

    /// Ends every token that was minted; static ones stay.
    pub(crate) fn revoke_minted(&mut self) -> usize {
        let before = self.tokens.len();
        self.tokens.retain(|_, token| token.expires_at.is_none());
        before - self.tokens.len()
    }
}
