"""Ready-made answers: bytes, compressed bytes and a tag, and what of them a request gets."""

import gzip
import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from include.dashboard.language import LANGUAGES, Number, Sentence, language_of, worded

JSON = "application/json"
CSV = "text/csv; charset=utf-8"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

_NOW = b'"now":null'
"""A key that gets its value when somebody asks. No text can become this: its quotes would be escaped."""

VARY = "Accept-Encoding, Accept-Language"
"""What an answer depends on beside its address."""

_WORTH_COMPRESSING = 1000
_LARGE = 1_000_000
"""From so many bytes on, compressing well takes longer than sending more."""

REVALIDATE = "private, no-cache"
"""Ask each time whether it has changed; most answers are then 304 without a body."""

FOREVER = "private, max-age=86400, immutable"
"""What was said at a moment of the past does not change."""


class Answer:
    """A body that was made once and goes to everybody who asks.

    Where it says what time it is, it says so to the second for each who asks: it is compressed again once a
    second, not once a request.

    Args:
        body: JSON may have the key `now`, null, which is then filled in.
        media_type: Of the body.
        headers: Of every answer with this body.
        language: Of its sentences; empty: it has none.
        others: The same in other languages, by language.
    """

    def __init__(
        self,
        body: bytes,
        media_type: str,
        headers: Mapping[str, str] | None = None,
        language: str = "",
        others: Mapping[str, "Answer"] | None = None,
    ) -> None:
        self._others = others or {}
        self.media_type = media_type
        self.headers = {**(headers or {}), **({"Content-Language": language} if language else {})}
        self.etag = f'W/"{hashlib.blake2b(language.encode() + body, digest_size=12).hexdigest()}"'
        self._before, self._clock, self._after = body.partition(_NOW)
        self._said_at = ""
        self._said = self._compressed(body)

    @property
    def size(self) -> int:
        """Bytes of memory, the tag and the rest estimated."""
        body, compressed = self._said
        own = 2 * len(body) + len(compressed or b"") + 500
        return own + sum(answer.size for answer in self._others.values())

    def in_language(self, language: str) -> "Answer":
        """The answer for those who want this language."""
        return self._others.get(language, self)

    def at(self, now: datetime) -> tuple[bytes, bytes | None]:
        """The body as of this moment, and the same compressed if that is worth it."""
        if self._clock and (moment := f"{now:%Y-%m-%dT%H:%M:%SZ}") != self._said_at:
            self._said = self._compressed(b'%b"now":"%b"%b' % (self._before, moment.encode(), self._after))
            self._said_at = moment
        return self._said

    def _compressed(self, body: bytes) -> tuple[bytes, bytes | None]:
        worth_it = len(body) >= _WORTH_COMPRESSING
        level = 1 if self._clock or len(body) >= _LARGE else 6
        return body, gzip.compress(body, level, mtime=0) if worth_it else None


def json_answer(payload: Any) -> Answer:
    """The payload as JSON; moments in UTC end with Z. Its sentences, if it has any, are in each language.

    It is written in all of them at once: so it is read once, whoever asks.
    """
    has_sentences = False

    def encoded(language: str) -> bytes:
        def said(value: Any) -> Any:
            nonlocal has_sentences
            has_sentences = True
            if not isinstance(value, Sentence | Number):
                raise TypeError(f"{type(value).__name__} has no form in JSON")
            return worded(value, language)

        return msgspec.json.encode(payload, enc_hook=said)

    body = encoded(LANGUAGES[0])
    if not has_sentences:
        return Answer(body, JSON)
    others = {language: Answer(encoded(language), JSON, language=language) for language in LANGUAGES[1:]}
    return Answer(body, JSON, language=LANGUAGES[0], others=others)


def respond(request: Request, of: Answer, now: datetime, cache_control: str = REVALIDATE) -> Response:
    """What this request gets: 304 if it has the answer already, else the body, compressed if it may be."""
    answer = of.in_language(language_of(request))
    headers = {**answer.headers, "ETag": answer.etag, "Cache-Control": cache_control, "Vary": VARY}
    known = request.headers.get("if-none-match", "")
    if answer.etag in known or known.strip() == "*":
        return Response(status_code=304, headers=headers)
    body, compressed = answer.at(now)
    if compressed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        body, headers["Content-Encoding"] = compressed, "gzip"
    return Response(body, headers=headers, media_type=answer.media_type)


def error_response(
    request: Request, status: int, sentence: str, headers: Mapping[str, str] | None = None
) -> Response:
    """A sentence for a person; never kept by anybody."""
    language = language_of(request)
    return Response(
        msgspec.json.encode({"error": worded(sentence, language)}),
        status_code=status,
        headers={
            **(headers or {}),
            "Cache-Control": "no-store",
            "Content-Language": language,
            "Vary": "Accept-Language",
        },
        media_type=JSON,
    )
