#!/usr/bin/env python3
# onhand push for Python: sends stock files to an onhand server. Needs Python 3.9 or newer and nothing else.
#
# MIT License. Copyright (c) 2026 the onhand maintainers. The license text is in the file LICENSE of onhand; it permits use,
# copying, modification and distribution, provided that this notice is kept, and without any warranty.
"""Sends files of stock levels to an onhand server, waits until they are applied, and saves the result of each row."""

import argparse
import hashlib
import http.client
import itertools
import json
import os
import random
import re
import shlex
import sys
import time
import urllib.parse
import uuid

FILES = "/timp/organizations/files/"
FINAL_STATES = {"done", "refused", "failed", "canceled", "held"}
RETRIED_STATUSES = {408, 429, 500, 502, 503, 504}
# The server keeps idempotency keys for at least 24 hours.
RESUME_SECONDS = 20 * 3600
WAIT_SECONDS = 20
TIMEOUT_SECONDS = 120
BLOCK_BYTES = 1 << 16
SHOWN_FAILURES = 20
SHOWN_COLUMNS = 20
# How a file is read: the parameters of an upload that are a choice.
CHOICES = {
    "kind": (["inventory", "catalogue"], "what the file is (default: inventory, except a product file)"),
    "locations": (["sum", "last"], "several rows of one SKU: add them up, or the last one counts"),
    "decimal": (["comma", "point"], "what begins the fraction of a number"),
    "dates": (["day_first", "month_first"], "the order of dates such as 03/04/2027"),
    "negative": (["zero"], "read quantities below zero as zero"),
    "identifiers": (["sku_id_first"], "the sku_id counts if the other identifiers do not fit"),
}
# Those that are lists, which may be given in several parts.
LISTS = ("mapping", "words")

EXIT_DONE, EXIT_FAILED, EXIT_USAGE, EXIT_ROWS_FAILED, EXIT_REFUSED, EXIT_PARTLY = range(6)


class Refused(Exception):
    """The server answered with an error that a retry does not change."""

    def __init__(self, status, detail):
        super().__init__(f"The server answered {status}: {detail}")
        self.status = status
        self.detail = detail


class Unavailable(Exception):
    """No response, or one that asks for a retry."""

    def __init__(self, reason, retry_after=None):
        super().__init__(reason)
        self.retry_after = retry_after


class Server:
    def __init__(self, url, token, retry_minutes, say):
        parts = urllib.parse.urlsplit(url)
        self.parts = parts
        self.token = token
        self.retry_seconds = retry_minutes * 60
        self.say = say

    def once(self, method, path, headers, body, size):
        """One request; returns the open response. `body` is called to open the content anew."""
        kind = http.client.HTTPSConnection if self.parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(self.parts.hostname, self.parts.port, timeout=TIMEOUT_SECONDS)
        target = self.parts.path.rstrip("/") + path
        sent = {"Authorization": f"Token {self.token}", "Connection": "close", **headers}
        try:
            if body is None:
                connection.request(method, target, headers=sent)
            else:
                sent["Content-Length"] = str(size)
                with body() as content:
                    try:
                        connection.request(method, target, body=blocks(content), headers=sent)
                    except (BrokenPipeError, ConnectionResetError):
                        # The server has answered before it read everything: the response says why.
                        pass
            response = connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise Unavailable(f"no response from {self.parts.netloc}: {error or type(error).__name__}")
        if 200 <= response.status < 300:
            return response
        text = response.read(1 << 20)
        connection.close()
        try:
            detail = json.loads(text)["detail"]
        except (ValueError, KeyError, TypeError):
            detail = "The reply did not come from onhand. Check --url. If it is right, a proxy on the way has failed."
        if response.status in RETRIED_STATUSES:
            after = response.headers.get("Retry-After", "")
            raise Unavailable(f"{response.status}: {detail}", int(after) if after.isdigit() else None)
        raise Refused(response.status, detail)

    def ask(self, method, path, read, headers=None, body=None, size=0):
        """Retries with growing pauses until nothing has succeeded for the time asked."""
        give_up_at = time.monotonic() + self.retry_seconds
        pause = 0.5
        while True:
            try:
                response = self.once(method, path, headers or {}, body, size)
                try:
                    return read(response)
                except (OSError, http.client.HTTPException, ValueError) as error:
                    raise Unavailable(f"the response ended early: {error or type(error).__name__}")
                finally:
                    response.close()
            except Unavailable as error:
                delay = max(pause * random.uniform(0.5, 1.5), error.retry_after or 0)
                if time.monotonic() + delay > give_up_at:
                    raise
                self.say(f"{error}. Retrying in {delay:.1f} s.")
                time.sleep(delay)
                pause = min(pause * 2, 60)


def blocks(content):
    while True:
        block = content.read(BLOCK_BYTES)
        if not block:
            return
        yield block


def read_json(response):
    return json.loads(response.read())


class Attempt:
    """The idempotency key of a push, kept on disk so that the same command resumes after an interruption."""

    def __init__(self, identity, restart):
        base = os.environ.get("XDG_STATE_HOME") or os.path.join(os.path.expanduser("~"), ".local", "state")
        folder = os.path.join(base, "onhand", "push-py")
        os.makedirs(folder, mode=0o700, exist_ok=True)
        self.path = os.path.join(folder, hashlib.sha256(identity.encode()).hexdigest() + ".json")
        self.key = None if restart else self.earlier_key()
        self.is_resumed = self.key is not None
        if self.key is None:
            self.key = str(uuid.uuid4())
            unfinished = f"{self.path}.{os.getpid()}"
            with open(unfinished, "w", encoding="utf-8") as file:
                json.dump({"key": self.key, "started": time.time()}, file)
            os.replace(unfinished, self.path)

    def earlier_key(self):
        try:
            with open(self.path, encoding="utf-8") as file:
                kept = json.load(file)
            return str(kept["key"]) if 0 <= time.time() - kept["started"] < RESUME_SECONDS else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def end(self):
        try:
            os.remove(self.path)
        except FileNotFoundError:
            pass


def digest_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in blocks(file):
            digest.update(block)
    return digest.hexdigest()


def parameters_of(options, path):
    query = {"filename": os.path.basename(path)}
    headers = {"Content-Type": "application/octet-stream"}
    if options.snapshot:
        query["mode"] = "snapshot"
    if options.atomic:
        query["atomic"] = "true"
    if options.dry_run:
        query["dry_run"] = "true"
    for rule in (*CHOICES, "strict"):
        if getattr(options, rule) is not None:
            query[rule] = getattr(options, rule)
    for rule in LISTS:
        if getattr(options, rule) is not None:
            query[rule] = ",".join(getattr(options, rule))
    if options.as_of == "mtime":
        seconds = os.stat(path).st_mtime_ns // 10**9
        headers["As-Of"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
    elif options.as_of:
        headers["As-Of"] = options.as_of
    for name, text in (("Batch-Reason", options.reason), ("Batch-Reference", options.reference)):
        if text:
            # Header values are bytes: the server reads UTF-8.
            headers[name] = text.encode("utf-8").decode("latin-1")
    return query, headers


def push(server, path, options, say):
    """Pushes one file; returns its exit code."""
    size = os.path.getsize(path)
    digest = digest_of(path)
    query, headers = parameters_of(options, path)
    token = hashlib.sha256(server.token.encode()).hexdigest()
    identity = json.dumps([options.url, token, query, headers, digest], sort_keys=True)
    attempt = Attempt(identity, options.restart)
    if attempt.is_resumed:
        say(f"resuming an interrupted push of {path}")
    started = time.monotonic()
    upload = f"{FILES}upload/?{urllib.parse.urlencode(query)}"
    headers["Idempotency-Key"] = attempt.key
    try:
        if size > BLOCK_BYTES:
            check_access(server)
        sent = server.ask("POST", upload, read_json, headers, lambda: open(path, "rb"), size)
    except Refused as error:
        if error.status in (400, 413, 415, 422):
            attempt.end()
            print(f"{path}: refused\n  {error.detail}")
            return EXIT_REFUSED
        raise
    if digest_of(path) != digest:
        say(f"{path} changed while it was sent; check the result, and send it again")
    file = wait_for(server, sent["uuid"], say)
    results = None
    if file["state"] != "held" and options.results is not None:
        results = save_results(server, file["uuid"], options.results or f"{path}.results.csv", say)
    attempt.end()
    return report(path, file, results, time.monotonic() - started, options, server)


def check_access(server):
    """A large body that is rejected can hide the reason; an empty one gets 400 if the token may upload."""
    try:
        server.ask("POST", f"{FILES}upload/", read_json)
    except Refused as error:
        if error.status != 400:
            raise


def wait_for(server, file_uuid, say):
    shown = None
    while True:
        file = server.ask("GET", f"{FILES}{file_uuid}/?wait={WAIT_SECONDS}", read_json)
        if file["state"] in FINAL_STATES:
            return file
        now = f"{file['state']}, {file['rows']} rows so far"
        if now != shown:
            say(now)
        shown = now


def save_results(server, file_uuid, target, say):
    unfinished = f"{target}.part"

    def save(response):
        with open(unfinished, "wb") as file:
            for block in blocks(response):
                file.write(block)

    extension = "xlsx" if target.lower().endswith(".xlsx") else "csv"
    try:
        server.ask("GET", f"{FILES}{file_uuid}/results.{extension}", save)
        os.replace(unfinished, target)
        return target
    except Refused as error:
        say(f"the results are not available: {error}")
        return None


def report(path, file, results, seconds, options, server):
    counts = file["status_counts"]
    failed = sum(count for status, count in counts.items() if status != "200")
    state = file["state"]
    code = EXIT_DONE if failed == 0 else EXIT_ROWS_FAILED
    if state in ("refused", "held"):
        code = EXIT_REFUSED
    elif state != "done":
        code = EXIT_PARTLY
    if options.json:
        print(json.dumps({"path": path, "uuid": file["uuid"], "state": state, "status_counts": counts,
                          "problem": file["problem"], "questions": file.get("questions", []),
                          "unused_columns": file.get("unknown_columns", []), "notes": file.get("notes", []),
                          "results": results, "dry_run": options.dry_run}))
        return code
    if options.quiet and code == EXIT_DONE:
        return code
    print(f"{path}: {state}{' (dry run: nothing was changed)' if options.dry_run else ''}")
    for status, count in sorted(counts.items()):
        meaning = {"200": "would be applied" if options.dry_run else "applied", "400": "invalid",
                   "404": "no such SKU"}.get(status, "failed")
        print(f"  {count:>10,}  {status} {meaning}")
    problem = (file["problem"] or {}).get("detail", "")
    if problem:
        print(f"  {one_line(problem)}")
    if state == "held":
        confirm = f"{options.url}{FILES}{file['uuid']}/confirm/"
        print_how_to_confirm(confirm, file.get("questions", []))
    unused = file.get("unknown_columns", [])
    if unused:
        more = f" and {len(unused) - SHOWN_COLUMNS} more" if len(unused) > SHOWN_COLUMNS else ""
        print(f"  columns not used: {one_line(', '.join(unused[:SHOWN_COLUMNS]))}{more}")
    notes = file.get("notes", [])
    for note in notes:
        print(f"  note: {one_line(note)}")
    told = " ".join([problem, *notes])
    for rule in [*LISTS, *CHOICES, "strict"] if state != "held" else []:
        if re.search(rf"\b{rule}=", told):
            print(f"  In this command, {rule}= is the option --{'map' if rule == 'mapping' else rule}.")
    if results and failed and results.lower().endswith(".csv"):
        show_failures(results)
    if results:
        print(f"  results: {results}")
    print(f"  {file['rows']:,} rows in {seconds:.1f} s")
    return code


def print_how_to_confirm(confirm, questions):
    if not questions:
        print(f"  If this is intended, confirm it with POST {confirm}")
        return
    choices = [[(question["rule"], answer) for answer in question["answers"]] for question in questions]
    answers = list(itertools.product(*choices))
    print("  Answer for this file with one of:")
    for answer in answers:
        print(f"    POST {confirm}?{urllib.parse.urlencode(answer)}")
    print("  or send it again with the answer; the held file then stays unapplied:")
    for answer in answers:
        more = [word for rule, value in answer for word in (f"--{rule}", value)]
        print(f"    {shlex.join(sys.argv + more)}")


def one_line(text):
    """Without control characters and line breaks, which could manipulate a terminal."""
    return "".join(character if character.isprintable() else " " for character in text)


def show_failures(results):
    import csv

    with open(results, newline="", encoding="utf-8-sig") as file:
        sample = file.readline()
        file.seek(0)
        delimiter = max(",;\t|", key=sample.count)
        shown = 0
        for number, row in enumerate(csv.reader(file, delimiter=delimiter), start=1):
            if number == 1 or len(row) < 2 or row[-2] == "200" or not row[-2].isdigit():
                continue
            if shown == SHOWN_FAILURES:
                print("    … more in the results")
                return
            print(f"    {number:<6} {row[-2]}  {row[-1]}")
            shown += 1


def read_token(options):
    if options.token_file == "-":
        return sys.stdin.readline().strip()
    if options.token_file:
        with open(options.token_file, encoding="utf-8") as file:
            return file.read().strip()
    return os.environ.get("ONHAND_TOKEN", "").strip()


def parse_arguments(arguments):
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="Exits 0 if all rows were applied, 1 on failure, 2 on a usage error, 3 if some rows failed, "
        "4 if a file was refused or held, 5 if it failed partway. Run the same command again to resume.",
    )
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--url", default=os.environ.get("ONHAND_URL"), help="address of the server (or ONHAND_URL)")
    parser.add_argument("--token-file", help="file with the token, - for stdin (default: ONHAND_TOKEN)")
    parser.add_argument("--dry-run", action="store_true", help="show what would change and change nothing")
    parser.add_argument("--snapshot", action="store_true", help="set SKUs that the file does not contain to zero")
    parser.add_argument("--atomic", action="store_true", help="apply a file only if all rows succeed")
    parser.add_argument("--as-of", help="timestamp of the stock, or mtime for each file's modification time")
    parser.add_argument("--catalogue", dest="kind", action="store_const", const="catalogue",
                        help="the file is a catalogue: it creates and updates SKUs")
    for rule, (values, meaning) in CHOICES.items():
        parser.add_argument(f"--{rule}", choices=values, help=meaning)
    parser.add_argument("--map", dest="mapping", action="append", metavar="HEADER=COLUMN,...",
                        help="what columns are read as; ignore leaves one out")
    parser.add_argument("--words", action="append", metavar="WORD=QUANTITY,...",
                        help='quantities for words, such as "in stock=10,10+=10"')
    parser.add_argument("--strict", action="store_const", const="true",
                        help="reject a row completely if any of its cells is wrong")
    parser.add_argument("--no-strict", dest="strict", action="store_const", const="false",
                        help="only reject what cannot be read, even if --strict is saved")
    parser.add_argument("--reason", help="why; stored with the file")
    parser.add_argument("--reference", help="your own reference; stored with the file")
    parser.add_argument("--results", default="", help="where to write the results (default: FILE.results.csv)")
    parser.add_argument("--no-results", dest="results", action="store_const", const=None, help="do not write results")
    parser.add_argument("--retry-minutes", type=float, default=15, help="how long to keep retrying (default: 15)")
    parser.add_argument("--restart", action="store_true", help="send again instead of resuming an interrupted push")
    parser.add_argument("--quiet", action="store_true", help="print nothing if all rows were applied")
    parser.add_argument("--json", action="store_true", help="print the summary as JSON, one line per file")
    options = parser.parse_args(arguments)
    if not options.url or urllib.parse.urlsplit(options.url).scheme not in ("http", "https"):
        parser.error("--url must start with http:// or https://")
    options.url = options.url.rstrip("/")
    if options.results and len(options.files) > 1:
        parser.error("--results cannot be used with several files")
    if options.results and os.path.abspath(options.results) in map(os.path.abspath, options.files):
        parser.error("--results would overwrite the file to send")
    return options


def main(arguments):
    options = parse_arguments(arguments)

    def say(text):
        print(f"onhand: {text}", file=sys.stderr)

    worst = EXIT_DONE
    try:
        token = read_token(options)
        if not token:
            say("There is no token: set ONHAND_TOKEN, or use --token-file.")
            return EXIT_FAILED
        server = Server(options.url, token, options.retry_minutes, say)
        for path in options.files:
            code = push(server, path, options, say)
            worst = max(worst, code)
            if code == EXIT_REFUSED and len(options.files) > 1:
                say("stopped: later files wait until this one is settled")
                break
    except (Refused, Unavailable, OSError) as error:
        say(f"{error} Run the same command again to resume; nothing is applied twice.")
        return EXIT_FAILED
    except KeyboardInterrupt:
        say("interrupted. Run the same command again to resume; nothing is applied twice.")
        return 130
    return worst


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
