"""The words of a metric: its types, the grains, and what a cumulative metric may begin with."""

from __future__ import annotations

from dashpipe.spec.model import AGGREGATES, COHORTS, COMPOSITES, FISCAL, JOURNEYS, Grain
from dashpipe.spec.shape.kinds import Words, aliases

GRAIN = Words(
    tuple(one.value for one in Grain),
    also=aliases(
        hour="hourly hours",
        day="daily days date",
        week="weekly weeks",
        month="monthly months",
        quarter="quarterly quarters",
        year="yearly years annual annually",
        fiscal_month="fiscal_period fiscal_months",
        fiscal_quarter="fiscal_quarters",
        fiscal_year="fiscal_years fy",
    ),
)

TYPE = Words(
    (*AGGREGATES, *COMPOSITES, *JOURNEYS, *COHORTS),
    also=aliases(
        count="cnt rows number row_count",
        sum="total add",
        avg="average mean",
        min="minimum least",
        max="maximum greatest",
        count_distinct="countd distinct distinct_count count_unique unique nunique cardinality",
        ratio="rate percentage percent proportion",
        derived="formula expression calculated computed expr",
        median="med middle p50",
        percentile="pct quantile perc pctl",
        stddev="std stdev sd standard_deviation stddev_samp stddev_pop",
        variance="var var_samp var_pop",
        first="first_value earliest",
        last="last_value latest newest",
        top="top_n topn mode most_frequent",
        cumulative="rolling running cumulated cumul running_total moving",
        share="share_of percent_of_total contribution",
        conversion="funnel conversion_rate converts",
        retention="cohort cohorts retained churn",
    ),
)

#: What a cumulative metric may begin with.
TO_DATE = ("month", "quarter", "year", *(one.value for one in FISCAL))
