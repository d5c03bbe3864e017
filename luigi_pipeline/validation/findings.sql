-- What is unusual about each month: one row per source, month and statistic, with the cut that deviates most.
-- Reads marts.month_profiles, and config/plausibility.yml as JSON from the variable `plausibility`.

with

plausibility as (

    select from_json(
        getvariable('plausibility'),
        '{
            "rule": {
                "within_months": "BIGINT", "spreads": "DOUBLE", "lost": {"share": "DOUBLE", "rows": "BIGINT"},
                "shifted": "DOUBLE", "exchanged": "DOUBLE", "least_trips": "BIGINT", "least_hours": "BIGINT"
            },
            "statistics": [{
                "source": ["VARCHAR"], "statistic": "VARCHAR", "least_rows": "BIGINT",
                "bounds": [{
                    "least": "DOUBLE", "most": "DOUBLE", "first_month": "VARCHAR", "last_month": "VARCHAR",
                    "calendar_month": "BIGINT", "cut": "VARCHAR", "least_rows": "BIGINT",
                    "when": {"statistic": "VARCHAR", "least": "DOUBLE", "most": "DOUBLE"}
                }],
                "compared": {
                    "ratio": "DOUBLE", "difference": "DOUBLE", "falls_only": "BOOLEAN", "within_months": "BIGINT",
                    "profile": "BOOLEAN", "shifted_hours": "BIGINT", "moved": "DOUBLE", "exchanged_with": "VARCHAR"
                }
            }]
        }'
    ) as file

),

rule as (

    select unnest(file.rule) from plausibility

),

statistics as (

    select unnest(item.source) as source, item.statistic, item.least_rows, item.bounds, item.compared
    from (select unnest(file.statistics) as item from plausibility)

),

profiles as (

    select
        month_profiles.*,
        cast(right(source_month, 2) as integer) as calendar_month,
        12 * cast(left(source_month, 4) as integer) + calendar_month as month_number
    from marts.month_profiles
    cross join rule
    -- Leave out months with too few rows to mean anything.
    qualify
        max(row_count) over (partition by source, source_month)
        >= if(source = 'weather', rule.least_hours, rule.least_trips)

),

out_of_bounds as (

    select
        profiles.*, bound.least as low, bound.most as high, 'bounds' as rule
    from profiles
    inner join (select *, unnest(bounds) as bound from statistics) using (source, statistic)
    left join profiles as condition
        on
            profiles.source = condition.source
            and profiles.source_month = condition.source_month
            and condition.statistic = bound."when".statistic
            and condition.cut = ''
    where
        (profiles.value < low or profiles.value > high)
        and profiles.source_month between bound.first_month and bound.last_month
        and profiles.row_count >= coalesce(bound.least_rows, least_rows)
        and profiles.cut = coalesce(bound.cut, profiles.cut)
        and profiles.calendar_month = coalesce(bound.calendar_month, profiles.calendar_month)
        and (
            bound."when" is null
            or condition.value between coalesce(bound."when".least, '-inf') and coalesce(bound."when".most, 'inf')
        )

),

compared as (

    select * replace (coalesce(within_months, (select rule.within_months from rule)) as within_months)
    from (
        select
            profiles.*, unnest(statistics.compared),
            -- Do not compare other months with values that are out of bounds themselves.
            (source, source_month, statistic) not in (
                select (source, source_month, statistic) from out_of_bounds
            ) as is_yardstick
        from profiles
        inner join statistics using (source, statistic)
        where statistics.compared is not null and profiles.row_count >= statistics.least_rows
    )

),

pairs as (

    select
        this, other, abs(this.month_number - other.month_number) as months_apart,
        months_apart <= this.within_months as is_near
    from compared as this
    inner join compared as other using (source, statistic, cut)
    where other.is_yardstick and this.month_number <> other.month_number

),

-- Compare a single number with the medians of two groups: the months of a year before and after, and the same months of
-- all other years. For a ratio, the spreads are those of logarithms. For a share, its random error is added.
ranges as (

    select
        this,
        median(other.value) as middle,
        if(
            this.ratio is not null,
            greatest(this.ratio, exp(any_value(spreads) * mad(ln(greatest(other.value, 1e-9))))),
            greatest(this.difference, any_value(spreads) * mad(other.value))
            + if(
                this.statistic like 'share_%',
                4 * sqrt(
                    greatest(middle * (1 - middle), 1.0 / this.row_count)
                    * (1.0 / this.row_count + 1.0 / median(other.row_count))
                ),
                0
            )
        ) as margin,
        if(this.ratio is not null, middle / margin, middle - margin) as low,
        if(this.ratio is not null, middle * margin, middle + margin) as high
    from (
        select *, 'near' as months from pairs where is_near
        union all
        select *, 'same' as months from pairs where months_apart % 12 = 0 and not this.falls_only
    )
    cross join rule
    where coalesce(this.ratio, this.difference) is not null
    group by this, months
    having count(*) >= 2 or min(months_apart) = 1

),

unlike_others as (

    select
        unnest(this), min(ranges.low) as low, if(this.falls_only, 'inf', max(ranges.high)) as high,
        'comparison' as rule
    from ranges
    group by this
    having bool_and(this.value < ranges.low or this.value > ranges.high and not this.falls_only)

),

-- Compare all cuts of a statistic as a whole with the median of each cut in the other months.
months as (

    select distinct on (source, statistic, source_month) * exclude (cut, value)
    from compared
    where profile
    order by row_count desc

),

dense as (

    select months.*, cuts.cut, coalesce(compared.value, 0) as value
    from months
    inner join (select distinct source, statistic, cut from compared) as cuts using (source, statistic)
    left join compared using (source, statistic, source_month, cut)

),

expected as (

    select this, median(other.value) as usual, 2 * count_if(other.value > 0) > count(*) as is_common
    from (
        select this, other, abs(this.month_number - other.month_number) as months_apart
        from dense as this
        inner join dense as other using (source, statistic, cut)
    )
    where months_apart between 1 and this.within_months and other.is_yardstick
    group by this
    having count(*) >= 2 or min(months_apart) = 1

),

lost as (

    select unnest(this), usual as low, 'lost' as rule
    from expected
    cross join rule
    where
        this.statistic like 'share_%'
        and this.value = 0
        and is_common
        and usual >= rule.lost.share
        and usual * this.row_count >= rule.lost.rows

),

moved as (

    select
        unnest(arg_max(this, abs(this.value - usual))), arg_max(usual, abs(this.value - usual)) as low, 'moved' as rule,
        cast(round(50 * sum(abs(this.value - usual))) as integer) as amount
    from expected
    group by this.source, this.source_month, this.statistic
    having sum(abs(this.value - usual)) / 2 > any_value(this.moved)

),

exchanged as (

    select
        own.this.source, own.this.source_month, own.this.statistic, '' as cut,
        any_value(own.this.row_count) as row_count, 'exchange' as rule
    from expected as own
    inner join expected as other
        on
            own.this.source = other.this.source
            and own.this.source_month = other.this.source_month
            and own.this.exchanged_with = other.this.statistic
            and own.this.cut = other.this.cut
    cross join rule
    group by all
    having sum(abs(own.this.value - other.usual)) < any_value(rule.exchanged) * sum(abs(own.this.value - own.usual))

),

-- Subtract each month's own mean, because temperatures have another level in each month.
centred as (

    select
        * replace (value - avg(value) over (partition by source, statistic, source_month) as value),
        cast(cut as integer) as hour_of_day
    from dense
    where shifted_hours is not null

),

distances as (

    select
        source, statistic, this.source_month, this.row_count, this.shifted_hours, shift,
        this.month_number - other.month_number as months_apart,
        sum(pow(this.value - other.value, 2)) as distance
    from centred as this
    cross join range(-6, 7) as shifts (shift)
    inner join centred as other using (source, statistic)
    where
        this.month_number <> other.month_number
        and abs(this.month_number - other.month_number) <= this.within_months
        and other.is_yardstick
        and other.hour_of_day = (this.hour_of_day - shift + 24) % 24
    group by all

),

best_shifts as (

    select
        source, statistic, source_month, row_count, shifted_hours, months_apart,
        if(
            min(distance) < any_value(rule.shifted) * max(distance) filter (shift = 0), arg_min(shift, distance), 0
        ) as shift
    from distances
    cross join rule
    group by all

),

-- A month is shifted if most of the other months agree on the hours, so that a shifted month does not make others so.
shifted as (

    select
        source, source_month, statistic, '' as cut, row_count, 'shift' as rule,
        cast(mode(shift) as integer) as amount
    from best_shifts
    group by source, source_month, statistic, row_count, shifted_hours
    having
        abs(mode(shift)) >= shifted_hours
        and 2 * list_max(map_values(histogram(shift))) > count(*)
        and (count(*) >= 2 or bool_or(abs(months_apart) = 1))

),

found as (

    select *, 1 as priority from out_of_bounds
    union all by name
    select *, 2 as priority from shifted
    union all by name
    select *, 3 as priority from exchanged
    union all by name
    select *, 4 as priority from lost
    union all by name
    select *, 5 as priority from moved
    union all by name
    select *, 6 as priority from unlike_others

)

select source, source_month, statistic, cut, value, row_count, low, high, rule, amount
from found
qualify
    row_number() over (
        partition by source, source_month, statistic order by priority, greatest(low - value, value - high) desc, cut
    ) = 1
