#!/usr/bin/env bash
# Checks the published package: packs it, installs it into an empty folder, and runs its compiled files
# under Node 22 and Node 24. Each version serves, answers one bulk request, and pushes one file.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
# The oldest supported line, and the version that the package brings along (package.json).
versions=(22.23.3 24.21.0)

work=$(mktemp -d)
server=
cleanup() {
  if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; fi
  rm -rf "$work"
}
trap cleanup EXIT

fail() {
  echo "check-package: $1" >&2
  exit 1
}

cd "$root"
npm pack --silent --pack-destination "$work" >/dev/null
mkdir "$work/app"
cd "$work/app"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund "$work"/onhand-*.tgz
onhand="$work/app/node_modules/onhand/bin/onhand.js"
[ ! -e node_modules/onhand/src ] || fail 'the package contains src/'
[ -e node_modules/onhand/dashboard/dist/index.html ] || fail 'the package lacks the dashboard'

for version in "${versions[@]}"; do
  runtime="node-linux-$(node -p process.arch)"
  mkdir "$work/node-$version"
  npm install --silent --no-audit --no-fund --prefix "$work/node-$version" "$runtime@$version"
  node="$work/node-$version/node_modules/$runtime/bin/node"
  [ "$("$node" --version)" = "v$version" ] || fail "there is no Node $version"

  mkdir "$work/run-$version"
  cd "$work/run-$version"
  export XDG_STATE_HOME="$PWD/state"
  printf 'sku_id,title\nA-1,Kettle\nA-2,Pan\n' >catalogue.csv
  "$node" "$onhand" organization create --type supplier Acme >/dev/null
  "$node" "$onhand" import catalogue.csv --supplier Acme >/dev/null
  "$node" "$onhand" token create --organization Acme >token

  "$node" "$onhand" serve --port 0 2>log &
  server=$!
  until url=$(grep -oE 'http://127\.0\.0\.1:[0-9]+' log); do
    kill -0 "$server" 2>/dev/null || fail "serve ended under Node $version: $(cat log)"
    sleep 0.1
  done
  url=$(head -n 1 <<<"$url")

  reply=$(curl --silent --show-error --noproxy '*' "$url/timp/products/skus/inventory/bulk/" \
    --header "Authorization: Token $(cat token)" --header 'Content-Type: application/json' \
    --data '[{"sku_id": "A-1", "quantity_in_stock": 512}]')
  expected='[{"status_code":200,"message":"success"}]'
  [ "$(tr -d ' \n' <<<"$reply")" = "$expected" ] || fail "bulk under Node $version: $reply"

  printf 'sku_id,quantity_in_stock\nA-1,7\nA-2,8\n' >stock.csv
  "$node" "$onhand" push stock.csv --quiet --url "$url" --token-file token
  grep -q '^A-2,8,200,success' stock.csv.results.csv || fail "push under Node $version"

  kill "$server"
  wait "$server" || fail "serve did not stop cleanly under Node $version"
  server=
  "$node" "$onhand" doctor >/dev/null
  echo "check-package: Node $version: serve, bulk request and push work"
done
echo "check-package: OK, $(basename "$work"/onhand-*.tgz) under Node ${versions[*]}"
