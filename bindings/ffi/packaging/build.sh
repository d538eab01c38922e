#!/bin/sh
# Builds the libraries as they are installed: target/c/PROFILE/libledgerauth.so and libledgerauth.a.
#
#     packaging/build.sh PROFILE [OPTIONS OF CARGO]        small is what is installed; --no-default-features leaves HTTP out
#
# TARGET_DIR says where else to build. The Rust library is left out, because cargo optimises nothing across crates where it is to be made as well.
set -eu
profile=$1
shift
cd "$(dirname "$0")/.."
if [ "$profile" != dev ]; then
  # What is built piece by piece is not optimised as a whole.
  export CARGO_INCREMENTAL=0
  # With frame pointers the tables for unwinding are a third smaller, and profilers need no tables at all.
  flags=-Cforce-frame-pointers=yes
  also() {
    flags="$flags$(printf '\037')$1"
  }
  # What paths of this machine the messages of panics would hold says nothing to whom they reach.
  also "--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}/registry/src="
  also "--remap-path-prefix=$(cd ../.. && pwd)="
  # The ciphers seal and name records of a few kilobytes, for which vector code is not worth its size.
  also '--cfg=chacha20_backend="soft"'
  also '--cfg=poly1305_backend="soft"'
  also '--cfg=sha2_backend_soft="compact"'
  for flag in ${RUSTFLAGS:-}; do
    also "$flag"
  done
  export CARGO_ENCODED_RUSTFLAGS="$flags"
fi
exec "${CARGO:-cargo}" rustc --quiet -p auth-ffi --lib --profile "$profile" --crate-type cdylib,staticlib --target-dir "${TARGET_DIR:-../../target/c}" "$@"
