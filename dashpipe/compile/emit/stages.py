"""What a pipeline is, in plain Python."""

from __future__ import annotations

from typing import Any

Stage = dict[str, Any]
Stages = list[Stage]
