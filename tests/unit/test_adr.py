"""Decisions have a number each, so that `ADR 10` names one of them."""

import re

from include.settings import PROJECT_ROOT

RECORDS = sorted((PROJECT_ROOT / "docs" / "adr").glob("*.md"))


def test_each_number_is_used_once_and_in_the_heading_as_in_the_files_name() -> None:
    numbers = [int(file.name[:4]) for file in RECORDS]
    assert numbers == list(range(1, len(RECORDS) + 1))
    headings = [re.match(r"# (\d+)\. ", file.read_text("utf-8")) for file in RECORDS]
    assert [found and int(found[1]) for found in headings] == numbers


def test_links_between_records_lead_to_one() -> None:
    linked = {name for file in RECORDS for name in re.findall(r"\]\((\d{4}-[^)#]+)", file.read_text("utf-8"))}
    assert linked - {file.name for file in RECORDS} == set()
