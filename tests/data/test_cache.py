"""The array cache: complete or absent, quick to open, and clear about damage."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from aebench import data
from aebench.data import cache
from aebench.errors import UserError

REPOSITORY = Path(__file__).parents[3]
HEAVY = "keras tensorflow tensorflow_datasets sklearn scipy pandas matplotlib jax torch"


def in_subprocess(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout.strip()


def test_cached_loads_are_memory_mapped_and_equal() -> None:
    first, second = data.load("digits"), data.load("digits")
    assert isinstance(second.train.images, np.memmap)
    assert first.digest == second.digest == cache.content_digest(second.splits()) == data.digest("digits")


def test_cached_loads_take_milliseconds() -> None:
    data.load("digits")
    start = time.perf_counter()
    data.load("digits")
    data.digest("digits")
    assert time.perf_counter() - start < 0.1


def test_cached_loads_import_nothing_heavy() -> None:
    data.load("digits")
    code = "import sys; from aebench import data; data.load('digits'); data.digest('digits'); data.status()\n"
    assert in_subprocess(f"{code}print([m for m in '{HEAVY}'.split() if m in sys.modules])") == "[]"


def test_filling_the_cache_with_digits_needs_no_keras() -> None:
    code = "import sys; from aebench import data; data.load('digits')\n"
    assert in_subprocess(f"{code}print([m for m in ('keras', 'tensorflow') if m in sys.modules])") == "[]"


def test_the_digest_names_the_content(npz, arrays) -> None:
    one = data.import_dataset("one", npz(arrays)).digest
    arrays["x_test"][0, 0, 0] ^= 1
    assert data.import_dataset("two", npz(arrays)).digest != one


def test_the_cache_folder_follows_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AEBENCH_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache.root() == tmp_path / "xdg" / "aebench" / "datasets"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache.root() == tmp_path / ".cache" / "aebench" / "datasets"


def test_a_crash_while_writing_leaves_nothing(cache_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(np, "save", fail)
        with pytest.raises(KeyboardInterrupt):
            data.load("digits")
    assert list(cache_folder.iterdir()) == []
    assert len(data.load("digits").test) == 360


def test_a_cache_that_another_process_wrote_meanwhile_is_used(cache_folder: Path) -> None:
    digits = data.load("digits")
    cache.write(digits, {"route": "the slower process"})
    assert sorted(path.name for path in cache_folder.iterdir()) == ["digits"]
    assert "built in" in (cache_folder / "digits" / "provenance.json").read_text()


def test_an_unwritable_cache_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("AEBENCH_CACHE", str(tmp_path / "file"))
    with pytest.raises(UserError, match="AEBENCH_CACHE"):
        data.load("digits")


def remove_array(folder: Path) -> None:
    (folder / "test_images.npy").unlink()


def truncate_array(folder: Path) -> None:
    content = (folder / "train_images.npy").read_bytes()
    (folder / "train_images.npy").write_bytes(content[:-1])


def reshape_array(folder: Path) -> None:
    np.save(folder / "test_images.npy", np.zeros((3, 8, 8, 1), np.uint8))


def empty_meta(folder: Path) -> None:
    (folder / "meta.json").write_text("{")


def remove_meta(folder: Path) -> None:
    (folder / "meta.json").unlink()


def forget_an_array(folder: Path) -> None:
    meta = json.loads((folder / "meta.json").read_text())
    del meta["arrays"]["test_images"]
    (folder / "meta.json").write_text(json.dumps(meta))


def other_version(folder: Path) -> None:
    meta = json.loads((folder / "meta.json").read_text())
    (folder / "meta.json").write_text(json.dumps({**meta, "schema_version": 0}))


@pytest.mark.parametrize(
    "damage",
    [
        remove_array,
        truncate_array,
        reshape_array,
        empty_meta,
        remove_meta,
        forget_an_array,
        other_version,
    ],
)
def test_damage_is_told_with_the_folder_and_the_remedy(cache_folder: Path, damage) -> None:
    data.load("digits")
    damage(cache_folder / "digits")
    with pytest.raises(UserError, match="remove that folder") as told:
        data.load("digits")
    assert str(cache_folder / "digits") in str(told.value)
    assert "\n" not in str(told.value)


def test_status_tells_every_state(cache_folder: Path, npz, arrays) -> None:
    data.import_dataset("mine", npz(arrays))
    data.import_dataset("broken", npz(arrays))
    (cache_folder / "broken" / "meta.json").write_text("{")
    told = {entry.name: entry for entry in data.status()}
    assert told["digits"].state == "built in"
    assert told["digits"].sizes == (1257, 180, 360)
    assert told["mnist"].state == "not cached"
    assert told["mnist"].content_checked
    assert told["binarized_mnist"].classes == 0
    assert told["broken"].state == "damaged"
    mine = told["mine"]
    assert (mine.state, mine.sizes, mine.image_shape) == ("cached", (54, 6, 12), (5, 7, 1))
    assert (mine.classes, mine.digest, mine.content_checked) == (3, data.digest("mine"), False)
    assert set(told) == set(data.known())


def test_what_status_promises_is_what_loads() -> None:
    promised = next(entry for entry in data.status() if entry.name == "digits")
    digits = data.load("digits")
    kept = next(entry for entry in data.status() if entry.name == "digits")
    assert (promised.sizes, promised.image_shape, promised.source) == (
        kept.sizes,
        kept.image_shape,
        kept.source,
    )
    assert kept.digest == digits.digest
