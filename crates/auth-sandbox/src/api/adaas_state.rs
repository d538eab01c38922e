use std::collections::HashMap;

use serde_json::{Value, json};

use crate::clock::date_time;
use crate::dice::Dice;
use crate::keys::{AdaasCredentials, AdaasKey, AdaasScope, Environment, KeyLimitReached};

/// An account may have so many keys.
const MOST_KEYS: usize = 5;

pub(crate) struct Key {
    pub(crate) name: String,
    pub(crate) secret: String,
    pub(crate) environment: Environment,
    pub(crate) scopes: Vec<AdaasScope>,
    pub(crate) created_at: u64,
    pub(crate) last_used: Option<u64>,
}

pub(crate) struct Token {
    pub(crate) client_id: String,
    pub(crate) expires_at: u64,
}

/// The keys, tokens and invoices of one ADaaS account.
#[derive(Default)]
pub(crate) struct Adaas {
    pub(crate) keys: HashMap<String, Key>,
    pub(crate) tokens: HashMap<String, Token>,
    pub(crate) invoices: Vec<(Environment, Value)>,
}

impl Adaas {
    pub(crate) fn issue(&mut self, dice: &Dice, key: AdaasKey, now: u64) -> Result<AdaasCredentials, KeyLimitReached> {
        if self.keys.len() >= MOST_KEYS {
            return Err(KeyLimitReached { limit: MOST_KEYS });
        }
        let prefix = match key.environment {
            Environment::Live => "ID_",
            Environment::Test => "SB_",
        };
        let credentials = AdaasCredentials { client_id: format!("adaas_{}", dice.hex(24)), secret: format!("{prefix}{}", dice.word(40)) };
        self.keys.insert(
            credentials.client_id.clone(),
            Key {
                name: key.name,
                secret: credentials.secret.clone(),
                environment: key.environment,
                scopes: key.scopes,
                created_at: now,
                last_used: None,
            },
        );
        Ok(credentials)
    }

    /// Deletes a key by its client id; its tokens go with it.
    pub(crate) fn delete(&mut self, client_id: &str) -> bool {
        self.tokens.retain(|_, token| token.client_id != client_id);
        self.keys.remove(client_id).is_some()
    }

    /// The list that the dashboard shows: no secrets.
    pub(crate) fn list(&self) -> Vec<Value> {
        let mut keys: Vec<_> = self.keys.iter().collect();
        keys.sort_by_key(|(client_id, key)| (key.created_at, *client_id));
        keys.into_iter()
            .map(|(client_id, key)| {
                json!({
                    "name": key.name,
                    "identifier": client_id,
                    "created": date_time(key.created_at),
                    "last_used": key.last_used.map(date_time),
                    "permissions": key.scopes,
                })
            })
            .collect()
    }
}
