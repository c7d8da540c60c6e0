"""Random events of two sources, around a day: who, when, and of which key."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.differential.documents import Document


def visits_and_orders(
    draw: Any, midnight: datetime, hours: list[int], key: tuple[str, ...], least: int, most: int
) -> dict[str, list[Document]]:
    """Draw `visits` and `orders` of few entities, so many hours from a midnight."""
    held: dict[str, list[Document]] = {}
    for name in ("visits", "orders"):
        held[name] = [
            {
                "_id": number,
                "at": midnight + timedelta(hours=draw(st.sampled_from(hours))),
                "who": draw(st.sampled_from(["ann", "bob", "ann", None])),
                "n": draw(st.integers(1, 3)),
                **{one: draw(st.sampled_from(["a", "b", None])) for one in key},
            }
            for number in range(draw(st.integers(least, most)))
        ]
    return held
