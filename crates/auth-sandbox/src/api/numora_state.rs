use std::collections::HashMap;

use serde_json::{Value, json};

use crate::dice::Dice;
use crate::keys::NumoraKey;

pub(crate) struct Key {
    pub(crate) scopes: Vec<String>,
    pub(crate) revoked: bool,
}

/// A document as the server keeps it.
#[derive(Clone)]
pub(crate) struct Document {
    pub(crate) id: String,
    pub(crate) schema: String,
    pub(crate) file_url: String,
    pub(crate) external_id: Option<String>,
    pub(crate) metadata: Value,
    pub(crate) polls: u32,
    pub(crate) ready: bool,
}

impl Document {
    pub(crate) fn as_json(&self) -> Value {
        let id = &self.id;
        let mut body = json!({
            "id": id,
            "status": if self.ready { "ready" } else { "processing" },
            "schema": self.schema,
            "status_url": format!("/v1/documents/{id}"),
            "result_url": format!("/v1/documents/{id}/result"),
        });
        if let Some(external_id) = &self.external_id {
            body["external_id"] = json!(external_id);
        }
        if !self.metadata.is_null() {
            body["metadata"] = self.metadata.clone();
        }
        body
    }
}

/// Numora's keys and documents: one workspace.
#[derive(Default)]
pub(crate) struct Numora {
    pub(crate) keys: HashMap<String, Key>,
    pub(crate) documents: Vec<Document>,
    by_id: HashMap<String, usize>,
    by_external_id: HashMap<String, usize>,
}

impl Numora {
    pub(crate) fn issue(&mut self, dice: &Dice, key: NumoraKey) -> String {
        let text = format!("sk_live_{}", dice.word(24));
        self.keys.insert(text.clone(), Key { scopes: key.scopes, revoked: key.revoked });
        text
    }

    pub(crate) fn revoke(&mut self, key: &str) -> bool {
        self.keys.get_mut(key).is_some_and(|found| {
            found.revoked = true;
            true
        })
    }

    pub(crate) fn by_id(&mut self, id: &str) -> Option<&mut Document> {
        let place = *self.by_id.get(id)?;
        self.documents.get_mut(place)
    }

    pub(crate) fn by_external_id(&self, external_id: &str) -> Option<&Document> {
        self.documents.get(*self.by_external_id.get(external_id)?)
    }

    pub(crate) fn add(&mut self, document: Document) {
        let place = self.documents.len();
        self.by_id.insert(document.id.clone(), place);
        if let Some(external_id) = &document.external_id {
            self.by_external_id.insert(external_id.clone(), place);
        }
        self.documents.push(document);
    }
}
