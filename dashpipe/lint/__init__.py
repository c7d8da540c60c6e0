"""Lint: every finding of a project in one run, each with its place and what to write instead."""

from __future__ import annotations

from dashpipe.lint.engine import broke, lint, refused

__all__ = ["broke", "lint", "refused"]
