use std::collections::HashMap;

use serde_json::{Value, json};

use crate::clock::date_time;
use crate::dice::Dice;
use crate::keys::{Environment, FinoraKey, Tier};

/// Keys end after so many milliseconds.
const NINETY_DAYS: u64 = 90 * 24 * 60 * 60 * 1000;
const DAY: u64 = 24 * 60 * 60 * 1000;

pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) environment: Environment,
    pub(crate) business: String,
    pub(crate) created_at: u64,
    pub(crate) last_used: Option<u64>,
    pub(crate) total_calls: u64,
    pub(crate) revoked: bool,
    order: usize,
}

impl Key {
    pub(crate) fn expires_at(&self) -> u64 {
        self.created_at.saturating_add(NINETY_DAYS)
    }
}

pub(crate) struct Business {
    pub(crate) tier: Tier,
    pub(crate) suspended: bool,
    /// Credit left, in kobo.
    pub(crate) balance_kobo: i64,
}

/// Finora's businesses, keys and records.
pub(crate) struct Finora {
    pub(crate) keys: HashMap<String, Key>,
    pub(crate) businesses: HashMap<String, Business>,
    pub(crate) invoices: Vec<(String, Environment, Value)>,
    default_business: String,
    issued: usize,
}

impl Finora {
    pub(crate) fn new(dice: &Dice) -> Self {
        Self {
            keys: HashMap::new(),
            businesses: HashMap::new(),
            invoices: Vec::new(),
            default_business: format!("biz_{}", dice.hex(12)),
            issued: 0,
        }
    }

    pub(crate) fn issue(&mut self, dice: &Dice, key: FinoraKey, now: u64) -> String {
        let prefix = match key.environment {
            Environment::Live => "live_sk_",
            Environment::Test => "test_sk_",
        };
        let text = format!("{prefix}{}", dice.hex(48));
        let business = match (key.business.is_empty(), key.tier) {
            (false, _) => key.business,
            (true, Tier::Premium) => self.default_business.clone(),
            // The tier is the business's: another tier is another business.
            (true, Tier::Free) => format!("{}_free", self.default_business),
            (true, Tier::Enterprise) => format!("{}_enterprise", self.default_business),
        };
        self.businesses.entry(business.clone()).and_modify(|known| known.tier = key.tier).or_insert(Business {
            tier: key.tier,
            suspended: false,
            balance_kobo: 1_000_000,
        });
        self.issued += 1;
        self.keys.insert(
            text.clone(),
            Key {
                id: format!("key_{}", dice.hex(16)),
                environment: key.environment,
                business,
                created_at: now.saturating_sub(u64::from(key.age_days).saturating_mul(DAY)),
                last_used: None,
                total_calls: 0,
                revoked: false,
                order: self.issued,
            },
        );
        text
    }

    pub(crate) fn revoke(&mut self, key: &str) -> bool {
        self.keys.get_mut(key).is_some_and(|found| {
            found.revoked = true;
            true
        })
    }

    /// Deletes a key by itself or by its key id.
    pub(crate) fn delete(&mut self, key_or_id: &str) -> bool {
        let before = self.keys.len();
        self.keys.retain(|text, key| text != key_or_id && key.id != key_or_id);
        self.keys.len() < before
    }

    /// Suspends or resumes a business, named by its id or by one of its keys.
    pub(crate) fn suspend(&mut self, business_or_key: &str, suspended: bool) -> bool {
        let business = match self.keys.get(business_or_key) {
            Some(key) => key.business.clone(),
            None => business_or_key.to_owned(),
        };
        self.businesses.get_mut(&business).is_some_and(|found| {
            found.suspended = suspended;
            true
        })
    }

    /// The business's keys as `GET /v1/api-keys` lists them, oldest first.
    pub(crate) fn list_keys(&self, business: &str, now: u64) -> Vec<Value> {
        let mut own: Vec<_> = self.keys.iter().filter(|(_, key)| key.business == business).collect();
        own.sort_by_key(|(_, key)| key.order);
        own.into_iter()
            .map(|(text, key)| {
                json!({
                    "keyId": key.id,
                    "keyPrefix": &text[..12],
                    "keyLastFour": &text[text.len() - 4..],
                    "environment": match key.environment {
                        Environment::Live => "live",
                        Environment::Test => "test",
                    },
                    "isActive": !key.revoked && now < key.expires_at(),
                    "createdAt": date_time(key.created_at),
                    "lastUsedAt": key.last_used.map(date_time),
                    "totalCalls": key.total_calls,
                    "expiresAt": date_time(key.expires_at()),
                })
            })
            .collect()
    }
}
