"""docs/checks.md: what was damaged, and what caught it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from damage import Damage, Place
from damages import DAMAGES
from support import PROJECT
from workbench import Verdict

PAGE = PROJECT / "docs" / "checks.md"
_SHOWN = 2
_ROW = re.compile(r"^\| (?P<name>[^|]+) \| (?P<words>[^|]+) \| (?P<outcome>\w+) \| (?P<stage>\w*) \| (?P<by>.*) \|$")

_INTRODUCTION = """\
# What the checks catch

<!-- Written by `make mutations`; tests/checks/ has the damages. -->

Checks are worth what they catch. So sound months are damaged, one way at a time, and the pipeline is run on each: this
page says what became of it. On the sound months themselves nothing is refused and nothing is found.

{counts}

- **refused**: the run fails (exit code 30) with one line that names the check. Refused while fetching or loading, the
  file is kept as `.rejected` and nothing of it reaches the warehouse; later, the marts are not validated.
- **found**: the months are published, and what is unusual of them is reported: a finding, or a warning. That is for
  what a true month might show as well: half of the trips are missing in a pandemic, too.
- **missed**: nothing is said. Below stands which sound month could look the same.

| stage | what checks there |
| --- | --- |
| fetch, load | the sources (`luigi_pipeline/sources/`): form, units, place, parts; rows are counted before and after |
| dbt | data tests (`dbt_project/tests/`, and beside the models): rows against files, keys, days, models together |
| expectations | `config/expectations/`: what holds in every true month, whatever the year |
| profile | `config/plausibility.yml`: what a month usually looks like, by its profile and beside other months |

To add a damage, add it to one of the tables in `tests/checks/damaged_*.py` and run `make mutations ONLY='part of its
name'`; `make mutations` does all of them anew and takes a quarter of an hour. `make test` does a few of each kind, and
fails where they differ from this page.
"""

MISSED = {
    "taxi nautical miles": "speeds and fares by the mile of true months differ by more than that",
    "taxi repeated hour twice": "TLC publishes some trips twice by itself, in 2010 more than one in a hundred",
    "bike station lost": "a station is closed for a month, or moved",
    "weather an hour late": "the warmest hour of a day of wind and clouds is another one",
    "weather an hour early": "the warmest hour of a day of wind and clouds is another one",
    "weather in New York time": "days of wind and clouds are warmest at any hour",
    "weather of the other season": "April is as mild as October",
    "weather months exchanged": "an October as cold as November usually is, beside a mild November",
    "weather hour lost": "the archive has hours without values, for days and for good",
    "weather precipitation zero": "October 2024 had a hundredth of an inch of rain in Central Park",
}

_TITLES: dict[Place, str] = {
    "published": "Damage to published files",
    "raw": "Damage to the raw tables, before the models are built",
    "models": "Damage to the models, before they are tested",
}


def shown(verdict: Verdict) -> Verdict:
    """A verdict as the page shows it: the first checks, in few words."""
    texts = [_brief(text) for text in verdict.by]
    more = f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return Verdict(verdict.outcome, verdict.stage, ("; ".join(texts[:_SHOWN]) + more,))


def read() -> dict[str, Verdict]:
    """The verdicts on the page, by damage."""
    if not PAGE.is_file():
        return {}
    rows = (_ROW.match(line) for line in PAGE.read_text(encoding="utf-8").splitlines())
    return {
        row["name"]: Verdict(row["outcome"], row["stage"], (row["by"],))  # type: ignore[arg-type]
        for row in rows
        if row and row["name"] != "damage"
    }


def write(verdicts: Mapping[str, Verdict]) -> None:
    """Write the page anew.

    Args:
        verdicts: As shown, of all damages.
    """
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(render(verdicts), encoding="utf-8")


def render(verdicts: Mapping[str, Verdict]) -> str:
    """The page's text."""
    known = {damage.name: verdicts[damage.name] for damage in DAMAGES if damage.name in verdicts}
    outcomes = [verdict.outcome for verdict in known.values()]
    counts = (
        f"Of {len(known)} damages, {outcomes.count('refused')} are refused, {outcomes.count('found')} found and "
        f"{outcomes.count('missed')} missed."
    )
    text = _INTRODUCTION.format(counts=counts)
    missed = [name for name, verdict in known.items() if verdict.outcome == "missed"]
    if missed:
        text += "\n## Missed\n\n" + "".join(f"- {name}: {MISSED.get(name, 'not yet')}.\n" for name in missed)
    waiting = [damage.name for damage in DAMAGES if damage.name not in verdicts]
    if waiting:
        text += f"\n## Not judged yet\n\n`make mutations` judges these too: {', '.join(waiting)}.\n"
    for place, title in _TITLES.items():
        rows = [
            _row(damage, known[damage.name]) for damage in DAMAGES if damage.place == place and damage.name in known
        ]
        head = "| damage | what it does | outcome | stage | by |\n| --- | --- | --- | --- | --- |\n"
        text += f"\n## {title}\n\n{head}{''.join(rows)}"
    return text


def _row(damage: Damage, verdict: Verdict) -> str:
    return f"| {damage.name} | {damage.words} | {verdict.outcome} | {verdict.stage} | {verdict.by[0]} |\n"


def _brief(text: str) -> str:
    """The first clause, without what would end a cell of the table or changes from run to run."""
    text = re.sub(r"/\S*/", "", text)
    suite, _, why = text.partition(": ")
    clause = f"{suite}: {re.split(r'[;.:](?: |$)', why)[0]}" if why else text
    return clause.replace("|", "/").strip()[:150]
