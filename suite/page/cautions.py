"""What a reader must know before believing a number: what diverged, is missing, or was trained too little or long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from aebench.analysis.configurations import Comparison, Configuration
from aebench.analysis.convergence import State
from aebench.analysis.numbers import counted
from aebench.analysis.timings import TimedOperation
from aebench.page.look import Looks
from aebench.page.robustness import configurations, groups, told
from aebench.records.rates import WIDE

_FEW_SEEDS = 2
_LEVEL = 0.05  # of calling any configuration's samples copies where all are drawn like test images
# Scores that are standard normal where samples are drawn like test images, and what they say.
_COPYING = {
    "prior_copying_z": "prior samples",
    "prior_local_copying_z": "prior samples of one class",
    "mixture_copying_z": "mixture samples",
    "mixture_local_copying_z": "mixture samples of one class",
}


@dataclass(frozen=True, kw_only=True)
class Caution:
    """One warning: in a few words, what it means, and which ones."""

    brief: str
    what: str
    which: tuple[str, ...]


def cautions(comparison: Comparison, speeds: Sequence[TimedOperation], looks: Looks) -> tuple[Caution, ...]:
    """All warnings of a study, the gravest first."""
    found = [
        _diverged(comparison, looks),
        _missing(comparison, looks),
        _judged(comparison, looks, "not converged", "still improving by more than 0.1 nats over the last tenth of "
                "training (not converged): longer training would change their numbers"),
        _judged(comparison, looks, "overfitted", "more than 0.1 nats worse on validation than earlier in training "
                "(overfitted)"),
        _judged(comparison, looks, "too noisy to tell", "may or may not still improve by 0.1 nats over the last tenth "
                "of training (too noisy to tell)"),
        _collapsed(comparison, looks),
        _copying(comparison, looks),
        _two_groups(comparison, looks),
        _untold(comparison),
        _few_seeds(comparison),
        _unsteady(speeds),
    ]  # fmt: skip
    return tuple(caution for caution in found if caution is not None)


def grouped(configurations: Sequence[Configuration], looks: Looks) -> tuple[str, ...]:
    """`VAE β=4 (latent size 2, 4)`: configurations by name."""
    groups = looks.series(configurations)
    return tuple(
        f"{look.name} (latent size {', '.join(str(size) for size in sorted({item.latent_dim for item in items}))})"
        for look, items in groups.items()
    )


def _diverged(comparison: Comparison, looks: Looks) -> Caution | None:
    hit = [item for item in comparison.configurations if item.diverged]
    if not hit:
        return None
    which = tuple(f"{looks.title(item)}: {item.diverged} of {item.planned} seeds" for item in hit)
    runs = counted(comparison.diverged, "run")
    what = f"{runs} of {comparison.finished} diverged and left out of all means"
    return Caution(brief=f"{runs} diverged", what=what, which=which)


def _missing(comparison: Comparison, looks: Looks) -> Caution | None:
    hit = [item for item in comparison.configurations if item.finished < item.planned]
    if not hit:
        return None
    which = grouped(hit, looks)
    what = f"{comparison.missing} of {comparison.planned} runs missing"
    return Caution(brief=what, what=what, which=which)


def _judged(comparison: Comparison, looks: Looks, state: State, words: str) -> Caution | None:
    hit = [item for item in comparison.configurations if item.convergence and item.convergence.state == state]
    if not hit:
        return None
    total = counted(len(comparison.configurations), "configuration")
    brief = f"{len(hit)} of {total} {state}"
    return Caution(brief=brief, what=f"{len(hit)} of {total} {words}", which=grouped(hit, looks))


def _collapsed(comparison: Comparison, looks: Looks) -> Caution | None:
    """Configurations whose codes say nothing about the image: their silhouettes are of noise."""
    hit = [item for item in comparison.configurations if item.summaries["active_units"].mean == 0.0]
    if not hit:
        return None
    total = counted(len(comparison.configurations), "configuration")
    what = f"{len(hit)} of {total} collapsed: no latent unit is active, and their codes say nothing of the image"
    return Caution(brief=f"{len(hit)} collapsed", what=what, which=grouped(hit, looks))


def _copying(comparison: Comparison, looks: Looks) -> Caution | None:
    """Configurations whose samples are nearer to training images than test images are, by the mean score of its seeds.

    Seeds are held against the same test images, so their mean may spread as much as one of them, and is taken to: it
    spreads no more. The level is shared by all that was tested (Bonferroni).
    """
    known = [
        (item, words, mean)
        for item in comparison.configurations
        for name, words in _COPYING.items()
        if (mean := item.summaries[name].mean) is not None
    ]
    limit = NormalDist().inv_cdf(_LEVEL / len(known)) if known else 0.0
    hit = [told for told in known if told[2] < limit]
    if not hit:
        return None
    count = counted(len({item.id for item, _, _ in hit}), "configuration")
    what = (
        f"Samples of {count} are nearer to training images than test images of their class are, by the classifier's "
        f"features (mean z over seeds below {limit:.1f}): some may be copies, and their Fréchet distance and coverage "
        "flatter them. No such warning is no proof of the opposite: samples unlike real images hide copies among them"
    )
    which = tuple(f"{looks.title(item)}: {words}, z = {mean:.1f}" for item, words, mean in hit)
    return Caution(brief=f"samples of {count} may be copies", what=what, which=which)


def _two_groups(comparison: Comparison, looks: Looks) -> Caution | None:
    """Configurations of which some seeds lie so far from the others that a mean stands for neither."""
    found = [split for board in comparison.boards().values() for split in groups(board)]
    if not found:
        return None
    hit = configurations(found)
    brief = f"seeds of {counted(hit, 'configuration')} in two groups"
    what = f"Seeds of {counted(hit, 'configuration')} fall into two groups, which their means hide"
    return Caution(brief=brief, what=what, which=tuple(told(split, looks) for split in found))


def _untold(comparison: Comparison) -> Caution | None:
    hit = [item for item in comparison.configurations if item.usable and item.convergence is None]
    if not hit:
        return None
    count = counted(len(hit), "configuration")
    what = f"{count} trained for fewer than 10 epochs: too short to tell if converged"
    return Caution(brief="too short to tell if converged", what=what, which=())


def _few_seeds(comparison: Comparison) -> Caution | None:
    most = max((item.finished for item in comparison.configurations), default=0)
    if most > _FEW_SEEDS:
        return None
    only = f"{counted(most, 'seed')} only"
    return Caution(brief=only, what=f"{only}: intervals are absent or very wide", which=())


def _unsteady(speeds: Sequence[TimedOperation]) -> Caution | None:
    hit = [row for row in speeds if row.spread > WIDE]
    if not hit:
        return None
    which = tuple(
        f"{row.operation}, {row.name}, latent size {row.latent_dim}, batch {row.batch_size}: {row.spread:.0%}"
        for row in sorted(hit, key=lambda row: -row.spread)
    )
    brief = f"{len(hit)} of {counted(len(speeds), 'timing')} unsteady"
    what = f"{brief}: the faster half of rounds has an interquartile range above 10 % of its median"
    return Caution(brief=brief, what=what, which=which)
