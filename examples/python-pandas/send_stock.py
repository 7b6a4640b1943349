#!/usr/bin/env python3
"""Sends the stock of a CSV file to an onhand server, and prints the rows that failed.

    ONHAND_URL=https://stock.example.com ONHAND_TOKEN=… send_stock.py stock.csv

The file has the columns sku_id and quantity_in_stock; others are ignored. It is read with pandas, or with the csv
module where pandas is not installed. The program may be interrupted and run again: a quantity that is set twice is the
same.

Exits with 0 if every row was applied, with 3 if some were not.
"""

import csv
import os
import sys
from typing import Any, Dict, Iterator

from onhand_client import Onhand

try:
    import pandas
except ImportError:
    pandas = None

COLUMNS = ["sku_id", "quantity_in_stock"]
ROWS_AT_ONCE = 10_000


def lines_of(path: str) -> Iterator[Dict[str, Any]]:
    """One line per row, however long the file is."""
    if pandas is None:
        with open(path, newline="", encoding="utf-8-sig") as file:
            for row in csv.DictReader(file):
                yield {name: row[name] for name in COLUMNS}
        return
    # As text: pandas would read 00123 as 123, and a column with an empty cell as 512.0.
    frames = pandas.read_csv(path, dtype=str, keep_default_na=False, usecols=COLUMNS, chunksize=ROWS_AT_ONCE)
    for frame in frames:
        # Calculate here, such as: frame = frame[frame["quantity_in_stock"] != ""]
        yield from frame[COLUMNS].to_dict("records")


def main(path: str) -> int:
    url, token = os.environ["ONHAND_URL"], os.environ["ONHAND_TOKEN"]
    failed = 0
    with Onhand(url, token, user_agent="send_stock") as onhand:
        for outcome in onhand.inventory.update(lines_of(path), errors_only=True):
            failed += 1
            print(f"row {outcome.index + 2}: {outcome.status_code} {outcome.message}")
    return 3 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
