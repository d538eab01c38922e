//! Gives the shared library its soname: its name with the major version, within which programs need not be linked anew.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let major = variable("CARGO_PKG_VERSION_MAJOR");
    match variable("CARGO_CFG_TARGET_OS").as_str() {
        "macos" => println!("cargo:rustc-cdylib-link-arg=-Wl,-install_name,@rpath/libledgerauth.{major}.dylib"),
        "linux" => println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libledgerauth.so.{major}"),
        _ => {}
    }
}
