"""Which run is meant by the beginning of an id. Imports no Keras."""

from __future__ import annotations

from dataclasses import dataclass

from aebench.analysis.configurations import Configuration
from aebench.analysis.sources import Source
from aebench.errors import UserError
from aebench.records.record import RunRecord


@dataclass(frozen=True, kw_only=True)
class Selected:
    """A finished run and the configuration that it is a repetition of."""

    source: Source
    configuration: Configuration
    record: RunRecord


def select(source: Source, wanted: str) -> Selected:
    """The run that is meant.

    Args:
        source: the study's finished runs.
        wanted: the id of a run, or how it begins; or a configuration's, for its first seed that did not diverge.

    Raises:
        UserError: none, or several, are meant.
    """
    of_runs = {
        record.run_id: Selected(source=source, configuration=item, record=record)
        for item in source.comparison.configurations
        for record in item.usable
    }
    firsts = {item.id: of_runs[item.usable[0].run_id] for item in source.comparison.configurations if item.usable}
    for known in (of_runs, firsts):
        if wanted in known:
            return known[wanted]
    for known in (firsts, of_runs):
        found = [name for name in known if name.startswith(wanted)]
        if len(found) == 1:
            return known[found[0]]
    raise _not_one(wanted, [name for name in of_runs if name.startswith(wanted)], [*of_runs], source)


def _not_one(wanted: str, found: list[str], known: list[str], source: Source) -> UserError:
    """The error that names some of those that are meant, or else of those that are there."""
    shown = (found or known)[:5]
    told = f"begins {len(found)} of the runs" if found else "begins none of the finished runs"
    more = ", ..." if len(found or known) > len(shown) else ""
    ids = f"; all ids: aebench table {source.argument} --by run --format csv"
    return UserError(f"{wanted!r} {told} of study {source.study.name}: {', '.join(shown)}{more}{ids}")
