"""A small chart in text: bars that stand side by side, one a value."""

from __future__ import annotations

from collections.abc import Sequence

_EIGHTHS = " ▁▂▃▄▅▆▇█"


def bars(values: Sequence[float], height: int = 5, width: int = 2) -> list[str]:
    """Lines of a chart, the highest first; the greatest value is as high as the chart.

    Args:
        values: None of them negative.
        height: Lines.
        width: Columns a value, the last of them empty.
    """
    top = max(values, default=0.0) or 1.0
    # A value that is not 0 shows at least the least mark.
    eighths = [max(round(one / top * height * 8), 1 if one > 0 else 0) for one in values]
    bar = max(width - 1, 1)
    gap = " " * (width - bar)
    return [
        gap.join(_EIGHTHS[min(max(one - 8 * line, 0), 8)] * bar for one in eighths).rstrip()
        for line in reversed(range(height))
    ]
