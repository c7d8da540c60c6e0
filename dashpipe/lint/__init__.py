"""Lint: every finding of a project in one run, each with its place and what to write instead."""
