"""Readers of files that people are given: any bytes make a value or one clear line, and never another exception."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import struct
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from aebench import study
from aebench.data import Roles, decoding, huggingface, import_dataset
from aebench.data.idx import read_idx
from aebench.errors import UserError
from aebench.records.packs import opened
from aebench.records.store import Store
from aebench.study import files

FROZEN = Path(__file__).parent / "records" / "frozen" / "run_record_v1.json"
RECORD = FROZEN.read_bytes()
STUDY = b"""
dataset = "digits"
seeds = 2
epochs = 3
latent_dim = [2, 4]
[[variant]]
name = "vae"
beta = [1.0, 4.0]
[[contrast]]
variant = "vae"
against = "ae"
[measure]
nll_budget = 64
"""
# A file that a test writes anew for each example: the folder that holds it is the same for all.
SETTINGS = settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def spoiled(content: bytes) -> st.SearchStrategy[bytes]:
    """A sound file with a part of it replaced by any bytes, so that readers get beyond its beginning."""

    def splice(start: int, length: int, part: bytes) -> bytes:
        return content[:start] + part + content[start + length :]

    place = st.integers(0, len(content))
    return st.builds(splice, place, st.integers(0, 12) | place, st.binary(max_size=16))


def told(read: Callable[[], Any]) -> None:
    """Reads; what is wrong must be told in one line."""
    with suppress(UserError):
        read()
        return
    with pytest.raises(UserError, match=r"\A[^\n]*\Z"):
        read()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def records(draw: st.DrawFn) -> bytes:
    """A record of which one value, at any depth, is anything else."""
    record = json.loads(RECORD)
    place: Any = record
    for _ in range(draw(st.integers(1, 3))):
        key = draw(st.sampled_from(sorted(place)))
        if not isinstance(place[key], dict) or not place[key]:
            break
        place = place[key]
    place[draw(st.sampled_from(sorted(place)))] = draw(JSON)
    return json.dumps(record).encode()


@SETTINGS
@given(content=st.binary(max_size=64) | spoiled(RECORD) | records())
def test_any_record(content: bytes, tmp_path: Path) -> None:
    folder = tmp_path / "records"
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        path.unlink()
    (folder / "run.json").write_bytes(content)
    lines: list[str] = []
    told(Store(tmp_path, lines.append).read_records)
    told(Store(tmp_path, lines.append).read_timings)
    assert not any("\n" in line for line in lines)


@SETTINGS
@given(content=st.binary(max_size=64) | spoiled(STUDY))
def test_any_study(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "any.toml"
    path.write_bytes(content)
    told(lambda: study.read(str(path)))
    told(lambda: files.named(path))


@st.composite
def studies(draw: st.DrawFn) -> bytes:
    """A study of which one line gives anything to its key."""
    lines = STUDY.decode().splitlines()
    at = draw(st.sampled_from([number for number, line in enumerate(lines) if "=" in line]))
    value = draw(JSON.filter(lambda value: value is not None))
    lines[at] = f"{lines[at].partition('=')[0]}= {json.dumps(value)}"
    return "\n".join(lines).encode()


@SETTINGS
@given(content=studies())
def test_any_value_in_a_study(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "any.toml"
    path.write_bytes(content)
    told(lambda: study.read(str(path)))


@pytest.mark.parametrize("seeds", [100_001, 2**34, 2**63])
def test_more_seeds_than_anybody_trains_are_refused(seeds: int, tmp_path: Path) -> None:
    path = tmp_path / "any.toml"
    path.write_bytes(STUDY.replace(b"seeds = 2", f"seeds = {seeds}".encode()))
    with pytest.raises(UserError, match=f"seeds: {seeds} is out of range; give .* at most 100000"):
        study.read(str(path))


def idx(dimensions: list[int], kind: int, values: bytes) -> bytes:
    return struct.pack(f">BBBB{len(dimensions)}I", 0, 0, kind, len(dimensions), *dimensions) + values


IDX = idx([2, 3, 3], 8, bytes(range(18)))


@SETTINGS
@given(
    content=st.binary(max_size=64)
    | spoiled(IDX)
    | spoiled(gzip.compress(IDX, mtime=0))
    | st.builds(
        idx, st.lists(st.integers(0, 2**32 - 1) | st.just(0), max_size=255), st.integers(0, 255), st.binary(max_size=9)
    )
)
def test_any_idx_file(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "any"
    path.write_bytes(content)
    told(lambda: read_idx(path))


def picture(kind: str) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.arange(75, dtype="uint8").reshape(5, 5, 3)).save(file, kind)
    return file.getvalue()


@SETTINGS
@given(content=st.one_of([spoiled(picture(kind)) for kind in decoding.FORMATS]))
def test_any_image_file(content: bytes) -> None:
    told(lambda: decoding.decode({"train": [decoding.File(name="any", content=content)]}, (4, 4), "any"))


def table(ending: str) -> bytes:
    """Encoded images and labels, as Hugging Face's datasets lays them out in a file of this kind."""
    rows = pa.table({"image": [{"bytes": picture("PNG"), "path": "a.png"}] * 3, "label": [0, 1, 0]})
    features = {"image": {"_type": "Image"}, "label": {"_type": "ClassLabel", "names": ["a", "b"]}}
    rows = rows.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    file = io.BytesIO()
    if ending == "parquet":
        pq.write_table(rows, file)
    else:
        with pa.ipc.new_stream(file, rows.schema) as writer:
            writer.write_table(rows)
    return file.getvalue()


@pytest.mark.parametrize("ending", ["parquet", "arrow"])
@SETTINGS
@given(data=st.data())
def test_any_table_of_images(ending: str, data: st.DataObject, tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text("{}")
    (tmp_path / f"any.{ending}").write_bytes(data.draw(spoiled(table(ending))))
    told(lambda: huggingface.read(tmp_path, None, None))


def npz() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in (("x_train", np.zeros((40, 2, 2), "uint8")), ("x_test", np.ones((4, 2, 2), "uint8"))):
            member = io.BytesIO()
            np.save(member, array)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), member.getvalue())
    return file.getvalue()


@SETTINGS
@given(content=st.binary(max_size=64) | spoiled(npz()))
def test_any_npz_of_images(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "any.npz"
    path.write_bytes(content)
    told(lambda: import_dataset("any", path))


CSV = ("a,b,label\n" + "".join(f"{row / 7:.3f},{row**2},{'xy'[row % 2]}\n" for row in range(40))).encode()


@SETTINGS
@given(
    content=st.binary(max_size=64)
    | spoiled(CSV)
    | st.text(alphabet=',\n\r"01-eE.naif\0é;\t ', max_size=64).map(str.encode)
)
def test_any_csv(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "any.csv"
    path.write_bytes(content)
    told(lambda: import_dataset("any", path, Roles(label="label")))
    told(lambda: import_dataset("any", path))


def parquet() -> bytes:
    file = io.BytesIO()
    pd.read_csv(io.BytesIO(CSV)).to_parquet(file)
    return file.getvalue()


@SETTINGS
@given(content=st.binary(max_size=64) | spoiled(parquet()))
def test_any_parquet(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "any.parquet"
    path.write_bytes(content)
    told(lambda: import_dataset("any", path, Roles(label="label")))


@SETTINGS
@given(content=st.binary(max_size=64) | spoiled(npz()))
def test_any_kept_arrays(content: bytes, tmp_path: Path) -> None:
    store = Store(tmp_path)
    path = store.artefact_path("run", "latents")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    told(lambda: store.read_arrays("run", "latents"))


def pack() -> bytes:
    """An archive as `aebench pack` makes it, small."""
    members = {"records/run.json": RECORD, "study/any.toml": STUDY, "artefacts/run/latents.npz": npz()}
    told_of = {name: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
               for name, content in members.items()}  # fmt: skip
    manifest = {"study": "any", "suite": "1", "weights": False, "environments": [], "members": told_of}
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in {"manifest.json": json.dumps(manifest).encode(), **members}.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return file.getvalue()


@SETTINGS
@given(content=st.binary(max_size=64) | spoiled(npz()) | spoiled(pack()))
def test_any_pack(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "any.zip"
    path.write_bytes(content)

    def read() -> None:
        with opened(path):
            pass

    told(read)


@pytest.mark.parametrize("dimensions", [[0] * 70, [0, 2**32 - 1, 2**32 - 1], [2**32 - 1] * 10], ids=["rank", "0", "10"])
def test_an_idx_header_that_no_array_fits(dimensions: list[int], tmp_path: Path) -> None:
    path = tmp_path / "any"
    path.write_bytes(idx(dimensions, 8, b""))
    with pytest.raises(UserError, match="header"):
        read_idx(path)
