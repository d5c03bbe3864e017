{#-
    No member of a published archive is empty, and the numbered parts of a month (..._1.csv, ..._2.csv), whatever folders or
    archives they are in, run from 1 without a gap: part 1 alone looks like a month, with nine tenths of it missing. A part
    is full at a million rows, so a last part of exactly as many has another one after it.
-#}
with

members as (

    select
        source_name,
        source_month,
        source_file,
        row_count,
        {{ archive_part_number('source_file') }} as part_number

    from {{ ref('stg_meta__source_files') }}

),

gaps as (

    select
        source_name,
        source_month,
        min(source_file) as source_file,
        'parts are not numbered from 1 without a gap' as problem

    from members
    where part_number is not null
    group by 1, 2
    having
        min(part_number) <> 1
        or max(part_number) <> count(*)
        or count(distinct part_number) <> count(*)

),

full_members as (

    select
        source_name,
        source_month,
        min(source_file) as source_file,
        'the last part is full, so another one should follow' as problem

    from members
    where part_number is not null
    group by 1, 2
    having count(case when row_count = 1000000 then 1 end) = count(*)

),

empty_members as (

    select
        source_name,
        source_month,
        source_file,
        'no rows' as problem

    from members
    where row_count = 0

)

select * from gaps

union all

select * from full_members

union all

select * from empty_members
