"""The manifest: what Airflow builds DAGs from, so that nothing is read or compiled when it parses.

One entry a subject and an index. Pure: what the files say and the manifest before go in, texts come out, the
same bytes for the same input. A subject whose spec is broken keeps its last good plan, or becomes a stub.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dashpipe import __version__
from dashpipe.compile import dag
from dashpipe.compile.entry import INDEX, VERSION, Entry, digest, file_name, key, to_text
from dashpipe.lint.render.concise import line
from dashpipe.lint.render.json import as_json
from dashpipe.spec import codec
from dashpipe.spec.diagnostic import Diagnostic
from dashpipe.spec.model import AirflowOptions, Subject
from dashpipe.spec.naming import base_id
from dashpipe.spec.toml import Allow


@dataclass(frozen=True, slots=True)
class Spec:
    """A subject's file, good or broken.

    Attributes:
        file: Its name in the project.
        inputs: Every file that the subject comes from: its own, the models', the settings.
        dag_id: The DAG's id, empty where the file does not say it.
        name: The subject's name.
        sources: The names of its sources, as far as they can be read.
        on_broken: ``last_good`` or ``stub``.
        owner: Who answers for it.
        subject: The resolved subject, ``None`` where the spec is broken.
        findings: Why it is broken.
    """

    file: str
    inputs: tuple[str, ...]
    dag_id: str
    name: str
    sources: tuple[str, ...]
    on_broken: str
    owner: str
    subject: Subject | None
    findings: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True)
class Manifest:
    """Every DAG's entry, by id, and what is wrong with the specs.

    Attributes:
        entries: DAG id → entry.
        errors: The findings, as plain values, sorted.
        key: The hash of all files that it was made from.
    """

    entries: Mapping[str, Entry]
    errors: tuple[dict[str, Any], ...] = ()
    key: str = ""
    texts: dict[str, str] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        """Write every file's text once: both hashes and files come from it."""
        texts = {file_name(name): to_text(entry) for name, entry in sorted(self.entries.items())}
        index = {
            "version": VERSION,
            "dashpipe": __version__,
            "key": self.key,
            "entries": {
                name: {"file": file_name(name), "hash": digest(texts[file_name(name)])}
                for name in sorted(self.entries)
            },
            "errors": list(self.errors),
        }
        object.__setattr__(self, "texts", {**texts, INDEX: to_text(index)})


def build(
    specs: Iterable[Spec],
    errors: Iterable[Diagnostic],
    hashes: Mapping[str, str],
    previous: Mapping[str, Entry],
    allow: Allow,
    reuse: bool = False,
) -> Manifest:
    """The manifest of a project.

    Args:
        specs: Every subject's file.
        errors: All that is wrong in the project.
        hashes: Every file that was read → the hash of its content.
        previous: The entries of the manifest before: where the last good plans are.
        allow: What specs may reach beyond themselves.
        reuse: Whether entries of unchanged files stay as they are: they were made by this very dashpipe.
    """
    found = sorted(errors, key=lambda one: one.sort_key)
    before = {entry["file"]: entry for _, entry in sorted(previous.items())}
    every = {one.file: one for one in specs}
    every |= {
        file: _unread(last, why)
        for file, last in before.items()
        if file not in every and (why := _of(file, found))
    }
    planned: dict[str, tuple[Spec, Subject | None]] = {}
    # Of two files of one identity, the one that has it keeps it.
    for spec in sorted(
        every.values(), key=lambda one: (before.get(one.file, {}).get("dag_id") != one.dag_id, one.file)
    ):
        last = (before.get(spec.file) or previous.get(spec.dag_id)) if spec.subject is None else None
        dag_id = last["dag_id"] if last else spec.dag_id
        if dag_id and dag_id not in planned:  # of a second one, lint says where the first is
            planned[dag_id] = (spec, spec.subject or _last_good(last))
    majors = _majors(subject for _, subject in planned.values())
    entries: dict[str, Entry] = {}
    for dag_id, (spec, subject) in planned.items():
        entry = previous.get(dag_id) if reuse else None
        if (
            entry is None
            or not unchanged(spec, entry, hashes)
            or _upstream(subject, majors) != _follows(entry)
        ):
            entry = _entry(dag_id, spec, subject, majors, hashes, allow)
        entries[dag_id] = entry
    return Manifest(entries, tuple({**as_json(one), "text": line(one)} for one in found), key(hashes))


def _of(file: str, errors: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """What is wrong with a file, or with a folder that it lies in."""
    return tuple(one for one in errors if file == one.file or file.startswith(f"{one.file}/"))


def unchanged(spec: Spec, entry: Entry | None, hashes: Mapping[str, str]) -> bool:
    """Whether a good spec is what its entry was made from."""
    return (
        entry is not None
        and spec.subject is not None
        and entry["state"] == "ok"
        and entry["inputs"] == _inputs(spec, hashes)
    )


def _inputs(spec: Spec, hashes: Mapping[str, str]) -> dict[str, str]:
    return {name: hashes[name] for name in sorted(set(spec.inputs)) if name in hashes}


def _follows(entry: Entry) -> list[str]:
    return list((entry["dag"]["schedule"] or {}).get("after", ()))


def _upstream(subject: Subject | None, majors: Mapping[str, Sequence[str]]) -> list[str]:
    """The ids of all subjects that a subject runs after."""
    after = subject.schedule.after if subject is not None and subject.schedule is not None else ()
    return sorted({one for name in after for one in majors.get(name, ())})


def _majors(subjects: Iterable[Subject | None]) -> dict[str, list[str]]:
    """The ids of every current major, by the id without version that ``after`` names."""
    found: dict[str, list[str]] = {}
    for subject in subjects:
        if subject is not None:
            found.setdefault(base_id(subject), []).append(subject.id)
    return found


def _entry(
    dag_id: str,
    spec: Spec,
    subject: Subject | None,
    majors: Mapping[str, Sequence[str]],
    hashes: Mapping[str, str],
    allow: Allow,
) -> Entry:
    from dashpipe.compile.doc import render  # jinja2 and the plan's words: not needed to read a manifest

    broken = spec.subject is None
    state = "ok" if not broken else "last_good" if subject and spec.on_broken == "last_good" else "stub"
    fingerprint = codec.fingerprint(subject) if subject else {}
    described = dag.describe(subject, _upstream(subject, majors)) if subject else _nothing(spec)
    if broken:
        described["tags"] = dag.tags(*described["tags"], "spec-error")
    lines = [line(one) for one in spec.findings]
    described["doc_md"] = render(subject, spec.file, fingerprint.get("data", "")[:12], state, lines)
    return {
        "version": VERSION,
        "dag_id": dag_id,
        "file": spec.file,
        "inputs": _inputs(spec, hashes),
        "state": state,
        "on_broken": spec.on_broken,
        "subject": codec.to_json(subject) if subject else None,
        "fingerprint": fingerprint,
        "allow_env": list(allow.env),
        "allow_files": list(allow.files),
        "allow_hosts": list(allow.hosts),
        "dag": described,
        "findings": lines,
    }


def _nothing(spec: Spec) -> dict[str, Any]:
    """The DAG of a spec that never was good: it runs only by hand, and its tasks say what is wrong."""
    return {
        "schedule": None,
        "timezone": "UTC",
        "start_date": None,
        "owner": spec.owner,
        "description": "",
        "tags": dag.tags(),
        "tasks": dag.tasks(spec.name, spec.sources),
        "options": dag.options(AirflowOptions(retries=0)),
    }


def _last_good(entry: Entry | None) -> Subject | None:
    """The subject of an entry; ``None`` where there is none, or one that this dashpipe cannot read."""
    if entry is None or entry.get("subject") is None:
        return None
    try:
        return codec.from_json(entry["subject"])
    except (KeyError, TypeError, ValueError):
        return None


def _unread(entry: Entry, findings: tuple[Diagnostic, ...]) -> Spec:
    """What an entry says of its file, where the file itself says nothing any more."""
    tasks = entry["dag"]["tasks"]
    return Spec(
        file=entry["file"],
        inputs=tuple(entry["inputs"]),
        dag_id=entry["dag_id"],
        name=tasks[-1]["id"].removeprefix("cleanup_"),
        sources=tuple(one["source"] for one in tasks if one["step"] == "extract"),
        on_broken=entry["on_broken"],
        owner=entry["dag"]["owner"],
        subject=None,
        findings=findings,
    )
