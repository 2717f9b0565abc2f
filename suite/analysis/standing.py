"""How a chosen configuration stands among those that it was ranked with: tied, next, and by how much apart.

Imports no Keras.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from aebench.analysis.configurations import Configuration
from aebench.analysis.numbers import column_decimals, counted, interval, number, significant
from aebench.analysis.ranking import Ranking

Name = Callable[[Configuration], str]
NAMED = 4  # settings that are named before the rest is counted
_APART = 50  # differences that are told before the rest is counted


def standing(ranking: Ranking, name: Name, chosen: Configuration) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Whether the chosen one is among the best and who else is, in few words; and the differences behind that."""
    if len(ranking.scored) < 2:
        return (), ()
    if chosen not in ranking.items or len(ranking.items) < 2:
        return ("One seed: no interval, so ties cannot be told.",), ()
    others = [item for item in ranking.best if item is not chosen]
    why = _why_tied(ranking, chosen, others) if chosen in ranking.best and len(others) > NAMED else ()
    if chosen not in ranking.best:
        stands = f"Not in the set of the best on test, which is: {_together(others, NAMED)}."
    elif others:
        stands = f"Tied with it: {_together(others, NAMED)}."
    else:
        others = [_next(ranking, chosen)]
        stands = _behind(ranking, name, others[0], chosen)
    pairs = len(ranking.items) * (len(ranking.items) - 1) // 2
    how = f"with intervals that hold at 95 % for all {pairs:,} pairs together" if pairs > 1 else "with 95 % interval"
    steps = " The set of the best is found in steps, each among those that are left: it may be smaller than these tell."
    told = f"Difference from it, {how}: {_apart(ranking, name, others, chosen)}.{steps if pairs > 1 else ''}"
    return (stands,), (*why, told)


def _why_tied(ranking: Ranking, chosen: Configuration, others: Sequence[Configuration]) -> tuple[str, ...]:
    """Why so many are tied with the chosen one: what a difference must be to be told, and what would tell less."""
    doubt = ranking.doubt(chosen, others)
    if doubt is None or doubt.least == 0.0:
        return ()
    least, seeds, images = (significant(value, 2) for value in (doubt.least, doubt.seed_se, doubt.image_se))
    errors = f"standard errors from seeds are about {seeds}"
    if doubt.image_se > 0.0:
        errors += f", from the choice of test images {images}"
        more = "test images" if doubt.image_se > doubt.seed_se else "seeds"
        errors += f": more {more} would part them soonest"
    pairs = len(ranking.items) * (len(ranking.items) - 1) // 2
    return (
        f"{counted(len(others), 'other')} of {len(ranking.items) - 1} cannot be told from it: with {pairs:,} pairs "
        f"looked at together a difference has to be about {least} to be told ({errors}).",
    )


def _behind(ranking: Ranking, name: Name, item: Configuration, best: Configuration) -> str:
    """`Next: VAE β=4, latent size 2: −10.1.`."""
    (gap,), decimals = ranking.gaps(best, [item]), column_decimals(ranking.scored, ranking.metric)
    return f"Next: {name(item)}{f': {number(gap.mean, decimals, signed=True)}' if gap else ''}."


def _next(ranking: Ranking, best: Configuration) -> Configuration:
    rest = [item for item in ranking.items if item is not best]
    return max(rest, key=lambda item: ranking.sign * (item.summaries[ranking.metric].mean or 0.0))


def _apart(ranking: Ranking, name: Name, items: Sequence[Configuration], best: Configuration) -> str:
    """Names with differences from `best`."""
    decimals, nearest = column_decimals(ranking.scored, ranking.metric), items[:_APART]
    gaps = zip(nearest, ranking.gaps(best, nearest), strict=True)
    told = [f"{name(item)}: {interval(gap, decimals)}" for item, gap in gaps if gap is not None]
    return "; ".join([*told, *([f"and {len(items) - _APART:,} more"] if len(items) > _APART else [])])


def _together(configurations: Sequence[Configuration], named: int | None = None) -> str:
    """`VAE β=1 (latent size 8, 16); AE (latent size 4)`, in the order given; of those past `named` their number."""
    sizes: dict[str, list[int]] = {}
    for item in configurations:
        sizes.setdefault(item.label, []).append(item.latent_dim)
    parts = [f"{label} (latent size {', '.join(map(str, sorted(own)))})" for label, own in sizes.items()]
    rest = sum(len(own) for own in [*sizes.values()][named:]) if named is not None else 0
    return "; ".join([*parts[:named], *([f"and {rest:,} more"] if rest else [])])
