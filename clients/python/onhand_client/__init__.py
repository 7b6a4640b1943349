"""Client of onhand, an inventory server: bulk stock updates that survive retries and restarts, the change feed, files, webhooks.

    from onhand_client import Onhand

    with Onhand("https://stock.example.com", token) as onhand:
        for outcome in onhand.inventory.update(lines):
            if not outcome.is_applied:
                print(outcome.line, outcome.message)

`AsyncOnhand` has the same methods for asyncio. The client needs Python 3.9 and nothing else. It is one file on purpose:
where nothing can be installed, copy it as `onhand_client.py`.

Times are in seconds. What the server answers is returned as it was sent: parsed JSON, described by the server's API reference at `/docs`.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import collections
import contextlib
import copy
import dataclasses
import datetime
import decimal
import email.utils
import functools
import hashlib
import hmac
import http.client
import inspect
import io
import json
import logging
import os
import queue
import random
import re
import selectors
import socket
import ssl
import threading
import time
import urllib.parse
import uuid as uuid_module
from concurrent.futures import CancelledError, ThreadPoolExecutor
from typing import (
    IO,
    Any,
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Deque,
    Dict,
    Generator,
    Generic,
    Iterable,
    Iterator,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
    Type,
    TypedDict,
    TypeVar,
    Union,
    cast,
)

__version__ = "0.1.0"

#: Logs each response (DEBUG) and each retry (WARNING); never the token.
logger = logging.getLogger("onhand_client")
logger.addHandler(logging.NullHandler())

T = TypeVar("T")
#: A JSON object as the server sent it.
Json = Dict[str, Any]
#: Sequences are joined by commas; None is left out.
QueryValue = Union[str, int, bool, Sequence[str], None]
Time = Union[str, datetime.datetime]
#: Lists of items, as the server sends them.
_Pages = Generator[List[T], None, None]


# --- Errors -----------------------------------------------------------------------------------------------------------


class OnhandError(Exception):
    """An error of the client. Each problem type of the server has a class of its own; all extend this one."""

    #: The HTTP status; 0 if no response arrived.
    status: int
    #: For programs, such as `cursor_expired`: the end of the problem's `type`.
    code: str
    #: What was wrong and what to do about it.
    detail: str
    #: Names the request in the server's log.
    request_id: Optional[str]
    #: The first line of the request that failed, counted from 0 over all lines given to the client.
    line: Optional[int]
    #: Whether the same request may be sent again without being applied twice.
    is_retry_safe: bool
    #: How many seconds the server asks to wait before a retry.
    retry_after: Optional[float]
    #: Sent back as `confirmation_code` to let through a batch that a safety limit refused.
    confirmation_code: Optional[str]

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        status: int = 0,
        is_retry_safe: bool = False,
        request_id: Optional[str] = None,
        line: Optional[int] = None,
        retry_after: Optional[float] = None,
        confirmation_code: Optional[str] = None,
    ) -> None:
        where = "" if line is None else f" (from line {line} on)"
        request = "" if request_id is None else f" [request {request_id}]"
        super().__init__(f"{status or ''} {code}: {detail}{where}{request}".lstrip())
        self.status = status
        self.code = code
        self.detail = detail
        self.is_retry_safe = is_retry_safe
        self.request_id = request_id
        self.line = line
        self.retry_after = retry_after
        self.confirmation_code = confirmation_code


class ConnectionFailed(OnhandError):
    """No response arrived. The server may or may not have processed the request."""


class TimedOut(OnhandError):
    """No response arrived within the time-out or the deadline."""


class UnexpectedResponse(OnhandError):
    """The response is not from onhand: check the URL, and proxies on the way."""


#: The class of each problem type of the server. A newer server may send others: they are `OnhandError`.
PROBLEM_CLASSES: Dict[str, Type[Problem]] = {}


class Problem(OnhandError):
    """A problem that the server answered with. The code of each class is its name in snake case."""

    def __init_subclass__(cls) -> None:
        PROBLEM_CLASSES[re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()] = cls


# fmt: off
class PathNotFound(Problem): ...
class MethodNotAllowed(Problem): ...
class Unauthenticated(Problem): ...
class NotASupplier(Problem): ...
class PermissionMissing(Problem): ...
class SessionNeeded(Problem): ...
class NotAnOperator(Problem): ...
class CrossSiteRequest(Problem): ...
class RateLimited(Problem): ...
class FileQuotaExceeded(Problem): ...
class OrganizationBudgetExceeded(Problem): ...
class Overloaded(Problem): ...
class ServerStopping(Problem): ...
class StoreUnavailable(Problem): ...
class DiskSpaceLow(Problem): ...
class MediaTypeUnsupported(Problem): ...
class BodyTooLarge(Problem): ...
class TooManyLines(Problem): ...
class TooCostly(Problem): ...
class HeadersTooLarge(Problem): ...
class RequestTimeout(Problem): ...
class RequestMalformed(Problem): ...
class BodyMissing(Problem): ...
class BodyMalformed(Problem): ...
class BodyShapeWrong(Problem): ...
class ParameterInvalid(Problem): ...
class StreamRefused(Problem): ...
class MemberInvalid(Problem): ...
class SkuNotFound(Problem): ...
class BatchNotFound(Problem): ...
class ResultsExpired(Problem): ...
class FileNotFound(Problem): ...
class FileStateWrong(Problem): ...
class SessionNotFound(Problem): ...
class TokenNotFound(Problem): ...
class UserNotFound(Problem): ...
class OrganizationNotFound(Problem): ...
class ConnectionNotFound(Problem): ...
class SetupRefused(Problem): ...
class WebhookNotFound(Problem): ...
class WebhookRefused(Problem): ...
class RecipientNotFound(Problem): ...
class RecipientRefused(Problem): ...
class HistoryExpired(Problem): ...
class AlreadyExists(Problem): ...
class RequestInProgress(Problem): ...
class IdempotencyKeyReused(Problem): ...
class SnapshotRefused(Problem): ...
class BreakerTripped(Problem): ...
class ConfirmationInvalid(Problem): ...
class CursorExpired(Problem): ...
class LoginFailed(Problem): ...
class DuplicateSkus(Problem): ...
class AmbiguousDecimal(Problem): ...
class LineFailed(Problem): ...
class Internal(Problem): ...
# fmt: on

#: The server answers with these before it applies anything.
_NOTHING_APPLIED = frozenset(
    ["rate_limited", "organization_budget_exceeded", "overloaded", "server_stopping", "disk_space_low"]
)


def _problem_error(
    document: object,
    *,
    status: int,
    is_retry_safe: bool,
    line: Optional[int] = None,
    retry_after: Optional[float] = None,
    request_id: Optional[str] = None,
) -> Optional[OnhandError]:
    """The error of a problem document (RFC 9457): the body of a response, or the last row of a stream."""
    if not isinstance(document, dict):
        return None
    kind, detail = document.get("type"), document.get("detail")
    if not isinstance(kind, str) or not isinstance(detail, str):
        return None
    code = kind.rpartition("#")[2]
    seconds = document.get("retry_after")
    return PROBLEM_CLASSES.get(code, OnhandError)(
        code,
        detail,
        status=status,
        is_retry_safe=is_retry_safe or code in _NOTHING_APPLIED,
        request_id=document.get("request_id", request_id),
        line=line,
        retry_after=seconds if retry_after is None and isinstance(seconds, (int, float)) else retry_after,
        confirmation_code=document.get("confirmation_code"),
    )


def _is_transient(error: OnhandError) -> bool:
    """Whether sending the request again may succeed, and cannot apply it twice."""
    if not error.is_retry_safe or error.code == "unexpected_response":
        return False
    return error.status in (0, 408, 429) or error.status >= 500 or error.code == "request_in_progress"


# --- Ending a call ----------------------------------------------------------------------------------------------------


class Aborted(Exception):
    """The call was ended by its `AbortSignal`."""


class AbortSignal:
    """Ends the calls that it is given to, from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._event = threading.Event()
        self._reason: Optional[BaseException] = None
        self._listeners: Dict[object, Callable[[], object]] = {}

    def abort(self, reason: Optional[BaseException] = None) -> None:
        """Ends the calls: they raise `reason`, by default `Aborted`. `changes.follow` and `consume` return."""
        with self._lock:
            if self._event.is_set():
                return
            self._reason = Aborted("The call was aborted.") if reason is None else reason
            self._event.set()
            listeners = list(self._listeners.values())
        for listener in listeners:
            listener()

    @property
    def reason(self) -> Optional[BaseException]:
        """What calls raise; None until `abort`."""
        return self._reason

    @contextlib.contextmanager
    def _listening(self, listener: Callable[[], object]) -> Iterator[None]:
        """Calls the listener when the signal is aborted meanwhile, or was already."""
        key = object()
        with self._lock:
            is_aborted = self._event.is_set()
            self._listeners[key] = listener
        if is_aborted:
            listener()
        try:
            yield
        finally:
            with self._lock:
                del self._listeners[key]


class _Options(NamedTuple):
    retries: Optional[int] = None
    retry_for: Optional[float] = None
    timeout: Optional[float] = None
    deadline: Optional[float] = None
    signal: Optional[AbortSignal] = None


_RETRIES_DEFAULT = 3
_TIMEOUT_DEFAULT = 60.0
_DELAY_FIRST = 0.5
_DELAY_LAST = 30.0


class _Call:
    """What all requests of one call share: its options, and when it ends."""

    def __init__(self, options: _Options) -> None:
        self.signal = AbortSignal() if options.signal is None else options.signal
        self.max_retries = options.retries
        self.retry_for = options.retry_for
        self.timeout = options.timeout
        self._end = None if options.deadline is None else time.monotonic() + options.deadline

    @property
    def is_over(self) -> bool:
        return self.signal.reason is not None or self.left() <= 0

    def left(self) -> float:
        """Seconds until the deadline."""
        return float("inf") if self._end is None else self._end - time.monotonic()

    def check(self, request: _Request, cause: Optional[BaseException] = None) -> None:
        """Raises the reason of the signal if it was aborted, and `TimedOut` after the deadline."""
        if self.signal.reason is not None:
            raise self.signal.reason
        if self.left() <= 0:
            raise self._timed_out(request) from cause

    def once(self) -> _Call:
        """The same call without retries."""
        other = copy.copy(self)
        other.max_retries, other.retry_for = 0, None
        return other

    def _timed_out(self, request: _Request) -> TimedOut:
        return TimedOut(
            "timed_out",
            f"{request.method} {request.path} was not answered before the deadline.",
            is_retry_safe=request.is_repeatable,
            line=request.line,
        )


class _Retries:
    """Decides whether and when what failed is tried again."""

    def __init__(self, call: _Call, max_default: float = _RETRIES_DEFAULT) -> None:
        self._call = call
        self._max = max_default if call.max_retries is None else call.max_retries
        #: Failures since the last success, and when the first of them was.
        self._failures = 0
        self._since = 0.0

    def reset(self) -> None:
        """To be called after a success: counts from the start again."""
        self._failures = 0

    def wait_after(self, error: OnhandError, request: _Request) -> None:
        """As `pause`. Raises if the call ends before the next attempt."""
        if not self.pause(error, request):
            self._call.check(request, error)
            raise self._call._timed_out(request) from error

    def pause(self, error: OnhandError, request: _Request) -> bool:
        """
        Waits before the next attempt: exponentially with jitter, at least as long as the server asks for. Returns
        whether the call is still wanted then. Raises the error if there shall be no other attempt.
        """
        if self._failures == 0:
            self._since = time.monotonic()
        self._failures += 1
        delay = min(_DELAY_FIRST * 2 ** min(self._failures - 1, 16), _DELAY_LAST) * (0.5 + random.random() / 2)
        delay = max(delay, error.retry_after or 0)
        if not _is_transient(error) or self._is_over(delay):
            raise error
        if delay >= self._call.left():
            return False
        logger.warning(
            "%s %s: attempt %d failed, next in %.1f s: %s", request.method, request.path, self._failures, delay, error
        )
        self._call.signal._event.wait(delay)
        return not self._call.is_over

    def _is_over(self, delay: float) -> bool:
        retry_for = self._call.retry_for
        if retry_for is None:
            return self._failures > self._max
        return time.monotonic() + delay > self._since + retry_for


# --- Requests ---------------------------------------------------------------------------------------------------------

#: Opens a connection to a host and port within a number of seconds: for proxies, other networks and tests.
Connect = Callable[[str, int, float], socket.socket]

#: Bytes are sent with their length, pieces of bytes in the chunked encoding.
_Body = Union[bytes, Iterable[bytes]]


@dataclasses.dataclass(frozen=True)
class _Request:
    method: str
    path: str
    query: Mapping[str, QueryValue] = dataclasses.field(default_factory=dict)
    headers: Mapping[str, Optional[str]] = dataclasses.field(default_factory=dict)
    #: Called for each attempt.
    body: Optional[Callable[[], _Body]] = None
    #: Whether the server applies it once even if it is sent twice.
    is_repeatable: bool = True
    #: The response may take this long beyond the time-out, because the server was asked to wait.
    wait: float = 0
    timeout_default: float = _TIMEOUT_DEFAULT
    #: The first line in the body, counted over all lines given to the client.
    line: Optional[int] = None


class _Late(OSError):
    """Nothing arrived in time."""


class _Clock:
    """Limits how long a connection waits."""

    def __init__(
        self,
        call: _Call,
        seconds: float,
        *,
        restarts: bool = False,
        is_expected: Callable[[], bool] = lambda: True,
    ) -> None:
        """
        :param restarts: whether the time starts again with everything that arrives or is about to be sent
        :param is_expected: asked at the end of the time: whether anything had to arrive
        """
        self._call = call
        self._seconds = seconds
        self._restarts = restarts
        self._is_expected = is_expected
        self._end = time.monotonic() + seconds

    def progress(self) -> None:
        if self._restarts:
            self._end = time.monotonic() + self._seconds

    def left(self) -> float:
        """For how many seconds the connection may wait now. Raises if the time is over."""
        seconds = min(self._end - time.monotonic(), self._call.left())
        if seconds <= 0:
            if self._call.left() > 0 and not self._is_expected():
                self._end = time.monotonic() + self._seconds
                return self.left()
            raise _Late("nothing arrived in time")
        return seconds


#: Has no limit on the number of open files where the system offers one such.
_Selector: Type[selectors.BaseSelector] = getattr(selectors, "PollSelector", selectors.SelectSelector)
#: A waiting connection looks this often for what TLS received while it was sending, and whether to keep a stream open.
_LOOK_SECONDS = 1.0


class _Wire(io.RawIOBase):
    """
    A socket for `http.client`. It can be written while another thread reads it: TLS allows neither thread to block
    inside it, so the socket never does, and the threads wait outside.
    """

    def __init__(self, sock: socket.socket, clock: _Clock) -> None:
        super().__init__()
        sock.settimeout(0)
        self.clock = clock
        self.is_reused = False
        #: Called once a second while the connection waits for bytes.
        self.on_waiting: Callable[[], None] = lambda: None
        self._socket = sock
        self._lock = threading.Lock()
        self._early: Optional[bytes] = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._early is not None:
            early, self._early = self._early, None
            count = min(len(early), len(buffer))
            buffer[:count] = early[:count]
            if count < len(early):
                self._early = early[count:]
            return count
        count = self._when_ready(lambda: self._socket.recv_into(buffer), selectors.EVENT_READ, self.on_waiting)
        self.clock.progress()
        return count

    def has_answer(self) -> bool:
        """Whether the server has begun to answer, or closed the connection."""
        if self._early is None:
            with self._lock, contextlib.suppress(BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                self._early = self._socket.recv(65536)
        return self._early is not None

    def sendall(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[self._when_ready(lambda: self._socket.send(rest), selectors.EVENT_WRITE) :]

    def _when_ready(self, act: Callable[[], int], ready: int, on_waiting: Optional[Callable[[], None]] = None) -> int:
        while True:
            event = ready
            with self._lock:
                try:
                    return act()
                except ssl.SSLWantReadError:
                    event = selectors.EVENT_READ
                except ssl.SSLWantWriteError:
                    event = selectors.EVENT_WRITE
                except BlockingIOError:
                    pass
            with _Selector() as selector:
                selector.register(self._socket, event)
                selector.select(min(self.clock.left(), _LOOK_SECONDS))
            if on_waiting is not None:
                on_waiting()

    def makefile(self, mode: str, buffering: Optional[int] = None) -> io.BufferedReader:
        return io.BufferedReader(self, 65536)

    def close(self) -> None:
        """`http.client` closes connections whose response is still read; `cut` does close it."""

    def cut(self) -> None:
        """Ends what any thread does with the connection."""
        with contextlib.suppress(OSError):
            # Not that of TLS, which another thread may be using.
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def end(self) -> None:
        self.cut()
        with contextlib.suppress(OSError):
            self._socket.close()


class _Exchange:
    """A request that was sent, and its response. Closes the connection unless the response was read completely."""

    def __init__(self, transport: _Transport, connection: http.client.HTTPConnection, call: _Call) -> None:
        self.wire = cast(_Wire, connection.sock)
        self._transport = transport
        self._connection = connection
        self._response: Optional[http.client.HTTPResponse] = None
        self._is_sent = True
        self._is_complete = False
        self._listening = call.signal._listening(self.wire.cut)
        self._listening.__enter__()

    def send_head(self, request: _Request, target: str, headers: Mapping[str, str]) -> None:
        self._connection.putrequest(request.method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items():
            self._connection.putheader(name, value)
        self._connection.endheaders()

    def send_body(self, body: _Body) -> None:
        """Sends a body, until the server answers before its end."""
        if isinstance(body, bytes):
            for start in range(0, len(body), _PIECE_BYTES):
                if start > 0 and self.wire.has_answer():
                    self._is_sent = False
                    return
                self.wire.sendall(body[start : start + _PIECE_BYTES])
            return
        for piece in body:
            if self.wire.has_answer():
                self._is_sent = False
                return
            if piece:
                self.wire.sendall(_chunk_frame(piece))
        self.wire.sendall(_LAST_FRAME)

    @property
    def response(self) -> http.client.HTTPResponse:
        if self._response is None:
            self._response = self._connection.getresponse()
        return self._response

    def read(self) -> bytes:
        content = self.response.read()
        # What remains of a body that was answered early would be taken for the next request.
        self._is_complete = self._is_sent and not self.response.will_close
        return content

    def pieces(self) -> Iterator[bytes]:
        """The body as it arrives. Raises if it is cut off."""
        response = self.response
        missing = response.length
        while missing != 0:
            piece = response.read1(_PIECE_BYTES)
            if not piece:
                if missing:
                    raise http.client.IncompleteRead(piece, missing)
                return
            if missing is not None:
                missing -= len(piece)
            yield piece

    def rows(self) -> Iterator[List[str]]:
        """The rows of a text as they arrive, without their ends. A last row without an end is left out: it may be cut off."""
        rest = b""
        for piece in self.pieces():
            *rows, rest = (rest + piece).split(b"\n")
            yield [row.rstrip(b"\r").decode() for row in rows]

    def close(self) -> None:
        self._listening.__exit__(None, None, None)
        if self._is_complete:
            self._transport.put_back(self._connection)
        else:
            self.wire.end()

    def __enter__(self) -> _Exchange:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


_PIECE_BYTES = 65536
_LAST_FRAME = b"0\r\n\r\n"


def _chunk_frame(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


#: Opening a connection may take this long.
_CONNECT_SECONDS = 10.0
#: Servers and networks drop connections that are idle for longer.
_IDLE_SECONDS = 30.0
_PROBLEM_BYTES_MAX = 1_048_576


class _Transport:
    """Sends requests, retries those that may be, and turns problem documents into errors."""

    def __init__(
        self,
        url: str,
        token: Optional[str],
        *,
        headers: Optional[Mapping[str, str]],
        user_agent: Optional[str],
        connect: Optional[Connect],
        ssl_context: Optional[ssl.SSLContext],
    ) -> None:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or parts.hostname is None:
            raise ValueError("The URL of a server starts with http:// or https://.")
        if token is not None and re.fullmatch(r"[\x21-\x7e]+", token) is None:
            raise ValueError("The token is malformed: a token is 40 hexadecimal digits.")
        self._host = parts.hostname
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._base = parts.path.rstrip("/")
        self._connect = connect or (lambda host, port, seconds: socket.create_connection((host, port), seconds))
        self._ssl = (ssl_context or ssl.create_default_context()) if parts.scheme == "https" else None
        agent = f"onhand-client-python/{__version__}"
        self._headers = {
            **{name.lower(): value for name, value in (headers or {}).items()},
            "host": parts.netloc.rpartition("@")[2],
            "accept-encoding": "identity",
            "user-agent": agent if user_agent is None else f"{user_agent} {agent}",
            **({} if token is None else {"authorization": f"Token {token}"}),
        }
        self._lock = threading.Lock()
        self._idle: List[Tuple[float, http.client.HTTPConnection]] = []

    def json(self, request: _Request, call: _Call) -> Any:
        """The JSON of a response."""
        return self.send(request, call, lambda exchange: _parsed(exchange, request))

    def send(self, request: _Request, call: _Call, read: Callable[[_Exchange], T]) -> T:
        """
        Sends a request, and again where that is safe. Reading the response belongs to the attempt, so that one that
        breaks off is retried too.
        """
        retries = _Retries(call)
        while True:
            try:
                with self.open(request, call) as exchange:
                    return read(exchange)
            except OnhandError as error:
                failure = error
            except (OSError, http.client.HTTPException) as error:
                failure = _failure_of(error, request, call)
            retries.wait_after(failure, request)

    def open(self, request: _Request, call: _Call, clock: Optional[_Clock] = None) -> _Exchange:
        """
        Sends a request once and returns its response while it is still arriving. Raises the problem of an error status.

        :param clock: limits the waiting instead of the time-out of the call
        """
        call.check(request)
        if clock is None:
            timeout = request.timeout_default if call.timeout is None else call.timeout
            clock = _Clock(call, timeout + request.wait)
        started = time.monotonic()
        exchange = self._exchange(request, call, clock, is_fresh=not request.is_repeatable)
        try:
            self.check_status(exchange, request, started)
        except BaseException:
            exchange.close()
            raise
        return exchange

    def start(self, request: _Request, call: _Call, clock: _Clock) -> _Exchange:
        """Sends the head of a request whose body the caller sends in the chunked encoding."""
        exchange = _Exchange(self, self._new_connection(clock), call)
        try:
            headers = {"transfer-encoding": "chunked"}
            exchange.send_head(request, self._target(request), {**self._headers, **_defined(request.headers), **headers})
        except BaseException:
            exchange.close()
            raise
        return exchange

    def check_status(self, exchange: _Exchange, request: _Request, started: float) -> None:
        """Raises the problem of a response that is not a success."""
        response = exchange.response
        milliseconds = (time.monotonic() - started) * 1000
        logger.debug("%s %s: %d after %.0f ms", request.method, request.path, response.status, milliseconds)
        if 200 <= response.status < 300:
            return
        is_short = response.length is not None and response.length <= _PROBLEM_BYTES_MAX
        content = exchange.read() if is_short else response.read(_PROBLEM_BYTES_MAX)
        try:
            document = json.loads(content)
        except ValueError:
            document = None
        retry_after = _retry_after(response.getheader("retry-after"), response.getheader("date"))
        raise _problem_error(
            document,
            status=response.status,
            is_retry_safe=request.is_repeatable,
            line=request.line,
            retry_after=retry_after,
            request_id=response.getheader("request-id"),
        ) or _unexpected(response.status, request, retry_after=retry_after)

    def put_back(self, connection: http.client.HTTPConnection) -> None:
        with self._lock:
            self._idle.append((time.monotonic(), connection))

    def close(self) -> None:
        """Closes idle connections."""
        with self._lock:
            idle, self._idle = self._idle, []
        for _, connection in idle:
            cast(_Wire, connection.sock).end()

    def _exchange(self, request: _Request, call: _Call, clock: _Clock, is_fresh: bool) -> _Exchange:
        connection = None if is_fresh else self._idle_connection()
        is_reused = connection is not None
        if connection is None:
            connection = self._new_connection(clock)
        exchange = _Exchange(self, connection, call)
        exchange.wire.clock = clock
        try:
            body = None if request.body is None else request.body()
            framing = {}
            if isinstance(body, bytes):
                framing = {"content-length": str(len(body))}
            elif body is not None:
                framing = {"transfer-encoding": "chunked"}
            elif request.method != "GET":
                framing = {"content-length": "0"}
            try:
                exchange.send_head(request, self._target(request), {**self._headers, **_defined(request.headers), **framing})
                if body is not None:
                    exchange.send_body(body)
            except ConnectionError:
                # The server may have answered before it closed the connection.
                if is_reused:
                    raise
            exchange.response
        except ConnectionError:
            exchange.close()
            if not is_reused:
                raise
            # The server closed the connection while it was idle.
            return self._exchange(request, call, clock, is_fresh=True)
        except BaseException:
            exchange.close()
            raise
        return exchange

    def _idle_connection(self) -> Optional[http.client.HTTPConnection]:
        with self._lock:
            while self._idle:
                since, connection = self._idle.pop()
                if time.monotonic() - since < _IDLE_SECONDS:
                    return connection
                cast(_Wire, connection.sock).end()
        return None

    def _new_connection(self, clock: _Clock) -> http.client.HTTPConnection:
        sock = self._connect(self._host, self._port, min(clock.left(), _CONNECT_SECONDS))
        try:
            sock.settimeout(min(clock.left(), _CONNECT_SECONDS))
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._ssl is not None:
                sock = self._ssl.wrap_socket(sock, server_hostname=self._host)
        except BaseException:
            sock.close()
            raise
        connection = http.client.HTTPConnection(self._host, self._port)
        connection.sock = _Wire(sock, clock)
        connection.auto_open = 0
        return connection

    def _target(self, request: _Request) -> str:
        query = {
            name: str(value).lower() if isinstance(value, bool) else value if isinstance(value, (str, int)) else ",".join(value)
            for name, value in request.query.items()
            if value is not None
        }
        return self._base + request.path + (f"?{urllib.parse.urlencode(query)}" if query else "")


def _defined(headers: Mapping[str, Optional[str]]) -> Dict[str, str]:
    return {name: value for name, value in headers.items() if value is not None}


def _parsed(exchange: _Exchange, request: _Request) -> Any:
    content = exchange.read()
    try:
        return json.loads(content)
    except ValueError:
        raise _unexpected(exchange.response.status, request, is_retry_safe=False) from None


def _unexpected(
    status: int,
    request: _Request,
    is_retry_safe: Optional[bool] = None,
    retry_after: Optional[float] = None,
) -> UnexpectedResponse:
    return UnexpectedResponse(
        "proxy_failed" if status >= 500 else "unexpected_response",
        "The response is not from onhand: check the URL, and proxies on the way.",
        status=status,
        is_retry_safe=request.is_repeatable if is_retry_safe is None else is_retry_safe,
        line=request.line,
        retry_after=retry_after,
    )


def _unexpected_results(line: int) -> UnexpectedResponse:
    return UnexpectedResponse(
        "unexpected_response",
        "The results do not match the lines: the response is not from onhand, or a proxy dropped its header Lines-Succeeded.",
        status=200,
        line=line,
    )


def _failure_of(error: Exception, request: _Request, call: _Call) -> OnhandError:
    """What broke a connection, as an error of the client. Raises the reason of the call's end if it ended."""
    call.check(request, error)
    kind: Type[OnhandError] = ConnectionFailed
    code, reason = "connection_failed", f"was not answered: {error or type(error).__name__}."
    if isinstance(error, (_Late, socket.timeout)):
        kind, code, reason = TimedOut, "timed_out", "was not answered in time."
    failure = kind(code, f"{request.method} {request.path} {reason}", is_retry_safe=request.is_repeatable, line=request.line)
    failure.__cause__ = error
    return failure


def _retry_after(text: Optional[str], answered: Optional[str]) -> Optional[float]:
    """Seconds, or a date (RFC 9110 §10.2.3) by the clock of who answered, which the response's own date shows."""
    if text is None:
        return None
    if re.fullmatch(r"\d+", text):
        return float(text)
    end = _timestamp(text)
    if end is None:
        return None
    now = _timestamp(answered)
    return max(0.0, end - (time.time() if now is None else now))


def _timestamp(date: Optional[str]) -> Optional[float]:
    """Seconds since 1970 of a date of HTTP; None if it is none."""
    try:
        return email.utils.parsedate_to_datetime(date or "").timestamp()
    except (TypeError, ValueError, IndexError):
        return None


def _json_bytes(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), allow_nan=False, default=_plain).encode()


def _plain(value: Any) -> object:
    """What JSON has no type for: times, decimals, other mappings, and the numbers of NumPy and pandas."""
    if isinstance(value, (datetime.datetime, datetime.date)):
        return _time_text(value)
    if isinstance(value, decimal.Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    if callable(getattr(value, "item", None)):
        return value.item()
    raise TypeError(f"{type(value).__name__} {value!r} has no form in JSON")


def _time_text(value: Union[str, datetime.date, None]) -> Optional[str]:
    if isinstance(value, datetime.datetime) and value.tzinfo is None:
        raise ValueError(f"The time {value} has no time zone: use datetime.now(timezone.utc).")
    return value.isoformat() if isinstance(value, datetime.date) else value


def _note_headers(reason: Optional[str], reference: Optional[str]) -> Dict[str, Optional[str]]:
    """The headers that carry a batch's reason and reference: UTF-8 bytes in a Latin-1 text."""
    return {
        name: None if text is None else text.encode().decode("latin-1")
        for name, text in (("batch-reason", reason), ("batch-reference", reference))
    }


def _path(base: str, uuid: str) -> str:
    return f"{base}{urllib.parse.quote(uuid, safe='')}/"


class _Resource:
    """What the parts of a client have in common."""

    def __init__(self, transport: _Transport, options: _Options) -> None:
        self._transport = transport
        self._options = options

    def _call(self) -> _Call:
        return _Call(self._options)

    def _json(
        self,
        method: str,
        path: str,
        query: Optional[Mapping[str, QueryValue]] = None,
        *,
        content: Optional[object] = None,
        headers: Optional[Mapping[str, Optional[str]]] = None,
        is_repeatable: Optional[bool] = None,
        wait: float = 0,
        call: Optional[_Call] = None,
    ) -> Any:
        """
        The JSON of a response.

        :param content: sent as JSON
        :param is_repeatable: by default, that of the method (RFC 9110 §9.2.2)
        """
        request = _json_request(method, path, query, content, headers, is_repeatable, wait)
        return self._transport.json(request, call or self._call())

    def _none(
        self,
        method: str,
        path: str,
        query: Optional[Mapping[str, QueryValue]] = None,
        *,
        content: Optional[object] = None,
        headers: Optional[Mapping[str, Optional[str]]] = None,
        is_repeatable: Optional[bool] = None,
    ) -> None:
        """Sends a request whose response has no content; the parameters are those of `_json`."""
        request = _json_request(method, path, query, content, headers, is_repeatable, 0)
        self._transport.send(request, self._call(), lambda exchange: exchange.read())


def _json_request(
    method: str,
    path: str,
    query: Optional[Mapping[str, QueryValue]],
    content: Optional[object],
    headers: Optional[Mapping[str, Optional[str]]],
    is_repeatable: Optional[bool],
    wait: float,
) -> _Request:
    body = None if content is None else _json_bytes(content)
    kind = {} if body is None else {"content-type": "application/json"}
    return _Request(
        method,
        path,
        query or {},
        {**kind, **(headers or {})},
        None if body is None else lambda: body,
        method not in ("POST", "PATCH") if is_repeatable is None else is_repeatable,
        wait,
    )


def _flat(pages: _Pages[T]) -> Iterator[T]:
    with contextlib.closing(pages):
        for page in pages:
            yield from page


# --- State ------------------------------------------------------------------------------------------------------------


class StateStore(Generic[T]):
    """Keeps a JSON value in memory: so that a loop in one program can continue. `FileStore` keeps it between programs."""

    def __init__(self) -> None:
        self.value: Optional[T] = None

    def load(self) -> Optional[T]:
        return self.value

    def save(self, value: T) -> None:
        self.value = value

    def clear(self) -> None:
        """Called when nothing is left to continue."""
        self.value = None


class FileStore(StateStore[T]):
    """
    Keeps a value as JSON in a file, replaced as a whole and synced: a crash leaves the old or the new value. For
    `inventory.update`, `inventory.stream` and `changes.consume`. One program at a time may use the file.
    """

    def __init__(self, path: Union[str, os.PathLike[str]]) -> None:
        super().__init__()
        self._path = os.fspath(path)

    def load(self) -> Optional[T]:
        try:
            with open(self._path, encoding="utf-8") as file:
                return cast(T, json.load(file))
        except FileNotFoundError:
            return None

    def save(self, value: T) -> None:
        partial = f"{self._path}.partial"
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump(value, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, self._path)
        self._sync_folder()

    def clear(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.remove(self._path)
            self._sync_folder()

    def _sync_folder(self) -> None:
        """The new name must be durable too; Windows cannot sync a folder."""
        if os.name != "posix":
            return
        folder = os.open(os.path.dirname(os.path.abspath(self._path)), os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


# --- Inventory --------------------------------------------------------------------------------------------------------

_BULK_PATH = "/timp/products/skus/inventory/bulk/"
_SINGLE_PATH = "/timp/products/skus/inventory/"
_CHUNK_LINES_DEFAULT = 1000
#: Bytes of JSON in a chunk, at most; a longer line is sent alone. The server allows as many in a group.
_CHUNK_BYTES = 4_194_304
#: Lines of a group in a stream, at most.
_GROUP_LINES_MAX = 10_000


class Line(TypedDict, total=False):
    """Identifiers of one SKU and its inventory. Other mappings with these members are accepted too."""

    sku_id: str
    upca: Optional[str]
    ean13: Optional[str]
    gtin14: Optional[str]
    isbn: Optional[str]
    quantity_in_stock: Optional[int]
    #: Units to add, or to take away where it is negative, instead of `quantity_in_stock`.
    quantity_in_stock_change: int
    #: Units that must be in stock before, else 412.
    expected_quantity_in_stock: Optional[int]
    quantity_on_backorder: Optional[int]
    backorder_date: Union[str, datetime.date, None]
    #: `discontd` or `tmpunavail`; None lifts the restriction.
    restrictions: Optional[str]
    #: The time of the report; 412 if the inventory is newer.
    as_of: Time
    #: Adjacent lines with the same group succeed or fail together.
    group: str


@dataclasses.dataclass(frozen=True)
class LineOutcome:
    """The result of one line."""

    #: The place of the line among all lines given, from 0.
    index: int
    #: The line itself.
    line: Mapping[str, Any]
    #: 200 applied; 400 the line cannot be read; 404 no SKU matches; 412, 422 and 424: see the server's documentation.
    status_code: int
    message: str
    #: The result as it was sent: it may have more members.
    result: Json

    @property
    def is_applied(self) -> bool:
        return self.status_code == 200


class _UpdateStart(TypedDict):
    #: Begins the idempotency key of each chunk.
    run: str
    #: Lines in a chunk; it must not change between runs.
    chunk_lines: int
    #: How many lines have been answered.
    lines: int


class UpdateState(_UpdateStart, total=False):
    """Where an update that was interrupted continues."""

    #: Whether each request asks for failures only. Earlier clients did not, nor set this: a chunk that they sent has to
    #: be sent again in the same way, since its idempotency key belongs to that request.
    failures_only: bool


class Progress(NamedTuple):
    """How many lines were answered so far, and how many of those were not applied."""

    lines: int
    failed: int


class _Chunk(NamedTuple):
    """Lines that are sent as one request."""

    start: int
    lines: List[Mapping[str, Any]]
    #: The JSON of each line.
    texts: List[bytes]

    @property
    def end(self) -> int:
        return self.start + len(self.lines)


def _chunks(
    lines: Iterable[Mapping[str, Any]], chunk_lines: int, group_lines: int
) -> Generator[_Chunk, None, None]:
    """
    Cuts lines into chunks, reading no further than the chunk that is asked for and the group after it. A group, which
    is a run of lines with one group name, is never split.

    :param chunk_lines: lines in a chunk, at most, unless they are one group
    :param group_lines: lines in a group, at most
    """
    chunk = _Chunk(0, [], [])
    size = 0
    # The group of the last line, and where it begins in the chunk: outside groups, with the line itself.
    group: Optional[str] = None
    group_start = group_size = 0
    for index, line in enumerate(lines):
        try:
            text = _json_bytes(line)
        except (TypeError, ValueError) as error:
            raise ValueError(f"Line {index} cannot be sent: {error}") from error
        name = line.get("group")
        # The server refuses other values line by line.
        name = name if isinstance(name, str) else None
        if name is None or name != group:
            group, group_start, group_size = name, len(chunk.lines), 0
        if group_start > 0 and (len(chunk.lines) >= chunk_lines or size + len(text) > _CHUNK_BYTES):
            yield _Chunk(chunk.start, chunk.lines[:group_start], chunk.texts[:group_start])
            chunk = _Chunk(chunk.start + group_start, chunk.lines[group_start:], chunk.texts[group_start:])
            group_start, size = 0, group_size
        chunk.lines.append(line)
        chunk.texts.append(text)
        size += len(text) + 1
        group_size += len(text) + 1
        if group is not None and (len(chunk.lines) - group_start > group_lines or group_size > _CHUNK_BYTES):
            raise ValueError(
                f"The group {json.dumps(group)}, which begins at line {chunk.start + group_start}, has more than "
                f"{group_lines} lines or {_CHUNK_BYTES} characters. Its lines have to be sent together: use smaller "
                "groups, or upload a file with atomic=true."
            )
    if chunk.lines:
        yield chunk


@dataclasses.dataclass(frozen=True)
class _Update:
    """The options of an update or a stream."""

    errors_only: bool = False
    dry_run: bool = False
    as_of: Optional[Time] = None
    chunk_lines: int = _CHUNK_LINES_DEFAULT
    reason: Optional[str] = None
    reference: Optional[str] = None
    state: Optional[StateStore[UpdateState]] = None
    on_progress: Optional[Callable[[Progress], object]] = None

    def __post_init__(self) -> None:
        if self.chunk_lines < 1:
            raise ValueError("chunk_lines is at least 1.")

    def request(self, headers: Mapping[str, Optional[str]]) -> _Request:
        return _Request(
            "POST",
            _BULK_PATH,
            {"dry_run": True if self.dry_run else None},
            {"as-of": _time_text(self.as_of), **_note_headers(self.reason, self.reference), **headers},
        )

    def begin(self) -> UpdateState:
        saved = None if self.state is None else self.state.load()
        if saved is not None:
            return saved
        begin = UpdateState(
            run=str(uuid_module.uuid4()), chunk_lines=self.chunk_lines, lines=0, failures_only=True
        )
        if self.state is not None:
            self.state.save(begin)
        return begin

    def answered(self, begin: UpdateState, lines: int, failed: int) -> None:
        if self.state is not None:
            state = begin.copy()
            state["lines"] = lines
            self.state.save(state)
        if self.on_progress is not None:
            self.on_progress(Progress(lines, failed))

    def end(self) -> None:
        if self.state is not None:
            self.state.clear()


class Inventory(_Resource):
    """Writes stock levels."""

    def set(
        self,
        line: Mapping[str, Any],
        *,
        dry_run: bool = False,
        reason: Optional[str] = None,
        reference: Optional[str] = None,
    ) -> Json:
        """
        Sets the inventory of one SKU. Raises `LineFailed` if the line was not applied.

        Retries are safe: each call has its own idempotency key.
        """
        key = None if dry_run else str(uuid_module.uuid4())
        return cast(
            Json,
            self._json(
                "POST",
                _SINGLE_PATH,
                {"dry_run": dry_run or None},
                content=line,
                headers={"idempotency-key": key, **_note_headers(reason, reference)},
                is_repeatable=True,
            ),
        )

    def update(
        self,
        lines: Iterable[Mapping[str, Any]],
        *,
        errors_only: bool = False,
        dry_run: bool = False,
        as_of: Optional[Time] = None,
        chunk_lines: int = _CHUNK_LINES_DEFAULT,
        reason: Optional[str] = None,
        reference: Optional[str] = None,
        state: Optional[StateStore[UpdateState]] = None,
        on_progress: Optional[Callable[[Progress], object]] = None,
    ) -> Iterator[LineOutcome]:
        """
        Sends lines in chunks and yields the result of each line, in the order of the lines. Lines are read chunk by
        chunk, in the thread that iterates. Each chunk has an idempotency key that its retries repeat, so it is applied
        once.

        Raises the problem if a chunk is refused as a whole; `line` is its first line, and the lines before it were
        applied. Lines that fail are not errors: they are yielded with their `status_code` and `message`.

        :param errors_only: yield only lines that were not applied
        :param dry_run: write nothing; the results tell what would happen
        :param as_of: the time of the report: lines that are older than what the server holds get 412
        :param chunk_lines: lines of a request, at most what the server allows; each request is a batch. A `group` is
            never split: one that is longer is a request of its own, up to 10,000 lines or 4 MiB; beyond, a `ValueError`
            is raised.
        :param reason: stored with the batches
        :param reference: your own reference, stored with the batches
        :param state: where the progress is kept, so that an update that was interrupted continues where it was, with
            the idempotency key of the chunk that was under way. Give the same lines again: those that were answered are
            skipped.
        :param on_progress: called after each request
        """
        options = _Update(errors_only, dry_run, as_of, chunk_lines, reason, reference, state, on_progress)
        return _flat(self._update(lines, options))

    def stream(
        self,
        lines: Iterable[Mapping[str, Any]],
        *,
        errors_only: bool = False,
        dry_run: bool = False,
        as_of: Optional[Time] = None,
        chunk_lines: int = _CHUNK_LINES_DEFAULT,
        reason: Optional[str] = None,
        reference: Optional[str] = None,
        state: Optional[StateStore[UpdateState]] = None,
        on_progress: Optional[Callable[[Progress], object]] = None,
    ) -> Iterator[LineOutcome]:
        """
        As `update`, over one connection: the server applies chunks while later ones are on their way, so it is faster
        over long distances. When the connection breaks, it is resumed with the first chunk that was not answered; the
        server applies each chunk once. `retries` counts attempts in a row that got no result.
        """
        options = _Update(errors_only, dry_run, as_of, chunk_lines, reason, reference, state, on_progress)
        return _flat(self._stream(lines, options))

    def _update(self, lines: Iterable[Mapping[str, Any]], options: _Update) -> _Pages[LineOutcome]:
        call = self._call()
        begin = options.begin()
        failed = 0
        chunk_lines = begin["chunk_lines"]
        with contextlib.closing(_chunks(lines, chunk_lines, max(chunk_lines, _GROUP_LINES_MAX))) as chunks:
            for chunk in chunks:
                if chunk.end <= begin["lines"]:
                    continue
                outcomes = self._send(chunk, begin, options, call)
                failed += sum(not outcome.is_applied for outcome in outcomes)
                yield outcomes
                # After the last of its results was taken: a run that stops before asks for this chunk again.
                options.answered(begin, chunk.end, failed)
        options.end()

    def _send(self, chunk: _Chunk, begin: UpdateState, options: _Update, call: _Call) -> List[LineOutcome]:
        key = None if options.dry_run else f"{begin['run']}-{chunk.start}"
        request = options.request({"content-type": "application/json", "idempotency-key": key})
        # Only in a dry run does the result of a success say more: what would change.
        failures_only = options.errors_only or (begin.get("failures_only", False) and not options.dry_run)
        request = dataclasses.replace(
            request,
            query={**request.query, "errors_only": True if failures_only else None},
            body=lambda: b"[%b]" % b",".join(chunk.texts),
            line=chunk.start,
        )

        def read(exchange: _Exchange) -> List[LineOutcome]:
            results = _parsed(exchange, request)
            if failures_only:
                results = _completed(chunk, results, exchange.response.getheader("lines-succeeded"))
            if not isinstance(results, list) or len(results) != len(chunk.lines):
                raise _unexpected_results(chunk.start)
            return [
                _outcome(chunk, place, result)
                for place, result in enumerate(results)
                if not options.errors_only or result is not _SUCCESS
            ]

        return self._transport.send(request, call, read)

    def _stream(self, lines: Iterable[Mapping[str, Any]], options: _Update) -> _Pages[LineOutcome]:
        call = self._call()
        begin = options.begin()
        # A dry run has the key too: it decides where chunks end, and nothing is stored.
        request = options.request({"content-type": "application/x-ndjson", "idempotency-key": begin["run"]})
        failed = 0
        retries = _Retries(call)
        with contextlib.closing(_chunks(lines, begin["chunk_lines"], _GROUP_LINES_MAX)) as all_chunks:
            chunks = (chunk for chunk in all_chunks if chunk.end > begin["lines"])
            stream = _ChunkStream(self._transport, request, chunks, call, begin["lines"])
            while not stream.is_done:
                try:
                    for chunk, outcomes, is_end in stream.attempt():
                        retries.reset()
                        failed += sum(not outcome.is_applied for outcome in outcomes)
                        yield [outcome for outcome in outcomes if not (options.errors_only and outcome.is_applied)]
                        if is_end:
                            options.answered(begin, chunk.end, failed)
                except OnhandError as error:
                    retries.wait_after(error, request)
        options.end()


#: The result of most lines.
_SUCCESS: Json = {"status_code": 200, "message": "success"}


def _completed(chunk: _Chunk, failures: object, succeeded: Optional[str]) -> List[Json]:
    """Completes the failures that the server named by its count of successes: one result for each line of the chunk."""
    count = len(chunk.lines)
    if not isinstance(failures, list) or succeeded != str(count - len(failures)):
        raise _unexpected_results(chunk.start)
    results = [_SUCCESS] * count
    for failure in failures:
        index = failure.get("index", -1)
        if not 0 <= index < count or results[index] is not _SUCCESS:
            raise _unexpected_results(chunk.start)
        results[index] = failure
    return results


def _outcome(chunk: _Chunk, place: int, result: Json) -> LineOutcome:
    if not 0 <= place < len(chunk.lines) or "status_code" not in result:
        raise _unexpected_results(chunk.start)
    members = {name: value for name, value in result.items() if name != "index"}
    return LineOutcome(chunk.start + place, chunk.lines[place], result["status_code"], result.get("message", ""), members)


#: Chunks that may be sent before the first of them is answered.
_CHUNKS_AHEAD = 8
#: After this long without a line, a blank row is sent, which keeps the stream open: the server waits two minutes.
_KEEP_ALIVE_SECONDS = 30.0


class _ChunkStream:
    """
    Chunks on their way to the server, over as many connections as it takes. The server applies each once: a chunk has
    a key of its own, made of the stream's key and the index of its first line.

    The thread that iterates reads lines and sends them; a second thread receives results, so that neither direction
    can block the other.
    """

    def __init__(
        self, transport: _Transport, request: _Request, chunks: Iterator[_Chunk], call: _Call, start: int
    ) -> None:
        self._transport = transport
        self._request = request
        self._chunks = chunks
        self._call = call
        #: Sent, or about to be, and not answered completely; oldest first.
        self._unanswered: Deque[_Chunk] = collections.deque()
        self._is_source_done = False
        #: Lines that were answered.
        self._answered = start

    @property
    def is_done(self) -> bool:
        """Whether every line was answered."""
        return self._is_source_done and not self._unanswered

    def attempt(self) -> Iterator[Tuple[_Chunk, List[LineOutcome], bool]]:
        """
        Sends what is unanswered and what follows, over one connection. Yields the outcomes of lines that had none, each
        list of one chunk, and whether the chunk is answered completely. Raises the reason if the stream ends early;
        then it can be called again.
        """
        again = list(self._unanswered)
        index = again[0].start if again else self._answered
        request = dataclasses.replace(
            self._request, headers={**self._request.headers, "stream-start": str(index)}, line=self._answered
        )
        self._call.check(request)
        timeout = _TIMEOUT_DEFAULT if self._call.timeout is None else self._call.timeout
        clock = _Clock(self._call, timeout, restarts=True, is_expected=lambda: len(self._unanswered) > 0)
        try:
            exchange = self._transport.start(request, self._call, clock)
        except OSError as error:
            raise _failure_of(error, request, self._call) from error
        connection = _StreamConnection(exchange, self._transport, request, index)
        try:
            while True:
                chunk = again.pop(0) if again else self._next_chunk(connection)
                if chunk is not None:
                    connection.send(b"\n".join(chunk.texts) + b"\n\n")
                elif self._is_source_done:
                    connection.finish()
                # Waits for results where nothing more may be sent.
                may_send = not connection.is_sent and (bool(again) or len(self._unanswered) < _CHUNKS_AHEAD)
                for rows in connection.received(is_waiting=not may_send):
                    for outcomes in self._outcomes(rows, index):
                        yield outcomes
                    index += len(rows)
                if connection.is_received:
                    break
            if not self.is_done:
                raise ConnectionResetError("the connection was cut")
        except (OSError, http.client.HTTPException) as error:
            raise _failure_of(error, dataclasses.replace(request, line=self._answered), self._call) from error
        finally:
            connection.close()

    def _next_chunk(self, connection: _StreamConnection) -> Optional[_Chunk]:
        if self._is_source_done or connection.is_sent or len(self._unanswered) >= _CHUNKS_AHEAD:
            return None
        chunk = next(self._chunks, None)
        if chunk is None:
            self._is_source_done = True
        else:
            self._unanswered.append(chunk)
        return chunk

    def _outcomes(self, rows: List[Json], index: int) -> Iterator[Tuple[_Chunk, List[LineOutcome], bool]]:
        """The outcomes of rows, chunk by chunk; without those that an earlier attempt yielded."""
        at = 0
        while at < len(rows):
            if not self._unanswered:
                raise _unexpected_results(index + at)
            chunk = self._unanswered[0]
            place = index + at - chunk.start
            count = min(len(rows) - at, len(chunk.lines) - place)
            outcomes = [_outcome(chunk, place + i, rows[at + i]) for i in range(count)]
            at += count
            is_end = index + at == chunk.end
            new = [outcome for outcome in outcomes if outcome.index >= self._answered]
            # Before they are yielded: if that is where the program stops, nothing more is asked of this stream.
            self._answered = max(self._answered, index + at)
            if is_end:
                self._unanswered.popleft()
            if new:
                yield chunk, new, is_end


class _StreamConnection:
    """One connection of a stream, and the thread that receives its results."""

    def __init__(self, exchange: _Exchange, transport: _Transport, request: _Request, start: int) -> None:
        self._start = start
        self._exchange = exchange
        self._transport = transport
        self._request = request
        self._started = time.monotonic()
        self._sending = threading.Lock()
        self._sent_at = time.monotonic()
        #: Whether nothing more can be sent: the end was, or the connection broke.
        self.is_sent = False
        #: Whether the response has ended.
        self.is_received = False
        #: Rows of results, then the reason why no more come; None at the end of a complete response.
        self._queue: queue.SimpleQueue[Union[List[Json], Exception, None]] = queue.SimpleQueue()
        exchange.wire.on_waiting = self._keep_open
        self._receiver = threading.Thread(target=self._receive, name="onhand-stream", daemon=True)
        self._receiver.start()

    def send(self, rows: bytes) -> None:
        self._send(_chunk_frame(rows))

    def finish(self) -> None:
        if not self.is_sent:
            self._send(_LAST_FRAME)
            self.is_sent = True

    def received(self, is_waiting: bool) -> Iterator[List[Json]]:
        """
        The rows that arrived. Raises the problem of a stream that the server ended, or why the connection broke.

        :param is_waiting: whether to wait for the next ones
        """
        with contextlib.suppress(queue.Empty):
            while True:
                item = self._queue.get(block=is_waiting)
                is_waiting = False
                if isinstance(item, Exception):
                    raise item
                if item is None:
                    self.is_received = True
                    return
                yield item

    def close(self) -> None:
        self._exchange.wire.cut()
        self._receiver.join()
        self._exchange.close()

    def _send(self, frame: bytes) -> None:
        with self._sending:
            self._exchange.wire.clock.progress()
            try:
                self._exchange.wire.sendall(frame)
            except OSError:
                # The response says why.
                self.is_sent = True
            self._sent_at = time.monotonic()

    def _keep_open(self) -> None:
        is_due = time.monotonic() - self._sent_at >= _KEEP_ALIVE_SECONDS
        if is_due and not self.is_sent and self._sending.acquire(blocking=False):
            try:
                self._exchange.wire.sendall(_chunk_frame(b"\n"))
                self._sent_at = time.monotonic()
            finally:
                self._sending.release()

    def _receive(self) -> None:
        try:
            self._transport.check_status(self._exchange, self._request, self._started)
            count = self._start
            for texts in self._exchange.rows():
                rows = [_row(text, count) for text in texts]
                count += len(rows)
                problem = _problem_error(rows[-1], status=_status_of(rows[-1]), is_retry_safe=True, line=count - 1) if rows else None
                self._queue.put(rows if problem is None else rows[:-1])
                if problem is not None:
                    raise problem
            self._queue.put(None)
        except Exception as error:  # Raised in the thread that iterates.
            self._queue.put(error)


def _row(text: str, index: int) -> Json:
    try:
        row = json.loads(text)
    except ValueError:
        row = None
    if not isinstance(row, dict):
        raise _unexpected_results(index)
    return row


def _status_of(row: Json) -> int:
    status = row.get("status")
    return status if isinstance(status, int) else 0


# --- Change feed ------------------------------------------------------------------------------------------------------

_CHANGES_PATH = "/timp/products/skus/inventory/changes/"
_WAIT_SECONDS = 30


class FollowedRecord(NamedTuple):
    """A record of the change feed: a change, or a supplier that entered or left."""

    record: Json
    #: From here to resume once the record has been processed. Records that arrived together with this one may come
    #: again after it; recognize them by supplier and sequence.
    cursor: str


class _ChangePage(NamedTuple):
    records: List[Json]
    #: After the records.
    cursor: str
    #: Before the records.
    before: str


@dataclasses.dataclass(frozen=True)
class _Follow:
    """The options of following the change feed."""

    cursor: Optional[str]
    from_: str
    supplier_uuids: Optional[Sequence[str]]
    via: str
    limit: Optional[int]

    def __post_init__(self) -> None:
        if self.via not in ("polling", "events"):
            raise ValueError(f"via is 'polling' or 'events', not {self.via!r}.")


class Changes(_Resource):
    """Reads the change feed."""

    def read(
        self,
        *,
        after: Optional[str] = None,
        from_: Optional[str] = None,
        supplier_uuids: Optional[Sequence[str]] = None,
        limit: Optional[int] = None,
        wait: Optional[int] = None,
    ) -> Json:
        """One page of changes: `records` and a `cursor`. With `wait`, the server waits up to that many seconds for a change if there is none."""
        return self._read(self._call(), after=after, from_=from_, supplier_uuids=supplier_uuids, limit=limit, wait=wait)

    def follow(
        self,
        *,
        cursor: Optional[str] = None,
        from_: str = "now",
        supplier_uuids: Optional[Sequence[str]] = None,
        via: str = "polling",
        limit: Optional[int] = None,
    ) -> Iterator[FollowedRecord]:
        """
        Every change, in order for each supplier, for ever: reconnects after errors that may pass. Ends without an error
        when the client's `signal` is aborted or its `deadline` is over. Raises `CursorExpired` if the cursor is older
        than the stored changes: read the list of SKUs again. `retries` limits how often in a row nothing is reached;
        without it there is no limit.

        :param cursor: resume here
        :param from_: where to start without a cursor: at the next change (`now`), or at the oldest that is stored
            (`start`)
        :param via: how changes are waited for: by long polls (`polling`) or server-sent events (`events`)
        :param limit: how many changes are asked for at once
        """
        return _flat(self._followed(_Follow(cursor, from_, supplier_uuids, via, limit)))

    def consume(
        self,
        handler: Callable[[List[Json]], object],
        store: StateStore[str],
        *,
        from_: str = "now",
        supplier_uuids: Optional[Sequence[str]] = None,
        via: str = "polling",
        limit: Optional[int] = None,
    ) -> None:
        """
        Gives every change to `handler`, and stores the cursor after the handler succeeded: after a crash, the changes
        that were not stored are given again. Returns when the client's `signal` is aborted; raises what the handler
        raises.

        :param handler: receives one or more records at once
        """
        with contextlib.closing(self._pages(_Follow(store.load(), from_, supplier_uuids, via, limit))) as pages:
            for page in pages:
                if page.records:
                    handler(page.records)
                if page.cursor != page.before:
                    store.save(page.cursor)

    def _read(self, call: _Call, *, wait: Optional[int] = None, from_: Optional[str] = None, **query: QueryValue) -> Json:
        return cast(
            Json,
            self._json("GET", _CHANGES_PATH, {**query, "from": from_, "wait": wait}, wait=wait or 0, call=call),
        )

    def _followed(self, options: _Follow) -> _Pages[FollowedRecord]:
        with contextlib.closing(self._pages(options)) as pages:
            for page in pages:
                cursors = [page.before] * (len(page.records) - 1) + [page.cursor]
                yield [FollowedRecord(record, cursor) for record, cursor in zip(page.records, cursors)]

    def _pages(self, options: _Follow) -> Generator[_ChangePage, None, None]:
        """Pages and the cursor before each. The first may be empty: it has the cursor from which the feed starts."""
        call = self._call()
        request = _Request("GET", _CHANGES_PATH)
        cursor = options.cursor
        retries = _Retries(call, float("inf"))
        while not call.is_over:
            try:
                is_live = options.via == "events" and cursor is not None
                pages = self._events(options, cast(str, cursor), call) if is_live else self._poll(options, cursor, call)
                with contextlib.closing(pages):
                    for records, after in pages:
                        retries.reset()
                        before = after if cursor is None else cursor
                        cursor = after
                        yield _ChangePage(records, after, before)
                        if call.is_over:
                            return
                if is_live:
                    raise ConnectionResetError("the server ended the stream")
            except BaseException as error:
                broken = (OnhandError, OSError, http.client.HTTPException)
                if call.is_over and (isinstance(error, broken) or error is call.signal.reason):
                    return
                if isinstance(error, (OSError, http.client.HTTPException)):
                    failure: OnhandError = _failure_of(error, request, call)
                elif isinstance(error, OnhandError):
                    failure = error
                else:
                    raise
                if not retries.pause(failure, request):
                    return

    def _poll(self, options: _Follow, cursor: Optional[str], call: _Call) -> Generator[Tuple[List[Json], str], None, None]:
        """One page; waits for a change unless it is the first."""
        page = self._read(
            call.once(),
            after=cursor,
            from_=options.from_ if cursor is None else None,
            wait=None if cursor is None else _WAIT_SECONDS,
            supplier_uuids=options.supplier_uuids,
            limit=options.limit,
        )
        yield page["records"], page["cursor"]

    def _events(self, options: _Follow, cursor: str, call: _Call) -> Generator[Tuple[List[Json], str], None, None]:
        """Server-sent events until the connection ends. Events that share a cursor are one page."""
        request = _Request(
            "GET",
            _CHANGES_PATH,
            {"after": cursor, "supplier_uuids": options.supplier_uuids},
            {"accept": "text/event-stream"},
        )
        silence = _Clock(call, _TIMEOUT_DEFAULT if call.timeout is None else call.timeout, restarts=True)
        with self._transport.open(request, call, silence) as exchange:
            records: List[Json] = []
            for cursor_after, data in _server_sent_events(exchange.rows()):
                records.append(json.loads(data))
                if cursor_after is None or cursor_after == cursor:
                    continue
                cursor = cursor_after
                yield records, cursor
                records = []


def _server_sent_events(rows: Iterable[List[str]]) -> Iterator[Tuple[Optional[str], str]]:
    """The ID and data of `text/event-stream` (HTML Living Standard §9.2.6). Comments and event names are left out."""
    last_id: Optional[str] = None
    data: List[str] = []
    for row in (row for some in rows for row in some):
        if row == "":
            if data:
                yield last_id, "\n".join(data)
            data = []
            continue
        field, _, value = row.partition(":")
        value = value[1:] if value.startswith(" ") else value
        if field == "data":
            data.append(value)
        elif field == "id":
            last_id = value


# --- SKUs, files, batches, webhooks -----------------------------------------------------------------------------------

_SKUS_PATH = "/timp/products/skus/"
_FILES_PATH = "/timp/organizations/files/"
_BATCHES_PATH = "/timp/products/skus/inventory/batches/"
_WEBHOOKS_PATH = "/timp/notifications/webhooks/"
_PAGE_LIMIT = 500
#: An upload may take this long.
_UPLOAD_SECONDS = 3600.0


class SkuExport(NamedTuple):
    """Every SKU, and the cursor from which `changes.follow` misses nothing that happens meanwhile."""

    changes_cursor: str
    skus: Iterator[Json]


class Skus(_Resource):
    """Reads, creates and changes SKUs."""

    def page(self, **query: QueryValue) -> Json:
        """One page, with `pagination.total_count`. The parameters are those of the server's documentation."""
        return cast(Json, self._json("GET", _SKUS_PATH, query))

    def list(self, **conditions: QueryValue) -> Iterator[Json]:
        """
        Every SKU that meets all conditions, such as `quantity_in_stock_max=0`. SKUs that are created meanwhile neither
        shift the list nor come twice.
        """
        return _flat(self._pages(conditions))

    def find(
        self,
        *,
        sku_id: Optional[str] = None,
        upca: Optional[str] = None,
        ean13: Optional[str] = None,
        gtin14: Optional[str] = None,
        isbn: Optional[str] = None,
    ) -> List[Json]:
        """The SKUs with these identifiers, any form of a GTIN: usually one; several if suppliers or SKUs share a GTIN."""
        return [*self.list(sku_id=sku_id, upca=upca, ean13=ean13, gtin14=gtin14, isbn=isbn)]

    def export(self, **conditions: QueryValue) -> SkuExport:
        """Every SKU, and a cursor of the change feed: the two together keep a copy of the inventory."""
        pages = self._full_pages(conditions)
        first = next(pages)
        return SkuExport(first["pagination"]["changes_cursor"], _flat(_resumed(first, pages)))

    def get(self, uuid: str, *, as_of: Optional[Time] = None) -> Json:
        """One SKU by its UUID; with `as_of`, its inventory at that time."""
        return cast(Json, self._json("GET", _path(_SKUS_PATH, uuid), {"as_of": _time_text(as_of)}))

    def create(self, sku: Mapping[str, Any], *, reason: Optional[str] = None, reference: Optional[str] = None) -> Json:
        """Creates a SKU. Raises `AlreadyExists` if the supplier has one with this `sku_id`."""
        return cast(Json, self._json("POST", _SKUS_PATH, content=sku, headers=_note_headers(reason, reference)))

    def update(
        self,
        uuid: str,
        change: Mapping[str, Any],
        *,
        reason: Optional[str] = None,
        reference: Optional[str] = None,
    ) -> Json:
        """Changes a SKU's identifiers, title, condition, bundle or item. Raises `SkuNotFound` if it is not the supplier's."""
        path, headers = _path(_SKUS_PATH, uuid), _note_headers(reason, reference)
        return cast(Json, self._json("PATCH", path, content=change, headers=headers))

    def retire(self, uuid: str, *, reason: Optional[str] = None, reference: Optional[str] = None) -> None:
        """Retires a SKU: it is found no more until it is created again. Raises `SkuNotFound` if it is not the supplier's."""
        self._none("DELETE", _path(_SKUS_PATH, uuid), headers=_note_headers(reason, reference))

    def history(self, uuid: str, *, from_: Optional[Time] = None, to: Optional[Time] = None) -> Iterator[Json]:
        """The changes of one SKU, latest first."""
        return _flat(self._history(uuid, from_, to))

    def _history(self, uuid: str, from_: Optional[Time], to: Optional[Time]) -> _Pages[Json]:
        call = self._call()
        before: Optional[int] = None
        while True:
            query = {"from": _time_text(from_), "to": _time_text(to), "limit": _PAGE_LIMIT, "before": before}
            page = self._json("GET", f"{_path(_SKUS_PATH, uuid)}history/", query, call=call)
            yield page["history"]
            before = page["next_before"]
            if before is None:
                return

    def _pages(self, conditions: Mapping[str, QueryValue]) -> _Pages[Json]:
        for page in self._full_pages(conditions):
            yield page["skus"]

    def _full_pages(self, conditions: Mapping[str, QueryValue]) -> Generator[Json, None, None]:
        call = self._call()
        cursor: Optional[str] = ""
        while cursor is not None:
            page = self._json("GET", _SKUS_PATH, {**conditions, "cursor": cursor, "limit": _PAGE_LIMIT}, call=call)
            yield page
            cursor = page["pagination"]["next_cursor"]


def _resumed(first: Json, pages: Iterable[Json]) -> _Pages[Json]:
    yield first["skus"]
    for page in pages:
        yield page["skus"]


#: What a file can be sent as: its bytes or text; the path of a file; an open file that can be rewound; or a function
#: that is called again for a retry and returns the file from its start, in pieces.
FileContent = Union[bytes, str, "os.PathLike[str]", IO[bytes], Callable[[], Iterable[bytes]]]


class Files(_Resource):
    """Sends stock files and reads their results."""

    def upload(
        self,
        content: FileContent,
        *,
        filename: Optional[str] = None,
        as_of: Optional[Time] = None,
        idempotency_key: Optional[str] = None,
        reason: Optional[str] = None,
        reference: Optional[str] = None,
        **terms: QueryValue,
    ) -> str:
        """
        Sends a file and returns its UUID once it is durably stored; `wait` tells when it is applied.

        :param content: a `str` is the text of the file, a `pathlib.Path` its name
        :param as_of: the file's own time: rows that are older than what the server holds get 412
        :param idempotency_key: uploads with the same key are one file; by default, the retries of one call are
        :param terms: how the file is read, such as `mode="snapshot"`; see the server's documentation
        """
        if filename is None and isinstance(content, os.PathLike):
            filename = os.path.basename(os.fspath(content))
        request = _Request(
            "POST",
            f"{_FILES_PATH}upload/",
            {**terms, "filename": filename},
            {
                "content-type": "application/octet-stream",
                "idempotency-key": idempotency_key or str(uuid_module.uuid4()),
                "as-of": _time_text(as_of),
                **_note_headers(reason, reference),
            },
            _file_body(content),
            timeout_default=_UPLOAD_SECONDS,
        )
        return cast(str, self._transport.json(request, self._call())["uuid"])

    def wait(self, uuid: str, *, on_progress: Optional[Callable[[Json], object]] = None) -> Json:
        """
        Waits until a file is finished or held, and returns its status.

        :param on_progress: called with the status at least every 30 seconds
        """
        call = self._call()
        while True:
            file = self._get(uuid, _WAIT_SECONDS, call)
            if on_progress is not None:
                on_progress(file)
            if file["state"] not in ("waiting", "reading"):
                return file

    def get(self, uuid: str, *, wait: Optional[int] = None) -> Json:
        """The status of a file. With `wait`, the server waits up to that many seconds for it to finish."""
        return self._get(uuid, wait, self._call())

    def list(self) -> Iterator[Json]:
        """Every file, latest first."""
        return _flat(self._pages())

    def results(self, uuid: str, *, format: str = "csv") -> Iterator[bytes]:
        """
        The file with the result of each row beside it, as it arrives; without retries.

        :param format: `csv` or `xlsx`; `edi` is the acknowledgement of an EDI file
        """
        return _flat(self._results(uuid, format, self._call()))

    def read_results(self, uuid: str, read: Callable[[Iterator[bytes]], T], *, format: str = "csv") -> T:
        """
        As `results`, with retries: `read` gets the results again, from their start, after the connection broke. Returns
        what `read` returns, and raises what it raises.
        """
        call = self._call()
        request = _Request("GET", _path(_FILES_PATH, uuid))
        retries = _Retries(call)
        while True:
            try:
                return read(_flat(self._results(uuid, format, call)))
            except OnhandError as error:
                retries.wait_after(error, request)

    def effects(self, uuid: str, **page: QueryValue) -> Json:
        """
        What a finished file did, or would do in a dry run: totals, reasons of failures, and a page of its rows.

        :param page: `only` (`failed`, `changed` or `to_zero`), `start`, `limit`
        """
        return cast(Json, self._json("GET", f"{_path(_FILES_PATH, uuid)}effects/", page))

    def preview(self, uuid: str, **terms: QueryValue) -> Json:
        """The first `rows` of a file and how its columns are read, by these rules if any are given."""
        return cast(Json, self._json("GET", f"{_path(_FILES_PATH, uuid)}preview/", terms))

    def apply(self, uuid: str, *, reason: Optional[str] = None, reference: Optional[str] = None) -> str:
        """Applies a file after its dry run and returns the UUID of the new file job; repeated, that of the same job."""
        path, headers = f"{_path(_FILES_PATH, uuid)}apply/", _note_headers(reason, reference)
        return cast(str, self._json("POST", path, headers=headers, is_repeatable=True)["uuid"])

    def failed_rows(self, uuid: str, *, format: str = "csv") -> Iterator[bytes]:
        """
        The rows of a finished file that were not applied, in the file's own columns, as they arrive; without retries.

        :param format: `csv` or `xlsx`
        """
        return _flat(self._failed_rows(uuid, format))

    def confirm(self, uuid: str, **answers: QueryValue) -> Json:
        """Applies a file that is held. `answers` are those to its questions, such as `locations="sum"`."""
        return cast(Json, self._json("POST", f"{_path(_FILES_PATH, uuid)}confirm/", answers))

    def cancel(self, uuid: str) -> Json:
        """Stops a file after the chunk that is being applied, or removes one that waits or is held."""
        return cast(Json, self._json("POST", f"{_path(_FILES_PATH, uuid)}cancel/"))

    def undo(
        self,
        uuid: str,
        *,
        force: bool = False,
        dry_run: bool = False,
        reason: Optional[str] = None,
        reference: Optional[str] = None,
    ) -> Json:
        """
        Undoes all batches of a file, last first.

        :param force: also restore SKUs that a later batch has confirmed
        :param dry_run: show what would happen and change nothing
        """
        return _undo(self, _path(_FILES_PATH, uuid), force, dry_run, _note_headers(reason, reference))

    def delete(self, uuid: str) -> None:
        """Deletes a finished file and its results. Its batches and their undo remain."""
        self._none("DELETE", _path(_FILES_PATH, uuid))

    def _get(self, uuid: str, wait: Optional[int], call: _Call) -> Json:
        return cast(Json, self._json("GET", _path(_FILES_PATH, uuid), {"wait": wait}, wait=wait or 0, call=call))

    def _pages(self) -> _Pages[Json]:
        return _numbered_pages(self, _FILES_PATH, "files")

    def _results(self, uuid: str, format: str, call: _Call) -> _Pages[bytes]:
        name = "acknowledgement.edi" if format == "edi" else f"results.{format}"
        return self._download(_path(_FILES_PATH, uuid) + name, call)

    def _failed_rows(self, uuid: str, format: str) -> _Pages[bytes]:
        return self._download(f"{_path(_FILES_PATH, uuid)}failed.{format}", self._call())

    def _download(self, path: str, call: _Call) -> _Pages[bytes]:
        request = _Request("GET", path)
        silence = _Clock(call, _TIMEOUT_DEFAULT if call.timeout is None else call.timeout, restarts=True)
        try:
            with self._transport.open(request, call, silence) as exchange:
                for piece in exchange.pieces():
                    yield [piece]
                    # The time that the program takes between pieces does not count.
                    silence.progress()
        except (OSError, http.client.HTTPException) as error:
            raise _failure_of(error, request, call) from error


def _file_body(content: FileContent) -> Callable[[], _Body]:
    if isinstance(content, bytes):
        return lambda: content
    if isinstance(content, str):
        text = content.encode()
        return lambda: text
    if isinstance(content, os.PathLike):
        return lambda: _opened(content)
    if callable(content):
        return content
    if not content.seekable():
        raise ValueError("The file cannot be rewound for a retry: give its bytes, or a function that opens it.")
    start = content.tell()

    def rewound() -> Iterator[bytes]:
        content.seek(start)
        return _read_pieces(content)

    return rewound


def _opened(path: os.PathLike[str]) -> Iterator[bytes]:
    with open(path, "rb") as file:
        yield from _read_pieces(file)


def _read_pieces(file: IO[bytes]) -> Iterator[bytes]:
    return iter(lambda: file.read(_PIECE_BYTES), b"")


def _numbered_pages(resource: _Resource, path: str, member: str) -> _Pages[Json]:
    """Pages of a list that is read by the index at which each starts."""
    call = resource._call()
    start: Optional[int] = 0
    while start is not None:
        page = resource._json("GET", path, {"start": start, "limit": 100}, call=call)
        yield page[member]
        start = page["pagination"]["next_start_index"]


def _undo(resource: _Resource, path: str, force: bool, dry_run: bool, headers: Mapping[str, Optional[str]]) -> Json:
    """Undoes a batch or a file. Repeating it is safe: what is restored already is skipped."""
    query = {"force": force or None, "dry_run": dry_run or None}
    return cast(Json, resource._json("POST", f"{path}revert/", query, headers=headers, is_repeatable=True))


class Batches(_Resource):
    """Reads the batches of a supplier, and undoes them."""

    def page(self, *, start: Optional[int] = None, limit: Optional[int] = None) -> Json:
        """One page, newest first."""
        return cast(Json, self._json("GET", _BATCHES_PATH, {"start": start, "limit": limit}))

    def list(self) -> Iterator[Json]:
        """Every batch, newest first."""
        return _flat(self._pages())

    def get(self, uuid: str) -> Json:
        return cast(Json, self._json("GET", _path(_BATCHES_PATH, uuid)))

    def results(self, uuid: str) -> List[Json]:
        """Its lines that failed. Raises `ResultsExpired` if they are no longer stored."""
        return cast(List[Json], self._json("GET", f"{_path(_BATCHES_PATH, uuid)}results/"))

    def undo(
        self,
        uuid: str,
        *,
        force: bool = False,
        dry_run: bool = False,
        reason: Optional[str] = None,
        reference: Optional[str] = None,
    ) -> Json:
        """
        Restores every SKU that has not changed since. The undo is itself a batch.

        :param force: also restore SKUs that a later batch has confirmed
        :param dry_run: show what would happen and change nothing
        """
        return _undo(self, _path(_BATCHES_PATH, uuid), force, dry_run, _note_headers(reason, reference))

    def _pages(self) -> _Pages[Json]:
        return _numbered_pages(self, _BATCHES_PATH, "batches")


class SignatureInvalid(Exception):
    """The signature or time of a webhook message is not valid: do not process it."""


def verify_webhook(
    body: Union[str, bytes],
    headers: Mapping[str, str],
    secrets: Union[str, Sequence[str]],
    *,
    tolerance: float = 300,
    now: Optional[float] = None,
) -> Any:
    """
    Checks the signature of a webhook message (Standard Webhooks 1.0) and returns its parsed body. Compares in constant
    time. Raises `SignatureInvalid` unless a signature matches and the time is within the tolerance.

    :param body: the raw body, before anything parsed it
    :param secrets: the webhook's secret, `whsec_…`; during a rotation the old and the new one
    :param tolerance: how many seconds the message may be old or ahead
    :param now: the time of the check, in seconds since 1970
    """
    sent = {name.lower(): value for name, value in headers.items()}
    message_id, timestamp, signatures = (sent.get(f"webhook-{name}") for name in ("id", "timestamp", "signature"))
    if not message_id or not timestamp or not signatures:
        raise SignatureInvalid("The headers webhook-id, webhook-timestamp and webhook-signature are needed.")
    age = abs((time.time() if now is None else now) - int(timestamp)) if re.fullmatch(r"[0-9]{1,15}", timestamp) else None
    if age is None or age > tolerance:
        raise SignatureInvalid(f"The message is more than {tolerance:g} seconds old or ahead.")
    content = body.encode() if isinstance(body, str) else body
    signed = f"{message_id}.{timestamp}.".encode() + content
    values = [entry.partition(",")[2].encode() for entry in signatures.split(" ") if entry.startswith("v1,")]
    for secret in [secrets] if isinstance(secrets, str) else secrets:
        try:
            key = base64.b64decode(secret[6:] if secret.startswith("whsec_") else secret, validate=True)
        except (binascii.Error, ValueError):
            raise ValueError("The secret of a webhook is whsec_ and base64.") from None
        expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
        # Each is compared, so that the time shows nothing.
        if any([hmac.compare_digest(expected, value) for value in values]):
            return json.loads(content)
    raise SignatureInvalid("No signature matches: the secret or the body is not the one that was signed.")


class Webhooks(_Resource):
    """Registers and manages webhooks."""

    verify = staticmethod(verify_webhook)

    def list(self) -> List[Json]:
        return cast(List[Json], self._json("GET", _WEBHOOKS_PATH)["webhooks"])

    def get(self, uuid: str) -> Json:
        return cast(Json, self._json("GET", _path(_WEBHOOKS_PATH, uuid)))

    def create(self, draft: Mapping[str, Any]) -> Json:
        """Registers a webhook. Its `secret` is returned only here and by `rotate_secret`."""
        return cast(Json, self._json("POST", _WEBHOOKS_PATH, content=draft))

    def change(self, uuid: str, change: Mapping[str, Any]) -> Json:
        """Changes members; `{"is_paused": False}` resumes where delivery stopped."""
        return cast(Json, self._json("PATCH", _path(_WEBHOOKS_PATH, uuid), content=change, is_repeatable=True))

    def delete(self, uuid: str) -> None:
        self._none("DELETE", _path(_WEBHOOKS_PATH, uuid))

    def rotate_secret(self, uuid: str) -> Json:
        """Creates a new secret. Messages are signed with both for 24 hours."""
        return cast(Json, self._json("POST", f"{_path(_WEBHOOKS_PATH, uuid)}rotate-secret/"))

    def test(self, uuid: str) -> Json:
        """Sends a test message and returns the attempt."""
        return cast(Json, self._json("POST", f"{_path(_WEBHOOKS_PATH, uuid)}test/"))

    def deliveries(self, uuid: str) -> List[Json]:
        """The latest messages, the one with the latest attempt first."""
        return cast(List[Json], self._json("GET", f"{_path(_WEBHOOKS_PATH, uuid)}deliveries/")["deliveries"])

    def delivery(self, uuid: str, message_id: str) -> Json:
        """One message, with the request and the response of each attempt."""
        return cast(Json, self._json("GET", self._delivery_path(uuid, message_id)))

    def send_again(self, uuid: str, message_id: str) -> Json:
        """Sends a message again now, with the same ID, and returns the attempt."""
        return cast(Json, self._json("POST", f"{self._delivery_path(uuid, message_id)}send/"))

    def recover(self, uuid: str, since: Time, *, dry_run: bool = False) -> Json:
        """
        Delivers all changes since a time again.

        :param dry_run: only count them
        """
        path = f"{_path(_WEBHOOKS_PATH, uuid)}recover/"
        query = {"dry_run": True} if dry_run else None
        # Once more delivers the same changes: receivers expect them at least once.
        return cast(Json, self._json("POST", path, query, content={"since": _time_text(since)}, is_repeatable=True))

    @staticmethod
    def _delivery_path(uuid: str, message_id: str) -> str:
        return _path(f"{_path(_WEBHOOKS_PATH, uuid)}deliveries/", message_id)

    def attempts(self, uuid: str) -> Json:
        """The latest delivery attempts."""
        return cast(Json, self._json("GET", f"{_path(_WEBHOOKS_PATH, uuid)}attempts/"))


_RECIPIENTS_PATH = "/timp/notifications/recipients/"


class Notifications(_Resource):
    """Manages who gets notifications."""

    def list(self) -> List[Json]:
        return cast(List[Json], self._json("GET", _RECIPIENTS_PATH)["recipients"])

    def add(self, draft: Mapping[str, Any]) -> Json:
        """Adds a recipient. An email address gets a code, and nothing else until `confirm` is called with it."""
        return cast(Json, self._json("POST", _RECIPIENTS_PATH, content=draft))

    def change(self, uuid: str, change: Mapping[str, Any]) -> Json:
        return cast(Json, self._json("PATCH", _path(_RECIPIENTS_PATH, uuid), content=change, is_repeatable=True))

    def confirm(self, uuid: str, code: str) -> Json:
        return cast(Json, self._json("POST", f"{_path(_RECIPIENTS_PATH, uuid)}confirm/", content={"code": code}))

    def send_confirmation(self, uuid: str) -> Json:
        """Sends another code. Earlier ones are no longer valid."""
        return cast(Json, self._json("POST", f"{_path(_RECIPIENTS_PATH, uuid)}send-confirmation/"))

    def remove(self, uuid: str) -> None:
        self._none("DELETE", _path(_RECIPIENTS_PATH, uuid))


# --- Access -----------------------------------------------------------------------------------------------------------

_ORGANIZATIONS_PATH = "/timp/organizations/"
_TOKENS_PATH = f"{_ORGANIZATIONS_PATH}tokens/"
_USERS_PATH = f"{_ORGANIZATIONS_PATH}users/"
_CONNECTIONS_PATH = f"{_ORGANIZATIONS_PATH}connections/"


class Tokens(_Resource):
    """
    The API tokens of an organization. The client needs the token of a login. `organization` is the UUID of another
    organization, which only operators may manage.
    """

    def page(
        self, *, organization: Optional[str] = None, start: Optional[int] = None, limit: Optional[int] = None
    ) -> Json:
        """One page, the latest tokens first."""
        query = {"organization": organization, "start": start, "limit": limit}
        return cast(Json, self._json("GET", _TOKENS_PATH, query))

    def create(self, draft: Mapping[str, Any], *, organization: Optional[str] = None) -> Json:
        """Creates a token. The `token` itself is returned only here."""
        return cast(Json, self._json("POST", _TOKENS_PATH, {"organization": organization}, content=draft))

    def revoke(self, uuid: str, *, organization: Optional[str] = None) -> None:
        self._none("DELETE", _path(_TOKENS_PATH, uuid), {"organization": organization})


class Users(_Resource):
    """
    The users of an organization. The client needs the token of a login. `organization` is the UUID of another
    organization, which only operators may manage.
    """

    def page(
        self, *, organization: Optional[str] = None, start: Optional[int] = None, limit: Optional[int] = None
    ) -> Json:
        """One page, by name."""
        query = {"organization": organization, "start": start, "limit": limit}
        return cast(Json, self._json("GET", _USERS_PATH, query))

    def create(self, draft: Mapping[str, Any], *, organization: Optional[str] = None) -> Json:
        return cast(Json, self._json("POST", _USERS_PATH, {"organization": organization}, content=draft))

    def change(self, uuid: str, change: Mapping[str, Any], *, organization: Optional[str] = None) -> Json:
        """Disables or enables a user, or replaces its permissions."""
        path, query = _path(_USERS_PATH, uuid), {"organization": organization}
        return cast(Json, self._json("PATCH", path, query, content=change, is_repeatable=True))


class Organizations(_Resource):
    """The organizations of the server, for operators."""

    def page(self, **query: QueryValue) -> Json:
        """One page, by name: `type`, `q` (a part of the name), `start`, `limit`."""
        return cast(Json, self._json("GET", _ORGANIZATIONS_PATH, query))

    def create(self, draft: Mapping[str, Any]) -> Json:
        return cast(Json, self._json("POST", _ORGANIZATIONS_PATH, content=draft))

    def change(self, uuid: str, change: Mapping[str, Any]) -> Json:
        path = _path(_ORGANIZATIONS_PATH, uuid)
        return cast(Json, self._json("PATCH", path, content=change, is_repeatable=True))


class Connections(_Resource):
    """Which retailers read which suppliers, for operators. Both are given by their UUIDs."""

    def page(self, *, start: Optional[int] = None, limit: Optional[int] = None) -> Json:
        """One page, by the names of supplier and retailer."""
        return cast(Json, self._json("GET", _CONNECTIONS_PATH, {"start": start, "limit": limit}))

    def create(self, supplier: str, retailer: str) -> None:
        """Lets a retailer read a supplier. Repeating it changes nothing."""
        pair = {"supplier": supplier, "retailer": retailer}
        self._none("POST", _CONNECTIONS_PATH, content=pair, is_repeatable=True)

    def remove(self, supplier: str, retailer: str) -> None:
        self._none("DELETE", _path(_path(_CONNECTIONS_PATH, supplier), retailer))


# --- The client -------------------------------------------------------------------------------------------------------


class Onhand:
    """A client of one server with one token. It may be used by several threads."""

    def __init__(
        self,
        url: str,
        token: Optional[str] = None,
        *,
        retries: Optional[int] = None,
        retry_for: Optional[float] = None,
        timeout: Optional[float] = None,
        deadline: Optional[float] = None,
        signal: Optional[AbortSignal] = None,
        headers: Optional[Mapping[str, str]] = None,
        user_agent: Optional[str] = None,
        connect: Optional[Connect] = None,
        ssl_context: Optional[ssl.SSLContext] = None,
    ) -> None:
        """
        :param url: such as `https://stock.example.com`; a path before `/timp/` is kept
        :param token: an API token: 40 hexadecimal digits. Without one, no `Authorization` header is sent
        :param retries: how often a request is tried again after network errors, 408, 429 and 5xx; 3 by default
        :param retry_for: retry until nothing has succeeded for this long, however many attempts that takes
        :param timeout: how long one attempt may take; 60 by default, 3,600 for uploads. In streams: how long nothing
            may arrive
        :param deadline: how long a call may take with all its requests and retries; no limit by default
        :param signal: ends calls
        :param headers: sent with every request; they cannot replace the client's own headers
        :param user_agent: put before the client's own name in `User-Agent`
        :param connect: opens connections instead of `socket.create_connection`: for proxies and tests
        :param ssl_context: instead of `ssl.create_default_context()`
        """
        transport = _Transport(
            url, token, headers=headers, user_agent=user_agent, connect=connect, ssl_context=ssl_context
        )
        self._join(transport, _Options(retries, retry_for, timeout, deadline, signal))

    def _join(self, transport: _Transport, options: _Options) -> None:
        self._transport = transport
        self._options = options
        #: Writes stock levels.
        self.inventory = Inventory(transport, options)
        #: Reads the change feed.
        self.changes = Changes(transport, options)
        #: Reads, creates and changes SKUs.
        self.skus = Skus(transport, options)
        #: Sends stock files.
        self.files = Files(transport, options)
        #: Reads batches and undoes them.
        self.batches = Batches(transport, options)
        #: Manages webhooks.
        self.webhooks = Webhooks(transport, options)
        #: Manages who gets notifications.
        self.notifications = Notifications(transport, options)
        #: Manages API tokens.
        self.tokens = Tokens(transport, options)
        #: Manages users.
        self.users = Users(transport, options)
        #: Manages organizations.
        self.organizations = Organizations(transport, options)
        #: Connects retailers with suppliers.
        self.connections = Connections(transport, options)

    def with_options(
        self,
        *,
        retries: Optional[int] = None,
        retry_for: Optional[float] = None,
        timeout: Optional[float] = None,
        deadline: Optional[float] = None,
        signal: Optional[AbortSignal] = None,
    ) -> Onhand:
        """The same client with other options, for some of the calls. It shares the connections."""
        given = {"retries": retries, "retry_for": retry_for, "timeout": timeout, "deadline": deadline, "signal": signal}
        other = object.__new__(Onhand)
        changes: Dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        other._join(self._transport, self._options._replace(**changes))
        return other

    def suppliers(self, *, start: Optional[int] = None, limit: Optional[int] = None) -> Json:
        """One page of the suppliers that you can see, with `pagination.total_count`."""
        query = {"start": start, "limit": limit}
        return cast(Json, _Resource(self._transport, self._options)._json("GET", "/timp/suppliers/", query))

    def freshness(self, *, supplier_uuids: Optional[Sequence[str]] = None) -> Json:
        """When each supplier last reported, and how old the stock of its SKUs is."""
        path = "/timp/suppliers/freshness/"
        return cast(Json, _Resource(self._transport, self._options)._json("GET", path, {"supplier_uuids": supplier_uuids}))

    def status(self) -> Json:
        """The state of the server, for operators: version, waiting work, disk."""
        return cast(Json, _Resource(self._transport, self._options)._json("GET", "/timp/status/"))

    def login(self, username: str, password: str) -> Json:
        """Logs a user in. The `auth_token` of the reply is the token of a new client; it expires after two hours."""
        path, login = "/timp/organizations/user-login/", {"username": username, "password": password}
        return cast(Json, _Resource(self._transport, self._options)._json("POST", path, content=login))

    def close(self) -> None:
        """Closes idle connections. The client can still be used: it opens new ones."""
        self._transport.close()

    def __enter__(self) -> Onhand:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


# --- asyncio ----------------------------------------------------------------------------------------------------------

#: Lines for the asynchronous client. Iterables are read in a worker thread, asynchronous ones in the event loop.
AsyncLines = Union[Iterable[Mapping[str, Any]], AsyncIterable[Mapping[str, Any]]]
_THREADS_DEFAULT = 32


class _Worker:
    """
    Runs the client in threads for an event loop. Cancelling a task ends what its thread does, and waits for that. An
    iterator asks for a list of items when the ones before are used up, so that nothing piles up.
    """

    def __init__(self, client: Onhand, threads: ThreadPoolExecutor) -> None:
        self.client = client
        self.threads = threads

    async def call(self, work: Callable[[Onhand], T]) -> T:
        with self._cancelling() as (client, signal):
            return await self.run(lambda: work(client), signal)

    async def items(self, begin: Callable[[Onhand], _Pages[T]]) -> AsyncGenerator[T, None]:
        async with _closing(self.pages(begin)) as pages:
            async for page in pages:
                for item in page:
                    yield item

    async def pages(self, begin: Callable[[Onhand], Generator[T, None, None]]) -> AsyncGenerator[T, None]:
        with self._cancelling() as (client, signal):
            pages = begin(client)
            try:
                while True:
                    page = await self.run(lambda: next(pages, None), signal)
                    if page is None:
                        return
                    yield page
            finally:
                signal.abort()
                await self.run(pages.close, signal)

    async def run(self, work: Callable[[], T], signal: AbortSignal) -> T:
        future = asyncio.get_running_loop().run_in_executor(self.threads, work)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            signal.abort()
            await asyncio.wait([future])
            # The result is dropped. asyncio would log an exception that is never looked at.
            future.cancelled() or future.exception()
            raise

    @contextlib.contextmanager
    def _cancelling(self) -> Iterator[Tuple[Onhand, AbortSignal]]:
        """The client with a signal of its own, which the caller's signal aborts too."""
        own = AbortSignal()
        outer = self.client._options.signal or AbortSignal()
        with outer._listening(lambda: own.abort(outer.reason)):
            yield self.client.with_options(signal=own), own


@contextlib.asynccontextmanager
async def _closing(items: AsyncGenerator[T, None]) -> AsyncIterator[AsyncGenerator[T, None]]:
    """`contextlib.aclosing`, which Python 3.9 lacks."""
    try:
        yield items
    finally:
        await items.aclose()


def _in_thread(lines: AsyncLines, chunk_lines: int) -> Callable[[Onhand], Iterable[Mapping[str, Any]]]:
    """The lines as the thread of a client reads them: asynchronous ones are fetched from the event loop in lists."""
    if not isinstance(lines, AsyncIterable):
        given = lines
        return lambda client: given
    loop, iterator = asyncio.get_running_loop(), lines.__aiter__()

    async def take() -> List[Mapping[str, Any]]:
        taken: List[Mapping[str, Any]] = []
        while len(taken) < min(chunk_lines, _CHUNK_LINES_DEFAULT):
            try:
                taken.append(await iterator.__anext__())
            except StopAsyncIteration:
                break
        return taken

    def fetched(client: Onhand) -> Iterator[Mapping[str, Any]]:
        signal = cast(AbortSignal, client._options.signal)
        while True:
            future = asyncio.run_coroutine_threadsafe(take(), loop)
            with signal._listening(future.cancel):
                try:
                    taken = future.result()
                except CancelledError:
                    raise signal.reason or Aborted("The source of the lines was cancelled.") from None
            if not taken:
                return
            yield from taken

    return fetched


class _AsyncResource:
    def __init__(self, worker: _Worker) -> None:
        self._worker = worker


class AsyncInventory(_AsyncResource):
    """Writes stock levels; see `Inventory`."""

    async def set(
        self,
        line: Mapping[str, Any],
        *,
        dry_run: bool = False,
        reason: Optional[str] = None,
        reference: Optional[str] = None,
    ) -> Json:
        return await self._worker.call(
            lambda client: client.inventory.set(line, dry_run=dry_run, reason=reason, reference=reference)
        )

    def update(
        self,
        lines: AsyncLines,
        *,
        errors_only: bool = False,
        dry_run: bool = False,
        as_of: Optional[Time] = None,
        chunk_lines: int = _CHUNK_LINES_DEFAULT,
        reason: Optional[str] = None,
        reference: Optional[str] = None,
        state: Optional[StateStore[UpdateState]] = None,
        on_progress: Optional[Callable[[Progress], object]] = None,
    ) -> AsyncGenerator[LineOutcome, None]:
        """As `Inventory.update`. `state` and `on_progress` are called in a worker thread."""
        options = _Update(errors_only, dry_run, as_of, chunk_lines, reason, reference, state, on_progress)
        source = _in_thread(lines, chunk_lines)
        return self._worker.items(lambda client: client.inventory._update(source(client), options))

    def stream(
        self,
        lines: AsyncLines,
        *,
        errors_only: bool = False,
        dry_run: bool = False,
        as_of: Optional[Time] = None,
        chunk_lines: int = _CHUNK_LINES_DEFAULT,
        reason: Optional[str] = None,
        reference: Optional[str] = None,
        state: Optional[StateStore[UpdateState]] = None,
        on_progress: Optional[Callable[[Progress], object]] = None,
    ) -> AsyncGenerator[LineOutcome, None]:
        """As `Inventory.stream`. `state` and `on_progress` are called in a worker thread."""
        options = _Update(errors_only, dry_run, as_of, chunk_lines, reason, reference, state, on_progress)
        source = _in_thread(lines, chunk_lines)
        return self._worker.items(lambda client: client.inventory._stream(source(client), options))


class AsyncChanges(_AsyncResource):
    """Reads the change feed; see `Changes`."""

    async def read(
        self,
        *,
        after: Optional[str] = None,
        from_: Optional[str] = None,
        supplier_uuids: Optional[Sequence[str]] = None,
        limit: Optional[int] = None,
        wait: Optional[int] = None,
    ) -> Json:
        return await self._worker.call(
            lambda client: client.changes.read(
                after=after, from_=from_, supplier_uuids=supplier_uuids, limit=limit, wait=wait
            )
        )

    def follow(
        self,
        *,
        cursor: Optional[str] = None,
        from_: str = "now",
        supplier_uuids: Optional[Sequence[str]] = None,
        via: str = "polling",
        limit: Optional[int] = None,
    ) -> AsyncGenerator[FollowedRecord, None]:
        options = _Follow(cursor, from_, supplier_uuids, via, limit)
        return self._worker.items(lambda client: client.changes._followed(options))

    async def consume(
        self,
        handler: Callable[[List[Json]], Union[Awaitable[object], object]],
        store: StateStore[str],
        *,
        from_: str = "now",
        supplier_uuids: Optional[Sequence[str]] = None,
        via: str = "polling",
        limit: Optional[int] = None,
    ) -> None:
        """As `Changes.consume`. The handler runs in the event loop and may be asynchronous; the store in a thread."""
        cursor = await self._worker.call(lambda _: store.load())
        options = _Follow(cursor, from_, supplier_uuids, via, limit)
        async with _closing(self._worker.pages(lambda client: client.changes._pages(options))) as pages:
            async for page in pages:
                if page.records:
                    handled = handler(page.records)
                    if inspect.isawaitable(handled):
                        await handled
                if page.cursor != page.before:
                    await self._worker.call(functools.partial(_save, store, page.cursor))


def _save(store: StateStore[str], cursor: str, _: Onhand) -> None:
    store.save(cursor)


class AsyncSkuExport(NamedTuple):
    """Every SKU, and the cursor from which `changes.follow` misses nothing that happens meanwhile."""

    changes_cursor: str
    skus: AsyncGenerator[Json, None]


class AsyncSkus(_AsyncResource):
    """Reads, creates and changes SKUs; see `Skus`."""

    async def page(self, **query: QueryValue) -> Json:
        return await self._worker.call(lambda client: client.skus.page(**query))

    def list(self, **conditions: QueryValue) -> AsyncGenerator[Json, None]:
        return self._worker.items(lambda client: client.skus._pages(conditions))

    async def find(
        self,
        *,
        sku_id: Optional[str] = None,
        upca: Optional[str] = None,
        ean13: Optional[str] = None,
        gtin14: Optional[str] = None,
        isbn: Optional[str] = None,
    ) -> List[Json]:
        return await self._worker.call(
            lambda client: client.skus.find(sku_id=sku_id, upca=upca, ean13=ean13, gtin14=gtin14, isbn=isbn)
        )

    async def export(self, **conditions: QueryValue) -> AsyncSkuExport:
        pages = self._worker.pages(lambda client: client.skus._full_pages(conditions))
        first = await pages.__anext__()

        async def skus() -> AsyncGenerator[Json, None]:
            async with _closing(pages):
                for sku in first["skus"]:
                    yield sku
                async for page in pages:
                    for sku in page["skus"]:
                        yield sku

        return AsyncSkuExport(first["pagination"]["changes_cursor"], skus())

    async def get(self, uuid: str, *, as_of: Optional[Time] = None) -> Json:
        return await self._worker.call(lambda client: client.skus.get(uuid, as_of=as_of))

    async def create(
        self, sku: Mapping[str, Any], *, reason: Optional[str] = None, reference: Optional[str] = None
    ) -> Json:
        return await self._worker.call(lambda client: client.skus.create(sku, reason=reason, reference=reference))

    async def update(
        self,
        uuid: str,
        change: Mapping[str, Any],
        *,
        reason: Optional[str] = None,
        reference: Optional[str] = None,
    ) -> Json:
        return await self._worker.call(
            lambda client: client.skus.update(uuid, change, reason=reason, reference=reference)
        )

    async def retire(self, uuid: str, *, reason: Optional[str] = None, reference: Optional[str] = None) -> None:
        await self._worker.call(lambda client: client.skus.retire(uuid, reason=reason, reference=reference))

    def history(
        self, uuid: str, *, from_: Optional[Time] = None, to: Optional[Time] = None
    ) -> AsyncGenerator[Json, None]:
        return self._worker.items(lambda client: client.skus._history(uuid, from_, to))


class AsyncFiles(_AsyncResource):
    """Sends stock files; see `Files`."""

    async def upload(
        self,
        content: FileContent,
        *,
        filename: Optional[str] = None,
        as_of: Optional[Time] = None,
        idempotency_key: Optional[str] = None,
        reason: Optional[str] = None,
        reference: Optional[str] = None,
        **terms: QueryValue,
    ) -> str:
        return await self._worker.call(
            lambda client: client.files.upload(
                content,
                filename=filename,
                as_of=as_of,
                idempotency_key=idempotency_key,
                reason=reason,
                reference=reference,
                **terms,
            )
        )

    async def wait(self, uuid: str, *, on_progress: Optional[Callable[[Json], object]] = None) -> Json:
        """As `Files.wait`. `on_progress` is called in a worker thread."""
        return await self._worker.call(lambda client: client.files.wait(uuid, on_progress=on_progress))

    async def get(self, uuid: str, *, wait: Optional[int] = None) -> Json:
        return await self._worker.call(lambda client: client.files.get(uuid, wait=wait))

    def list(self) -> AsyncGenerator[Json, None]:
        return self._worker.items(lambda client: client.files._pages())

    def results(self, uuid: str, *, format: str = "csv") -> AsyncGenerator[bytes, None]:
        return self._worker.items(lambda client: client.files._results(uuid, format, client.files._call()))

    async def read_results(self, uuid: str, read: Callable[[Iterator[bytes]], T], *, format: str = "csv") -> T:
        """As `Files.read_results`. `read` is called in a worker thread."""
        return await self._worker.call(lambda client: client.files.read_results(uuid, read, format=format))

    async def effects(self, uuid: str, **page: QueryValue) -> Json:
        return await self._worker.call(lambda client: client.files.effects(uuid, **page))

    async def preview(self, uuid: str, **terms: QueryValue) -> Json:
        return await self._worker.call(lambda client: client.files.preview(uuid, **terms))

    async def apply(self, uuid: str, *, reason: Optional[str] = None, reference: Optional[str] = None) -> str:
        return await self._worker.call(
            lambda client: client.files.apply(uuid, reason=reason, reference=reference)
        )

    def failed_rows(self, uuid: str, *, format: str = "csv") -> AsyncGenerator[bytes, None]:
        return self._worker.items(lambda client: client.files._failed_rows(uuid, format))

    async def confirm(self, uuid: str, **answers: QueryValue) -> Json:
        return await self._worker.call(lambda client: client.files.confirm(uuid, **answers))

    async def cancel(self, uuid: str) -> Json:
        return await self._worker.call(lambda client: client.files.cancel(uuid))

    async def undo(
        self,
        uuid: str,
        *,
        force: bool = False,
        dry_run: bool = False,
        reason: Optional[str] = None,
        reference: Optional[str] = None,
    ) -> Json:
        return await self._worker.call(
            lambda client: client.files.undo(uuid, force=force, dry_run=dry_run, reason=reason, reference=reference)
        )

    async def delete(self, uuid: str) -> None:
        await self._worker.call(lambda client: client.files.delete(uuid))


class AsyncBatches(_AsyncResource):
    """Reads the batches of a supplier, and undoes them; see `Batches`."""

    async def page(self, *, start: Optional[int] = None, limit: Optional[int] = None) -> Json:
        return await self._worker.call(lambda client: client.batches.page(start=start, limit=limit))

    def list(self) -> AsyncGenerator[Json, None]:
        return self._worker.items(lambda client: client.batches._pages())

    async def get(self, uuid: str) -> Json:
        return await self._worker.call(lambda client: client.batches.get(uuid))

    async def results(self, uuid: str) -> List[Json]:
        return await self._worker.call(lambda client: client.batches.results(uuid))

    async def undo(
        self,
        uuid: str,
        *,
        force: bool = False,
        dry_run: bool = False,
        reason: Optional[str] = None,
        reference: Optional[str] = None,
    ) -> Json:
        return await self._worker.call(
            lambda client: client.batches.undo(uuid, force=force, dry_run=dry_run, reason=reason, reference=reference)
        )


class AsyncWebhooks(_AsyncResource):
    """Registers and manages webhooks; see `Webhooks`."""

    #: Needs no server, so it is not asynchronous.
    verify = staticmethod(verify_webhook)

    async def list(self) -> List[Json]:
        return await self._worker.call(lambda client: client.webhooks.list())

    async def get(self, uuid: str) -> Json:
        return await self._worker.call(lambda client: client.webhooks.get(uuid))

    async def create(self, draft: Mapping[str, Any]) -> Json:
        return await self._worker.call(lambda client: client.webhooks.create(draft))

    async def change(self, uuid: str, change: Mapping[str, Any]) -> Json:
        return await self._worker.call(lambda client: client.webhooks.change(uuid, change))

    async def delete(self, uuid: str) -> None:
        await self._worker.call(lambda client: client.webhooks.delete(uuid))

    async def rotate_secret(self, uuid: str) -> Json:
        return await self._worker.call(lambda client: client.webhooks.rotate_secret(uuid))

    async def test(self, uuid: str) -> Json:
        return await self._worker.call(lambda client: client.webhooks.test(uuid))

    async def deliveries(self, uuid: str) -> List[Json]:
        return await self._worker.call(lambda client: client.webhooks.deliveries(uuid))

    async def delivery(self, uuid: str, message_id: str) -> Json:
        return await self._worker.call(lambda client: client.webhooks.delivery(uuid, message_id))

    async def send_again(self, uuid: str, message_id: str) -> Json:
        return await self._worker.call(lambda client: client.webhooks.send_again(uuid, message_id))

    async def recover(self, uuid: str, since: Time, *, dry_run: bool = False) -> Json:
        return await self._worker.call(lambda client: client.webhooks.recover(uuid, since, dry_run=dry_run))

    async def attempts(self, uuid: str) -> Json:
        return await self._worker.call(lambda client: client.webhooks.attempts(uuid))


class AsyncNotifications(_AsyncResource):
    """Manages who gets notifications; see `Notifications`."""

    async def list(self) -> List[Json]:
        return await self._worker.call(lambda client: client.notifications.list())

    async def add(self, draft: Mapping[str, Any]) -> Json:
        return await self._worker.call(lambda client: client.notifications.add(draft))

    async def change(self, uuid: str, change: Mapping[str, Any]) -> Json:
        return await self._worker.call(lambda client: client.notifications.change(uuid, change))

    async def confirm(self, uuid: str, code: str) -> Json:
        return await self._worker.call(lambda client: client.notifications.confirm(uuid, code))

    async def send_confirmation(self, uuid: str) -> Json:
        return await self._worker.call(lambda client: client.notifications.send_confirmation(uuid))

    async def remove(self, uuid: str) -> None:
        await self._worker.call(lambda client: client.notifications.remove(uuid))


class AsyncTokens(_AsyncResource):
    """The API tokens of an organization; see `Tokens`."""

    async def page(
        self, *, organization: Optional[str] = None, start: Optional[int] = None, limit: Optional[int] = None
    ) -> Json:
        return await self._worker.call(
            lambda client: client.tokens.page(organization=organization, start=start, limit=limit)
        )

    async def create(self, draft: Mapping[str, Any], *, organization: Optional[str] = None) -> Json:
        return await self._worker.call(lambda client: client.tokens.create(draft, organization=organization))

    async def revoke(self, uuid: str, *, organization: Optional[str] = None) -> None:
        await self._worker.call(lambda client: client.tokens.revoke(uuid, organization=organization))


class AsyncUsers(_AsyncResource):
    """The users of an organization; see `Users`."""

    async def page(
        self, *, organization: Optional[str] = None, start: Optional[int] = None, limit: Optional[int] = None
    ) -> Json:
        return await self._worker.call(
            lambda client: client.users.page(organization=organization, start=start, limit=limit)
        )

    async def create(self, draft: Mapping[str, Any], *, organization: Optional[str] = None) -> Json:
        return await self._worker.call(lambda client: client.users.create(draft, organization=organization))

    async def change(self, uuid: str, change: Mapping[str, Any], *, organization: Optional[str] = None) -> Json:
        return await self._worker.call(lambda client: client.users.change(uuid, change, organization=organization))


class AsyncOrganizations(_AsyncResource):
    """The organizations of the server; see `Organizations`."""

    async def page(self, **query: QueryValue) -> Json:
        return await self._worker.call(lambda client: client.organizations.page(**query))

    async def create(self, draft: Mapping[str, Any]) -> Json:
        return await self._worker.call(lambda client: client.organizations.create(draft))

    async def change(self, uuid: str, change: Mapping[str, Any]) -> Json:
        return await self._worker.call(lambda client: client.organizations.change(uuid, change))


class AsyncConnections(_AsyncResource):
    """Which retailers read which suppliers; see `Connections`."""

    async def page(self, *, start: Optional[int] = None, limit: Optional[int] = None) -> Json:
        return await self._worker.call(lambda client: client.connections.page(start=start, limit=limit))

    async def create(self, supplier: str, retailer: str) -> None:
        await self._worker.call(lambda client: client.connections.create(supplier, retailer))

    async def remove(self, supplier: str, retailer: str) -> None:
        await self._worker.call(lambda client: client.connections.remove(supplier, retailer))


class AsyncOnhand:
    """
    The client for asyncio: the methods of `Onhand`, with iterators as asynchronous iterators. Each call runs in a worker
    thread; cancelling its task ends it. The parameters are those of `Onhand`.

        async with AsyncOnhand("https://stock.example.com", token) as onhand:
            async for outcome in onhand.inventory.update(lines):
                ...
    """

    def __init__(
        self,
        url: str,
        token: Optional[str] = None,
        *,
        retries: Optional[int] = None,
        retry_for: Optional[float] = None,
        timeout: Optional[float] = None,
        deadline: Optional[float] = None,
        signal: Optional[AbortSignal] = None,
        headers: Optional[Mapping[str, str]] = None,
        user_agent: Optional[str] = None,
        connect: Optional[Connect] = None,
        ssl_context: Optional[ssl.SSLContext] = None,
        threads: int = _THREADS_DEFAULT,
    ) -> None:
        """
        :param threads: how many calls run at once; others wait. Each follower of changes needs one
        """
        client = Onhand(
            url,
            token,
            retries=retries,
            retry_for=retry_for,
            timeout=timeout,
            deadline=deadline,
            signal=signal,
            headers=headers,
            user_agent=user_agent,
            connect=connect,
            ssl_context=ssl_context,
        )
        self._join(_Worker(client, ThreadPoolExecutor(threads, "onhand")))

    def _join(self, worker: _Worker) -> None:
        self._worker = worker
        self.inventory = AsyncInventory(worker)
        self.changes = AsyncChanges(worker)
        self.skus = AsyncSkus(worker)
        self.files = AsyncFiles(worker)
        self.batches = AsyncBatches(worker)
        self.webhooks = AsyncWebhooks(worker)
        self.notifications = AsyncNotifications(worker)
        self.tokens = AsyncTokens(worker)
        self.users = AsyncUsers(worker)
        self.organizations = AsyncOrganizations(worker)
        self.connections = AsyncConnections(worker)

    def with_options(
        self,
        *,
        retries: Optional[int] = None,
        retry_for: Optional[float] = None,
        timeout: Optional[float] = None,
        deadline: Optional[float] = None,
        signal: Optional[AbortSignal] = None,
    ) -> AsyncOnhand:
        """The same client with other options, for some of the calls. It shares connections and threads."""
        client = self._worker.client.with_options(
            retries=retries, retry_for=retry_for, timeout=timeout, deadline=deadline, signal=signal
        )
        other = object.__new__(AsyncOnhand)
        other._join(_Worker(client, self._worker.threads))
        return other

    async def suppliers(self, *, start: Optional[int] = None, limit: Optional[int] = None) -> Json:
        return await self._worker.call(lambda client: client.suppliers(start=start, limit=limit))

    async def freshness(self, *, supplier_uuids: Optional[Sequence[str]] = None) -> Json:
        return await self._worker.call(lambda client: client.freshness(supplier_uuids=supplier_uuids))

    async def status(self) -> Json:
        return await self._worker.call(lambda client: client.status())

    async def login(self, username: str, password: str) -> Json:
        return await self._worker.call(lambda client: client.login(username, password))

    async def aclose(self) -> None:
        """Closes idle connections and ends idle threads. The client cannot be used after it."""
        self._worker.client.close()
        self._worker.threads.shutdown(wait=False)

    async def __aenter__(self) -> AsyncOnhand:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
