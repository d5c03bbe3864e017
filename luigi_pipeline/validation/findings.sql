-- What is unusual of each month: one row per source, month and statistic, its worst cut named.
-- Reads month_profiles, and `bounds` and `comparisons` as config/plausibility.yml has them.

with

profiles as (

    select
        *,
        12 * cast(left(source_month, 4) as integer) + cast(right(source_month, 2) as integer) as month_number

    from {profiles}

),

-- Rules

out_of_bounds as (

    select
        profiles.source, profiles.source_month, profiles.statistic, profiles.cut, profiles.value, profiles.row_count,
        bounds.least as low, bounds.most as high, 'bounds' as rule, null::integer as amount,
        greatest(bounds.least - profiles.value, profiles.value - bounds.most) as badness
    from profiles
    inner join {bounds} as bounds using (source, statistic)
    left join profiles as condition
        on
            condition.source = profiles.source
            and condition.source_month = profiles.source_month
            and condition.statistic = bounds.when_statistic
            and condition.cut = ''
    where
        profiles.source_month between bounds.first_month and bounds.last_month
        and profiles.row_count >= bounds.least_rows
        and (bounds.cut is null or bounds.cut = profiles.cut)
        and (bounds.calendar_month is null or bounds.calendar_month = cast(right(profiles.source_month, 2) as integer))
        and (
            bounds.when_statistic is null
            or condition.value between coalesce(bounds.when_least, '-inf') and coalesce(bounds.when_most, 'inf')
        )
        and (profiles.value < bounds.least or profiles.value > bounds.most)

),

-- What is out of bounds itself is no yardstick for other months.
compared as (

    select
        profiles.*, comparisons.* exclude (source, statistic),
        (profiles.source, profiles.source_month, profiles.statistic) not in (
            select (source, source_month, statistic) from out_of_bounds
        ) as is_yardstick
    from profiles
    inner join {comparisons} as comparisons using (source, statistic)
    where profiles.row_count >= comparisons.least_rows

),

-- Other months of the source: those of a year before and after, or the same months of other years.
pairs as (

    select
        this.source, this.source_month, this.statistic, this.cut, this.value, this.row_count,
        this.ratio, this.difference, this.falls_only,
        other.value as other_value, other.row_count as other_rows,
        abs(this.month_number - other.month_number) <= this.within_months as is_near,
        abs(this.month_number - other.month_number) = 1 as is_next,
        (this.month_number - other.month_number) % 12 = 0 as is_same_month
    from compared as this
    inner join compared as other
        on
            this.source = other.source
            and this.statistic = other.statistic
            and this.cut = other.cut
            and this.source_month <> other.source_month
    where
        other.is_yardstick
        and (this.ratio is not null or this.difference is not null)
        and (
            abs(this.month_number - other.month_number) <= this.within_months
            or (this.month_number - other.month_number) % 12 = 0 and not this.falls_only
        )

),

grouped as (

    select * exclude (is_near, is_next, is_same_month), 'near' as kind, is_next from pairs where is_near
    union all by name
    select * exclude (is_near, is_next, is_same_month), 'same' as kind, false as is_next from pairs where is_same_month

),

-- By ratio, spreads are those of logarithms. A share's own chance counts as well.
usual as (

    select
        source, source_month, statistic, cut, value, row_count, ratio, difference, falls_only, kind,
        count(*) as others,
        bool_or(is_next) as has_next,
        median(other_value) as middle,
        mad(other_value) as spread,
        mad(ln(greatest(other_value, 1e-9))) as log_spread,
        case
            when statistic like 'share_%'
                then 4 * sqrt(
                    greatest(median(other_value) * (1 - median(other_value)), 1.0 / row_count)
                    * (1.0 / row_count + 1.0 / median(other_rows))
                )
            else 0
        end as chance
    from grouped
    group by source, source_month, statistic, cut, value, row_count, ratio, difference, falls_only, kind

),

ranges as (

    select
        *,
        case
            when ratio is not null then middle / greatest(ratio, exp({spreads} * log_spread))
            else middle - greatest(difference, {spreads} * spread) - chance
        end as low,
        case
            when falls_only then 'inf'
            when ratio is not null then middle * greatest(ratio, exp({spreads} * log_spread))
            else middle + greatest(difference, {spreads} * spread) + chance
        end as high
    from usual
    where others >= 2 or has_next

),

unlike_others as (

    select
        source, source_month, statistic, cut, any_value(value) as value, any_value(row_count) as row_count,
        min(low) as low, max(high) as high, 'comparison' as rule, null::integer as amount,
        greatest(min(low) - any_value(value), any_value(value) - max(high)) as badness
    from ranges
    group by source, source_month, statistic, cut
    having bool_and(value < low or value > high)

),

-- Statistics that are cut, as a whole: against the median of each cut in the other months

cuts as (

    select distinct source, statistic, cut from compared where is_profile

),

months as (

    select source, statistic, source_month, month_number, any_value(least_shift) as least_shift, any_value(most_moved) as most_moved,
        any_value(exchanged_with) as exchanged_with, any_value(within_months) as within_months, max(row_count) as row_count,
        bool_and(is_yardstick) as is_yardstick
    from compared
    where is_profile
    group by all

),

dense as (

    select months.*, cuts.cut, coalesce(compared.value, 0) as value
    from months
    inner join cuts using (source, statistic)
    left join compared using (source, statistic, source_month, cut)

),

expected as (

    select
        this.source, this.statistic, this.source_month, this.cut,
        median(other.value) as value, median(other.row_count) as row_count, count(*) as others,
        bool_or(abs(this.month_number - other.month_number) = 1) as has_next
    from dense as this
    inner join dense as other
        on
            this.source = other.source
            and this.statistic = other.statistic
            and this.cut = other.cut
            and this.source_month <> other.source_month
            and abs(this.month_number - other.month_number) <= this.within_months
            and other.is_yardstick
    group by all
    having others >= 2 or has_next

),

lost as (

    select
        dense.source, dense.source_month, dense.statistic, dense.cut, dense.value, dense.row_count,
        expected.value as low, null::double as high, 'lost' as rule, null::integer as amount, expected.value as badness
    from dense
    inner join expected using (source, statistic, source_month, cut)
    where dense.value = 0 and expected.value >= {lost_share} and expected.value * dense.row_count >= {lost_rows}

),

moved as (

    select
        dense.source, dense.source_month, dense.statistic, arg_max(dense.cut, abs(dense.value - expected.value)) as cut,
        arg_max(dense.value, abs(dense.value - expected.value)) as value, any_value(dense.row_count) as row_count,
        arg_max(expected.value, abs(dense.value - expected.value)) as low, null::double as high,
        'moved' as rule, round(50 * sum(abs(dense.value - expected.value)))::integer as amount,
        sum(abs(dense.value - expected.value)) / 2 as badness
    from dense
    inner join expected using (source, statistic, source_month, cut)
    where dense.most_moved is not null
    group by dense.source, dense.source_month, dense.statistic
    having sum(abs(dense.value - expected.value)) / 2 > any_value(dense.most_moved)

),

-- By a month's own mean: temperatures have another level in each.
centred as (

    select
        * exclude (value),
        cut::integer as hour_of_day,
        value - avg(value) over (partition by source, statistic, source_month) as value
    from dense
    where least_shift is not null

),

shifted as (

    select
        this.source, this.statistic, this.source_month, other.source_month as other_month, shifts.shift,
        any_value(this.row_count) as row_count, any_value(this.least_shift) as least_shift,
        bool_or(abs(this.month_number - other.month_number) = 1) as is_next,
        sum(pow(this.value - other.value, 2)) as distance
    from centred as this
    cross join range(-6, 7) as shifts (shift)
    inner join centred as other
        on
            this.source = other.source
            and this.statistic = other.statistic
            and this.source_month <> other.source_month
            and abs(this.month_number - other.month_number) <= this.within_months
            and other.is_yardstick
            and other.hour_of_day = (this.hour_of_day - shifts.shift + 24) % 24
    group by this.source, this.statistic, this.source_month, other.source_month, shifts.shift

),

best_shifts as (

    select
        source, statistic, source_month, other_month,
        any_value(row_count) as row_count, any_value(least_shift) as least_shift, any_value(is_next) as is_next,
        case
            when min(distance) < {shifted_distance} * max(case when shift = 0 then distance end)
                then arg_min(shift, distance)
            else 0
        end as shift
    from shifted
    group by source, statistic, source_month, other_month

),

-- By most of the other months, and by the same hours: one that is shifted itself does not make others so.
out_of_time as (

    select
        source, source_month, statistic, '' as cut, null::double as value, any_value(row_count) as row_count,
        null::double as low, null::double as high, 'shift' as rule, mode(shift)::integer as amount,
        abs(mode(shift)) as badness
    from (
        select *, count(*) over (partition by source, statistic, source_month, shift) as others_alike from best_shifts
    )
    group by source, source_month, statistic
    having
        abs(mode(shift)) >= any_value(least_shift)
        and 2 * max(others_alike) > count(*)
        and (count(*) >= 2 or bool_or(is_next))

),

exchanged as (

    select
        this.source, this.source_month, this.statistic, '' as cut, null::double as value,
        any_value(this.row_count) as row_count, null::double as low, null::double as high,
        'exchange' as rule, null::integer as amount,
        sum(abs(this.value - own.value)) - sum(abs(this.value - exchanged.value)) as badness
    from dense as this
    inner join expected as own using (source, statistic, source_month, cut)
    inner join expected as exchanged
        on
            this.source = exchanged.source
            and this.source_month = exchanged.source_month
            and this.exchanged_with = exchanged.statistic
            and this.cut = exchanged.cut
    group by this.source, this.source_month, this.statistic
    having sum(abs(this.value - exchanged.value)) < {exchanged_distance} * sum(abs(this.value - own.value))

),

found as (

    select *, 1 as priority from out_of_bounds
    union all by name
    select *, 2 as priority from out_of_time
    union all by name
    select *, 3 as priority from exchanged
    union all by name
    select *, 4 as priority from lost
    union all by name
    select *, 5 as priority from moved
    union all by name
    select *, 6 as priority from unlike_others

),

-- Months of few rows say nothing.
sizes as (

    select source, source_month, max(row_count) as all_rows from profiles group by all

)

select
    source, source_month, statistic, cut, value, row_count, low, high, rule, amount
from found
inner join sizes using (source, source_month)
where sizes.all_rows >= case source when 'weather' then {least_hours} else {least_trips} end
qualify row_number() over (partition by source, source_month, statistic order by priority, badness desc, cut) = 1
order by source, source_month, statistic
