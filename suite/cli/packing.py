"""What `aebench pack` and `aebench verify` do and print."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import typer

from aebench.analysis.audit import Audit, audit, differing
from aebench.analysis.numbers import counted
from aebench.errors import UserError
from aebench.harness import recompute
from aebench.records import packs, tables
from aebench.records.packs import Manifest, Pack
from aebench.records.store import Store
from aebench.study import Study, files

MOST_LINES = 40  # of findings; of more the rest is counted


_Outcome = Literal["measured", "left out", "broken"]


def pack(study: Study, store: Store, out: Path, by: str, *, weights: bool) -> None:
    """Makes one archive of a study's store and says what is in it.

    Raises:
        UserError: nothing is finished, or see `aebench.records.packs.write`.
    """
    if len(by) > packs.SENDER or not by.isprintable():
        raise UserError(
            f"--by takes one line of at most {packs.SENDER} printable characters, and got {packs.shown(by)}"
        )
    records, timings = store.read_records(), store.read_timings()
    if not records:
        raise UserError(f"no finished runs in {store.root}; run `aebench bench` on {study.name} first")
    if len(study.name) > packs.STUDY:
        raise UserError(f"a packed study's name has at most {packs.STUDY} characters; {study.name[:40]}... is longer")
    environments = {record.environment.model_dump_json(): record.environment for record in records}
    folder = study.source.parent
    manifest = packs.write(
        out,
        Manifest(
            study=study.name,
            by=by,
            suite=version("aebench"),
            weights=weights,
            environments=tuple(place for _, place in sorted(environments.items())),
            members={},
        ),
        store,
        {record.run_id for record in records},
        {
            packs.RUNS: tables.parquet(tables.run_rows(records)),
            packs.TIMINGS: tables.parquet(tables.timing_rows(timings)),
            f"study/{study.name}.toml": study.source.read_bytes(),
            **{f"study/{name}": (folder / name).read_bytes() for name in files.named(study.source)},
        },
    )
    kept = "with" if manifest.weights else "without"
    there = f"{counted(len(records), 'run')} and {counted(len(timings), 'timing')}, {kept} weights"
    size = f"{out.stat().st_size / 1e6:.1f} MB"
    typer.echo(f"{out}: {there}, {size}, digest {packs.digest(manifest)}")


def verify(path: Path, count: int, draw: str | None, backend: str) -> int:
    """Holds a pack against itself and against some of its weights; prints what is found.

    Args:
        path: the pack.
        count: runs to measure anew.
        draw: decides which; by default nobody knows it before.
        backend: measures.

    Returns:
        The exit status: 1 where anything is wrong.
    """
    try:
        with packs.opened(path) as opened:
            return _verify(opened, count, draw or secrets.token_hex(4), backend)
    except packs.UnsoundPackError as error:
        typer.echo(f"wrong: {error}")
        return 1


def _verify(opened: Pack, count: int, draw: str, backend: str) -> int:
    found = audit(opened)
    wrong, notes, anew = [*found.findings], [*found.notes], 0
    drawn, left_out = _drawn(opened, found, count, draw, backend) if not wrong and count else ([], [])
    notes += left_out
    for outcome, lines in _recomputed(opened, found, drawn, backend):
        anew += outcome == "measured"
        (notes if outcome == "left out" else wrong).extend(lines)
    for line in wrong[:MOST_LINES]:
        typer.echo(f"wrong: {line}")
    if len(wrong) > MOST_LINES:
        typer.echo(f"wrong: {len(wrong) - MOST_LINES} more")
    for line in notes:
        typer.echo(f"not looked at: {line}")
    manifest = opened.manifest
    sender = f" from {packs.shown(manifest.by)}" if manifest.by else ""
    told = f", {anew}{'' if anew == len(drawn) else f' of {len(drawn)}'} measured anew (--draw {draw})" if drawn else ""
    typer.echo(
        f"{opened.path}: study {manifest.study}{sender}, {counted(len(found.records), 'run')}, digest "
        f"{packs.digest(manifest)}{told}: {counted(len(wrong), 'finding') if wrong else 'sound'}"
    )
    return 1 if wrong else 0


def _drawn(opened: Pack, found: Audit, count: int, draw: str, backend: str) -> tuple[list[str], list[str]]:
    """The runs of the sample, and why others could not be in it."""
    if not opened.manifest.weights:
        return [], ["no weights are in it, so no run was measured anew"]
    assert found.study is not None
    planned = {spec.run_id for spec in found.study.expand(_digests(found), backend)}
    able: list[str] = []
    why: dict[str, list[str]] = {}
    for run_id, record in found.records.items():
        reason = "it is no run of its study"
        if run_id in planned or record.spec.backend != backend:
            reason = recompute.obstacle(found.study, record, opened.store, backend)
        if reason:
            why.setdefault(reason, []).append(run_id)
        else:
            able.append(run_id)
    left_out = [f"{counted(len(runs), 'run')} not measured anew: {reason}" for reason, runs in why.items()]
    return recompute.sample(able, count, draw), left_out


def _recomputed(opened: Pack, found: Audit, drawn: list[str], backend: str) -> Iterator[tuple[_Outcome, list[str]]]:
    """For each run of the sample what it differs in; else why runs could not be measured anew."""
    if not drawn:
        return
    assert found.study is not None
    try:
        for again in recompute.recompute(found.study, backend, opened.store, drawn):
            yield "measured", differing(found.records[again.run_id], again)
    except UserError as error:
        yield "left out", [f"measuring runs anew ended: {error}"]
    except Exception as error:  # whatever weights that are none of the model make of it
        yield "broken", [f"the weights of {', '.join(drawn)} cannot all be measured: {packs.shown(f'{error}')}"]


def _digests(found: Audit) -> dict[str, str]:
    assert found.study is not None
    told = {record.spec.dataset: record.spec.dataset_digest for record in found.records.values()}
    return {name: told.get(name, "unknown") for name in found.study.datasets}
