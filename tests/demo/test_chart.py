"""The chart in text: heights follow the values."""

from __future__ import annotations

from dashpipe.demo.chart import bars


def test_heights_follow_values():
    """The greatest value fills the chart, half of it half, and 0 nothing."""
    assert bars([4.0, 2.0, 0.0, 1.0], height=2) == ["█", "█ █   ▄"]


def test_smallest_value_is_seen():
    """A value far below the greatest still shows a mark; 0 does not."""
    assert bars([1000.0, 1.0, 0.0], height=1, width=1) == ["█▁"]


def test_nothing_and_zeros():
    """No values, or zeros only, give empty lines."""
    assert bars([], height=2) == ["", ""]
    assert bars([0.0, 0.0], height=2) == ["", ""]


def test_wider_bars():
    """Each value takes its width, the last column of it empty."""
    assert bars([1.0, 1.0], height=1, width=4) == ["███ ███"]
