"""Who sent the runs of a page, and on what machines they were trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aebench.analysis.configurations import Configuration
from aebench.analysis.numbers import counted, listed, significant
from aebench.analysis.pooling import Pool, Repeats, Sent
from aebench.measures import METRICS
from aebench.records import packs
from aebench.records.rates import device_name

UNNAMED = "a sender without a name"
_NAMED = 60  # characters of a name beside a number
_ISOLATED = "\u2068{}\u2069"  # a name that is written from right to left turns nothing but itself


@dataclass(frozen=True, kw_only=True)
class SentPack:
    """One pack in words; `href` leads to its own page, and `notes` tell what of it could not be looked at."""

    file: str
    href: str
    by: str
    study: str
    runs: str
    counted: int
    repeats: str
    machines: tuple[str, ...]
    versions: tuple[str, ...]
    finished: str
    weights: bool
    notes: tuple[str, ...]
    digest: str


@dataclass(frozen=True, kw_only=True)
class Senders:
    """What a page tells of packs.

    Attributes:
        packs: those whose runs are on it.
        left_out: the file of each other one, and why.
        of: who trained each configuration's runs, and on what, by its id.
    """

    packs: tuple[SentPack, ...]
    left_out: tuple[tuple[str, str], ...]
    of: Mapping[str, str]


def senders(pools: Sequence[Pool], pages: Mapping[str, str], left_out: Sequence[tuple[str, str]]) -> Senders:
    """Tells of pools.

    Args:
        pools: whose sources the page shows.
        pages: the folder of the own page of each pack, by its digest.
        left_out: the file of each pack that is not in them, and why.
    """
    return Senders(
        packs=tuple(
            _sent(one, pool, pool.repeats.get(place), pages) for pool in pools for place, one in enumerate(pool.sent)
        ),
        left_out=tuple(left_out),
        of={
            item.id: _from(item, pool)
            for pool in pools
            for source in pool.sources
            for item in source.comparison.configurations
        },
    )


def _sent(one: Sent, pool: Pool, repeats: Repeats | None, pages: Mapping[str, str]) -> SentPack:
    manifest, days = one.pack.manifest, sorted(record.finished[:10] for record in one.records.values())
    digest = packs.digest(manifest)
    return SentPack(
        file=one.pack.path.name,
        href=f"{pages[digest]}/index.html",
        by=manifest.by or UNNAMED,
        study=one.study.name,
        runs=counted(len(one.records), "run"),
        counted=sum(
            run_id in source.records and pool.of[run_id][0] is one for source in pool.sources for run_id in one.records
        ),
        repeats=_repeated(repeats) if repeats else "",
        machines=tuple(dict.fromkeys(map(device_name, manifest.environments))),
        versions=tuple(
            dict.fromkeys(
                ", ".join(f"{name} {version}" for name, version in place.versions.items())
                for place in manifest.environments
            )
        ),
        finished=" to ".join(dict.fromkeys([days[0], days[-1]])),
        weights=manifest.weights,
        notes=one.notes,
        digest=digest,
    )


def _repeated(found: Repeats) -> str:
    """`4 repeat others' runs; ELBO within 0.02 nats/image of theirs (sd between seeds 0.3)`."""
    told = f"{counted(found.runs, 'run')} that others sent first"
    if not found.metric:
        return told
    metric = METRICS[found.metric]
    if found.apart == 0.0:
        return f"{told}, with the same {metric.label}"
    sd = "" if found.sd is None else f"; sd between seeds {significant(found.sd)}"
    return f"{told}, {metric.label} within {significant(found.apart)} {metric.unit} of theirs{sd}"


def _from(item: Configuration, pool: Pool) -> str:
    """`Ada, 3 seeds (CPU: ...); Bo, 2 seeds (GPU: ...)`: whose runs make up a configuration's numbers."""
    found: dict[tuple[str, str], int] = {}
    for record in item.records:
        by = pool.of[record.run_id][0].pack.manifest.by or UNNAMED
        short = by if len(by) <= _NAMED else f"{by[:_NAMED]}…"
        key = _ISOLATED.format(short), device_name(record.environment)
        found[key] = found.get(key, 0) + 1
    return listed([f"{by}: {counted(number, 'seed')} on {device}" for (by, device), number in found.items()])
