"""What samples, centroids and paths look like, and why."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from suite.compare import Configuration
from suite.verdicts.verdict import Evidence, Standing, Verdict, mean_profile, mean_sd, sizes

PART = 0.5  # samples of which fewer than this part of real images' share is recognised don't look like the data


def prior_samples_of_the_ae(evidence: Evidence) -> Verdict | None:
    """Do an autoencoder's prior samples look like the data, and does a fitted mixture repair that?"""
    needed = ("prior_recognisable", "mixture_recognisable", "train_recognisable")
    aes = [item for item in evidence.autoencoders if all(item.summaries[name].n for name in needed)]
    if not aes:
        return None
    unlike = [item for item in aes if _share(item, "prior") < PART * _share(item, "train")]
    gains = [_share(item, "mixture") - _share(item, "prior") for item in aes]
    repaired = [item for item in unlike if _share(item, "mixture") >= PART * _share(item, "train")]
    standing: Standing = "confirmed" if unlike == aes else "confirmed in part" if unlike else "refuted"
    look = f"They don't at {sizes(unlike)}" if unlike else "At every latent size they do"
    mend = f"brings most back at {sizes(repaired)}" if repaired else "does not repair it" if unlike else "is not needed"
    return Verdict(
        question="Do AE prior samples look like the data, and does a fitted mixture repair that?",
        claim="AE prior samples don't look like digits",
        standing=standing,
        answer=f"{look} (fewer than half as many recognised as of real images). A Gaussian mixture fitted to the codes "
        f"{mend}: it changes the share that is recognised by {min(gains):+.2f} to {max(gains):+.2f}.",
        lines=tuple(_recognised(item) for item in (*aes, *evidence.plain_vaes)),
    )


def _share(item: Configuration, source: str) -> float:
    return item.summaries[f"{source}_recognisable"].mean or 0.0


def _recognised(item: Configuration) -> str:
    told = {"prior": "prior", "mixture": "mixture", "pca_mixture": "PCA + mixture", "train": "real"}
    shares = ", ".join(f"{name} {mean_sd(item, f'{key}_recognisable')}" for key, name in told.items())
    distances = ", ".join(f"{name} {mean_sd(item, f'{key}_frechet_distance', 1)}" for key, name in told.items())
    return f"{item.label} z = {item.latent_dim}: recognisable {shares}; Fréchet distance {distances}"


_CAUSES = {
    "prior_sharpness": "train_sharpness",
    "prior_recognisable": "train_recognisable",
    "prior_coverage": "train_coverage",
    "prior_precision": "train_precision",
}


def why_samples_look_primitive(evidence: Evidence) -> Verdict | None:
    """Where samples of the VAE fall short of real images, the largest shortfall first."""
    vaes = [item for item in evidence.plain_vaes if item.summaries["prior_sharpness"].n]
    if not vaes:
        return None
    best = max(vaes, key=lambda item: -(item.summaries["prior_frechet_distance"].mean or np.inf))
    short = sorted(_shortfalls(best), key=lambda pair: pair[1])
    worst = [f"{name.removeprefix('prior_')} {part:.2f}" for name, part in short if part < 0.95]
    even = (best.summaries["prior_class_entropy_nats"].mean or 0.0) > 0.95 * (
        best.summaries["train_class_entropy_nats"].mean or 1.0
    )
    classes = "all classes appear about evenly" if even else "some classes are missing"
    found = f"samples have only these parts of real images' values: {', '.join(worst)}"
    return Verdict(
        question="Why do VAE samples look primitive?",
        claim="VAE samples look primitive",
        standing="confirmed" if worst else "refuted",
        answer=f"At z = {best.latent_dim}, the best by Fréchet distance, "
        f"{found if worst else 'samples are as good as real images'}; {classes}.",
        lines=tuple(_shortcomings(item) for item in vaes),
    )


def _shortfalls(item: Configuration) -> Iterator[tuple[str, float]]:
    for name, floor in _CAUSES.items():
        ours, real = item.summaries[name].mean, item.summaries[floor].mean
        if ours is not None and real:
            yield name, ours / real


def _shortcomings(item: Configuration) -> str:
    told = ("sharpness", "recognisable", "ambiguous", "class_entropy_nats", "precision", "recall", "coverage")
    parts = [
        f"{name.removesuffix('_nats').replace('_', ' ')} {mean_sd(item, f'prior_{name}')} (mixture "
        f"{mean_sd(item, f'mixture_{name}')}, real {mean_sd(item, f'train_{name}')})"
        for name in told
    ]
    gap = f"KL(q(z) || p(z)) {mean_sd(item, 'marginal_kl_nats')} nats"
    return f"{item.label} z = {item.latent_dim}: {', '.join(parts)}; {gap}"


def centroids(evidence: Evidence) -> Verdict | None:
    """How alike decoded class centroids are across models, and why."""
    from suite.measure.similarity import image_correlation

    rows = []
    for vae, ae in evidence.pairs():
        ours, theirs = _kept(evidence, vae), _kept(evidence, ae)
        seeds = sorted(ours.keys() & theirs.keys())
        across = [image_correlation(ours[seed], theirs[seed]).mean() for seed in seeds]
        within = [
            image_correlation(own[a], own[b]).mean()
            for own in (ours, theirs)
            for a, b in itertools.combinations(sorted(own), 2)
        ]
        if across:
            rows.append((vae, ae, float(np.mean(across)), float(np.mean(within)) if within else None))
    if not rows:
        return None
    alike = [vae for vae, _, across, _ in rows if across >= 0.9]
    lines = [
        f"z = {vae.latent_dim}: correlation of pixels AE with VAE {across:.3f}, between seeds of one variant "
        f"{'n/a' if within is None else f'{within:.3f}'}; with the class's mean image AE "
        f"{mean_sd(ae, 'centroid_mean_correlation', 3)}, VAE {mean_sd(vae, 'centroid_mean_correlation', 3)}; "
        f"recognised AE {mean_sd(ae, 'centroid_recognised')}, VAE {mean_sd(vae, 'centroid_recognised')}; sharpness "
        f"AE {mean_sd(ae, 'centroid_sharpness')}, VAE {mean_sd(vae, 'centroid_sharpness')}"
        for vae, ae, across, within in rows
    ]
    standing: Standing = "confirmed" if len(alike) == len(rows) else "confirmed in part" if alike else "refuted"
    lowest, highest = min(row[2] for row in rows), max(row[2] for row in rows)
    means = [item.summaries["centroid_mean_correlation"].mean for pair in evidence.pairs() for item in pair]
    known = [value for value in means if value is not None]
    why = (
        f" All come close to the class's mean image (correlation {min(known):.2f} to {max(known):.2f})."
        if known and min(known) >= 0.8
        else ""
    )
    return Verdict(
        question="Are class-centroid images alike across models, and why?",
        claim="centroid images are oddly alike across models",
        standing=standing,
        answer=f"Their pixels correlate {lowest:.2f} to {highest:.2f} between AE and VAE.{why}",
        lines=tuple(lines),
    )


def _kept(evidence: Evidence, item: Configuration) -> dict[int, np.ndarray]:
    found = {record.spec.seed: evidence.arrays(record, "centroid_images") for record in item.usable}
    return {seed: images for seed, images in found.items() if images is not None}


def midpoints(evidence: Evidence) -> Verdict | None:
    """Whether the classifier is least sure half way between two images."""
    found = [(item, mean_profile(item, "path_entropy_nats")) for item in (*evidence.autoencoders, *evidence.plain_vaes)]
    known = [(item, steps) for item, steps in found if steps is not None]
    if not known:
        return None
    middle = len(known[0][1]) // 2
    central = [item for item, steps in known if abs(int(np.argmax(steps)) - middle) <= 1]
    lines = [
        f"{item.label} z = {item.latent_dim}: entropy {steps[0]:.2f} at the ends, {steps[middle]:.2f} half way "
        f"(difference {mean_sd(item, 'path_entropy_excess_nats')}), most at step {int(np.argmax(steps))} of "
        f"{len(steps) - 1}; peak in the middle for {mean_sd(item, 'path_peaks_at_midpoint')} of the paths"
        for item, steps in known
    ]
    pixels = mean_profile(known[0][0], "path_entropy_nats_pixels")
    if pixels is not None:
        lines.append(f"pixels themselves, no model: {pixels[0]:.2f} at the ends, {pixels[middle]:.2f} half way")
    standing: Standing = "confirmed" if len(central) == len(known) else "confirmed in part" if central else "refuted"
    return Verdict(
        question="Are interpolation midpoints the most ambiguous images?",
        claim="images half way between two digits are ambiguous",
        standing=standing,
        answer=f"The classifier is least sure in the middle (give or take one step of {len(known[0][1]) - 1}) for "
        f"{len(central)} of {len(known)} models.",
        lines=tuple(lines),
    )
