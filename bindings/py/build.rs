//! Says which interpreter this is built for, so that `kept.rs` can tell one with a global lock from one without.

fn main() {
    pyo3_build_config::use_pyo3_cfgs();
}
