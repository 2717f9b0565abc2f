"""Packs as archives: the same to the byte, and nothing that a stranger puts into one harms whoever opens it."""

from __future__ import annotations

import io
import re
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from packing import rewritten

from aebench.errors import UserError
from aebench.records import packs, tables
from aebench.records.packs import UnsoundPackError, opened
from aebench.records.record import RunRecord
from aebench.records.store import Store


def npz(**arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def lying_npy(shape: str) -> bytes:
    """An npz whose array has eight bytes and says that it has another shape."""
    file, header = io.BytesIO(), f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".encode()
    content = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(8)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("mean.npy", content)
    return file.getvalue()


@pytest.fixture
def store(make_study: Callable[..., Any], expand: Callable[..., Any], made_up_store: Callable[..., Any]) -> Store:
    study = make_study(latent_dim="[2]", beta="[1.0]", seeds=1)
    made, _ = made_up_store(expand(study))
    for record in made.read_records():
        made.write_arrays(record.run_id, "weights", {"kernel": np.ones((2, 3))})
    return made


@pytest.fixture
def pack(store: Store, tmp_path: Path, environment: Any) -> Callable[..., Path]:
    """pack(weights=False) -> an archive of the store."""

    def make(name: str = "made.zip", *, weights: bool = False) -> Path:
        head = packs.Manifest(
            study="made-up", by="Ada", suite="0.1.0", weights=weights, environments=(environment,), members={}
        )
        files = {
            packs.RUNS: tables.parquet(tables.run_rows(store.read_records())),
            "study/made-up.toml": b"seeds = 1",
        }
        packs.write(tmp_path / name, head, store, {one.run_id for one in store.read_records()}, files)
        return tmp_path / name

    return make


def test_damaged_arrays_are_not_packed(store: Store, pack: Callable[..., Path]) -> None:
    path = next(store.root.glob("artefacts/*/figures.npz"))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match=f"{re.escape(str(path))} is damaged: .*; run `aebench rescore`"):
        pack()


def test_the_same_store_gives_the_same_bytes_whenever_it_is_packed(pack: Callable[..., Path], store: Store) -> None:
    first = pack().read_bytes()
    for path in store.root.rglob("*"):
        path.touch()
    assert pack("again.zip").read_bytes() == first


def test_what_is_unpacked_is_what_was_packed_and_is_removed(pack: Callable[..., Path], store: Store) -> None:
    for weights in (False, True):
        with opened(pack(weights=weights)) as found:
            assert found.damaged == ()
            assert found.store.read_records() == store.read_records()
            there = {path.relative_to(found.store.root) for path in found.store.root.rglob("*.npz")}
            wanted = {path.relative_to(store.root) for path in store.root.rglob("*.npz")}
            assert there == {path for path in wanted if weights or path.stem != "weights"}
            assert found.study.read_bytes() == b"seeds = 1"
            root = found.store.root
        assert not root.exists()


def test_runs_without_a_record_and_hidden_files_stay_behind(pack: Callable[..., Path], store: Store) -> None:
    before = pack().read_bytes()
    store.write_arrays("nobody", "latents", {"mean": np.ones(2)})
    (store.root / "records" / ".half.json").write_text("{}")
    assert pack("again.zip").read_bytes() == before


def test_a_pack_has_weights_where_there_are_some(pack: Callable[..., Path], store: Store) -> None:
    for path in store.root.rglob("weights.npz"):
        path.unlink()
    with opened(pack(weights=True)) as found:
        assert not found.manifest.weights


def test_a_large_array_is_held_against_its_checksum_to_the_end(pack: Callable[..., Path], store: Store) -> None:
    run = store.read_records()[0].run_id
    store.write_arrays(run, "latents", {"mean": np.random.default_rng(0).random(100_000)})
    name = f"artefacts/{run}/latents.npz"

    def damaged(members: dict[str, bytes]) -> None:
        content = bytearray(members[name])
        content[content.rindex(b"PK\x01\x02") - 1] ^= 1  # the array's last byte lies before the list of members
        members[name] = bytes(content)

    with opened(rewritten(pack(), damaged)) as found:
        assert found.damaged == (f"artefacts/{run}/latents.npz holds no whole arrays",)


def test_a_number_that_no_table_holds_is_told(store: Store, tmp_path: Path) -> None:
    path, rows = tmp_path / "runs.parquet", tables.run_rows(store.read_records())
    path.write_bytes(tables.parquet(rows))
    assert "too large for a table" in tables.differing(path, [{**row, "seed": 2**70} for row in rows])


def test_tables_hold_every_number_of_the_records(store: Store) -> None:
    import pyarrow.parquet as pq

    records = store.read_records()
    rows = pq.read_table(io.BytesIO(tables.parquet(tables.run_rows(records)))).to_pylist()
    assert [row["run_id"] for row in rows] == [record.run_id for record in records]
    for row, record in zip(rows, records, strict=True):
        assert {name: row[f"metric.{name}"] for name in record.metrics} == record.metrics
        assert row["setting.beta"] == record.spec.scalars.get("beta")
        assert row["seed"] == record.spec.seed


def test_a_table_that_says_another_number_is_told_with_both(store: Store, tmp_path: Path) -> None:
    records = store.read_records()
    false = [one.model_copy(update={"metrics": {**one.metrics, "recon_mse": 0.5}}) for one in records[:1]]
    path = tmp_path / "runs.parquet"
    path.write_bytes(tables.parquet(tables.run_rows([*false, *records[1:]])))
    rows = tables.run_rows(records)
    assert tables.differing(path, rows) == (
        f"says metric.recon_mse 0.5 of {records[0].run_id}, and its record {records[0].metrics['recon_mse']}"
    )
    path.write_bytes(tables.parquet(tables.run_rows(records[1:])))
    assert "rows of" in tables.differing(path, rows)
    for content in (b"", b"PAR1", tables.parquet(rows)[:-20]):
        path.write_bytes(content)
        assert tables.differing(path, rows) == "is no whole Parquet file"


def symlink(archive: zipfile.ZipFile) -> None:
    info = zipfile.ZipInfo("records/link.json")
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    archive.writestr(info, "/etc/passwd")


def bomb(archive: zipfile.ZipFile) -> None:
    archive.writestr("records/bomb.json", bytes(1 << 26), zipfile.ZIP_DEFLATED)


HOSTILE: dict[str, tuple[Callable[[zipfile.ZipFile], None], str]] = {
    "above": (lambda archive: archive.writestr("../up.json", "{}"), r"\.\./up\.json is no place in a pack"),
    "inside": (lambda archive: archive.writestr("records/../../up.json", "{}"), "is no place in a pack"),
    "absolute": (lambda archive: archive.writestr("/tmp/up.json", "{}"), "is no place in a pack"),
    "backslashes": (lambda archive: archive.writestr("records\\..\\up.json", "{}"), "is no place in a pack"),
    "unknown": (lambda archive: archive.writestr("setup.py", "{}"), r"setup\.py is no place in a pack"),
    "hidden": (lambda archive: archive.writestr("records/.x.json", "{}"), "is no place in a pack"),
    "escapes": (lambda archive: archive.writestr("\x1b[2Jx", "{}"), r"\\x1b\[2Jx is no place in a pack"),
    "long": (lambda archive: archive.writestr("x" * 10_000, "{}"), r"x{120}\.\.\. is no place in a pack"),
    "twice": (lambda archive: archive.writestr("runs.parquet", "{}"), r"runs\.parquet is in it twice"),
    "link": (symlink, r"records/link\.json is a link or no file"),
    "bomb": (bomb, r"its [\d,]+ bytes would unpack to [\d,]+"),
    "bzip2": (lambda archive: archive.writestr("records/x.json", "{}", zipfile.ZIP_BZIP2), "compressed in a way"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_archive_is_refused_in_one_line_and_nothing_is_written(
    pack: Callable[..., Path], tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    add, told = HOSTILE[what]
    path = rewritten(pack(), add=add)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UnsoundPackError, match=told) as error, opened(path):
        pass
    assert "\n" not in str(error.value)
    assert "\x1b" not in str(error.value)
    assert sorted(tmp_path.rglob("*")) == before


MANIFESTS: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "format": (lambda told: told.update(format_number=2), "its manifest.json is not of format 1: format_number"),
    "more": (lambda told: told.update(more=1), "not of format 1: more"),
    "study": (lambda told: told.update(study="../x"), "not of format 1: study"),
    "by": (lambda told: told.update(by="\u202e"), "not of format 1: by: .*printable"),
    "longer": (lambda told: told.update(by="x" * 10_000), "not of format 1: by"),
}


@pytest.mark.parametrize("what", MANIFESTS)
def test_a_manifest_of_another_form_is_refused(pack: Callable[..., Path], what: str) -> None:
    change, told = MANIFESTS[what]
    with pytest.raises(UnsoundPackError, match=told), opened(rewritten(pack(), manifest=change)):
        pass


def test_a_pack_that_is_cut_anywhere_is_told_or_refused(pack: Callable[..., Path]) -> None:
    path = pack()
    whole = path.read_bytes()
    for length in np.linspace(0, len(whole) - 1, 40).astype(int):
        path.write_bytes(whole[:length])
        with pytest.raises(UnsoundPackError, match="is no sound pack"), opened(path):
            pass


def test_a_byte_that_changes_anywhere_is_found(pack: Callable[..., Path], store: Store) -> None:
    """Or changes nothing that is read of the pack, as the time of a member."""
    path = pack()
    whole = bytearray(path.read_bytes())
    with opened(path) as found:
        manifest = found.manifest
    quiet = 0
    for place in np.random.default_rng(0).integers(0, len(whole), 80):
        whole[place] ^= 0xFF
        path.write_bytes(whole)
        whole[place] ^= 0xFF
        try:
            with opened(path) as found:
                if not found.damaged and found.manifest == manifest:
                    assert found.store.read_records() == store.read_records()
                    quiet += 1
        except UnsoundPackError:
            pass
    assert quiet < 10


def test_names_that_only_a_manifest_has_are_told_and_nothing_is_done_to_them(
    pack: Callable[..., Path], tmp_path: Path
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    told = {"sha256": "0" * 64, "bytes": 1}
    path = rewritten(pack(), manifest=lambda manifest: manifest["members"].update({str(victim): told}))
    with opened(path) as found:
        assert found.damaged == (f"{victim} is in the manifest and not in the pack",)
    assert victim.read_text() == "mine"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (npz(mean=np.array([{"a": 1}], dtype=object)), "holds Python objects, which loading would run"),
        (lying_npy("(1000000000000000,)"), "holds an array of another length"),
        (lying_npy("(4294967296, 4294967296, 2)"), "holds an array of another length"),
        (lying_npy("(-1, -1)"), "holds an array of another length"),
        (npz(mean=np.zeros(4))[:-30], "holds no whole arrays"),
        (b"no arrays", "holds no whole arrays"),
    ],
    ids=["pickle", "long", "overflow", "negative", "cut", "text"],
)
def test_arrays_that_are_not_to_be_loaded_are_told_and_not_kept(
    pack: Callable[..., Path], content: bytes, told: str
) -> None:
    def change(members: dict[str, bytes]) -> None:
        members.update({name: content for name in members if name.endswith(".npz")})

    with opened(rewritten(pack(), change)) as found:
        assert {line.partition(" ")[2] for line in found.damaged} == {told}
        assert not [*found.store.root.rglob("*.npz")]


def test_an_array_that_would_fill_the_memory_is_told(pack: Callable[..., Path]) -> None:
    file = io.BytesIO()
    np.savez_compressed(file, mean=np.zeros(1 << 22))
    with opened(rewritten(pack(), lambda members: members.update({"artefacts/x/y.npz": file.getvalue()}))) as found:
        assert found.damaged == ("artefacts/x/y.npz would unpack to far more than it is",)


def test_a_member_that_was_changed_is_told(pack: Callable[..., Path], store: Store) -> None:
    record = store.read_records()[0]
    name = f"records/{record.run_id}.json"

    def change(members: dict[str, bytes]) -> None:
        members[name] = members[name].replace(b'"ok"', b'"diverged"')

    with opened(rewritten(pack(), change, checked=False)) as found:
        assert found.damaged == (f"{name} is longer than the manifest says",)
        assert record.run_id not in {one.run_id for one in found.store.read_records()}
    with opened(rewritten(pack(), lambda m: m.update({name: m[name].replace(b'"ok"', b'"no"')}), checked=False)) as bad:
        assert bad.damaged == (f"{name} has another checksum than the manifest says",)


def test_what_cannot_be_read_is_no_unsound_pack(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot read the pack .*: No such file"), opened(tmp_path / "none.zip"):
        pass


def test_a_record_of_another_run_is_set_aside_and_told(store: Store) -> None:
    lines: list[str] = []
    path = sorted((store.root / "records").glob("*.json"))[0]
    content = path.read_text()
    record = RunRecord.model_validate_json(content)
    path.write_text(content.replace('"seed": 0', '"seed": 7'))
    assert record not in Store(store.root, lines.append).read_records()
    assert not path.exists()
    seventh = record.spec.model_copy(update={"seed": 7})
    assert re.search(f"is not the record of that run: what it says was run has the id {seventh.run_id}; ", lines[0])
    assert len(lines) == 1
