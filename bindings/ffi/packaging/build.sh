#!/bin/sh
# Builds the libraries as they are installed: target/c/PROFILE/libledgerauth.so and libledgerauth.a.
#
#     packaging/build.sh PROFILE [OPTIONS OF CARGO]        small is what is installed; --no-default-features leaves HTTP out
#
# TARGET_DIR says where else to build. The Rust library is left out, because cargo optimises nothing across crates where it is to be made as well.
set -eu
profile=$1
shift
# What is built piece by piece is not optimised as a whole.
[ "$profile" = dev ] || export CARGO_INCREMENTAL=0
cd "$(dirname "$0")/.."
exec "${CARGO:-cargo}" rustc --quiet -p auth-ffi --lib --profile "$profile" --crate-type cdylib,staticlib --target-dir "${TARGET_DIR:-../../target/c}" "$@"
