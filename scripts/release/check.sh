#!/usr/bin/env bash
# Checks the other packages, as root on Debian: builds the Debian package, installs it, and sends a bulk request to its
# server; does the same with what the container image contains; checks the unit, the alert rules and the Kubernetes objects.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
server=
cleanup() {
  if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; fi
  if dpkg --status onhand >/dev/null 2>&1; then dpkg --purge onhand >/dev/null; fi
  rm -rf "$work" /var/lib/onhand
}
fail() {
  echo "check: $1" >&2
  exit 1
}
[ "$(id -u)" = 0 ] || fail 'run it as root: it installs the Debian package'
if dpkg --status onhand >/dev/null 2>&1 || [ -e /var/lib/onhand ]; then fail 'onhand is installed here already'; fi
trap cleanup EXIT

# Sends a bulk request to the server whose output is in a file: check_bulk <log> <token>
check_bulk() {
  local url reply
  for _ in $(seq 600); do
    url=$(grep -oE 'http://127\.0\.0\.1:[0-9]+' "$1" | head -n 1) && break
    kill -0 "$server" 2>/dev/null || fail "the server ended: $(cat "$1")"
    sleep 0.1
  done
  [ -n "$url" ] || fail "the server printed no address: $(cat "$1")"
  reply=$(curl --silent --show-error --noproxy '*' "$url/timp/products/skus/inventory/bulk/" \
    --header "Authorization: Token $2" --header 'Content-Type: application/json' \
    --data '[{"sku_id": "A-1", "quantity_in_stock": 512}]')
  [ "$(tr -d ' \n' <<<"$reply")" = '[{"status_code":200,"message":"success"}]' ] || fail "bulk answers $reply"
  kill "$server"
  wait "$server" || fail 'the server did not stop in order'
  server=
}

if command -v promtool >/dev/null; then
  promtool check rules "$root"/deploy/prometheus/onhand.rules.yml >/dev/null
  (cd "$root"/deploy/prometheus && promtool test rules onhand.rules.test.yml >/dev/null)
  echo 'check: the alert rules are valid and pass their tests'
fi

package=$("$root"/scripts/release/deb.sh "$work")
dpkg --install "$package" >/dev/null
systemd-analyze verify /lib/systemd/system/onhand.service /lib/systemd/system/onhand.socket
systemd-analyze security --offline=yes --threshold=25 --no-pager /lib/systemd/system/onhand.service >/dev/null ||
  fail 'systemd-analyze security rates the service above 2.5'
export ONHAND_DATABASE=sqlite:/var/lib/onhand/onhand.db
onhand organization create --type supplier Acme >/dev/null
printf 'sku_id,title\nA-1,Kettle\n' >/var/lib/onhand/catalogue.csv
chown onhand /var/lib/onhand/catalogue.csv
onhand import /var/lib/onhand/catalogue.csv --supplier Acme >/dev/null
token=$(onhand token create --organization Acme)
[ "$(stat -c %U /var/lib/onhand/onhand.db)" = onhand ] || fail 'the database is not owned by the user onhand'
onhand serve --port 0 2>"$work"/deb.log &
server=$!
check_bulk "$work"/deb.log "$token"
onhand doctor >/dev/null
echo "check: $(basename "$package") ($(du -h "$package" | cut -f 1)) installs and serves"

image=$("$root"/scripts/release/image.sh "$work")
mkdir "$work"/image "$work"/layers
tar -xf "$image" -C "$work"/layers
for layer in $(file --mime-type "$work"/layers/blobs/sha256/* | awk -F: '/gzip|tar/ {print $1}'); do
  tar -xf "$layer" -C "$work"/image
done
inside=(chroot --userspec=65532:65532 "$work"/image /usr/lib/onhand/bin/node /usr/lib/onhand/bin/onhand.js)
mkdir -p "$work"/image/dev && mknod -m 0666 "$work"/image/dev/null c 1 3 && mknod -m 0666 "$work"/image/dev/urandom c 1 9
"${inside[@]}" organization create --type supplier Acme >/dev/null
printf 'sku_id,title\nA-1,Kettle\n' >"$work"/image/tmp/catalogue.csv
"${inside[@]}" import /tmp/catalogue.csv --supplier Acme >/dev/null
token=$("${inside[@]}" token create --organization Acme)
"${inside[@]}" serve --port 0 2>"$work"/image.log &
server=$!
check_bulk "$work"/image.log "$token"
echo "check: $(basename "$image") ($(du -h "$image" | cut -f 1)) contains a server that serves"

mkdir "$work"/kubernetes
cp "$root"/scripts/release/check-kubernetes.mjs "$work"/kubernetes/
cd "$work"/kubernetes
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund yaml@2.9.1 kubernetes-models@5.1.0 @kubernetes-models/prometheus-operator@6.0.0
node check-kubernetes.mjs "$root"/deploy/kubernetes
