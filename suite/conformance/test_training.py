"""Keras's own `fit` with what users add to it, and files that another process reads."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from aebench.conformance.fixtures import drawn_terms, fallen
from aebench.conformance.subject import Subject, given, set_noise

RATE, EPOCHS, BATCH = 1e-2, 2, 4
# Loads models in a process that has not made them: `[[file of the variant, its name, file of the model], ...]` on
# standard input; the mean objective of each, or the error, on standard output.
LOADER = """
import json, sys
from pathlib import Path
import keras
import numpy as np
from aebench.study import variants

images, found = np.load(sys.argv[1]), []
for file, name, path in json.load(sys.stdin):
    try:
        variants.load(variants.find(name, Path(file)))
        model = keras.saving.load_model(path)
        found.append(float(keras.ops.convert_to_numpy(model.compute_loss(images, training=False))))
    except Exception as error:
        found.append(f"{type(error).__name__}: {error}")
print("found:", json.dumps(found))
"""


@pytest.fixture(scope="session")
def fitted(
    subject: Subject,
    images: np.ndarray,
    labels: np.ndarray,
    compile_model: Callable[..., Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Any, Path, dict[str, tuple[float, float]]]:
    """A model trained for a few steps, the file that a callback kept, and by how much its terms fell.

    It isn't adapted: near the mean image there is little to gain in 16 steps that noise would not hide.
    """
    model = subject.make(training_steps=EPOCHS * len(images) // BATCH)
    model.build((None, *images.shape[1:]))
    compile_model(model, RATE)
    parts = ("objective", "distortion")
    before = drawn_terms(model, images, parts)
    path = tmp_path_factory.mktemp("fitted") / "best.keras"
    callbacks = [
        keras.callbacks.EarlyStopping(monitor="val_loss", patience=EPOCHS, restore_best_weights=True),
        keras.callbacks.ModelCheckpoint(path, monitor="val_loss", save_best_only=True),
    ]
    model.fit(
        images,
        given(model, labels).get("y"),
        validation_data=(images,),
        batch_size=BATCH,
        epochs=EPOCHS,
        callbacks=callbacks,
        verbose=0,
    )
    after = drawn_terms(model, images, parts)
    return model, path, {part: fallen(before[part], after[part]) for part in parts}


def test_fit_reduces_the_objective(fitted: Any) -> None:
    """It falls by 8 standard errors; where two players contend for the objective, the distortion falls."""
    _, _, falls = fitted
    assert any(fall > 8.0 * error for fall, error in falls.values()), falls


def test_fit_tells_the_parts_of_training_and_validation(fitted: Any) -> None:
    """All finite, in every epoch."""
    model, *_ = fitted
    parts = {"loss", "distortion", *(["rate"] if model.has_posterior else [])}
    history = model.history.history
    assert set(history) >= parts | {f"val_{part}" for part in parts}
    assert all(len(values) == EPOCHS and np.isfinite(values).all() for values in history.values())


def test_a_loaded_model_goes_on_where_the_saved_one_was(fitted: Any, images: np.ndarray, tmp_path: Path) -> None:
    """The same weights, noise and optimizer, so the same next step."""
    model, *_ = fitted
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded) is type(model)
    assert loaded.get_config() == model.get_config()
    variables = [[*one.weights, *one.optimizer.variables, one.noise.state] for one in (model, loaded)]
    for one, other in zip(*variables, strict=True):
        assert np.array_equal(ops.convert_to_numpy(one.value), ops.convert_to_numpy(other.value)), one.path
    assert np.array_equal(*(ops.convert_to_numpy(one(images)) for one in (model, loaded)))


def test_callbacks_work(fitted: Any) -> None:
    """`EarlyStopping` and `ModelCheckpoint` found `val_loss`; the latter has saved the model by it."""
    model, path, _ = fitted
    assert path.exists()
    best, last = np.argmin(model.history.history["val_loss"]), EPOCHS - 1
    assert model.optimizer.iterations.value == (1 + last) * model.history.params["steps"], f"best: epoch {best + 1}"


@pytest.fixture(scope="session")
def loaded_elsewhere(
    request: pytest.FixtureRequest, images: np.ndarray, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, tuple[float, Any]]:
    """For each variant the mean objective here, and in another process that has loaded the model from its file."""
    folder = tmp_path_factory.mktemp("saved")
    np.save(folder / "images.npy", images)
    here, files = [], []
    items: list[Any] = [item for item in request.session.items if _wants_this(item)]
    subjects = list(dict.fromkeys(item.callspec.params["subject"] for item in items))
    for index, subject in enumerate(subjects):
        model, path = subject.moved(images), folder / f"{index}.keras"
        set_noise(model)
        model.save(path)
        here.append(float(ops.convert_to_numpy(model.compute_loss(images, training=False))))
        files.append([str(subject.declared.path), subject.name, str(path)])
    command = [sys.executable, "-c", LOADER, str(folder / "images.npy")]
    done = subprocess.run(command, input=json.dumps(files), capture_output=True, text=True, check=False, timeout=600)
    assert "found:" in done.stdout, done.stderr[-2000:]
    there = json.loads(done.stdout.split("found:")[-1])
    return {subject.name: both for subject, both in zip(subjects, zip(here, there, strict=True), strict=True)}


def _wants_this(item: Any) -> bool:
    return "loaded_elsewhere" in getattr(item, "fixturenames", ())


def test_a_saved_model_is_loaded_in_another_process(subject: Subject, loaded_elsewhere: dict[str, Any]) -> None:
    """One that has not made it: everything that it needs is in the file and in the variant's."""
    here, there = loaded_elsewhere[subject.name]
    assert there == here
