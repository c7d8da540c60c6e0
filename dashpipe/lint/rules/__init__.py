"""The rules, one a file. This list is their order; a test holds it against the folder."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dashpipe.lint.rule import Rule

MODULES = (
    "t001_start_no_date",
    "t002_start_in_future",
    "t003_unknown_timezone",
    "t004_fixed_offset",
    "t005_bad_cron",
    "t006_either_day",
    "t007_lookback",
    "t008_sparse_within_dense",
    "t009_after_unknown",
    "t010_after_cycle",
    "t011_grain_twice",
    "t012_retention_short",
    "m001_metric_cycle",
    "m002_metric_is_dimension",
    "m003_grain_missing",
    "m004_part_without_grain",
    "m005_ratio_of_itself",
    "m006_hidden_unused",
    "m007_metric_twice",
    "c001_distinct_reread",
    "c002_many_distincts",
    "c003_hours_far_back",
    "c004_too_often",
    "c005_long_lookback",
    "c006_wide_key",
    "q001_check_unknown_metric",
    "q002_bounds_inverted",
    "q003_warn_after_fail",
    "q004_check_unknown_source",
    "q005_check_id_twice",
    "q006_no_checks",
    "q007_check_grain",
    "q008_check_keys",
    "q009_share_bounds",
    "p001_env_not_allowed",
    "p002_secret",
    "p003_no_owner",
    "p004_no_description",
)


@cache
def rules() -> tuple[Rule, ...]:
    """Every rule, imported now."""
    return tuple(import_module(f"{__name__}.{name}").RULE for name in MODULES)
