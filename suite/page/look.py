"""How a configuration looks everywhere on the page: one name, colour and marker per variant and setting."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from aebench.analysis.configurations import Configuration
from aebench.analysis.naming import told_apart
from aebench.analysis.numbers import sized

# Okabe & Ito's palette is safe for colour-blind readers; one variant's settings are shades of an ordered map.
QUALITATIVE = ("#D55E00", "#0072B2", "#CC79A7", "#009E73", "#E69F00", "#56B4E9")
ORDERED = ("viridis", "rocket", "mako")
MARKERS = "osD^vPX*<>"
LINES = ("-", "--", ":", "-.")
GREY = "#6b7280"


@dataclass(frozen=True, kw_only=True)
class Look:
    """Name, colour, marker and line style of a series; latent sizes of one series share them."""

    name: str
    colour: str
    marker: str
    line: str


@dataclass(frozen=True, kw_only=True)
class Looks:
    """The looks of a study.

    Attributes:
        by_id: of each configuration.
        by_variant: colour that stands for a variant whatever its settings.
        by_latent_dim: marker that stands for a latent size where all sizes share a plot.
    """

    by_id: dict[str, Look]
    by_variant: dict[str, str]
    by_latent_dim: dict[int, str]

    def title(self, configuration: Configuration) -> str:
        """`VAE β=4, latent size 8`."""
        return sized(self.by_id[configuration.id].name, configuration.latent_dim)

    def series(self, configurations: Iterable[Configuration]) -> dict[Look, list[Configuration]]:
        """Configurations grouped by look, each group in order of latent size."""
        found: dict[Look, list[Configuration]] = {}
        for item in sorted(configurations, key=lambda item: item.latent_dim):
            found.setdefault(self.by_id[item.id], []).append(item)
        order = list(dict.fromkeys(self.by_id.values()))
        return dict(sorted(found.items(), key=lambda pair: order.index(pair[0])))


def looks(configurations: Sequence[Configuration], page: Sequence[Configuration] | None = None) -> Looks:
    """Assigns the looks of a study; the same study always looks the same.

    Args:
        configurations: of the study.
        page: those of all studies on its page, so that a label has one colour on all of it.
    """
    colours = _colours(page or configurations)
    apart = told_apart(configurations)
    extras = list(dict.fromkeys(apart.values()))
    labels = list(colours)
    by_id = {
        item.id: Look(
            name=f"{item.label} ({apart[item.id]})" if apart[item.id] else item.label,
            colour=colours[item.label],
            marker=MARKERS[labels.index(item.label) % len(MARKERS)],
            line=LINES[extras.index(apart[item.id]) % len(LINES)],
        )
        for item in configurations
    }
    return Looks(
        by_id=by_id, by_variant=_by_variant(configurations, colours), by_latent_dim=_by_latent_dim(configurations)
    )


def class_colours(count: int) -> list[str]:
    """One colour a class, safe for colour-blind readers up to ten."""
    import seaborn

    palette = seaborn.color_palette("colorblind", count) if count <= 10 else seaborn.husl_palette(count)
    return list(palette.as_hex())


def _colours(configurations: Sequence[Configuration]) -> dict[str, str]:
    """Colours by label: of few variants told apart at a glance; of many each has a hue, and its settings its shades."""
    import seaborn

    labels = {
        variant: _labels(configurations, variant) for variant in dict.fromkeys(it.variant for it in configurations)
    }
    several = sum(len(own) > 1 for own in labels.values())
    if several <= len(ORDERED) and len(labels) - several <= len(QUALITATIVE):
        plain, ordered = iter(QUALITATIVE), iter(ORDERED)
        # The ends of these maps are too light for white paper.
        scales = [seaborn.color_palette(next(ordered), n_colors=100).as_hex()[5:86] if len(own) > 1 else [next(plain)]
                  for own in labels.values()]  # fmt: skip
    else:
        hues = seaborn.husl_palette(len(labels), s=0.85, l=0.5)
        scales = [[*reversed(seaborn.dark_palette(hue, n_colors=100).as_hex()[35:])] for hue in hues]
    return {
        label: scale[(len(scale) - 1) * at // max(len(own) - 1, 1)]
        for own, scale in zip(labels.values(), scales, strict=True)
        for at, label in enumerate(own)
    }


def _labels(configurations: Sequence[Configuration], variant: str) -> list[str]:
    own = [item for item in configurations if item.variant == variant]
    ordered = sorted(own, key=lambda item: [str(value) if isinstance(value, str) else f"{value:020.6f}"
                                            for value in item.settings.values()])  # fmt: skip
    return list(dict.fromkeys(item.label for item in ordered))


def _by_variant(configurations: Sequence[Configuration], colours: dict[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for item in configurations:
        if item.variant not in found or item.plain:
            found[item.variant] = colours[item.label]
    return found


def _by_latent_dim(configurations: Sequence[Configuration]) -> dict[int, str]:
    sizes = sorted({item.latent_dim for item in configurations})
    return {size: MARKERS[at % len(MARKERS)] for at, size in enumerate(sizes)}
