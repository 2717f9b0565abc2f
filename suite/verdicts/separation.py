"""Do VAEs separate classes better, and what does β do to it?"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence

from suite.compare import Configuration
from suite.metrics import METRICS
from suite.statistics import Difference, Outcome, SignFlips, holm, sign_flip_test
from suite.verdicts.verdict import Evidence, Standing, Verdict, interval, sources

Pair = tuple[Configuration, Configuration]
Found = tuple[Configuration, Configuration, Difference]
CLAIM = "the VAE does not separate classes better than the AE"
OTHERS = ("kmeans_nmi", "kmeans_accuracy", "knn_accuracy", "probe_accuracy")
# The contrasts that are declared before anything is looked at, and corrected together.
DECLARED = ("silhouette", "recon_mse", *OTHERS)
_WORDS: dict[Outcome, str] = {
    "higher": "better",
    "lower": "worse",
    "equivalent": "no difference that matters",
    "unclear": "no clear difference",
}


def vae_against_ae(evidence: Evidence) -> Verdict | None:
    """The thesis's main question, by silhouette; then by other measures."""
    found = _differences(evidence, "silhouette")
    if not found:
        return None
    margin = METRICS["silhouette"].margin
    lines = [f"z = {vae.latent_dim}: {_line(difference)}" for vae, _, difference in found]
    lines += [_test_line(evidence)]
    lines += [_other(evidence, metric) for metric in OTHERS if evidence.has(metric)]
    return Verdict(
        question="Does the VAE (β = 1) separate classes better than the AE of the same latent size?",
        claim=CLAIM,
        standing=_standing([difference for _, _, difference in found]),
        answer=f"Silhouette, VAE minus AE with 95 % interval: {_by_outcome(found)}. Differences within ±{margin} count "
        "as none.",
        lines=tuple(filter(None, lines)),
    )


def _differences(evidence: Evidence, metric: str) -> list[Found]:
    pairs = ((vae, ae, evidence.difference(vae, ae, metric)) for vae, ae in evidence.pairs())
    return [(vae, ae, difference) for vae, ae, difference in pairs if difference is not None]


def _standing(differences: Sequence[Difference]) -> Standing:
    outcomes = {difference.outcome for difference in differences}
    if "higher" in outcomes:
        return "refuted" if outcomes == {"higher"} else "refuted in part"
    if "unclear" in outcomes:
        return "not settled" if outcomes == {"unclear"} else "confirmed in part"
    return "confirmed"


def _by_outcome(found: Sequence[Found]) -> str:
    """`worse at z = 8 (-0.031 [-0.036, -0.026]); no clear difference at z = 2 (...)`."""
    groups: dict[Outcome, list[str]] = {}
    for vae, _, difference in found:
        groups.setdefault(difference.outcome, []).append(f"z = {vae.latent_dim} ({interval(difference)})")
    return "; ".join(f"{words} at {', '.join(groups[it])}" for it, words in _WORDS.items() if it in groups)


def _line(difference: Difference) -> str:
    parts = {"seeds": difference.seed_se, "test images": difference.image_se}
    errors = ", ".join(f"{name} ± {se:.4f}" for name, se in parts.items() if se is not None)
    return f"{interval(difference)} (standard errors: {errors}; n = {difference.n} seeds): {difference.outcome}"


def _test_line(evidence: Evidence) -> str:
    """The permutation test over all latent sizes and seeds, corrected for all declared contrasts."""
    tests = {metric: test for metric in DECLARED if (test := blocked_test(evidence, metric)) is not None}
    if "silhouette" not in tests:
        return ""
    main = tests["silhouette"]
    if main.p is None:
        return f"no permutation test: {main.pairs} pairs cannot reach p = 0.05 (smallest {main.smallest:.3f})"
    adjusted = holm({name: test.p for name, test in tests.items() if test.p is not None})
    each = ", ".join(f"{METRICS[name].label} {p:.2g}" for name, p in adjusted.items())
    return (
        f"sign flips over all latent sizes and seeds ({main.pairs} pairs; smallest possible p {main.smallest:.1g}), "
        f"Holm-corrected p: {each}"
    )


def blocked_test(evidence: Evidence, metric: str) -> SignFlips | None:
    """VAE minus AE of one metric by sign flips within each pair of runs, blocks being latent sizes."""
    blocks = []
    for vae, ae in evidence.pairs():
        ours, theirs = vae.values(metric), ae.values(metric)
        blocks.append([ours[seed] - theirs[seed] for seed in sorted(ours.keys() & theirs.keys())])
    pairs = [*itertools.chain.from_iterable(blocks)]
    return sign_flip_test(pairs) if pairs else None


def _other(evidence: Evidence, metric: str) -> str:
    found = _differences(evidence, metric)
    each = _by_size((vae, difference) for vae, _, difference in found)
    told = sources([difference for _, _, difference in found])
    return f"{METRICS[metric].label}, VAE minus AE{told}: {each}" if found else ""


def _by_size(found: Iterable[tuple[Configuration, Difference]]) -> str:
    """`z = 2 +0.1 [+0.0, +0.2] higher, n = 5; z = 4 ...`."""
    return "; ".join(f"z = {item.latent_dim} {interval(it)} {it.outcome}, n = {it.n}" for item, it in found)


def effect_of_beta(evidence: Evidence) -> Verdict | None:
    """Every other β against β = 1 at each latent size, in likelihood, reconstruction and silhouette."""
    others = [item for item in evidence.board if item.variant == "vae" and item.settings.get("beta") != 1.0]
    pairs = [
        (other, plain) for other in others for plain in evidence.plain_vaes
        if other.peers == plain.peers
    ]  # fmt: skip
    if not pairs:
        return None
    metrics = [
        name for name in ("elbo_nats", "recon_mse", "silhouette", "prior_frechet_distance") if evidence.has(name)
    ]
    betas = sorted({float(other.settings["beta"]) for other, _ in pairs})
    lines = [_beta_line(evidence, pairs, beta, metric) for beta in betas for metric in metrics]
    return Verdict(
        question="Does β help or hurt?",
        claim="",
        standing="found",
        answer=_beta_answer(evidence, pairs, metrics),
        lines=tuple(filter(None, lines)),
    )


def _beta_line(evidence: Evidence, pairs: Sequence[Pair], beta: float, metric: str) -> str:
    found = [
        (other, difference)
        for other, plain in pairs
        if other.settings["beta"] == beta and (difference := evidence.difference(other, plain, metric)) is not None
    ]
    told = sources([difference for _, difference in found])
    return f"β = {beta:g}, {METRICS[metric].label} minus that of β = 1{told}: {_by_size(found)}" if found else ""


def _beta_answer(evidence: Evidence, pairs: Sequence[Pair], metrics: Sequence[str]) -> str:
    """For each measure, which β other than 1 were better or worse, and at how many latent sizes."""
    parts = []
    for metric in metrics:
        higher, lower = _clear_betas(evidence, pairs, metric)
        better, worse = (lower, higher) if METRICS[metric].better == "lower" else (higher, lower)
        told = [f"better than β = 1 with {better}" if better else "no β beats 1"]
        parts.append(f"{METRICS[metric].label}: {', '.join(told + ([f'worse with {worse}'] if worse else []))}")
    return "; ".join(parts) + "."


def _clear_betas(evidence: Evidence, pairs: Sequence[Pair], metric: str) -> tuple[str, str]:
    """`β = 4 at 2 of 3 latent sizes`, of those whose metric is higher than at β = 1, and of those where it is lower."""
    counts: dict[Outcome, Counter[float]] = {"higher": Counter(), "lower": Counter()}
    for other, plain in pairs:
        found = evidence.difference(other, plain, metric)
        if found is not None and found.outcome in counts:
            counts[found.outcome][float(other.settings["beta"])] += 1
    total = len({plain.id for _, plain in pairs})
    higher, lower = (
        ", ".join(f"β = {beta:g} at {count} of {total} latent sizes" for beta, count in sorted(counter.items()))
        for counter in counts.values()
    )
    return higher, lower
