"""The language of a request, and sentences for people in it: the English one in the source is the key."""

import re
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

from starlette.requests import Request

from include.dashboard.german import SENTENCES, STORED

LANGUAGES = ("en", "de")
"""The first one is for those who say nothing or want none of them."""

TABLES: Mapping[str, Mapping[str, str]] = {"en": {}, "de": SENTENCES | STORED}

_ENGLISH_NUMBER = re.compile(r"[+-]?\d{1,3}(?:,\d{3})*(?:\.\d+)?")
_SWAPPED = str.maketrans(",.", ".,")
"""Separators of thousands and decimals."""
_FIELD = re.compile(r"\\\{(\w+)\\\}")


class Sentence(str):
    """A sentence: itself is the English one, and it knows how to say the same in another language."""

    __slots__ = ("template", "values")

    template: str
    values: Mapping[str, Any]

    def __new__(cls, text: str, template: str, values: Mapping[str, Any] = MappingProxyType({})) -> "Sentence":
        sentence = super().__new__(cls, text)
        sentence.template, sentence.values = template, values
        return sentence

    def in_language(self, language: str) -> str:
        """The sentence in one of LANGUAGES; in English what the table of that language does not have."""
        template = TABLES[language].get(self.template)
        if template is None:
            return str(self)
        return template.format(**{name: worded(value, language) for name, value in self.values.items()})


class Number(str):
    """A number as text: itself is written the English way, 1,234.5."""

    __slots__ = ()

    def in_language(self, language: str) -> str:
        """The number as that language writes it, 1.234,5 in German."""
        return self.translate(_SWAPPED) if language == "de" else str(self)


def say(template: str, **values: Any) -> Sentence:
    """A sentence from its English template with named fields; values may be sentences themselves."""
    return Sentence(template.format(**values), template, values)


def worded(value: Any, language: str) -> Any:
    """A sentence or number in the language; anything else as it is."""
    return value.in_language(language) if isinstance(value, Sentence | Number) else value


def stored(text: str) -> str:
    """An English sentence that is stored in the warehouse, so that it can be said in another language.

    One that is in no table stays as it is.
    """
    if text in STORED:
        return Sentence(text, text)
    for template, pattern in patterns().items():
        if found := pattern.fullmatch(text):
            return Sentence(text, template, {name: _part(value) for name, value in found.groupdict().items()})
    return text


def _part(text: str) -> str:
    return Number(text) if _ENGLISH_NUMBER.fullmatch(text) else stored(text)


class Wanted(NamedTuple):
    """One entry of Accept-Language."""

    language: str
    quality: float


def language_of(request: Request) -> str:
    """The one of LANGUAGES that the request prefers."""
    return _preferred(request.headers.get("accept-language", ""))


@lru_cache(maxsize=256)
def _preferred(header: str) -> str:
    wanted = sorted(_wanted(header), key=lambda each: -each.quality)
    return wanted[0].language if wanted else LANGUAGES[0]


def _wanted(header: str) -> Iterator[Wanted]:
    """The languages of a header that we have, in its order; RFC 9110, 12.5.4."""
    for entry in header.split(","):
        name, _, parameter = entry.strip().lower().partition(";")
        language = LANGUAGES[0] if name.strip() == "*" else name.strip().partition("-")[0]
        found = re.fullmatch(r"\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*", parameter) if parameter else None
        quality = float(found[1]) if found else 0.0 if parameter else 1.0
        if language in LANGUAGES and quality > 0:
            yield Wanted(language, quality)


@cache
def patterns() -> dict[str, re.Pattern[str]]:
    """How stored sentences with fields look."""
    return {
        template: re.compile(_FIELD.sub(r"(?P<\1>.+?)", re.escape(template)), re.DOTALL)
        for template in STORED
        if "{" in template
    }
