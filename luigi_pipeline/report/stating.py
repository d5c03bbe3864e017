"""Numbers in sentences: each is in an element that names what it states.

The element names the metric, its dimensions, and its trips and days. `data-metric`, `data-by` and `data-where` have the
form that `luigi_pipeline.metrics.query` takes, so every number of the page can be queried again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from markupsafe import Markup


def stated(
    shown: object,
    metric: str,
    where: Sequence[str] = (),
    *,
    by: Sequence[str] = (),
    pick: str = "",
    of: Literal["value", "share", "key"] = "value",
) -> Markup:
    """A number, or the name of a group, within a sentence.

    Args:
        shown: The text.
        metric: The metric that it states, or two with ` / ` between them.
        where: Conditions.
        by: The dimensions of the metric.
        pick: Which group is meant: the one with the `most`, the one with the `least`, or one by its name.
        of: What is stated of the group: its value, its share of all groups in percent, or its name.
    """
    given = {"metric": metric, "by": " ".join(by), "where": " and ".join(map("({})".format, where)), "pick": pick}
    if of != "value":
        given["of"] = of
    attributes = Markup("").join(Markup(' data-{}="{}"').format(name, value) for name, value in given.items() if value)
    return Markup("<span{}>{}</span>").format(attributes, shown)


def fact(shown: object, name: str) -> Markup:
    """A number that is not of a metric: it counts something, such as files or checks."""
    return Markup('<span data-fact="{}">{}</span>').format(name, shown)


def sentence(template: str, *parts: object) -> Markup:
    """A sentence from a template and its parts. Parts that are not markup are escaped."""
    return Markup(template).format(*parts)


def joined(separator: str, parts: Iterable[Markup]) -> Markup:
    """Parts of a sentence, joined, with a capital letter in front. No parts give an empty text."""
    text = Markup(separator).join(parts)
    return text[:1].upper() + text[1:] + "." if text else text
