"""The programs of the scenarios with the Python client; programs.ts has the same with the TypeScript client.

Reads one JSON object per line, {"program", "input", "is_async"}, and answers each with {"output"} or {"error"}.
"""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import importlib
import io
import json
import logging
import os
import runpy
import socket
import sys
import tempfile
import threading
import time
import traceback
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, Iterator, List

import async_programs
from onhand_client import (
    AsyncOnhand,
    PROBLEM_CLASSES,
    AbortSignal,
    ConnectionFailed,
    FileStore,
    LineOutcome,
    Onhand,
    OnhandError,
    SignatureInvalid,
    StateStore,
    UpdateState,
    logger,
)

Input = Dict[str, Any]


def additions(given: Input) -> Iterator[Dict[str, Any]]:
    for i in range(given["line_count"]):
        yield {"sku_id": f"S{i % given['skus']}", "quantity_in_stock_change": 1}


def counted(outcomes: Iterable[LineOutcome]) -> object:
    lines = applied = 0
    in_order = True
    for outcome in outcomes:
        in_order = in_order and outcome.index == lines
        lines += 1
        applied += outcome.is_applied
    return {"lines": lines, "applied": applied, "inOrder": in_order}


def plain(outcome: LineOutcome) -> object:
    return {**outcome.result, "index": outcome.index, "line": outcome.line, "isApplied": outcome.is_applied}


def failure_of(work: Callable[[], object]) -> object:
    try:
        work()
        return None
    except Exception as error:
        return error


def described(error: object) -> object:
    if not isinstance(error, OnhandError):
        return str(error)
    members = ("status", "code", "line", "request_id", "is_retry_safe", "retry_after")
    return {"class": type(error).__name__, **{name: getattr(error, name) for name in members}}


def update_lines(onhand: Onhand, given: Input) -> object:
    options = {"chunk_lines": given["chunk_lines"], "errors_only": given["errors_only"]}
    return [plain(outcome) for outcome in onhand.inventory.update(given["lines"], **options)]


def stream_lines(onhand: Onhand, given: Input) -> object:
    return [plain(outcome) for outcome in onhand.inventory.stream(given["lines"], chunk_lines=given["chunk_lines"])]


def long_group(onhand: Onhand, given: Input) -> object:
    group = [{"sku_id": "S1", "quantity_in_stock_change": 1, "group": "kit"}] * given["line_count"]
    chunk_lines = given["chunk_lines"]
    answered: List[LineOutcome] = []
    lines = [{"sku_id": "S0", "quantity_in_stock": 1}, *group]
    message = failure_of(lambda: answered.extend(onhand.inventory.update(lines, chunk_lines=chunk_lines)))
    stream = failure_of(lambda: list(onhand.inventory.stream([{"sku_id": "S0"}, *group], chunk_lines=chunk_lines)))
    return {"update": [len(answered), str(message)], "stream": str(stream)}


def update_changes(onhand: Onhand, given: Input) -> object:
    patient = onhand.with_options(retries=given["retries"])
    return counted(patient.inventory.update(additions(given), chunk_lines=given["chunk_lines"]))


def stream_changes(onhand: Onhand, given: Input) -> object:
    patient = onhand.with_options(retries=given["retries"])
    return counted(patient.inventory.stream(additions(given), chunk_lines=given["chunk_lines"]))


def update_in_two_runs(onhand: Onhand, given: Input) -> object:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "update.json"
        first = 0
        for _ in onhand.inventory.update(additions(given), chunk_lines=given["chunk_lines"], state=FileStore(path)):
            first += 1
            if first == given["stop_after"]:
                break
        again = onhand.inventory.update(additions(given), chunk_lines=given["chunk_lines"], state=FileStore(path))
        return {"first": first, "second": sum(1 for _ in again), "cleared": not any(Path(folder).iterdir())}


def update_from_older_state(onhand: Onhand, given: Input) -> object:
    state: StateStore[UpdateState] = StateStore()
    state.save(UpdateState(run="r", chunk_lines=1, lines=1))
    outcomes = onhand.with_options(retries=0).inventory.update([{"sku_id": "S0"}, {"sku_id": "S1"}], state=state)
    return [[outcome.index, outcome.status_code] for outcome in outcomes]


def followed(onhand: Onhand, given: Input, via: str) -> object:
    sequences: List[int] = []
    for record, _ in onhand.changes.follow(from_="start", via=via):
        # Records may come again after a cut.
        if record["sequence"] > (sequences[-1] if sequences else 0):
            sequences.append(record["sequence"])
        if len(sequences) == given["count"]:
            break
    return sequences


def follow_changes(onhand: Onhand, given: Input) -> object:
    return followed(onhand, given, "polling")


def follow_events(onhand: Onhand, given: Input) -> object:
    return followed(onhand, given, "events")


def consume_changes(onhand: Onhand, given: Input) -> object:
    store: StateStore[str] = StateStore()
    stop = AbortSignal()
    sequences: List[int] = []
    failed: List[bool] = []

    def handler(records: List[Dict[str, Any]]) -> None:
        if not failed:
            failed.append(True)
            raise ValueError("the handler failed")
        sequences.extend(record["sequence"] for record in records)
        if len(sequences) >= given["count"]:
            stop.abort()

    consumer = onhand.with_options(signal=stop).changes
    failure_of(lambda: consumer.consume(handler, store, from_="start"))
    consumer.consume(handler, store, from_="start")
    return {"failed": failed == [True], "sequences": sequences}


def list_skus(onhand: Onhand, given: Input) -> object:
    skus = list(onhand.skus.list())
    found = onhand.skus.find(upca=given["upca"])
    return {
        "count": len(skus),
        "first": skus[0]["sku_id"],
        "last": skus[-1]["sku_id"],
        "found": [sku["sku_id"] for sku in found],
    }


def export_skus(onhand: Onhand, given: Input) -> object:
    cursor, skus = onhand.skus.export()
    count = sum(1 for _ in skus)
    onhand.inventory.set({"sku_id": given["sku_id"], "quantity_in_stock": 5})
    records = onhand.changes.read(after=cursor)["records"]
    changed = [record["sku"]["sku_id"] for record in records if record["kind"] == "change"]
    return {"count": count, "changed": changed}


def file(onhand: Onhand, given: Input) -> object:
    uuid = onhand.files.upload(given["text"], filename=given["filename"])
    state = onhand.files.wait(uuid)["state"]
    results = b"".join(onhand.files.results(uuid)).decode()
    reverted = onhand.files.undo(uuid)["reverted"]
    latest = next(onhand.files.list())
    return {"state": state, "results": results, "reverted": reverted, "listed": latest["filename"]}


def checked_file(onhand: Onhand, given: Input) -> object:
    files = onhand.files
    uuid = files.upload(given["text"], filename=given["filename"], dry_run=True)
    files.wait(uuid)
    preview = files.preview(uuid, rows=1)["rows"]
    effects = files.effects(uuid, only="changed")
    failed = b"".join(files.failed_rows(uuid)).decode()
    applied = files.apply(uuid)
    state = files.wait(applied)["state"]
    return {
        "preview": preview,
        "totals": effects["totals"],
        "changes": effects["rows"][0]["changes"],
        "failed": failed,
        "state": state,
        "isSame": files.apply(uuid) == applied,
    }


def file_results(onhand: Onhand, given: Input) -> object:
    uuid = onhand.files.upload(given["text"], filename=given["filename"])
    onhand.files.wait(uuid)
    attempts: List[bytes] = []

    def read(pieces: Iterator[bytes]) -> str:
        attempts.append(b"".join(pieces))
        if len(attempts) == 1:
            raise ConnectionFailed("cut", "cut", is_retry_safe=True)
        return attempts[-1].decode()

    results = onhand.files.read_results(uuid, read)
    return {"attempts": len(attempts), "results": results}


def catalogue(onhand: Onhand, given: Input) -> object:
    (sku,) = onhand.skus.find(upca=given["upca"])
    changed = onhand.skus.update(sku["uuid"], {"condition": "refurb"})
    onhand.skus.retire(onhand.skus.create({"sku_id": "SHORT-LIVED"})["uuid"], reason="a mistake")
    left = [each["sku_id"] for each in onhand.skus.list()]
    suppliers = onhand.suppliers()["suppliers"]
    names = [supplier["name"] for supplier in suppliers]
    return {"condition": changed["condition"], "left": left, "suppliers": names}


def retry_for(onhand: Onhand, given: Input) -> object:
    suppliers = onhand.with_options(retries=0, retry_for=60).freshness()["suppliers"]
    with Onhand("http://127.0.0.1:1", given["token"], retry_for=0.1) as unreachable:
        return {"long": len(suppliers), "short": type(failure_of(unreachable.freshness)).__name__}


def redirected(onhand: Onhand, given: Input) -> object:
    lines = [{"sku_id": "S0", "quantity_in_stock": 1}]
    works: Dict[str, Callable[[], object]] = {
        "read": onhand.freshness,
        "update": lambda: list(onhand.inventory.update(lines)),
        "stream": lambda: list(onhand.inventory.stream(lines)),
    }
    return {name: described(failure_of(work)) for name, work in works.items()}


def strange_answers(onhand: Onhand, given: Input) -> object:
    hasty = onhand.with_options(retries=0)
    lines = [{"sku_id": "S0"}]
    return [described(failure_of(lambda: list(hasty.inventory.update(lines)))) for _ in range(given["count"])]


def silent_results(onhand: Onhand, given: Input) -> object:
    def results(retries: int) -> str:
        hasty = onhand.with_options(retries=retries, timeout=0.05)
        return hasty.files.read_results("any", lambda pieces: b"".join(pieces).decode())

    return {"once": type(failure_of(lambda: results(0))).__name__, "results": results(1)}


def batch(onhand: Onhand, given: Input) -> object:
    lines = [{"sku_id": "S0", "quantity_in_stock": 5}, {"sku_id": "MISSING", "quantity_in_stock": 1}]
    list(onhand.inventory.update(lines, reference=given["reference"]))
    latest = next(onhand.batches.list())
    failed = onhand.batches.results(latest["uuid"])
    reverted = onhand.batches.undo(latest["uuid"])["reverted"]
    return {"reference": latest["reference"], "failed": failed, "reverted": reverted}


def errors(onhand: Onhand, given: Input) -> object:
    stranger = Onhand(given["url"], "0" * 40)
    unreachable = Onhand("http://127.0.0.1:1", given["token"], retries=0)
    uuid = "01a209ec-1e9b-76e2-b7b2-66f2c9ae943e"
    line = {"sku_id": "MISSING", "quantity_in_stock": 1}
    works: Dict[str, Callable[[], object]] = {
        "unauthenticated": stranger.batches.page,
        "refused": lambda: list(onhand.inventory.update([line], as_of="yesterday")),
        "missing": lambda: onhand.skus.get(uuid),
        "line": lambda: onhand.inventory.set(line),
        "unreachable": unreachable.batches.page,
    }
    with stranger, unreachable:
        return {name: described(failure_of(work)) for name, work in works.items()}


def deadline(onhand: Onhand, given: Input) -> object:
    unreachable = Onhand("http://127.0.0.1:1", given["token"], retries=1000, deadline=0.05)
    late = failure_of(unreachable.batches.page)
    stop, reason = AbortSignal(), RuntimeError("enough")
    aborted: List[object] = []
    patient = onhand.with_options(signal=stop)
    waiting = threading.Thread(
        target=lambda: aborted.append(failure_of(lambda: patient.changes.read(from_="now", wait=60)))
    )
    waiting.start()
    stop.abort(reason)
    waiting.join()
    return {"deadline": type(late).__name__, "abort": aborted == [reason]}


def whole_deadline(onhand: Onhand, given: Input) -> object:
    impatient = onhand.with_options(deadline=0.2)
    chunk_lines = given["chunk_lines"]

    def listed() -> None:
        skus = impatient.skus.list()
        next(skus)
        # Ends after the deadline of the list, which has a second page.
        list(impatient.changes.follow())
        list(skus)

    works: Dict[str, Callable[[], object]] = {
        "update": lambda: list(impatient.inventory.update(additions(given), chunk_lines=chunk_lines)),
        "stream": lambda: list(impatient.inventory.stream(additions(given), chunk_lines=chunk_lines)),
        "list": listed,
        "follow": lambda: list(impatient.changes.follow()),
    }
    failures = {name: failure_of(work) for name, work in works.items()}
    return {name: "nothing" if error is None else type(error).__name__ for name, error in failures.items()}


def left_early(onhand: Onhand, given: Input) -> object:
    closed: List[str] = []

    def source(name: str) -> Iterator[Dict[str, Any]]:
        try:
            yield from additions(given)
        finally:
            closed.append(name)

    for name in ("update", "stream"):
        for _ in getattr(onhand.inventory, name)(source(name), chunk_lines=given["chunk_lines"]):
            break
    return closed


def webhooks(onhand: Onhand, given: Input) -> object:
    created = onhand.webhooks.create({"url": "http://127.0.0.1:9/hook"})
    uuid, secret = created["uuid"], created["secret"]
    listed = len(onhand.webhooks.list())
    paused = onhand.webhooks.change(uuid, {"is_paused": True})["is_paused"]
    onhand.webhooks.test(uuid)
    delivery = onhand.webhooks.deliveries(uuid)[0]
    shown = onhand.webhooks.delivery(uuid, delivery["message_id"])
    again = ""
    try:
        onhand.webhooks.send_again(uuid, delivery["message_id"])
    except OnhandError as error:
        again = type(error).__name__
    recovered = onhand.webhooks.recover(uuid, datetime.now(timezone.utc), dry_run=True)
    newer = onhand.webhooks.rotate_secret(uuid)["secret"]
    onhand.webhooks.delete(uuid)
    left = len(onhand.webhooks.list())
    body = json.dumps({"type": "webhook.test", "data": {}})

    def verified(headers: Dict[str, str], text: str, secrets: List[str]) -> object:
        try:
            return onhand.webhooks.verify(text, headers, secrets)["type"]
        except SignatureInvalid as error:
            return type(error).__name__

    signed = signed_headers(body, newer, time.time())
    return {
        "listed": listed,
        "paused": paused,
        "delivered": delivery["is_delivered"],
        "shown": {"type": shown["type"], "body": "webhook.test" in shown["attempts"][0]["request"]["body"]},
        "again": again,
        "recovered": {key: recovered[key] for key in ("suppliers", "changes", "dry_run")},
        "rotated": newer != secret and newer.startswith("whsec_"),
        "left": left,
        "verified": verified(signed, body, [newer]),
        "old_secret": verified(signed_headers(body, secret, time.time()), body, [newer, secret]),
        "tampered": verified(signed, f"{body} ", [newer]),
        "late": verified(signed_headers(body, newer, time.time() - 3600), body, [newer]),
    }


def signed_headers(body: str, secret: str, seconds: float) -> Dict[str, str]:
    """What a sender of Standard Webhooks puts into the headers."""
    key = base64.b64decode(secret[len("whsec_") :])
    signed = hmac.new(key, f"msg_1.{int(seconds)}.{body}".encode(), hashlib.sha256).digest()
    return {
        "Webhook-Id": "msg_1",
        "Webhook-Timestamp": str(int(seconds)),
        "Webhook-Signature": f"v1,{base64.b64encode(signed).decode()}",
    }


def headers(_: Onhand, given: Input) -> object:
    url, token = given["url"], given["token"]
    with Onhand(url, headers={"Authorization": f"Token {token}"}) as authorized:
        without_token = len(authorized.freshness()["suppliers"])
    with Onhand(url, token, headers={"Authorization": "Token unknown"}) as confused:
        return {"without_token": without_token, "with_token": len(confused.freshness()["suppliers"])}


def freshness(onhand: Onhand, given: Input) -> object:
    suppliers = onhand.freshness()["suppliers"]
    return {
        "suppliers": [entry["supplier"]["name"] for entry in suppliers],
        "skus": sum(age["count"] for age in suppliers[0]["skus_by_age"]),
    }


def logged(onhand: Onhand, given: Input) -> object:
    """What the client logs of a request whose first connection fails. Not in the table: `connect` is Python's own."""
    rows: List[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: rows.append(f"{record.levelname} {record.getMessage()}")  # type: ignore[method-assign]
    opened: List[str] = []

    def connect(host: str, port: int, seconds: float) -> socket.socket:
        opened.append(host)
        if len(opened) == 1:
            raise ConnectionRefusedError("refused")
        return socket.create_connection((host, port), seconds)

    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        with Onhand(given["url"], given["token"], connect=connect) as other:
            other.freshness()
            other.freshness()
    finally:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)
    return {"rows": rows, "opened": len(opened)}


PROGRAMS: Dict[str, Callable[[Onhand, Input], object]] = {
    program.__name__: program
    for program in (
        update_lines,
        stream_lines,
        long_group,
        update_changes,
        stream_changes,
        update_in_two_runs,
        update_from_older_state,
        follow_changes,
        follow_events,
        consume_changes,
        list_skus,
        export_skus,
        file,
        checked_file,
        file_results,
        catalogue,
        retry_for,
        redirected,
        strange_answers,
        silent_results,
        batch,
        errors,
        deadline,
        whole_deadline,
        left_early,
        webhooks,
        headers,
        freshness,
        logged,
    )
}


def problem_codes(given: Input) -> object:
    return sorted(PROBLEM_CLASSES)


def script(given: Input) -> object:
    """Runs a script as python3 does, but in this process: starting another takes seconds on a busy machine."""
    printed = io.StringIO()
    code: object = 0
    before = os.getcwd()
    os.environ.update(given["environment"])
    os.chdir(given["folder"])
    sys.argv = [given["path"], *given["arguments"]]
    try:
        with contextlib.redirect_stdout(printed):
            runpy.run_path(given["path"], run_name="__main__")
    except SystemExit as end:
        code = end.code or 0
    finally:
        os.chdir(before)
    return {"code": code, "stdout": printed.getvalue()}


def single_file(given: Input) -> object:
    """Imports the client from a folder that has it as one file."""
    package = sys.modules.pop("onhand_client")
    sys.path.insert(0, given["folder"])
    try:
        module = importlib.import_module("onhand_client")
        module.Onhand("http://127.0.0.1").close()
        return {"file": module.__file__, "version": module.__version__}
    finally:
        sys.path.pop(0)
        sys.modules["onhand_client"] = package


def without_async_twin(given: Input) -> object:
    """Methods of the client that its asynchronous twin lacks."""
    sync, twin = Onhand("http://127.0.0.1:1"), AsyncOnhand("http://127.0.0.1:1")
    parts = [("", sync, twin), *((name, part, getattr(twin, name, None)) for name, part in vars(sync).items())]
    return [
        f"{name}.{method}"
        for name, part, other in parts
        for method in dir(part)
        if not name.startswith("_") and not method.startswith("_") and not hasattr(other, method)
    ]


#: Programs that are not given a client.
OTHERS: Dict[str, Callable[[Input], object]] = {other.__name__: other for other in (problem_codes, script, single_file, without_async_twin)}


def run(name: str, given: Input) -> object:
    if name in OTHERS:
        return OTHERS[name](given)
    with Onhand(given["url"], given["token"]) as onhand:
        return PROGRAMS[name](onhand, given)


def main() -> None:
    for row in sys.stdin:
        order = json.loads(row)
        try:
            given = order["input"]
            is_async = order["is_async"]
            name = order["program"]
            answer = {"output": asyncio.run(async_programs.run(name, given)) if is_async else run(name, given)}
        except Exception:
            answer = {"error": traceback.format_exc()}
        print(json.dumps(answer), flush=True)


main()
