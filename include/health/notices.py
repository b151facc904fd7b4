"""What people are told, and how: by any service that Apprise knows, each configured by its URL."""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from include.health.wording import presentable

SENT = "sent"

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_MAX_REASON_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class Notice:
    """A message to people.

    Attributes:
        about: What it is about; the same text again is a repetition.
        kind: task_failed, alarm_raised or alarm_cleared.
        title: One line.
        text: What happened and what to do, a few lines.
        details: The same for machines.
    """

    about: str
    kind: str
    title: str
    text: str
    details: Mapping[str, str] = field(default_factory=dict)


def channels(urls: Iterable[str]) -> dict[str, str]:
    """The URL of each channel by its name, which holds no secret: `mailtos`, `slack`, `json`, `json-2` …"""
    schemes: Counter[str] = Counter()
    found = {}
    for url in urls:
        scheme = url.partition("://")[0].lower()
        schemes[scheme] += 1
        found[scheme if schemes[scheme] == 1 else f"{scheme}-{schemes[scheme]}"] = url
    return found


def sender(url: str, notice: Notice) -> Callable[[], str]:
    """Prepares to send the notice as plain text, which Apprise escapes as the service needs it.

    `json://`, `form://` and `xml://` also get `text`, `kind` and the details as fields; the other services get
    the details as lines below the text. Redirects are not followed.

    Returns:
        What sends it, and returns SENT or why not: nothing of the URL, which may hold a secret.
    """
    if _sends_password_in_clear_text(url):
        return lambda: "a password is not sent in clear text: use mailtos://"
    # its log quotes URLs that it cannot read, with their secrets; what went wrong comes back in the result
    logging.getLogger("apprise").propagate = False
    # takes seconds to import: only when there is something to say
    from apprise import Apprise, AppriseAsset, NotifyFormat, NotifyType

    # no pool of threads, whose end the process would wait for: the caller bounds the time
    asset = AppriseAsset(app_id="power-desk", async_mode=False, service_timeout=0, http_redirects=False)
    service = Apprise.instantiate(url, asset=asset)
    if service is None:
        return lambda: "Apprise does not know this kind of URL, or a part of it is missing"
    text = notice.text
    fields = getattr(service, "payload_extras", None)
    if isinstance(fields, dict):
        fields |= {**notice.details, "text": f"{notice.title}\n{text}", "kind": notice.kind}
    else:
        text = "\n".join([text, "", *(f"{name}: {value}" for name, value in notice.details.items())])
    apprise = Apprise(service, asset=asset)
    level = NotifyType.SUCCESS if notice.kind == "alarm_cleared" else NotifyType.FAILURE

    def send() -> str:
        result = apprise.notify(text, notice.title, level, body_format=NotifyFormat.TEXT)
        if result:
            return SENT
        reasons = " ".join(str(entry.message) for entry in result.logs())
        return presentable(reasons or "the service did not take it", _MAX_REASON_CHARACTERS)

    return send


def _sends_password_in_clear_text(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "mailto" and bool(parts.password) and parts.hostname not in _LOOPBACK
