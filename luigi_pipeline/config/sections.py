"""What the blocks of the configuration are made of. Each source builds its own block on these (sources/)."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable
from typing import Annotated, Any, Self
from urllib.parse import urlsplit, urlunsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    PlainValidator,
    PrivateAttr,
    model_validator,
)

from luigi_pipeline.core.months import Month
from luigi_pipeline.core.redaction import redacted


def _http_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        usable = bool(parts.hostname) and parts.port != 0
        if "@" in parts.path:
            raise ValueError("it may be the end of a password")
    except ValueError:  # not its own text, which may quote a part of the password
        raise ValueError("is not a URL; in a user name or password, write / ? # and @ as %2F %3F %23 and %40") from None
    if parts.scheme not in ("http", "https") or not usable or not url.isprintable() or " " in url:
        raise ValueError(f"must be an http or https URL, not {redacted(url)!r}")
    return urlunsplit(parts._replace(path=parts.path.rstrip("/"), fragment=""))


def month_list(value: Any) -> list[Month]:
    """A list of months, written as such or as {from, to}.

    Raises:
        ValueError: It is neither, or has what is not a month.
    """
    if isinstance(value, dict):
        if set(value) != {"from", "to"}:
            raise ValueError("must be a list of months or {from: YYYY-MM, to: YYYY-MM or latest}")
        first, last = _month(value["from"]), _month(value["to"])
        if first > last:
            raise ValueError(f"from ({first}) is after to ({last})")
        return Month.between(first, last)
    if not isinstance(value, list):
        raise ValueError("must be a list of months or {from: YYYY-MM, to: YYYY-MM or latest}")
    return sorted({_month(month) for month in value})


def _month(value: Any) -> Month:
    month = Month.or_none(value) if isinstance(value, str) else None
    if month is None:
        raise ValueError(f'{value!r} is not a month; write it as "2024-09"')
    return month


def date(value: Any) -> dt.date:
    """A date, written as text or as YAML's own.

    Raises:
        ValueError: It is not one, or is out of the range of years.
    """
    # YAML reads an unquoted 2024-09-01 as a date, and a quoted one as text. Both mean the same to the user.
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        value = dt.date.fromisoformat(value)
    if not isinstance(value, dt.date) or isinstance(value, dt.datetime):
        raise ValueError(f'{value!r} is not a date; write it as "2024-09-01"')
    if not 1940 <= value.year < 2100:  # Open-Meteo's archive begins in 1940
        raise ValueError(f"{value} is not between 1940 and 2099")
    return value


LATEST = "latest"

HttpUrl = Annotated[str, AfterValidator(_http_url)]
MonthKey = Annotated[Month, PlainValidator(_month)]
MonthList = Annotated[list[Month], PlainValidator(month_list)]
Date = Annotated[dt.date, BeforeValidator(date)]


class Section(BaseModel):
    """A block of the configuration. Unknown keys and wrong types are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Published(Section):
    """A source to which the publisher adds months.

    `months` may go up to the newest published month: `{from: "2024-09", to: latest}`. The file does not say which month
    that is. Until it is known, `from` is the only month.
    """

    base_url: HttpUrl
    enabled: bool = True
    usual_delay_days: int = Field(default=0, ge=0)

    _latest_from: Month | None = PrivateAttr(default=None)

    @model_validator(mode="wrap")
    @classmethod
    def _take_latest(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        value, first = cls._without_latest(value) if isinstance(value, dict) else (value, None)
        made = handler(value)
        made._latest_from = Month(first) if first else None
        return made

    @classmethod
    def _without_latest(cls, value: dict[str, Any]) -> tuple[dict[str, Any], str | None]:
        """For `to: latest`, the block with only its first month, and that month.

        Otherwise the block as it is, and None.
        """
        months = value.get("months")
        if not isinstance(months, dict) or months.get("to") != LATEST:
            return value, None
        first = months.get("from")
        return value | {"months": months | {"to": first}}, first

    @property
    def latest_from(self) -> Month | None:
        """The first month, if the last one is `latest`; otherwise None."""
        return self._latest_from if self.enabled else None

    def until(self, newest: Month) -> Self:
        """A copy that ends with the given month."""
        raise NotImplementedError

    def is_whole(self, month: Month) -> bool:
        """Whether the whole month is asked for, and not only some of its days."""
        return True


class TripSource(Published):
    """A publisher of monthly trip files."""

    months: MonthList = []

    def until(self, newest: Month) -> Self:
        """A copy that ends with the given month."""
        return self.model_copy(update={"months": Month.between(self.months[0], newest)})

    @model_validator(mode="after")
    def _enabled_has_months(self) -> TripSource:
        if self.enabled and not self.months:
            raise ValueError("months is empty: name at least one, or set enabled: false")
        return self


def one_of(names: Iterable[str]) -> Callable[[str], str]:
    """A check that a value is one of some names."""
    known = tuple(names)

    def check(name: str) -> str:
        if name not in known:
            raise ValueError(f"is not one of {', '.join(known)}")
        return name

    return check
