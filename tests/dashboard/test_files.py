"""The page's files: whole, self-contained, and nothing in them that a strict content policy would refuse."""

import gzip
import re
from pathlib import Path

import pytest

from include.dashboard.security import PAGE_POLICY
from tests.dashboard.fake_server import PAGE
from tools import vendor

OURS = sorted(file for file in PAGE.rglob("*") if file.is_file() and "vendor" not in file.parts)
MODULES = sorted(PAGE.glob("js/*.js"))


def name(file: Path) -> str:
    return file.relative_to(PAGE).as_posix()


def test_the_policy_is_strict() -> None:
    html = (PAGE / "index.html").read_text("utf-8")
    assert "default-src 'none'" in PAGE_POLICY
    assert "frame-ancestors 'self'" in PAGE_POLICY
    assert "require-trusted-types-for 'script'" in PAGE_POLICY
    assert "unsafe" not in PAGE_POLICY
    assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son\w+=", html)


def test_every_file_that_is_named_is_there() -> None:
    html = (PAGE / "index.html").read_text("utf-8")
    named = re.findall(r'(?:src|href)="static/([^"]+)"', html)
    assert named
    for module in MODULES:
        text = module.read_text("utf-8")
        named += [f"js/{found}" for found in re.findall(r'(?:from |import\()"\./([^"]+)"', text)]
        named += re.findall(r'from "\.\./(vendor/[^"]+)"', text)
    assert [file for file in named if not (PAGE / file).is_file()] == []
    # and none lies there for nothing
    assert {name(module) for module in MODULES} <= set(named)


@pytest.mark.parametrize("file", OURS, ids=name)
def test_nothing_is_fetched_from_elsewhere(file: Path) -> None:
    addresses = set(re.findall(r"https?://[^\s\"'<>]+", file.read_text("utf-8")))
    assert addresses <= {"http://www.w3.org/2000/svg"}  # a namespace, not a request


@pytest.mark.parametrize("module", MODULES, ids=name)
def test_modules_are_small_and_say_what_they_are_for(module: Path) -> None:
    lines = module.read_text("utf-8").splitlines()
    assert lines[0].startswith("// ")
    assert len(lines) <= 300
    assert not re.search(r"innerHTML\s*=(?!=)|insertAdjacentHTML|document\.write|eval\(", "\n".join(lines))


def test_the_library_comes_with_its_licence() -> None:
    library = PAGE / "vendor" / "uplot"
    assert (library / "LICENSE").read_text("utf-8").startswith("The MIT License")
    assert "uPlot (v1.6.32)" in (library / "uPlot.iife.min.js").read_text("utf-8")[:200]


@pytest.mark.parametrize("package", vendor.PACKAGES, ids=lambda package: package.name)
def test_libraries_are_what_is_listed_and_can_be_loaded(package: vendor.Package) -> None:
    folder = vendor.VENDOR / package.folder
    title = {"MIT": "The MIT License", "Apache-2.0": "Apache License"}[package.licence]
    assert (folder / "LICENSE").read_text("utf-8").strip().startswith(title)
    assert {file.name for file in folder.iterdir()} == {*package.files, "LICENSE"}
    for file in package.files:
        text = (folder / file).read_text("utf-8")
        assert text.startswith(f"/*! {package.name} {package.version}, {package.licence}")
        addresses = re.findall(r'\bfrom ?"([^"]+)"', text)
        assert [each for each in addresses if not (folder / each).is_file()] == []
        assert "sourceMappingURL" not in text


def test_a_module_that_is_not_shipped_cannot_be_imported() -> None:
    package = vendor.PACKAGES[0]
    source = 'import{h}from"preact";import{a}from"preact/hooks";\n//# sourceMappingURL=a.mjs.map'
    assert vendor.adapted(package, source) == (
        "/*! preact 11.2.0, MIT: see LICENSE beside it */\n"
        'import{h}from"../preact/preact.js";import{a}from"../preact/hooks.js";\n'
    )
    with pytest.raises(KeyError):
        vendor.adapted(package, 'import{h}from"lodash";')


def test_the_page_is_small() -> None:
    files = [file for file in PAGE.rglob("*") if file.is_file() and file.name != "LICENSE"]
    assert sum(len(gzip.compress(file.read_bytes(), mtime=0)) for file in files) <= 150_000
