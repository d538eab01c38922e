//! Calls that cannot succeed, as far as the profile knows: said before they are sent where the owner declared what the credential may do, and in the failure where not.

mod support;

use auth_http::{Credential, FailureKind, Key};
use auth_sandbox::{AdaasKey, AdaasScope, Service};
use support::{adaas, finora, numora, requests, sandbox};

#[test]
fn an_enterprise_module_is_not_called_with_a_key_declared_retail() {
    let sandbox = sandbox();
    let key = Key::new(sandbox.keys().finora_test.as_str()).permissions(["retail"]);
    let client = finora(&sandbox).credential(Credential::key(key)).build().unwrap();
    for path in ["/v1/lending/products", "/v1/officers/off_1/profile?x=1", "/v1/businesses/biz_1/ai/query", "/v1/enterprise"] {
        let error = client.get(path).send().unwrap_err();
        assert_eq!(error.kind(), Some(FailureKind::EnterpriseOnly), "{path}: {error}");
        assert!(error.to_string().contains("declared to have retail, so nothing was sent"), "{error}");
        assert_eq!(client.authorize(path).map(|_| ()).unwrap_err().kind(), Some(FailureKind::EnterpriseOnly));
    }
    assert!(requests(&sandbox, Service::Finora).is_empty());
    assert_eq!(client.get("/v1/invoices").send().unwrap().status(), 200);
    assert_eq!(client.get("/v1/businesses").send().unwrap().status(), 404, "a path of the same beginning is sent");
    assert!(client.authorize("/v1/invoices").is_ok() && client.authorize("/v1/officers").is_err(), "a fresh credential changes nothing");
    let check = client.check();
    assert!(check.is_ok() && check.closed().len() == 1);
    assert!(
        check.to_string().contains("/v1/lending")
            && check.to_string().contains("cannot succeed with it, they need the permission enterprise"),
        "{check}"
    );
}

#[test]
fn what_nobody_declared_is_sent_and_the_failure_names_the_permission() {
    let sandbox = sandbox();
    let client = finora(&sandbox).build().unwrap();
    let response = client.get("/v1/officers/off_1/profile").send().unwrap();
    let failure = response.failure().unwrap();
    assert_eq!((failure.kind(), failure.status()), (FailureKind::EnterpriseOnly, Some(403)));
    assert!(failure.what().contains("need the permission enterprise"), "{failure}");
    assert!(client.check().closed().is_empty());
    assert!(
        numora(&sandbox).permissions(["anything"]).build().unwrap().check().closed().is_empty(),
        "a profile without requirements closes nothing"
    );
}

#[test]
fn a_report_route_says_which_scope_is_missing() {
    let sandbox = sandbox();
    let full = adaas(&sandbox).build().unwrap();
    let response = full.get("/v2/visualizations/income").send().unwrap();
    let failure = response.failure().unwrap();
    assert_eq!(failure.kind(), FailureKind::MissingScope, "{failure}");
    assert!(failure.advice().contains("Visualization SDK") && failure.status() == Some(403), "{failure}");

    let key = sandbox.issue_adaas_key(AdaasKey { scopes: vec![AdaasScope::VisualizationSdk], ..AdaasKey::default() }).unwrap();
    let visual = || adaas(&sandbox).credential(Credential::client(&key.client_id, key.secret.as_str()));
    let failure = visual().build().unwrap().get("/v2/invoices").send().unwrap().failure().unwrap().clone();
    assert_eq!(failure.kind(), FailureKind::MissingScope);
    assert!(failure.what().contains("Accounting Data as a Service API"), "{failure}");

    let declared = visual().permissions(["Visualization SDK"]).build().unwrap();
    let before = requests(&sandbox, Service::AdaasApi).len();
    assert_eq!(declared.get("/v2/invoices").send().unwrap_err().kind(), Some(FailureKind::MissingScope));
    assert_eq!(requests(&sandbox, Service::AdaasApi).len(), before);
    assert_eq!(declared.get("/v2/visualizations/income").send().unwrap().status(), 200);
    assert_eq!(declared.get("/v2/reports/income").send().unwrap().status(), 200);
    assert!(declared.check().to_string().contains("cannot succeed with it"));
}
