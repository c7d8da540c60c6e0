"""The rules, one a file. This list is their order; a test holds it against the folder."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dashpipe.lint.rule import Rule

#: Families whose modules are documentation: the findings come from reading, resolving, typing and the engine.
_DOCUMENTED = "ysnel"

MODULES = (
    "y001_syntax",
    "y002_needs_quotes",
    "y003_colon_in_text",
    "y004_tab_as_indent",
    "y005_not_closed",
    "y006_bad_indent",
    "y007_blank_missing",
    "y008_bad_escape",
    "y009_key_twice",
    "y010_tag",
    "y011_anchor_or_alias",
    "y012_key_not_text",
    "y013_two_documents",
    "y014_hash_in_value",
    "y015_no_value",
    "y016_curly_quotes",
    "y017_bad_character",
    "y018_too_big",
    "y019_number_out_of_reach",
    "s101_unknown_key",
    "s102_missing_key",
    "s103_wrong_kind",
    "s104_unknown_value",
    "s105_bad_name",
    "s106_out_of_range",
    "s107_key_of_another_type",
    "s108_not_in_this_version",
    "s109_bad_text",
    "s110_empty",
    "s111_file_kind",
    "n001_unknown_model",
    "n002_unknown_metric",
    "n003_unknown_dimension",
    "n004_dimension_not_in_source",
    "n005_unknown_source",
    "n006_name_twice",
    "n007_metric_of_two_sources",
    "n008_source_not_clear",
    "n009_lookup_key",
    "n010_unknown_column",
    "n011_target_is_source",
    "n012_model_twice",
    "n013_subject_twice",
    "n014_collection_twice",
    "n015_field_and_dimension",
    "n016_setting_missing",
    "n017_unwind_name",
    "n018_unknown_calendar",
    "n019_landings_differ",
    "n020_landed_source",
    "n025_grouped_lookup",
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
    "t013_time_form",
    "t014_no_calendar",
    "t015_calendar_unused",
    "t016_calendar_days",
    "t017_calendar_begins_late",
    "t018_calendar_ends",
    "t030_snapshot_keys",
    "t031_snapshot_subject",
    "m001_metric_cycle",
    "m002_metric_is_dimension",
    "m003_grain_missing",
    "m004_part_without_grain",
    "m005_ratio_of_itself",
    "m006_hidden_unused",
    "m007_metric_twice",
    "m008_input_unused",
    "m009_percentile_share",
    "m010_key_without_effect",
    "m011_having_metric",
    "m015_two_reaches",
    "m016_offset_not_whole",
    "m017_reach_within_reach",
    "m018_share_of_no_part",
    "m019_share_of_dimension",
    "m020_unit_not_said",
    "m021_prepare_changes",
    "m022_cohort_cumulated",
    "m023_conversion_lookback",
    "m024_fill_without_effect",
    "m025_no_single_events",
    "m026_balance_of_elements",
    "m027_carried_unique",
    "m028_retention_grains",
    "m033_endpoint_keys",
    "m034_days_and_shares",
    "m047_period_agg_without_effect",
    "e001_bad_expression",
    "e002_parts_do_not_fit",
    "e003_type_unknown",
    "e004_dimension_type",
    "e005_array_in_aggregate",
    "e006_dimension_types_differ",
    "e007_part_no_number",
    "e008_derived_of_nothing",
    "e009_empty_of_another_type",
    "e010_metric_in_expression",
    "e011_field_misspelt",
    "e012_range_of_no_number",
    "e013_csv_field_undeclared",
    "e014_entity_types_differ",
    "c001_distinct_reread",
    "c002_many_distincts",
    "c003_hours_far_back",
    "c004_too_often",
    "c005_long_lookback",
    "c006_wide_key",
    "c007_kept_for_nothing",
    "c008_grouped_all_time",
    "q001_check_unknown_metric",
    "q002_bounds_inverted",
    "q003_warn_after_fail",
    "q004_check_unknown_source",
    "q005_check_id_twice",
    "q006_no_checks",
    "q007_check_grain",
    "q008_check_keys",
    "q009_share_bounds",
    "q012_check_field",
    "q013_quarantine_unlimited",
    "p001_env_not_allowed",
    "p002_secret",
    "p003_no_owner",
    "p004_no_description",
    "p005_operator_not_allowed",
    "p006_file_not_allowed",
    "p007_host_not_allowed",
    "l001_ignores_nothing",
    "l002_ignore_without_reason",
    "l003_bad_comment",
    "l004_file_not_read",
    "l005_lint_broke",
)


@cache
def catalogue() -> tuple[Rule, ...]:
    """Every finding that there is, with its documentation, by code."""
    return tuple(sorted(_rules(MODULES), key=lambda one: one.code))


@cache
def checks() -> tuple[Rule, ...]:
    """The rules that look at resolved subjects; the other findings come from reading, names and typing."""
    return tuple(_rules(one for one in MODULES if one[0] not in _DOCUMENTED))


@cache
def codes() -> frozenset[str]:
    """The code of every finding, without importing its rule."""
    return frozenset(one[:4].upper() for one in MODULES)


def _rules(names: Iterable[str]) -> Iterator[Rule]:
    for name in names:
        yield import_module(f"{__name__}.{name}").RULE
