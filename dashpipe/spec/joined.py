"""Whether the dimensions of a subject are found: in each of its sources, or by a lookup."""

from __future__ import annotations

from collections.abc import Iterator

from dashpipe.spec.build import Draft
from dashpipe.spec.issue import Issue, meant
from dashpipe.spec.model import Source


def defined(draft: Draft, sources: tuple[Source, ...]) -> Iterator[Issue]:
    """Each dimension of the key is defined by each source."""
    defined = {one.name: {each.name: each for each in one.dimensions} for one in sources}
    for dimension in draft.dimensions:
        if dimension.lookup is not None:
            continue
        name, at = dimension.name, dimension.origin.at("name")
        lacking = [one for one in sources if name not in defined[one.name]]
        if not lacking:
            continue
        if len(lacking) < len(sources):
            for source in lacking:
                yield Issue(
                    "N004",
                    at,
                    f"the source {source.name} does not define the dimension `{name}`",
                    f"add `{{name: {name}, expr: …}}` to the `dimensions` of {source.name}: "
                    "rows of several sources are joined by all dimensions",
                    ((source.origin.at("dimensions"), f"the dimensions of {source.name}"),),
                )
            continue
        known = list(dict.fromkeys(each for one in defined.values() for each in one))
        field = next((one for source in sources for one in source.fields if one.path == name), None)
        if field is not None:
            yield Issue(
                "N003",
                at,
                f"`{name}` is a field, and no source defines it as a dimension",
                f"add `{name}` to the `dimensions` of the source",
                ((field.origin, "the field"),),
            )
            continue
        help = meant(name, known, f"add `{name}` to the `dimensions` of the source")
        yield Issue("N003", at, f"no source defines the dimension `{name}`", help)


def lookups(draft: Draft, sources: tuple[Source, ...]) -> Iterator[Issue]:
    """A lookup goes by a dimension of the row, looked up or not, or by one of the sources."""
    hidden = {one.name for source in sources for one in source.dimensions}
    key = [one.name for one in draft.dimensions if one.lookup is None]
    by = {one.name: one.lookup.key for one in draft.dimensions if one.lookup is not None}
    for one in draft.dimensions:
        if one.lookup is None or not one.lookup.key:
            continue
        trail = [one.name]
        while trail[-1] in by and trail[-1] not in trail[:-1]:
            trail.append(by[trail[-1]])
        if len(trail) > 2 and trail[-1] != one.name:
            continue  # said where the chain breaks, or where it turns
        name, at = one.lookup.key, one.origin.at("lookup", "key")
        if name == one.name:
            text = f"`{name}` would be looked up by itself"
        elif trail[-1] == one.name:
            text = f"`{one.name}` is looked up by itself in the end: {' → '.join(trail)}"
        elif name not in key and name not in hidden:
            text = f"`{name}` is no dimension of this subject"
        else:
            continue
        help = meant(name, key, "list the dimension that it is looked up by under `dimensions`")
        yield Issue("N009", at, text, help)
