"""What people are told, and the two ways to tell them: a webhook and mail."""

import smtplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Protocol
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from include.settings import Settings

_OPERATION_SECONDS = 3.0
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class NotDeliveredError(Exception):
    """The receiver did not take it; the message says why, and nothing of an address, which may be secret."""


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


class Channel(Protocol):
    """A way to tell people."""

    @property
    def name(self) -> str:
        """webhook or mail."""

    def send(self, notice: Notice) -> None:
        """Hands it over.

        Raises:
            NotDeliveredError: The receiver is away, too slow, or refused it.
        """


def channels(settings: Settings) -> list[Channel]:
    """The channels that are configured."""
    found: list[Channel] = []
    if settings.alert_webhook_url:
        found.append(Webhook(settings.alert_webhook_url))
    if settings.alert_smtp_url:
        found.append(Mail(settings.alert_smtp_url))
    return found


@dataclass(frozen=True, slots=True)
class Webhook:
    """A POST of JSON with `text` and structured fields, as chat systems and incident tools take it."""

    url: str = field(repr=False)
    name: str = "webhook"

    def send(self, notice: Notice) -> None:
        """See Channel."""
        import requests  # only when there is something to say: task processes start faster without

        body = {"text": f"{notice.title}\n{notice.text}", "kind": notice.kind, "title": notice.title}
        try:
            with requests.post(
                self.url,
                json={**notice.details, **body},
                timeout=_OPERATION_SECONDS,
                allow_redirects=False,
                stream=True,  # only the status matters
            ) as response:
                status = response.status_code
        except requests.Timeout as error:
            raise NotDeliveredError("no answer in time") from error
        except (requests.RequestException, ValueError) as error:
            raise NotDeliveredError(f"cannot be reached ({type(error).__name__})") from error
        if not 200 <= status < 300:
            raise NotDeliveredError(f"answered HTTP {status}")


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail by `smtp://user:password@host:587/?from=…&to=…`; `smtps://` speaks TLS from the start.

    Where the server offers STARTTLS it is used. A password is not sent in clear text except to this machine.
    """

    url: str = field(repr=False)
    name: str = "mail"

    def send(self, notice: Notice) -> None:
        """See Channel."""
        parts = urlsplit(self.url)
        message = _mail(parts, notice)
        try:
            with _server(parts) as server:
                if parts.username:
                    server.login(unquote(parts.username), unquote(parts.password or ""))
                server.send_message(message)
        except TimeoutError as error:
            raise NotDeliveredError("no answer in time") from error
        except smtplib.SMTPResponseException as error:
            raise NotDeliveredError(f"answered {error.smtp_code}") from error
        except smtplib.SMTPException as error:
            raise NotDeliveredError(f"did not take it ({type(error).__name__})") from error
        except (OSError, ValueError) as error:
            raise NotDeliveredError(f"cannot be reached ({type(error).__name__})") from error


def _mail(parts: SplitResult, notice: Notice) -> EmailMessage:
    query = parse_qs(parts.query)
    message = EmailMessage()
    message["Subject"] = " ".join(notice.title.split())
    message["To"] = ", ".join(query["to"])
    message["From"] = query.get("from", query["to"])[0]
    details = "\n".join(f"{name}: {value}" for name, value in notice.details.items())
    message.set_content(f"{notice.text}\n\n{details}\n")
    return message


def _server(parts: SplitResult) -> smtplib.SMTP:
    host, context = parts.hostname or "", ssl.create_default_context()
    if parts.scheme == "smtps":
        return smtplib.SMTP_SSL(host, parts.port or 465, timeout=_OPERATION_SECONDS, context=context)
    server = smtplib.SMTP(host, parts.port or 25, timeout=_OPERATION_SECONDS)
    try:
        server.ehlo()
        if server.has_extn("starttls"):
            server.starttls(context=context)
        elif parts.username and host not in _LOOPBACK:
            raise NotDeliveredError("the server offers no TLS, and a password is not sent in clear text")
    except (OSError, smtplib.SMTPException, NotDeliveredError):
        server.close()
        raise
    return server
