"""Error texts that are safe to store and send: without secrets, storable in PostgreSQL, of limited length."""

import re

_LOGIN = re.compile(r"(?<=://)[^/@\s]+@")
_QUERY = re.compile(r"(\w+://[^\s?]+)\?\S+")
_PASSWORD = re.compile(r"(?i)\b(password|passwd|pwd|secret|token|api_?key)(\s*[=:]\s*)('[^']*'|\"[^\"]*\"|\S+)")


def presentable(text: str, most: int) -> str:
    """The text without passwords and without logins and queries of URLs, cut to `most` characters."""
    text = _LOGIN.sub("***@", text)
    text = _QUERY.sub(r"\1?***", text)
    text = _PASSWORD.sub(r"\1\2***", text)
    text = text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\x00", r"\0")
    return text if len(text) <= most else text[: most - 1] + "…"
