"""Numbers in sentences: each stands in an element that names what it states.

The element says the metric, what it is cut by, and of which trips and days: `data-metric`, `data-by` and `data-where`
are as `luigi_pipeline.metrics.query` takes them. So every number of the page can be asked for again.
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
    """A number, or the name of a group, as a sentence has it.

    Args:
        shown: The text.
        metric: The metric that it states, or two with ` / ` between them.
        where: Conditions.
        by: What the metric is cut by.
        pick: Which group is meant: that with the `most`, with the `least`, or the one that is called so.
        of: What is said of it: its value, its share of all groups in percent, or what it is called.
    """
    given = {"metric": metric, "by": " ".join(by), "where": " and ".join(map("({})".format, where)), "pick": pick}
    if of != "value":
        given["of"] = of
    attributes = Markup("").join(Markup(' data-{}="{}"').format(name, value) for name, value in given.items() if value)
    return Markup("<span{}>{}</span>").format(attributes, shown)


def fact(shown: object, name: str) -> Markup:
    """A number that states no metric, but how many there are of something: files, checks."""
    return Markup('<span data-fact="{}">{}</span>').format(name, shown)


def sentence(template: str, *parts: object) -> Markup:
    """A sentence of a template and its parts; what is not markup is escaped."""
    return Markup(template).format(*parts)


def joined(separator: str, parts: Iterable[Markup]) -> Markup:
    """Parts of a sentence, joined, with a capital letter in front; nothing for none."""
    text = Markup(separator).join(parts)
    return text[:1].upper() + text[1:] + "." if text else text
