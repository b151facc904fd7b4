"""How PostgreSQL is started when root starts it: PostgreSQL itself refuses to run as root."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from include.errors import TerminalError

# The checkout, the environment or its Python may lie below a folder that only root may enter (/root is one).
# Then the server gets the one capability that lets it walk and read there, and nothing more; access(2), which
# PostgreSQL asks about its own programs, forgets it unless the securebit is set. A container may lack that
# capability: the wider override is the last resort.
_KEEP = "--securebits=+no_setuid_fixup"
_GRANTS: tuple[tuple[str, ...], ...] = (
    (),
    (_KEEP, "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"),
    (_KEEP, "--inh-caps=+dac_override", "--ambient-caps=+dac_override"),
)


@dataclass(frozen=True)
class ServerAccount:
    """The account of the server's processes and files.

    Attributes:
        uid: Its user id; the caller's own unless the caller is root.
        gid: Its group id.
        program: A program of PostgreSQL that it must be able to start.
        directory: The folder that it must be able to work in.
    """

    uid: int
    gid: int
    program: Path
    directory: Path

    @classmethod
    def choose(cls, program: Path, directory: Path, data: Path) -> "ServerAccount":
        """The caller; for root the owner of the data, else the first of `postgres` and `nobody` that exists.

        Raises:
            TerminalError: There is no such account.
        """
        if os.geteuid() != 0:
            return cls(os.geteuid(), os.getegid(), program, directory)
        if data.exists() and (owner := data.stat()).st_uid != 0:
            return cls(owner.st_uid, owner.st_gid, program, directory)
        for name in ("postgres", "nobody"):
            try:
                entry = pwd.getpwnam(name)
            except KeyError:
                continue
            return cls(entry.pw_uid, entry.pw_gid, program, directory)
        raise TerminalError(
            "PostgreSQL cannot run as root: create a user called postgres (useradd -r postgres)"
        )

    @property
    def is_another(self) -> bool:
        """Whether it is not the caller's own."""
        return os.geteuid() != self.uid

    @cached_property
    def prefix(self) -> Sequence[str]:
        """What to put before a command so that it runs under this account; empty for an ordinary caller.

        Raises:
            TerminalError: `setpriv` is missing, or the account cannot reach the program in any allowed way.
        """
        if not self.is_another:
            return ()
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            raise TerminalError(
                "setpriv is missing (package util-linux): install it, or run as an ordinary user"
            )
        base = (setpriv, f"--reuid={self.uid}", f"--regid={self.gid}", "--clear-groups")
        for grant in _GRANTS:
            wrapped = (*base, *grant, "--")
            if _works(*wrapped, str(self.program), "--version") and _works(
                *wrapped, "test", "-x", str(self.program), "-a", "-x", f"{self.directory}/."
            ):
                return wrapped
        raise TerminalError(
            f"the user with id {self.uid} cannot start {self.program}: run as an ordinary user instead of root"
        )

    def give(self, path: Path) -> None:
        """Makes the account the owner of a file or folder."""
        if self.is_another:
            os.chown(path, self.uid, self.gid)


def _works(*command: str) -> bool:
    silent = subprocess.DEVNULL
    return subprocess.run(command, cwd="/", stdout=silent, stderr=silent, check=False).returncode == 0
