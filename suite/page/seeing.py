"""What the models draw, for every configuration alike and side by side, from the kept arrays of one run each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from aebench.analysis.configurations import Configuration
from aebench.page import heat, panels
from aebench.page.colouring import Colouring, colourings
from aebench.page.kinds import Kind, items_of, kinds_of
from aebench.page.live import Live, live_decoders
from aebench.page.look import Look, Looks, class_colours
from aebench.page.scatter import Series, class_order, scatter
from aebench.page.sheets import Sheet, Sprite, sprite
from aebench.records.kept import Figures, Kept
from aebench.records.spec import spelled
from aebench.records.store import Store

Arrays = dict[str, npt.NDArray[Any]]
MOST_SHOWN = 28  # configurations of a page whose pictures are drawn
MOST_SPRITES = 16_000  # reconstructions on a page, which all its explorers share


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One kind of picture of one configuration; `sheet` is `None` where the run did not keep it."""

    kind: Kind
    sheet: Sheet | None
    alt: str


@dataclass(frozen=True, kw_only=True)
class Plane:
    """The explored images as points in one plane of a configuration's latent space."""

    title: str
    about: str
    series: tuple[Series, ...]


@dataclass(frozen=True, kw_only=True)
class Model:
    """Everything that is drawn of one configuration.

    Attributes:
        id, name: of the configuration.
        seed: whose run is shown.
        pictures: in the order of their kinds.
        planes: of its latent space.
        sprite: reconstructions of the explored images; `None` where they were not kept.
    """

    id: str
    look: Look
    latent_dim: int
    name: str
    seed: int
    pictures: tuple[Picture, ...]
    planes: tuple[Plane, ...]
    sprite: Sprite | None


@dataclass(frozen=True, kw_only=True)
class Seeing:
    """What one board has to show.

    Attributes:
        models: by latent size, then by look.
        without: configurations that kept no pictures, or for which there was no room.
        explored: the test images that can be pointed at; `None` without.
        data: of the explored images, for the script: their numbers in the split, classes and colourings.
        classes: name and colour of each class; empty without labels.
        colourings: what else dots may be coloured by.
        live: decoders that the page runs.
        first: ids of the configurations to begin with.
        kinds: of its pictures.
        items: what the data are: images, series or rows.
        columns: names of the numbers of vectors or the channels of series; empty for images.
        channels: name and colour of each channel of series; empty for others.
    """

    models: tuple[Model, ...]
    without: tuple[str, ...]
    explored: Sprite | None
    data: dict[str, Any]
    classes: tuple[tuple[str, str], ...]
    colourings: tuple[Colouring, ...]
    live: tuple[Live, ...]
    first: tuple[str, ...]
    kinds: tuple[Kind, ...]
    items: str
    columns: tuple[str, ...]
    channels: tuple[tuple[str, str], ...]

    @property
    def shown(self) -> list[Kind]:
        """The kinds of pictures that any model has."""
        titles = {picture.kind.title for model in self.models for picture in model.pictures if picture.sheet}
        return [kind for kind in self.kinds if kind.title in titles]

    @property
    def noun(self) -> str:
        """One of its items."""
        return self.items if self.items == "series" else self.items.removesuffix("s")

    @property
    def sizes(self) -> dict[int, list[Model]]:
        """Models by latent size."""
        found: dict[int, list[Model]] = {}
        for model in self.models:
            found.setdefault(model.latent_dim, []).append(model)
        return found

    def named(self, identity: str) -> Model:
        """The model of this configuration."""
        return next(model for model in self.models if model.id == identity)

    def save(self, folder: Path, stem: str) -> list[Path]:
        """Writes every sheet as a PNG, `<stem>-<kind>-<model>-z<latent size>.png`; returns the paths."""
        return [
            picture.sheet.save(folder / f"{stem}-{_slug(picture.kind.title)}-{_slug(model.name)}.png")
            for model in self.models
            for picture in model.pictures
            if picture.sheet is not None
        ]


def seeing(
    board: Sequence[Configuration],
    looks: Looks,
    store: Store,
    wanted: Sequence[Configuration],
    of_uses: Sequence[Configuration] = (),
) -> Seeing:
    """The pictures of a board.

    Args:
        board: configurations of one data set and one likelihood.
        looks: names and colours.
        store: where the runs' pictures are.
        wanted: configurations to begin with, and the first to have live decoders.
        of_uses: winners of uses: these and those to begin with are pictured at them.
    """
    ordered = [item for items in looks.series(board).values() for item in items]
    ordered.sort(key=lambda item: item.latent_dim)  # stable: inside a size by look
    first = list(dict.fromkeys(item.id for item in wanted))
    few = {*first, *(item.id for item in of_uses)}
    chosen = sorted(ordered, key=lambda item: item.id not in few)[:MOST_SHOWN]  # stable: the others in order
    kept = {item.id: found for item in ordered if item in chosen and (found := _first_kept(item, store)) is not None}
    shown = [item for item in ordered if item.id in kept]
    arrays = next((own for _, own in kept.values()), {})
    explored = _explored(arrays, len(shown))
    models = tuple(_model(item, *kept[item.id], explored, looks, item.id in few) for item in shown)
    by_wish = sorted(shown, key=lambda item: first.index(item.id) if item.id in first else len(first))
    names, columns = (
        tuple(str(name) for name in arrays.get(array, ())) for array in (Figures.CLASS_NAMES, Figures.COLUMN_NAMES)
    )
    coloured = colourings({item.id: kept[item.id][1] for item in shown}, explored)
    return Seeing(
        models=models,
        without=tuple(looks.title(item) for item in ordered if item.id not in kept),
        explored=_sprite(Figures.EMBEDDING_IMAGES, arrays, explored, exact=True) if len(explored) else None,
        data=_data(arrays, explored, names) | {"colourings": [one.data() for one in coloured]},
        colourings=coloured,
        classes=tuple(zip(names, class_colours(len(names)), strict=True)),
        channels=tuple(zip(columns, class_colours(len(columns)), strict=True)) if items_of(arrays) == "series" else (),
        live=tuple(live_decoders(((item, kept[item.id][1]) for item in by_wish), explored)) if len(explored) else (),
        first=tuple(item.id for item in by_wish if item.id in first) or tuple(item.id for item in shown[:3]),
        kinds=kinds_of(arrays),
        items=items_of(arrays),
        columns=columns,
    )


def _sprite(name: str, arrays: Arrays, explored: npt.NDArray[np.intp], *, exact: bool) -> Sprite:
    """The explored images; series as lines, vectors as rows of cells."""
    images = arrays[name][explored]
    match items_of(arrays):
        case "rows":
            return sprite(heat.cells(images[:, None], arrays), exact=True)
        case "series":
            return sprite(panels.panels(images, arrays), exact=False)
    return sprite(images, exact=exact)


def _first_kept(item: Configuration, store: Store) -> tuple[int, Arrays] | None:
    """The first seed that finished and kept its pictures, and these."""
    for record in item.usable:
        arrays = store.read_arrays(record.run_id, Kept.FIGURES)
        if arrays is not None:
            return record.spec.seed, arrays
    return None


def _explored(arrays: Arrays, models: int) -> npt.NDArray[np.intp]:
    """Which of the kept images are explored, in the explorer's order: all, or as many as the page has room for."""
    if Figures.EMBEDDING_RECONSTRUCTIONS not in arrays:
        return np.arange(0)
    labels, count = arrays.get(Figures.EMBEDDING_LABELS), len(arrays[Figures.EMBEDDING_IMAGES])
    room = min(count, MOST_SPRITES // max(models, 1))
    chosen = np.unique(np.linspace(0, count - 1, room).round().astype(np.intp))
    return np.asarray(class_order(labels, count)[chosen])


def _data(arrays: Arrays, explored: npt.NDArray[np.intp], names: tuple[str, ...]) -> dict[str, Any]:
    if not len(explored):
        return {"index": [], "labels": [], "names": []}
    labels = arrays[Figures.EMBEDDING_LABELS][explored].tolist() if Figures.EMBEDDING_LABELS in arrays else []
    return {"index": arrays[Figures.EMBEDDING_INDEX][explored].tolist(), "labels": labels, "names": list(names)}


def _model(
    item: Configuration, seed: int, arrays: Arrays, explored: npt.NDArray[np.intp], looks: Looks, few: bool
) -> Model:
    whole = Figures.EMBEDDING_RECONSTRUCTIONS in arrays and len(explored)
    return Model(
        id=item.id,
        look=looks.by_id[item.id],
        latent_dim=item.latent_dim,
        name=looks.title(item),
        seed=seed,
        pictures=tuple(
            _picture(kind, {} if kind.of_few and not few else arrays, looks.title(item)) for kind in kinds_of(arrays)
        ),
        planes=tuple(_planes(arrays, explored)) if whole else (),
        sprite=_sprite(Figures.EMBEDDING_RECONSTRUCTIONS, arrays, explored, exact=False) if whole else None,
    )


def _picture(kind: Kind, arrays: Arrays, name: str) -> Picture:
    if kind.needs not in arrays:
        return Picture(kind=kind, sheet=None, alt="")
    drawn = kind.draw(arrays)
    labelled = f", labelled {' '.join(filter(None, drawn.labels))}" if drawn.labels else ""
    return Picture(kind=kind, sheet=drawn, alt=f"{kind.title} of {name}{labelled}")


def _planes(arrays: Arrays, explored: npt.NDArray[np.intp]) -> list[Plane]:
    labels = arrays[Figures.EMBEDDING_LABELS][explored] if Figures.EMBEDDING_LABELS in arrays else None
    names = tuple(str(name) for name in arrays.get(Figures.CLASS_NAMES, ()))
    codes = arrays[Figures.EMBEDDING_CODES]
    points = {"plane": codes} if codes.shape[1] == 2 else {}
    kept = {"pca": Figures.EMBEDDING_PCA, "tsne": Figures.EMBEDDING_TSNE}
    points |= {name: arrays[array] for name, array in kept.items() if array in arrays}
    return [
        Plane(title=title, about=about, series=scatter(points[name][explored], labels, names))
        for name, (title, about) in PLANES.items()
        if name in points and np.isfinite(points[name]).all()
    ]


def _slug(text: str) -> str:
    """A name fit for a file."""
    return re.sub(r"[^a-z0-9]+", "-", spelled(text.lower())).strip("-")


PLANES = {
    "plane": ("Latent space", "its two coordinates themselves"),
    "pca": ("Latent space, PCA", "on the first two principal components of the codes"),
    "tsne": ("Latent space, t-SNE", "by t-SNE: neighbourhoods mean something, distances between groups don't"),
}
