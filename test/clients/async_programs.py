"""Programs of the scenarios with the asynchronous Python client: those that differ from programs.py in more than `await`."""

import asyncio
from typing import Any, AsyncIterable, AsyncIterator, Awaitable, Callable, Dict, List, TypeVar

from onhand_client import AbortSignal, AsyncOnhand, LineOutcome, StateStore, UpdateState

Input = Dict[str, Any]
T = TypeVar("T")


async def all_of(items: AsyncIterable[T]) -> List[T]:
    return [item async for item in items]


async def additions(given: Input) -> AsyncIterator[Dict[str, Any]]:
    for i in range(given["line_count"]):
        yield {"sku_id": f"S{i % given['skus']}", "quantity_in_stock_change": 1}


def plain(outcome: LineOutcome) -> object:
    return {**outcome.result, "index": outcome.index, "line": outcome.line, "isApplied": outcome.is_applied}


async def counted(outcomes: AsyncIterable[LineOutcome]) -> object:
    indexes: List[int] = []
    applied = 0
    async for outcome in outcomes:
        indexes.append(outcome.index)
        applied += outcome.is_applied
    return {"lines": len(indexes), "applied": applied, "inOrder": indexes == [*range(len(indexes))]}


async def update_lines(onhand: AsyncOnhand, given: Input) -> object:
    options = {"chunk_lines": given["chunk_lines"], "errors_only": given["errors_only"]}
    return [plain(outcome) async for outcome in onhand.inventory.update(given["lines"], **options)]


async def stream_changes(onhand: AsyncOnhand, given: Input) -> object:
    patient = onhand.with_options(retries=given["retries"])
    return await counted(patient.inventory.stream(additions(given), chunk_lines=given["chunk_lines"]))


async def update_in_two_runs(onhand: AsyncOnhand, given: Input) -> object:
    state: StateStore[UpdateState] = StateStore()
    first = 0
    outcomes = onhand.inventory.update(additions(given), chunk_lines=given["chunk_lines"], state=state)
    async for _ in outcomes:
        first += 1
        if first == given["stop_after"]:
            break
    await outcomes.aclose()
    again = onhand.inventory.update(additions(given), chunk_lines=given["chunk_lines"], state=state)
    return {"first": first, "second": len(await all_of(again)), "cleared": state.value is None}


async def consume_changes(onhand: AsyncOnhand, given: Input) -> object:
    store: StateStore[str] = StateStore()
    sequences: List[int] = []
    failed = False
    is_complete = asyncio.Event()

    async def handler(records: List[Dict[str, Any]]) -> None:
        nonlocal failed
        if not failed:
            failed = True
            raise ValueError("the handler failed")
        sequences.extend(record["sequence"] for record in records)
        if len(sequences) >= given["count"]:
            is_complete.set()

    try:
        await onhand.changes.consume(handler, store, from_="start")
    except ValueError:
        pass
    consumer = asyncio.ensure_future(onhand.changes.consume(handler, store, from_="start"))
    await is_complete.wait()
    consumer.cancel()
    await asyncio.wait([consumer])
    return {"failed": failed and consumer.cancelled(), "sequences": sequences}


async def list_skus(onhand: AsyncOnhand, given: Input) -> object:
    skus = await all_of(onhand.skus.list())
    found = await onhand.skus.find(upca=given["upca"])
    return {
        "count": len(skus),
        "first": skus[0]["sku_id"],
        "last": skus[-1]["sku_id"],
        "found": [sku["sku_id"] for sku in found],
    }


async def export_skus(onhand: AsyncOnhand, given: Input) -> object:
    cursor, skus = await onhand.skus.export()
    count = len(await all_of(skus))
    await onhand.inventory.set({"sku_id": given["sku_id"], "quantity_in_stock": 5})
    records = (await onhand.changes.read(after=cursor))["records"]
    return {"count": count, "changed": [record["sku"]["sku_id"] for record in records]}


async def file(onhand: AsyncOnhand, given: Input) -> object:
    uuid = await onhand.files.upload(given["text"], filename=given["filename"])
    state = (await onhand.files.wait(uuid))["state"]
    results = b"".join(await all_of(onhand.files.results(uuid))).decode()
    reverted = (await onhand.files.undo(uuid))["reverted"]
    latest = (await all_of(onhand.files.list()))[0]
    return {"state": state, "results": results, "reverted": reverted, "listed": latest["filename"]}


async def deadline(onhand: AsyncOnhand, given: Input) -> object:
    late = "nothing"
    async with AsyncOnhand("http://127.0.0.1:1", given["token"], retries=1000, deadline=0.05) as unreachable:
        try:
            await unreachable.batches.page()
        except Exception as error:
            late = type(error).__name__
    stop, reason = AbortSignal(), RuntimeError("enough")
    waiting = asyncio.ensure_future(onhand.with_options(signal=stop).changes.read(from_="now", wait=60))
    stop.abort(reason)
    await asyncio.wait([waiting])
    return {"deadline": late, "abort": waiting.exception() is reason}


PROGRAMS: Dict[str, Callable[[AsyncOnhand, Input], Awaitable[object]]] = {
    program.__name__: program
    for program in (
        update_lines,
        stream_changes,
        update_in_two_runs,
        consume_changes,
        list_skus,
        export_skus,
        file,
        deadline,
    )
}


async def run(name: str, given: Input) -> object:
    async with AsyncOnhand(given["url"], given["token"]) as onhand:
        return await PROGRAMS[name](onhand, given)
