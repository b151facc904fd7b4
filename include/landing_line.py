"""What a line of a landing file holds: a message as it was received, a reply, or an event."""

import binascii
from base64 import b64decode

import msgspec


class Line(msgspec.Struct, gc=False):
    """The fields of a line of a landing file that are read; any other is ignored."""

    received_at: str = ""
    raw: str | None = None
    raw_base64: str | None = None
    event: str | None = None
    connected: bool | None = None
    alive_until: str | None = None
    connected_since: str | None = None
    seconds: float | None = None
    files: list[str] | None = None
    request: dict[str, str] | None = None
    status: int | None = None

    def payload(self) -> bytes | None:
        """The message as it was received; None for an event.

        Raises:
            ValueError: `raw_base64` is not base64.
        """
        if self.raw is not None:
            return self.raw.encode("utf-8", "surrogatepass")
        if self.raw_base64 is not None:
            try:
                return b64decode(self.raw_base64, validate=True)
            except binascii.Error as error:
                raise ValueError(str(error)) from error
        return None


decode_line = msgspec.json.Decoder(Line).decode
