"""Answers questions of the fuzz targets, one JSON array of answers per line; null is no opinion."""

import csv
import datetime
import io
import ipaddress
import json
import sys
import unicodedata
from decimal import Decimal, InvalidOperation

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def csv_rows(question):
    """The cells of a text; None if it is not strictly CSV."""
    text = question["text"]
    if "\0" in text:
        return None
    rows = csv.reader(
        io.StringIO(text, newline=""), delimiter=question["delimiter"], strict=True
    )
    try:
        return [row or [""] for row in rows]
    except csv.Error:
        return None


def python_repr(text):
    """repr; None if a character was assigned after this Python was made."""
    joined = text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    if any(unicodedata.category(character) == "Cn" for character in joined):
        return None
    return repr(joined)


def number(text):
    """A float as its hexadecimal digits, which are exact."""
    if "_" in text or not text.isascii():
        return None
    try:
        return float(text).hex()
    except ValueError:
        return None


def time_us(text):
    """Microseconds since 1970; None if datetime cannot read it."""
    try:
        read = datetime.datetime.fromisoformat(text)
    except ValueError:
        return None
    if read.tzinfo is None:
        return None
    try:
        delta = read - EPOCH
    except OverflowError:
        return None
    return (delta.days * 86400 + delta.seconds) * 1_000_000 + delta.microseconds


def whole(text):
    """The integer of a decimal number; None if it is none."""
    if "_" in text or not text.isascii():
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    if not value.is_finite() or abs(value.adjusted()) > 100:
        return None
    return str(int(value)) if value == int(value) else None


def is_global(address):
    """Whether an address is on the public internet."""
    try:
        return ipaddress.ip_address(address).is_global
    except ValueError:
        return None


ABOUT = {
    "csv": csv_rows,
    "repr": python_repr,
    "number": number,
    "time": time_us,
    "whole": whole,
    "address": is_global,
}

for line in sys.stdin:
    order = json.loads(line)
    answer = ABOUT[order["about"]]
    print(json.dumps([answer(question) for question in order["questions"]]), flush=True)
