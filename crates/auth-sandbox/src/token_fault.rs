use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::net::Reply;

/// One way in which a token answer can be wrong.
///
/// The first group leaves the good answer as it is and spoils one field of it: the server has acted. The second
/// group answers something else altogether: the server has not acted, no token exists and no refresh token was used
/// up. Answers that are no success (a wrong secret, say) stay as they are in the first group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenReply {
    /// `"expires_in": "3600"`.
    LifetimeAsText,
    /// No `expires_in`.
    LifetimeMissing,
    /// `"expires_in": 3599.5`.
    LifetimeFractional,
    /// `"expires_in": -3600`.
    LifetimeNegative,
    /// `"expires_in": 18446744073709551615`.
    LifetimeHuge,
    /// `"token_type": "bearer"`.
    TokenTypeLower,
    /// `"token_type": "BEARER"`.
    TokenTypeUpper,
    /// No `token_type`.
    TokenTypeMissing,
    /// `"token_type": "mac"`.
    TokenTypeMac,
    /// No `access_token`.
    AccessTokenMissing,
    /// `"access_token": ""`.
    AccessTokenEmpty,
    /// `"access_token": 12345`.
    AccessTokenNotText,
    /// An access token with a line break and a made-up header behind it.
    AccessTokenWithNewline,
    /// No `refresh_token`.
    OmitRefreshToken,
    /// `"refresh_token": null`.
    RefreshTokenNull,
    /// The good answer, cut off after two thirds; the length says so, the JSON does not end.
    TruncatedJson,
    /// The good answer with more than one mebibyte of padding.
    OverOneMebibyte,
    /// The good answer with one more field whose text is Latin-1 and not UTF-8.
    Latin1Bytes,
    /// The good answer inside an array.
    Array,
    /// 200 with `{"error":"invalid_grant"}`; nothing minted.
    ErrorInside200,
    /// 200 with a page of HTML; nothing minted.
    Html200,
    /// 502 with a page of HTML; nothing minted.
    Html502,
    /// 200 with no body; nothing minted.
    EmptyBody,
    /// An answer of your own; nothing minted.
    Raw {
        /// The status, 200 to 999.
        status: u16,
        /// The content type.
        content_type: String,
        /// The body.
        body: String,
    },
}

const PAGE: &str = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body><h1>One moment</h1></body></html>\n";

impl TokenReply {
    /// The answer that replaces the real one, for kinds that do not act.
    pub(crate) fn instead(&self) -> Option<Reply> {
        Some(match self {
            Self::ErrorInside200 => {
                Reply::json(200, &json!({"error": "invalid_grant", "error_description": "The grant is no longer valid"}))
            }
            Self::Html200 => Reply::text(200, "text/html; charset=utf-8", PAGE),
            Self::Html502 => Reply::text(502, "text/html; charset=utf-8", PAGE),
            Self::EmptyBody => Reply::text(200, "application/json", ""),
            Self::Raw { status, content_type, body } => Reply::text(*status, content_type, body),
            _ => return None,
        })
    }

    /// Spoils a good answer, for kinds that act.
    pub(crate) fn spoil(&self, reply: &mut Reply) {
        if reply.status != 200 {
            return;
        }
        let Ok(Value::Object(mut fields)) = serde_json::from_slice(&reply.body) else {
            return;
        };
        self.spoil_fields(&mut fields);
        let whole = Value::Object(fields);
        reply.body = match self {
            Self::Array => json!([whole]).to_string().into_bytes(),
            Self::TruncatedJson => {
                let mut text = whole.to_string().into_bytes();
                text.truncate(text.len() * 2 / 3);
                text
            }
            Self::Latin1Bytes => {
                let mut text = whole.to_string().into_bytes();
                text.pop();
                text.extend_from_slice(b",\"company\":\"Caf\xe9 M\xfcller\"}");
                text
            }
            _ => whole.to_string().into_bytes(),
        };
    }

    fn spoil_fields(&self, fields: &mut Map<String, Value>) {
        let mut set = |name: &str, value: Value| {
            fields.insert(name.to_owned(), value);
        };
        match self {
            Self::LifetimeAsText => set("expires_in", json!("3600")),
            Self::LifetimeFractional => set("expires_in", json!(3599.5)),
            Self::LifetimeNegative => set("expires_in", json!(-3600)),
            Self::LifetimeHuge => set("expires_in", json!(u64::MAX)),
            Self::TokenTypeLower => set("token_type", json!("bearer")),
            Self::TokenTypeUpper => set("token_type", json!("BEARER")),
            Self::TokenTypeMac => set("token_type", json!("mac")),
            Self::AccessTokenEmpty => set("access_token", json!("")),
            Self::AccessTokenNotText => set("access_token", json!(12345)),
            Self::AccessTokenWithNewline => {
                set("access_token", json!("abc\r\nX-Injected: yes"));
            }
            Self::RefreshTokenNull => set("refresh_token", Value::Null),
            Self::OverOneMebibyte => set("padding", json!("x".repeat(1024 * 1024 + 1))),
            Self::LifetimeMissing => drop(fields.remove("expires_in")),
            Self::TokenTypeMissing => drop(fields.remove("token_type")),
            Self::AccessTokenMissing => drop(fields.remove("access_token")),
            Self::OmitRefreshToken => drop(fields.remove("refresh_token")),
            _ => {}
        }
    }
}
