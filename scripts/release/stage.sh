#!/usr/bin/env bash
# Puts onhand, with the dependencies of its lock file and a Node.js of its own, into the folder $1: what the Debian
# package and the container image contain as /usr/lib/onhand.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
target=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cd "$root"
npm pack --silent --pack-destination "$work" >/dev/null
mkdir -p "$target"
tar -xzf "$work"/onhand-*.tgz -C "$target" --strip-components=1
# npm ci wants all that the lock file names; the sources of the workspaces are in the package already.
cp package-lock.json "$target"/
cp client/package.json "$target"/client/
mkdir -p "$target"/dashboard
cp dashboard/package.json "$target"/dashboard/
cd "$target"
# All native code comes as prebuilt files inside the packages: no script has to run.
npm ci --silent --omit=dev --ignore-scripts --no-audit --no-fund

architecture=$(node -p process.arch)
mv node_modules/"node-linux-$architecture"/bin/node bin/node
rm -rf node_modules/node-linux-* node_modules/.bin package-lock.json
# Of the SQLite driver: no sources, and only the build for this machine.
rm -rf node_modules/better-sqlite3/deps node_modules/better-sqlite3/src
find node_modules/better-sqlite3/prebuilds -type f ! -name "linux-$architecture.node" -delete
# The links to the workspaces.
find node_modules -maxdepth 2 -type l -delete
find . -name '*.d.ts' -path './node_modules/*' -delete
find . -name '*.map' -delete
