#!/bin/sh
# Lays out what was built: libraries, headers, the pkg-config file, the CMake package.
#
#     packaging/install.sh BUILT        BUILT is the folder with libledgerauth.so and libledgerauth.a
#
# PREFIX (/usr/local), LIBDIR (lib, below the prefix) and DESTDIR (for packagers) say where to. SANDBOX, if it is set, is the program of the sandbox,
# which is installed beside as bin/ledgerauth-sandbox: for the tests of those who use the library.
set -eu
built=$1
here=$(cd "$(dirname "$0")/.." && pwd)
version=$(sed -n 's/^version = "\([0-9][0-9.]*\)"$/\1/p' "$here/../../Cargo.toml" | head -1)
major=${version%%.*}
libdir=${LIBDIR:-lib}
root=${DESTDIR:-}${PREFIX:-/usr/local}
# What a program that links the static library needs beside it, as rustc says.
static_libs='-lgcc_s -lutil -lrt -lpthread -lm -ldl -lc'

mkdir -p "$root/$libdir/pkgconfig" "$root/$libdir/cmake/ledgerauth" "$root/include/ledgerauth"
install -m 644 "$here/../../include/ledgerauth.h" "$here/../../include/ledgerauth.hpp" "$root/include/"
install -m 644 "$here"/../../include/ledgerauth/*.hpp "$root/include/ledgerauth/"

if [ -n "${SANDBOX:-}" ]; then
  mkdir -p "$root/bin"
  install -m 755 "$SANDBOX" "$root/bin/ledgerauth-sandbox"
  strip --strip-unneeded "$root/bin/ledgerauth-sandbox"
fi

shared=libledgerauth.so.$version
soname=libledgerauth.so.$major
install -m 755 "$built/libledgerauth.so" "$root/$libdir/$shared"
strip --strip-unneeded "$root/$libdir/$shared"
ln -sf "$shared" "$root/$libdir/$soname"
ln -sf "$soname" "$root/$libdir/libledgerauth.so"

# One object of all that the interface reaches, with no other name in it: so that a program may link two Rust libraries.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sed 's/^/-u /' "$here/symbols.txt" | xargs ld -r --gc-sections -o "$work/all.o" "$built/libledgerauth.a"
objcopy --strip-debug -R .llvmbc -R .llvmcmd --keep-global-symbols="$here/symbols.txt" "$work/all.o" "$work/ledgerauth.o"
rm -f "$work/libledgerauth.a"
ar rcs "$work/libledgerauth.a" "$work/ledgerauth.o"
install -m 644 "$work/libledgerauth.a" "$root/$libdir/"

fill() {
  sed -e "s|@VERSION@|$version|g" -e "s|@MAJOR@|$major|g" -e "s|@LIBDIR@|$libdir|g" -e "s|@SHARED@|$shared|g" -e "s|@SONAME@|$soname|g" \
    -e "s|@STATIC_LIBS@|$2|g" "$here/packaging/$1.in" >"$work/$1"
  install -m 644 "$work/$1" "$3/"
}
fill ledgerauth.pc "$static_libs" "$root/$libdir/pkgconfig"
fill ledgerauthConfig.cmake "$(echo "$static_libs" | tr ' ' ';')" "$root/$libdir/cmake/ledgerauth"
fill ledgerauthConfigVersion.cmake "$static_libs" "$root/$libdir/cmake/ledgerauth"
