"""Texts that are safe to store and send: no secrets, storable in PostgreSQL, of limited length, no markup."""

import re

_LOGIN = re.compile(r"(?<=://)[^/@\s]+@")
_QUERY = re.compile(r"(\w+://[^\s?]+)\?\S+")
_PASSWORD = re.compile(r"(?i)\b(password|passwd|pwd|secret|token|api_?key)(\s*[=:]\s*)('[^']*'|\"[^\"]*\"|\S+)")

_LOOKALIKES = str.maketrans("#&*~`|<>[]", "♯+•≈'¦«»()") | {ord("@"): "(at)"}
_DOT_OF_DOMAIN = re.compile(r"(?<=\S)[.。](?!jsonl\b)(?!(?<=docs/runbook\.)md\b)(?=[^\W\d_])")
"""Chats make a link of evil.example, too; landing files and the runbook are ours."""
_EDGE_UNDERSCORE = re.compile(r"(?<!\w)_+|_+(?!\w)")
"""Within a word, as in names of alarms and runs, they are no markup anywhere."""


def presentable(text: str, most: int) -> str:
    """The text without passwords and without logins and queries of URLs, cut to `most` characters."""
    text = _LOGIN.sub("***@", text)
    text = _QUERY.sub(r"\1?***", text)
    text = _PASSWORD.sub(r"\1\2***", text)
    text = text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\x00", r"\0")
    return text if len(text) <= most else text[: most - 1] + "…"


def without_markup(text: str) -> str:
    """The text without what any chat or mail program takes for a link, a mention or the format of a word.

    Each character that may begin one is replaced by another one that is as readable.
    """
    text = "".join(each if each.isprintable() or each == "\n" else " " for each in text)
    text = _DOT_OF_DOMAIN.sub("·", text.translate(_LOOKALIKES).replace("://", ": //"))
    return _EDGE_UNDERSCORE.sub(lambda found: "ˍ" * len(found[0]), text)
