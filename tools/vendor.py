"""Fetches the libraries of the trading desk's page again; `python -m tools.vendor` needs npm and a network.

Each file is as its package has it, with three exceptions. A comment with name, version and licence comes first.
Modules are imported by their addresses: a browser knows them by name only with an import map, which the strict
content policy does not allow. No source map is named, since none is shipped.
"""

import re
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

VENDOR = Path(__file__).parents[1] / "include" / "dashboard" / "page" / "vendor"


@dataclass(frozen=True, slots=True)
class Package:
    """A package of the npm registry.

    Attributes:
        files: Of the package, by the names that they get.
    """

    name: str
    version: str
    licence: str
    files: dict[str, str]

    @property
    def folder(self) -> str:
        return self.name.removeprefix("@").replace("/", "-")


PACKAGES = (
    Package("preact", "11.2.0", "MIT", {"preact.js": "dist/preact.mjs", "hooks.js": "hooks/dist/hooks.mjs"}),
    Package("htm", "3.1.1", "Apache-2.0", {"htm.js": "dist/htm.mjs"}),
    Package("@preact/signals", "2.11.4", "MIT", {"signals.js": "dist/signals.mjs"}),
    Package("@preact/signals-core", "1.14.5", "MIT", {"signals-core.js": "dist/signals-core.mjs"}),
)

ADDRESSES = {
    "preact": "../preact/preact.js",
    "preact/hooks": "../preact/hooks.js",
    "@preact/signals-core": "../preact-signals-core/signals-core.js",
}


def adapted(package: Package, source: str) -> str:
    """The text of a module as a browser can load it.

    Raises:
        KeyError: It imports a module that is not shipped.
    """
    text = re.sub(r'\bfrom"([^".]+)"', lambda found: f'from"{ADDRESSES[found[1]]}"', source)
    text = re.sub(r"\n?//# sourceMappingURL=\S+\s*$", "", text)
    return f"/*! {package.name} {package.version}, {package.licence}: see LICENSE beside it */\n{text}\n"


def fetch(package: Package, target: Path) -> None:
    """Writes the files of a package and its licence into a folder of its own below the target."""
    folder = target / package.folder
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as temporary:
        which = f"{package.name}@{package.version}"
        subprocess.run(["npm", "pack", "--silent", which], cwd=temporary, check=True, capture_output=True)
        (archive,) = Path(temporary).glob("*.tgz")
        with tarfile.open(archive) as packed:
            packed.extractall(temporary, filter="data")
        content = Path(temporary) / "package"
        for name, source in package.files.items():
            text = (content / source).read_text("utf-8")
            (folder / name).write_text(adapted(package, text), "utf-8")
        (folder / "LICENSE").write_bytes((content / "LICENSE").read_bytes())


def main() -> None:
    for package in PACKAGES:
        fetch(package, VENDOR)


if __name__ == "__main__":
    main()
