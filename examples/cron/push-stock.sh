#!/bin/sh
# Pushes a stock export to onhand. Prints nothing if every row was applied, so cron sends mail only
# about failures. Exits with the code of `onhand push` (docs/push.md).
#
#   ONHAND_URL=https://stock.example.com ./push-stock.sh /exports/stock.csv /etc/onhand/token
#
# The tool is onhand-push.mjs from the server's /download/ page, unless ONHAND is set to the command onhand.
set -eu

file=$1
token_file=$2

# An earlier run may still be retrying. Two pushes of the same file would compete for its state.
exec 9>"$file.lock"
flock --nonblock 9 || exit 0

tool=${ONHAND:+$ONHAND push}

# --as-of mtime: rows older than what the server knows are not applied.
exec ${tool:-node /usr/local/lib/onhand-push.mjs} "$file" --as-of mtime --quiet --url "$ONHAND_URL" --token-file "$token_file"
