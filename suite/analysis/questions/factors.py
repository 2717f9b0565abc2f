"""What decides how disentangled codes are, and whether it can be seen without knowing the factors."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from aebench.analysis.configurations import Configuration
from aebench.analysis.evidence import Evidence
from aebench.analysis.questions.verdict import Standing, Verdict, listed, mean_profile
from aebench.analysis.variance import resampled, shares
from aebench.measures import METRICS
from aebench.measures.similarity import centred_ranks, relative_strength
from aebench.records.kept import Latents
from aebench.records.record import RunRecord

SCORES = ("mig", "dci_disentanglement", "factor_vae_score")
FEWEST_SEEDS = 3
DRAWS = 500  # of the bootstrap
COMPARED = 1000  # test images whose codes are compared
INFORMATIVE_NATS = 0.01  # mean KL of a dimension that counts (Duan et al. 2020)
SPECTRUM = "kl_by_dimension_nats"


def method_setting_or_seed(evidence: Evidence) -> Iterator[Verdict]:
    """How much of the spread of each score is due to the variant, to its setting, and to the seed."""
    found = [row for score in SCORES for row in _rows(evidence, score)]
    if not found:
        return
    yield Verdict(
        question="Is disentanglement a matter of the method, of its setting, or of the seed?",
        claim="setting and seed together matter more than the method",
        standing=_standing([row.high < 0.5 for row in found], [row.low > 0.5 for row in found]),
        answer=f"Of the variance of single runs, the variant makes {listed([row.told for row in found])}.",
        lines=tuple(row.line for row in found),
    )


def _standing(agree: Sequence[bool], contradict: Sequence[bool]) -> Standing:
    """What becomes of a claim that some scores agree with and some contradict."""
    if all(agree):
        return "confirmed"
    if all(contradict):
        return "refuted"
    if any(agree):
        return "confirmed in part"
    return "refuted in part" if any(contradict) else "not settled"


def told_factors(evidence: Evidence) -> Iterator[Verdict]:
    """Which factors can be predicted from codes, and which of them one dimension alone holds."""
    found = [(item, told, gaps) for item in evidence.board
             if (told := mean_profile(item, "informativeness_by_factor")) is not None
             and (gaps := mean_profile(item, "mig_by_factor")) is not None]  # fmt: skip
    if not found:
        return
    names = evidence.factor_names
    if any(len(told) != len(names) for _, told, _ in found):  # some factors don't vary in these images
        names = tuple(f"factor {at + 1}" for at in range(max(len(told) for _, told, _ in found)))
    over = np.mean([told for _, told, _ in found], axis=0)
    order = np.argsort(-over, kind="stable")
    yield Verdict(
        question="Which factors does the code hold?",
        claim="",
        standing="found",
        answer="Informativeness (0 nothing, 1 all), mean over configurations: "
        f"{listed([f'{names[at]} {over[at]:.2f}' for at in order])}.",
        lines=tuple(
            f"{evidence.named(item)}: informativeness (information gap) "
            + ", ".join(f"{names[at]} {told[at]:.2f} ({gaps[at]:.2f})" for at in order)
            for item, told, gaps in found
        ),
    )


@dataclass(frozen=True, kw_only=True)
class _Row:
    """Shares of one score's variance at one latent size and network, and the interval (95 %) of the variant's."""

    what: str
    variant: float
    setting: float
    seed: float
    low: float
    high: float
    design: str

    @property
    def told(self) -> str:
        return f"{self.variant:.0%} [{self.low:.0%}, {self.high:.0%}] in {self.what}"

    @property
    def line(self) -> str:
        return (
            f"{self.what}: variant {self.variant:.0%} [{self.low:.0%}, {self.high:.0%}], setting {self.setting:.0%}, "
            f"seed {self.seed:.0%} ({self.design})"
        )


def _rows(evidence: Evidence, score: str) -> Iterator[_Row]:
    places: dict[str, list[Configuration]] = {}
    for item in sorted(evidence.board, key=lambda item: item.latent_dim):
        places.setdefault(evidence.place(item), []).append(item)
    for place, own in places.items():
        groups = [group for variant in dict.fromkeys(item.variant for item in own)
                  if (group := _values([item for item in own if item.variant == variant], score))]  # fmt: skip
        found = shares(groups)
        if found is None:
            continue
        spread = [one.variant for one in resampled(groups, DRAWS, np.random.default_rng(0))]
        low, high = np.quantile(spread, (0.025, 0.975))
        yield _Row(
            what=METRICS[score].label + (f" at {place}" if len(places) > 1 else ""),
            variant=found.variant,
            setting=found.setting,
            seed=found.seed,
            low=float(low),
            high=float(high),
            design=f"{len(groups)} variants, {sum(map(len, groups))} settings, "
            f"{sum(len(runs) for group in groups for runs in group)} runs",
        )


def _values(items: Sequence[Configuration], score: str) -> list[np.ndarray]:
    found = [np.array([*item.values(score).values()]) for item in items]
    return [runs for runs in found if len(runs) >= FEWEST_SEEDS]


def without_knowing_factors(evidence: Evidence) -> Iterator[Verdict]:
    """Whether runs that agree with other seeds of their configuration (UDR) hold the factors better."""
    told = {item.id: agreement(evidence, item) for item in evidence.board if any(item.values(s) for s in SCORES)}
    items = [item for item in evidence.board if told.get(item.id)]
    if len(items) < 2:
        return
    known = {score: found for score in SCORES if (found := _ranked(items, told, score))}
    if not known:
        return
    ranks = listed([f"{METRICS[score].label} {rank:+.2f} [{low:+.2f}, {high:+.2f}]"
                    for score, (rank, low, high) in known.items()])  # fmt: skip
    yield Verdict(
        question="Can disentangled runs be told without knowing factors, by their agreement with other seeds (UDR)?",
        claim="runs that agree with other seeds are the more disentangled ones",
        standing=_standing([low > 0 for _, low, _ in known.values()], [high < 0 for _, _, high in known.values()]),
        answer=f"Rank correlation of UDR over {sum(len(told[item.id]) for item in items)} runs with {ranks}.",
        lines=tuple(
            f"{evidence.named(item)}: UDR {np.mean([*told[item.id].values()]):.3f} "
            f"({min(told[item.id].values()):.3f} to {max(told[item.id].values()):.3f})"
            for item in items
        ),
    )


def agreement(evidence: Evidence, item: Configuration) -> dict[int, float]:
    """Unsupervised disentanglement ranking of each run of a configuration, by seed (Duan et al. 2020, section 4).

    The median, over the other seeds, of `relative_strength` of the dimensions whose KL to the prior is above
    `INFORMATIVE_NATS`. Empty for fewer than `FEWEST_SEEDS` runs, or without a KL of each dimension.
    """
    codes = {record.spec.seed: own for record in item.usable if (own := _codes(evidence, record)) is not None}
    if len(codes) < FEWEST_SEEDS:
        return {}
    ranks = {seed: centred_ranks(own) for seed, own in codes.items()}
    pairs = {frozenset(pair): relative_strength(*(ranks[seed] for seed in pair))
             for pair in itertools.combinations(ranks, 2)}  # fmt: skip
    return {seed: float(np.median([strength for pair, strength in pairs.items() if seed in pair])) for seed in ranks}


def _codes(evidence: Evidence, record: RunRecord) -> np.ndarray | None:
    """Informative dimensions of the first test images, `(n, d)`."""
    codes, costs = evidence.arrays(record, Latents.MEAN), record.profiles.get(SPECTRUM)
    if codes is None or costs is None or codes.shape[1] != len(costs) or not np.isfinite(codes).all():
        return None
    return np.asarray(codes[:COMPARED, np.array(costs) > INFORMATIVE_NATS])


def _ranked(
    items: Sequence[Configuration], told: dict[str, dict[int, float]], score: str
) -> tuple[float, float, float] | None:
    """Spearman's rank correlation of UDR and a score over all runs, with its 95 % interval.

    The bootstrap draws configurations, and seeds in each. `None` where either is the same in all runs.
    """
    values = [(told[item.id], item.values(score)) for item in items]
    runs = [np.array([(udr[seed], own[seed]) for seed in udr if seed in own]) for udr, own in values]
    runs = [own for own in runs if len(own)]
    if not runs or not np.isfinite(found := _correlation(np.concatenate(runs))):
        return None
    rng, every, counts = np.random.default_rng(0), np.concatenate(runs), np.array([*map(len, runs)])
    drawn = [_correlation(every[_drawn(rng, counts)]) for _ in range(DRAWS)]
    low, high = np.nanquantile(drawn, (0.025, 0.975))
    return found, float(low), float(high)


def _drawn(rng: np.random.Generator, counts: np.ndarray) -> np.ndarray:
    """Places of runs, of all one after the other: as many configurations as there are, and in each as many seeds."""
    chosen = rng.integers(len(counts), size=len(counts))
    starts = np.repeat((np.cumsum(counts) - counts)[chosen], counts[chosen])
    return np.asarray(starts + rng.integers(np.repeat(counts[chosen], counts[chosen])))


def _correlation(runs: np.ndarray) -> float:
    """Spearman's, of pairs `(runs, 2)`; NaN if one number is constant."""
    from scipy.stats import spearmanr

    first, second = runs.T
    return float(spearmanr(first, second).statistic) if np.ptp(first) > 0 and np.ptp(second) > 0 else float("nan")
