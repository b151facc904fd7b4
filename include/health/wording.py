"""Texts of errors as they may be stored and sent: no secrets, nothing that PostgreSQL refuses, not too long."""

import re

_LOGIN = re.compile(r"(?<=://)[^/@\s]+@")
_QUERY = re.compile(r"(\w+://[^\s?]+)\?\S+")
_PASSWORD = re.compile(r"(?i)\b(password|passwd|pwd|secret|token|api_?key)(\s*[=:]\s*)('[^']*'|\"[^\"]*\"|\S+)")


def presentable(text: str, most: int) -> str:
    """The text without logins and queries of URLs and without passwords, at most so many characters."""
    text = _LOGIN.sub("***@", text)
    text = _QUERY.sub(r"\1?***", text)
    text = _PASSWORD.sub(r"\1\2***", text)
    text = text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\x00", r"\0")
    return text if len(text) <= most else text[: most - 1] + "…"
