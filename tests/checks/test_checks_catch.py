"""The checks catch what docs/checks.md says they catch, and find nothing on sound data."""

from __future__ import annotations

from collections.abc import Iterator

import page
import pytest
from damages import DAMAGES
from workbench import Bench

# Some of each kind, place and catching stage; `make mutations` does all of them.
CORE = [
    "taxi green file",
    "taxi hour late",
    "taxi day lost",
    "bike part twice",
    "bike first part lost",
    "zones: equal boroughs exchanged",
    "raw: one row lost",
]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    made = Bench(tmp_path_factory.mktemp("bench"))
    yield made
    made.close()


def test_nothing_is_refused_and_nothing_is_found_on_sound_months(bench: Bench) -> None:
    assert (bench.clean.outcome, bench.clean.by) == ("missed", ())


@pytest.mark.parametrize("name", CORE)
def test_damage_is_caught_as_the_page_says(bench: Bench, name: str) -> None:
    (damage,) = [damage for damage in DAMAGES if damage.name == name]
    assert page.shown(bench.judge(damage)) == page.read()[name], "is docs/checks.md out of date? make mutations"


def test_the_page_tells_of_every_damage_and_of_no_other() -> None:
    found = page.read()
    assert list(found) == [damage.name for damage in DAMAGES if damage.name in found], "out of date; make mutations"
    assert page.PAGE.read_text(encoding="utf-8") == page.render(found), "out of date; make mutations"


def test_whatever_is_missed_is_known_with_its_reason() -> None:
    missed = {name for name, verdict in page.read().items() if verdict.outcome == "missed"}
    assert missed == set(page.MISSED)
