"""Notifications, and their channels: any service that Apprise supports, configured by its URL."""

import logging
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from hashlib import pbkdf2_hmac
from pathlib import Path
from typing import Any

from include.health.wording import presentable, without_markup

SENT = "sent"

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_OURS = ("log_url", "dag_id", "task_id", "run_id")
"""Details that lead to a run: they stay as they are."""
_MAX_REASON_CHARACTERS = 300
_HASH_ROUNDS = 200_000
"""About a tenth of a second, once a process and URL."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A notification.

    Attributes:
        about: Identifies it; a notice with the same text is a repetition.
        kind: task_failed, alarm_raised, alarm_cleared or report.
        title: One line.
        text: What happened and what to do, a few lines.
        details: The same as fields, for programs.
        attachment: A file that goes with it, where the service takes files.
    """

    about: str
    kind: str
    title: str
    text: str
    details: Mapping[str, str] = field(default_factory=dict)
    attachment: Path | None = None


def channels(urls: Iterable[str]) -> dict[str, str]:
    """Channel name to URL: `mailtos-5be0c3a1`, `slack-90d27f44` …; the same URL twice is one channel.

    The name depends on nothing but the URL: what was sent through it is known whatever other URLs come, go or
    change places.
    """
    return {_name(url): url for url in urls}


@cache
def _name(url: str) -> str:
    """Scheme and hash of the URL. It is slow to compute, so that nobody finds a password by trying many."""
    scheme = re.match(r"([a-z][a-z0-9+_-]*)://", url, re.IGNORECASE)
    digest = pbkdf2_hmac(
        "sha256", url.encode(errors="backslashreplace"), b"notification channel", _HASH_ROUNDS, dklen=4
    )
    return f"{scheme[1].lower() if scheme else 'unknown'}-{digest.hex()}"


def sender(url: str, notice: Notice) -> Callable[[], str]:
    """Prepares to send the notice as plain text, without what a service may take for markup.

    Apprise escapes it for some services only. The title and what leads to a run stay as they are.

    `json://`, `form://` and `xml://` also get `text`, `kind` and the details as fields; other services get the
    details as lines below the text. Redirects are not followed.

    Returns:
        A function that sends it and returns SENT or the error, without any part of the URL.
    """
    # Apprise logs URLs that it cannot parse, including secrets; errors are in the result as well
    logging.getLogger("apprise").propagate = False
    # imported only when needed, since it takes seconds
    from apprise import Apprise, AppriseAsset, NotifyFormat, NotifyType

    # without a thread pool, which the process would wait for at exit; the caller limits the time
    asset = AppriseAsset(app_id="power-desk", async_mode=False, service_timeout=0, http_redirects=False)
    service = Apprise.instantiate(url, asset=asset)
    if service is None:
        return lambda: "Apprise does not know this kind of URL, or a part of it is missing"
    if _sends_password_in_clear_text(service):
        return lambda: "a password is not sent in clear text: use mailtos://"
    text = without_markup(notice.text)
    details = {
        name: value if name in _OURS else without_markup(value) for name, value in notice.details.items()
    }
    fields = getattr(service, "payload_extras", None)
    if isinstance(fields, dict):
        fields |= {**details, "text": f"{notice.title}\n{text}", "kind": notice.kind}
    else:
        text = "\n".join([text, "", *(f"{name}: {value}" for name, value in details.items())])
    apprise = Apprise(service, asset=asset)
    is_warning = notice.details.get("severity") == "warning"
    level = NotifyType.WARNING if is_warning else NotifyType.FAILURE
    if notice.kind == "alarm_cleared":
        level = NotifyType.SUCCESS
    elif notice.kind == "report":
        level = NotifyType.INFO
    attachment = None if notice.attachment is None else str(notice.attachment)

    def send() -> str:
        result = apprise.notify(text, notice.title, level, body_format=NotifyFormat.TEXT, attach=attachment)
        if result:
            return SENT
        reasons = " ".join(str(entry.message) for entry in result.logs())
        return presentable(reasons or "the service did not take it", _MAX_REASON_CHARACTERS)

    return send


def _sends_password_in_clear_text(service: Any) -> bool:
    """Whether it sends mail and logs in without TLS, however its URL says so."""
    if not hasattr(service, "smtp_host"):
        return False
    return bool(service.password) and service.secure_mode == "insecure" and service.smtp_host not in _LOOPBACK
