# Sourced by tools/run, tools/test and their kin: where the checkout is, how a step is announced, how the build folder is made and brought up to date.
# Everything said here goes to stderr: stdout belongs to the program that is run.
# shellcheck shell=bash
set -u
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P) || exit 1
build=$root/build
export LC_ALL=C.UTF-8
PATH=${PATH:-}${PATH:+:}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

say() { printf 'raymill: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# ccache, where Meson finds one, must not fail the build of somebody whose home cannot be written.
[ -w "${CCACHE_DIR:-${XDG_CACHE_HOME:-${HOME:-/nonexistent}}}" ] || export CCACHE_DISABLE=1

# quietly WHAT COMMAND...: announces the step, keeps its output back, and shows it only where the command fails.
quietly() {
    local what=$1 log status
    shift
    say "$what"
    log=$(mktemp) || die "cannot write to ${TMPDIR:-/tmp}: free some space, or set TMPDIR"
    "$@" >"$log" 2>&1 </dev/null
    status=$?
    [ "$status" = 0 ] || { tail -n 40 "$log" >&2; }
    rm -f "$log"
    return "$status"
}

# configure ON|OFF: makes the build folder. One folder serves run and test, so nothing is compiled twice: tests are switched on by the first
# tools/test and stay on; tools/run builds its one target either way.
configure() {
    if [ ! -e "$build/build.ninja" ]; then
        quietly "configuring the build" meson setup "$build" "$root" -Dtests="$1" || die "Meson could not configure the build (above)"
    elif [ "$1" = true ] && ! tr -d ' \n' <"$build/meson-info/intro-buildoptions.json" | grep -q '"name":"tests","value":true'; then
        quietly "switching the tests on" meson configure "$build" -Dtests=true || die "Meson could not configure the build (above)"
    fi
}

# compile [TARGET...]: brings the build up to date; silent where there is nothing to do. A failed build shows the compiler's lines.
compile() {
    ninja -C "$build" -n "$@" 2>/dev/null | grep -q 'ninja: no work to do' && return
    say "building (the first time takes some minutes)"
    if [ -t 2 ]; then ninja -C "$build" "$@" >&2 </dev/null; else ninja -C "$build" --quiet "$@" >&2 </dev/null; fi || die "the build failed (above)"
}
