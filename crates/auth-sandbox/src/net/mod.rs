//! Sockets, TLS and HTTP/1.1: what every service stands on.

mod accept;
mod connection;
mod form;
mod reply;
mod request;
mod tls;
mod wire;

pub(crate) use accept::Listening;
pub(crate) use connection::{Delivery, Ending, Handler, Surroundings, serve};
pub(crate) use form::{basic_credentials, form_fields, plus_decoded, query_value};
pub(crate) use reply::Reply;
pub(crate) use request::{Malformed, Request};
pub(crate) use tls::Certificates;
