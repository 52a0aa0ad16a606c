"""Any OpenAI-compatible server as the model: vLLM, SGLang, llama.cpp, `transformers serve`."""

from __future__ import annotations

import email.utils
import http.client
import json
import os
import random
import re
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any, cast

from schemalora.contract import Contract
from schemalora.errors import ServerError, UsageError
from schemalora.formatting import PromptFormat, build_prompt
from schemalora.inference.address import check_key, check_url
from schemalora.jsonvalue import JsonValue
from schemalora.records import Example, FinishReason, Prediction

# What chat templates use to open and close turns. A server reads them in a message as if the
# template had written them, so they are broken up by a character of no width.
_CONTROL = re.compile(
    r"<\|[^|<>\s]{1,40}\|>|</?s>|\[/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS)\]"
    r"|<</?SYS>>|<(?:bos|eos|start_of_turn|end_of_turn|pad|unk)>|<｜[^｜<>\s]{1,40}｜>"
)
_WORD_JOINER = "\u2060"

_MARKUP = re.compile(r"<(?:style|script).*?</(?:style|script)>|<[!/a-z][^<>]*>", re.DOTALL | re.I)

_LONGEST_PAUSE = 60.0

_LISTING_TIMEOUT = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAIServer:
    """A server that speaks the chat-completions protocol; an engine of `predict`."""

    url: str
    """Its base, such as `http://localhost:8000/v1`."""
    model: str
    """The served model's name, for vLLM the name given with `--lora-modules`."""
    api_key: str | None = field(default=None, repr=False)
    """Sent as a bearer token; None takes the environment variable `OPENAI_API_KEY`, if set."""
    concurrency: int = 16
    """Requests under way at once."""
    timeout: float = 120.0
    """Seconds until an answer that does not come counts as failed."""
    attempts: int = 6
    """How often a request is sent before its row fails: refused connections, timeouts, status 429
    and 5xx, and answers that make no sense are tried again."""
    first_pause: float = 0.5
    """Seconds before the second attempt; doubles with each, unless the server says how long."""
    extra: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    """More keys of the request's body, such as a server's own options."""

    def __post_init__(self) -> None:
        """Refuses an address or a key that no request could carry, and to ask for nothing at once.

        Raises:
            UsageError: with what is wrong; the key is never part of the message.
        """
        check_url(self.url)
        self._headers()
        if self.concurrency < 1:
            raise UsageError(f"concurrency is at least 1, not {self.concurrency}")

    def identity(self) -> dict[str, JsonValue]:
        """What decides which model answers; the address may change between runs."""
        return {"served_model": self.model, "extra": dict(self.extra)}

    def notes(self) -> dict[str, JsonValue]:
        """What is known of the server, to be kept beside the predictions.

        Its address, and what it lists about the served model; None where it lists nothing.
        No server tells which weights it serves: `root` and `parent`, where it lists them, are the
        paths it was started with.
        """
        parts = urllib.parse.urlsplit(self.url)
        return {
            "server": urllib.parse.urlunsplit((parts.scheme, parts.netloc, parts.path, "", "")),
            "served_model": self.model,
            "listed_as": self._listed(),
        }

    def _listed(self) -> JsonValue:
        try:
            listed = self._open("/models", None, timeout=min(self.timeout, _LISTING_TIMEOUT))
            models = json.loads(listed)["data"]
            return next((one for one in models if one["id"] == self.model), None)
        except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
            return None

    def predict(
        self,
        rows: Sequence[Example],
        *,
        contract: Contract,
        prompt_format: PromptFormat,
        constrained: bool,
        max_new_tokens: int,
    ) -> Iterator[Prediction]:
        """Yields predictions as they come.

        Raises:
            ServerError: a row failed for good; rows that were under way are yielded first.
        """
        body: dict[str, JsonValue] = {
            "model": self.model,
            "temperature": 0,
            "max_tokens": max_new_tokens,
            **self.extra,
        }
        if constrained:
            body["response_format"] = contract.response_format()
        given_up = threading.Event()

        def ask(row: Example) -> Prediction:
            turns = build_prompt(contract, _as_plain_text(row.text), prompt_format=prompt_format)
            messages = cast("JsonValue", list(turns))
            return self._ask(row, {**body, "messages": messages}, given_up)

        yield from _bounded(rows, ask, self.concurrency, given_up)

    def _ask(
        self, row: Example, body: Mapping[str, JsonValue], given_up: threading.Event
    ) -> Prediction:
        pauses = random.Random(row.id)
        reason = ""
        for attempt in range(self.attempts):
            began = time.perf_counter()
            try:
                answer = self._post(body)
                return _prediction(row, answer, time.perf_counter() - began)
            except _UnusableError as problem:
                reason = str(problem)
                if not problem.again:
                    break
                if attempt + 1 < self.attempts:
                    pause = problem.pause or self.first_pause * 2**attempt * pauses.uniform(
                        0.8, 1.2
                    )
                    # Nobody waits for a row when another has already failed for good.
                    if given_up.wait(min(pause, _LONGEST_PAUSE)):
                        break
        raise ServerError(f"example {row.id!r}: {self.url}: {reason}; finished rows are kept")

    def _post(self, body: Mapping[str, JsonValue]) -> dict[str, Any]:
        payload = json.dumps(body).encode()
        try:
            text = self._open("/chat/completions", payload, timeout=self.timeout)
        except urllib.error.HTTPError as error:
            raise _of_status(error) from error
        except (http.client.InvalidURL, ValueError) as error:
            # A host that no name server could know, or a redirection to nowhere.
            raise _UnusableError(f"not an address ({error})", again=False) from error
        except (OSError, http.client.HTTPException) as error:
            cause = getattr(error, "reason", None) or error
            late = isinstance(cause, TimeoutError)
            reason = f"no answer within {self.timeout:g} s" if late else f"no answer ({cause})"
            raise _UnusableError(reason, again=True) from error
        try:
            answer = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise _UnusableError("the answer is not JSON", again=True) from error
        if not isinstance(answer, dict):
            raise _UnusableError("the answer is not a JSON object", again=True)
        return cast("dict[str, Any]", answer)

    def _open(self, path: str, body: bytes | None, *, timeout: float) -> bytes:
        """What the server answers: to a POST of the body, or to a GET where there is none."""
        request = urllib.request.Request(self.url.rstrip("/") + path, body, self._headers())
        with urllib.request.urlopen(request, timeout=timeout) as response:
            return response.read()

    def _headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/json"}
        if key := self.api_key or os.environ.get("OPENAI_API_KEY"):
            check_key(key, "api_key" if self.api_key else "OPENAI_API_KEY")
            headers["Authorization"] = f"Bearer {key}"
        return headers


class _UnusableError(Exception):
    """An answer that cannot be used; `again` says whether asking again may help."""

    def __init__(self, reason: str, *, again: bool, pause: float | None = None) -> None:
        super().__init__(reason)
        self.again = again
        self.pause = pause


def _of_status(error: urllib.error.HTTPError) -> _UnusableError:
    try:
        text = error.read(2000).decode("utf-8", "replace")
    except OSError:
        text = ""
    # Gateways answer with a page for people.
    text = _MARKUP.sub(" ", text)
    again = error.code in (408, 409, 425, 429) or error.code >= 500
    reason = f"status {error.code}: {' '.join(text.split())[:300] or error.reason}"
    return _UnusableError(reason, again=again, pause=_retry_after(error.headers.get("Retry-After")))


def _retry_after(value: str | None) -> float | None:
    """Seconds to wait by a Retry-After header: a number of seconds, or a date (RFC 9110)."""
    if value is None:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError):
        return None


def _prediction(row: Example, answer: Mapping[str, Any], seconds: float) -> Prediction:
    try:
        choice = answer["choices"][0]
        content = choice["message"].get("content")
        finish = choice.get("finish_reason")
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise _UnusableError("the answer holds no completion", again=True) from error
    if content is not None and not isinstance(content, str):
        raise _UnusableError("the answer's completion is no text", again=True)
    usage = answer.get("usage")
    counts = cast("dict[str, Any]", usage) if isinstance(usage, dict) else {}
    reason: FinishReason = finish if finish in ("stop", "length") else "error"
    return Prediction(
        example_id=row.id,
        completion=content or "",
        prompt_tokens=_count(counts, "prompt_tokens"),
        completion_tokens=_count(counts, "completion_tokens"),
        seconds=round(seconds, 4),
        finish_reason=reason,
    )


def _count(usage: Mapping[str, Any], key: str) -> int | None:
    value = usage.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _as_plain_text(text: str) -> str:
    return _CONTROL.sub(lambda found: found[0][0] + _WORD_JOINER + found[0][1:], text)


def _bounded(
    rows: Sequence[Example],
    ask: Callable[[Example], Prediction],
    concurrency: int,
    given_up: threading.Event,
) -> Iterator[Prediction]:
    """Asks for all rows, a few at a time.

    After a failure what is under way is waited for. After Ctrl-C, or where nobody asks for more
    rows, it is not: the threads are daemons and end with the process, which those of an executor
    would hold up until each has its answer.
    """
    waiting = iter(rows)
    todo = SimpleQueue[Example | None]()
    answers = SimpleQueue[Prediction | BaseException]()

    def work() -> None:
        while (row := todo.get()) is not None:
            try:
                answers.put(ask(row))
            except BaseException as error:
                answers.put(error)

    threads = min(concurrency, len(rows))
    for number in range(threads):
        threading.Thread(target=work, name=f"requests-{number}", daemon=True).start()
    failure: ServerError | None = None
    under_way = 0
    try:
        while True:
            while failure is None and under_way < threads and (row := next(waiting, None)):
                todo.put(row)
                under_way += 1
            if not under_way:
                break
            answer = answers.get()
            under_way -= 1
            if isinstance(answer, ServerError):
                failure = failure or answer
                given_up.set()
            elif isinstance(answer, BaseException):
                raise answer
            else:
                yield answer
    finally:
        given_up.set()
        for _ in range(threads):
            todo.put(None)
    if failure is not None:
        raise failure
