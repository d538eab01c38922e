//! The C and C++ interface, from C and C++: programs of `tests/c` and of `examples`, compiled by gcc and clang with every warning an error, run against
//! the sandbox.
//!
//! `make test` runs a part under valgrind and the sanitizers, `make check-c` (`LEDGERAUTH_C_FULL`) all of it.

mod bare;
mod build;
mod erp;
mod examples;
mod login;
mod packages;
mod readme;
mod redis;
mod sanitizers;
mod sizes;
mod stage;
mod statuses;
mod wire;
mod wrapper;

// The authorization server, and the browser, that the Rust client is tested with.
#[allow(dead_code, unreachable_pub, reason = "shared with the tests of auth-http, which use all of it")]
#[path = "../../../../crates/auth-http/tests/support/browser.rs"]
mod browser;
#[allow(dead_code, unreachable_pub, reason = "as above")]
#[path = "../../../../crates/auth-http/tests/support/oidc.rs"]
mod oidc;
#[allow(dead_code, reason = "as above")]
#[path = "../../../../crates/auth-http/tests/fleet/redis_tls.rs"]
mod redis_tls;
#[allow(dead_code, unreachable_pub, reason = "as above")]
#[path = "../../../../crates/auth-http/tests/support/server.rs"]
mod server;

/// As those files call it.
mod support {
    pub(crate) use crate::server;
}

use build::{Compiler, Program, compilers, no_c};
use stage::{Stage, TempFolder, World};

/// The test programs, and whether they talk to the sandbox.
const PROGRAMS: [(&str, bool); 9] = [
    ("abi", false),
    ("vectors", false),
    ("exchanges", false),
    ("answers", false),
    ("misplaced", false),
    ("bodies", false),
    ("client", true),
    ("errors", true),
    ("callbacks", true),
];

#[test]
fn every_program_holds_in_c11_by_both_compilers() {
    if no_c() {
        return;
    }
    for compiler in compilers() {
        for (name, talks) in PROGRAMS {
            let program = Program::test(name).by(compiler).build();
            program.run(&Stage::start(World::Tls).env(), &[]);
            if talks && compiler == Compiler::Gcc {
                let mut env = Stage::start(World::Tls);
                env.add("LEDGERAUTH_OWN_HTTP", "1");
                program.run(&env.env(), &[]);
            }
        }
    }
}

#[test]
fn the_header_is_also_cpp17() {
    if no_c() {
        return;
    }
    for compiler in compilers() {
        Program::test("abi").by(compiler).in_cpp().build().run(&Stage::start(World::Tls).env(), &[]);
    }
}

#[test]
fn a_body_of_more_than_256_mib_is_not_read_into_memory() {
    if no_c() {
        return;
    }
    Program::test("bodies").build().run(&[], &["default"]);
}

#[test]
fn sixteen_threads_share_one_client() {
    if no_c() {
        return;
    }
    let program = Program::test("threads").build();
    program.run(&Stage::start(World::Tls).env(), &["50"]);
}
