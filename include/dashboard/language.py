"""The language of a request, and sentences for people in it: the English one in the source is the key."""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache, reduce
from types import MappingProxyType
from typing import Any, NamedTuple

from starlette.requests import Request

from include.dashboard.german import SENTENCES
from include.dashboard.german_stored import CAUSES, STORED

LANGUAGES = ("en", "de")
"""The first one is for those who say nothing or want none of them."""

TABLES: Mapping[str, Mapping[str, str]] = {"en": {}, "de": SENTENCES | CAUSES | STORED}

_NUMBERS = ("count", "number", "limit", "low", "high")
"""Fields of stored sentences that are numbers."""

_ISO_DAY = re.compile(r"\b(\d{4})-(\d\d)-(\d\d)\b")
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


class Day(str):
    """A text with an ISO day in it."""

    __slots__ = ()

    def in_language(self, language: str) -> str:
        """The text with the day as that language writes it, 27.11.2026 in German."""
        return _ISO_DAY.sub(r"\3.\2.\1", self) if language == "de" else str(self)


def say(template: str, **values: Any) -> Sentence:
    """A sentence from its English template with named fields; values may be sentences themselves."""
    return Sentence(template.format(**values), template, values)


def worded(value: Any, language: str) -> Any:
    """A sentence, number or day in the language; anything else as it is."""
    return value.in_language(language) if isinstance(value, Sentence | Number | Day) else value


def joined(texts: Iterable[str], separator: str = "; ") -> str:
    """The texts as one, in which each sentence stays one."""
    template = "{first}" + separator + "{last}"
    return reduce(lambda first, last: say(template, first=first, last=last), texts)


def stored(text: str) -> str:
    """An English sentence that is stored in the warehouse, so that it can be said in another language.

    Several are separated by `; `. What is in no table stays as it is.
    """
    if text in STORED:
        return Sentence(text, text)
    for template, pattern in patterns().items():
        if found := pattern.fullmatch(text):
            return Sentence(
                text, template, {name: _part(name, part) for name, part in found.groupdict().items()}
            )
    return joined(map(stored, text.split("; "))) if "; " in text else text


def _part(name: str, text: str) -> str:
    if name in _NUMBERS:
        return Number(text)
    return Day(text) if name == "when" else stored(text)


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
        # a field is one thing, `list` is several
        template: re.compile(
            _FIELD.sub(r"(?P<\1>[^;]+?)", re.escape(template)).replace("<list>[^;]", "<list>.")
        )
        for template in STORED
        if "{" in template
    }
