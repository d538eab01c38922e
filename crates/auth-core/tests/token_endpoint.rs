//! What a token endpoint says, and what the machine makes of it over several requests.

mod support;

use auth_core::{ClientCredentials, Credential, FailureKind, Grant};
use std::time::Duration;
use support::{Scenario, failure};

fn exact() -> Scenario {
    Scenario::new("exact", "nl", |provider| {
        Credential::Grant(Grant::refresh_token(ClientCredentials::parse(provider, "client-1", "client-secret-1").unwrap(), "refresh-1"))
    })
}

#[test]
fn a_refresh_token_in_doubt_keeps_what_the_server_said() {
    let mut scenario = exact();
    let mut call = scenario.call("GET", "/x");
    scenario.to_fetch(&mut call);
    let body = r#"{"error":"maintenance","error_description":"until four"}"#;
    scenario.respond(&mut call, 503, &[("Retry-After", "600")], body);
    let outcome = scenario.to_done(&mut call);
    let failure = failure(&outcome);
    assert_eq!((failure.status(), failure.code(), failure.message()), (Some(503), Some("maintenance"), Some("until four")));
    assert_eq!(failure.come_back_at(), Some(scenario.now.after(Duration::from_mins(10))));
    let explanation = scenario.session.explain(scenario.now, scenario.stored.as_ref(), None);
    let (_, told) = explanation.last_error.unwrap();
    assert_eq!((told.status(), told.kind()), (Some(503), FailureKind::TokenEndpoint));
}
