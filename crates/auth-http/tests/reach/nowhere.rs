//! A token request whose connection cannot be made spends nothing: no name, no network, no route,
//! no descriptor. The next process goes on with the same refresh token.

use crate::child::{Lack, Task, outcomes, record_of};
use crate::endpoint::Endpoint;
use crate::places::Files;
use crate::support::server::{lacks, skipped};
use std::process::{Child, Command};

/// One process meets the fault, the next one does not.
fn costs_nothing(host: &str, fault: impl FnOnce(Task) -> Child) -> String {
    let (server, place) = (Endpoint::rotating(|| {}), Files::plain());
    let task = Task::new(format!("http://{host}:{}", server.port), &place);
    let met = outcomes(fault(task.clone())).remove(0);
    assert!(met.starts_with("token_endpoint: "), "{met}");
    let record = record_of(&place);
    assert!(record.is_none_or(|record| record.spending.is_none()), "a journal entry stands: {met}");
    assert_eq!(server.requests("/oauth/token"), 0, "{met}");
    assert_eq!(outcomes(task.start())[0], "ok", "the connection is lost: {met}");
    assert_eq!((server.requests("/oauth/token"), server.requests("/v1/health")), (1, 1));
    met
}

/// Whether this process may make namespaces.
fn has_namespaces() -> bool {
    let what = "token requests without a network";
    if lacks("network", what) {
        return false;
    }
    let made = Command::new("unshare").args(["--net", "--mount", "ip", "link"]).output();
    let has = made.is_ok_and(|output| output.status.success());
    if !has {
        skipped("root", what);
    }
    has
}

#[test]
fn a_name_that_does_not_resolve_costs_nothing() {
    if has_namespaces() {
        let without_hosts = "mount --bind /dev/null /etc/hosts;";
        let met = costs_nothing("localhost", |task| task.start_apart(without_hosts));
        assert!(met.contains("lookup") || met.contains("name"), "{met}");
    }
}

#[test]
fn no_network_costs_nothing() {
    if has_namespaces() {
        let met = costs_nothing("127.0.0.1", |task| task.start_apart(""));
        assert!(met.contains("nreachable"), "{met}");
    }
}

#[test]
fn no_route_costs_nothing_whatever_the_kernel_calls_it() {
    if !has_namespaces() {
        return;
    }
    // EHOSTUNREACH, EACCES, EINVAL.
    for kind in ["unreachable", "prohibit", "blackhole"] {
        let no_route = format!("ip link set lo up; ip addr del 127.0.0.1/8 dev lo; ip route add {kind} 127.0.0.0/8;");
        println!("{kind}: {}", costs_nothing("127.0.0.1", |task| task.start_apart(&no_route)));
    }
}

#[test]
fn no_descriptor_costs_nothing() {
    for host in ["127.0.0.1", "localhost"] {
        let hungry = |task: Task| Task { lack: Lack::Descriptors, ..task }.start();
        println!("{host}: {}", costs_nothing(host, hungry));
    }
}
