#!/bin/sh
# Sends stock levels in one bulk request and prints the result of every line that failed.
#
#   ONHAND_TOKEN=... ./send-stock.sh stock.json [http://127.0.0.1:8080]
#
# stock.json is a JSON array of lines: [{"sku_id": "A-1", "quantity_in_stock": 512}]
#
# Exits 0 if every line was applied, 3 if some lines failed (the others were applied), and with
# curl's exit code if the request failed. A failed request applied nothing: run the script again.
set -eu

file=$1
url=${2:-http://127.0.0.1:8080}

# The key makes retries safe: the server applies the request once and repeats its first reply.
# Every run needs a new key. A key made of the file's content would skip a file that is sent again later.
key=$(cat /proc/sys/kernel/random/uuid 2>/dev/null || uuidgen)

# The token goes through stdin, because other users can read a command's arguments.
failures=$(
  printf 'header = "Authorization: Token %s"\n' "$ONHAND_TOKEN" |
    curl --config - --silent --show-error --fail-with-body \
      --retry 5 --retry-connrefused --max-time 120 \
      --header 'Content-Type: application/json' \
      --header "Idempotency-Key: $key" \
      --data-binary "@$file" \
      "$url/timp/products/skus/inventory/bulk/?errors_only=true"
) || {
  status=$?
  printf '%s\n' "$failures" >&2
  exit "$status"
}

if [ "$failures" = '[]' ]; then exit 0; fi
printf '%s\n' "$failures"
exit 3
