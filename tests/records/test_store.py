from __future__ import annotations

import errno
import itertools
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest

from aebench.errors import UserError
from aebench.records import arrays as archives
from aebench.records.record import RunRecord, TimingRecord
from aebench.records.store import Store, environment_key
from aebench.records.writing import write_aside

FROZEN = Path(__file__).parent.parent / "records" / "frozen"
RUN = (FROZEN / "run_record_v1.json").read_text()


@pytest.fixture
def record() -> RunRecord:
    return RunRecord.model_validate_json(RUN)


@pytest.fixture
def timing() -> TimingRecord:
    return TimingRecord.model_validate_json((FROZEN / "timing_record_v1.json").read_text())


@pytest.fixture
def warnings() -> list[str]:
    return []


@pytest.fixture
def store(tmp_path: Path, warnings: list[str]) -> Store:
    return Store(tmp_path / "study", warn=warnings.append)


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def fail(file: IO[bytes]) -> None:
    file.write(b"half")
    raise RuntimeError("interrupted")


def test_what_is_written_is_read(store: Store, record: RunRecord, timing: TimingRecord) -> None:
    assert store.read_record(record.spec) is None
    assert store.read_timings() == []
    store.write_record(record)
    store.write_timing(timing)
    assert store.read_record(record.spec) == record
    assert store.read_timings() == [timing]
    assert json.loads(store.record_path(record.spec).read_text()) == json.loads(record.model_dump_json())
    assert stat.S_IMODE(store.record_path(record.spec).stat().st_mode) == 0o644


def test_a_store_makes_no_folder_until_something_is_written(store: Store, record: RunRecord) -> None:
    store.read_record(record.spec)
    store.read_arrays(record.run_id, "weights")
    assert not store.root.exists()


def test_arrays_come_back_as_they_were(store: Store) -> None:
    arrays = {"encoder/kernel": np.arange(6, dtype=np.float32).reshape(2, 3), "names": np.array(["a", "β"])}
    store.write_arrays("run", "weights", arrays)
    back = store.read_arrays("run", "weights")
    assert back is not None
    assert set(back) == set(arrays)
    assert all(np.array_equal(back[name], arrays[name]) for name in arrays)
    assert store.read_arrays("run", "latents") is None


@pytest.mark.parametrize("keep", [0, 100])
def test_damaged_arrays_are_named(store: Store, keep: int) -> None:
    store.write_arrays("run", "weights", {"kernel": np.zeros(1000)})
    path = store.artefact_path("run", "weights")
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(UserError, match=r"cannot read .*weights\.npz: .*; remove records/run\.json"):
        store.read_arrays("run", "weights")


@pytest.mark.parametrize("wanted", [None, ("mean", "nll")])
@pytest.mark.parametrize("name", ["latents", "figures"])
def test_any_byte_that_is_flipped_in_kept_arrays_is_found_or_changes_nothing(
    store: Store, name: str, wanted: tuple[str, ...] | None
) -> None:
    arrays = {"mean": np.arange(6, dtype="float32"), "nll": np.arange(2.0)}
    store.write_arrays("run", name, arrays)
    store.write_arrays("run", "weights", arrays)
    path = store.artefact_path("run", name)
    content, found = path.read_bytes(), 0
    for at, flipped in itertools.product(range(len(content)), (1, 128)):
        path.write_bytes(content[:at] + bytes([content[at] ^ flipped]) + content[at + 1 :])
        archives._places.cache_clear()  # changes within one tick of the file system's clock, which no writer here makes
        try:
            back = store.read_arrays("run", name, wanted)
        except UserError as error:
            assert str(error).endswith("run `aebench rescore` to make it again from the run's weights")  # noqa: PT017
            found += 1
        else:
            assert back is not None
            assert back.keys() == arrays.keys() or wanted  # what is called otherwise is not there
            assert all(np.array_equal(back[key], arrays[key]) for key in back)
    assert found > len(content)  # all but what archives keep of dates, systems and the like


def test_a_writer_that_raises_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError):
        write_aside(tmp_path / "file", fail)
    assert files(tmp_path) == []


def test_a_writer_that_raises_leaves_the_old_file(tmp_path: Path) -> None:
    write_aside(tmp_path / "file", lambda file: file.write(b"old"))
    with pytest.raises(RuntimeError):
        write_aside(tmp_path / "file", fail)
    assert files(tmp_path) == ["file"]
    assert (tmp_path / "file").read_bytes() == b"old"


def test_a_file_is_whole_before_it_has_its_name(tmp_path: Path) -> None:
    def write(file: IO[bytes]) -> None:
        file.write(b"new")
        assert not (tmp_path / "file").exists()

    write_aside(tmp_path / "file", write)
    assert (tmp_path / "file").read_bytes() == b"new"


def test_a_full_disk_is_told_and_loses_nothing(
    store: Store, record: RunRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write_record(record)

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match=r"cannot write .*: No space left on device; nothing finished before was lost"):
        store.write_record(record.model_copy(update={"outcome": "diverged"}))
    assert store.read_record(record.spec) == record
    assert files(store.root) == [f"{record.run_id}.json"]


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path, record: RunRecord) -> None:
    (tmp_path / "file").write_text("")
    store = Store(tmp_path / "file" / "study")
    with pytest.raises(UserError, match=r"cannot write .*: Not a directory"):
        store.write_record(record)
    with pytest.raises(UserError, match=r"cannot read .*: Not a directory"):
        store.read_record(record.spec)


def changed(**changes: Any) -> str:
    return json.dumps({**json.loads(RUN), **changes})


INVALID = {
    "no JSON": "what?",
    "empty": "",
    "truncated": RUN[: len(RUN) // 2],
    "unknown field": changed(device="CPU"),
    "newer schema": changed(schema_number=2),
    "missing field": json.dumps({key: value for key, value in json.loads(RUN).items() if key != "curve"}),
    "NaN": changed(metrics={"elbo_nats": float("nan")}),
    "another run's record": changed(spec={**json.loads(RUN)["spec"], "seed": 1}),
    "another run's name": changed(run_id="other"),
    "not UTF-8": b"\xff\xfe",
}


@pytest.mark.parametrize("case", INVALID)
def test_an_invalid_record_is_set_aside_and_made_again(
    case: str, store: Store, record: RunRecord, warnings: list[str]
) -> None:
    content = INVALID[case] if isinstance(INVALID[case], bytes) else str(INVALID[case]).encode()
    store.write_record(record)
    path = store.record_path(record.spec)
    path.write_bytes(content)
    assert store.read_record(record.spec) is None
    aside = path.with_name(f"{path.name}.invalid-1")
    assert files(store.root) == [aside.name]
    assert aside.read_bytes() == content
    assert len(warnings) == 1
    assert str(path) in warnings[0]
    assert f"set aside as {aside.name} and will be made again" in warnings[0]


def test_records_set_aside_are_never_overwritten(store: Store, record: RunRecord, warnings: list[str]) -> None:
    path = store.record_path(record.spec)
    for content in ("first", "second"):
        store.write_record(record)
        path.write_text(content)
        assert store.read_record(record.spec) is None
    asides = [path.with_name(f"{path.name}.invalid-{number}") for number in (1, 2)]
    assert [aside.read_text() for aside in asides] == ["first", "second"]
    assert len(warnings) == 2


def test_an_invalid_timing_is_set_aside(store: Store, timing: TimingRecord, warnings: list[str]) -> None:
    store.write_timing(timing)
    path = store.timing_path(timing.spec, timing.environment)
    path.write_text("{}")
    assert store.read_timings() == []
    assert files(store.root) == [f"{path.name}.invalid-1"]
    assert "is not a valid TimingRecord" in warnings[0]


def test_a_record_that_cannot_be_read_is_left_alone(
    store: Store, record: RunRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write_record(record)

    def refuse(path: Path) -> bytes:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(UserError, match=r"cannot read .*: Permission denied; make it readable or remove it"):
        store.read_record(record.spec)
    assert files(store.root) == [f"{record.run_id}.json"]


def test_a_failure_is_kept_until_its_run_is_finished(store: Store, record: RunRecord) -> None:
    path = store.write_failure(record.run_id, "Traceback …")
    assert path.read_text(encoding="utf-8") == "Traceback …"
    store.write_record(record)
    assert not path.exists()


@pytest.mark.parametrize(
    ("change", "another"),
    [
        ({"device": "Another CPU"}, True),
        ({"cores": 64}, True),
        ({"versions": {"keras": "3.16.0"}}, True),
        ({"platform": "Darwin arm64"}, True),
        ({"commit": "0123abc"}, False),
    ],
)
def test_timings_are_keyed_by_environment(
    change: dict[str, Any], another: bool, store: Store, timing: TimingRecord
) -> None:
    elsewhere = timing.environment.model_copy(update=change)
    store.write_timing(timing)
    store.write_timing(timing.model_copy(update={"environment": elsewhere}))
    assert (environment_key(elsewhere) != environment_key(timing.environment)) is another
    assert len(store.read_timings()) == (2 if another else 1)


def test_one_file_for_each_run(make_runs: Callable[[int], list[RunRecord]], store: Store) -> None:
    runs = make_runs(3)
    for run in runs:
        store.write_record(run)
    assert files(store.root / "records") == sorted(f"{run.run_id}.json" for run in runs)
    assert [store.read_record(run.spec) for run in runs] == runs


@pytest.fixture
def make_runs(record: RunRecord) -> Callable[[int], list[RunRecord]]:
    """make_runs(n) -> n records that differ in their seed."""

    def make(count: int) -> list[RunRecord]:
        specs = [record.spec.model_copy(update={"seed": seed}) for seed in range(count)]
        return [record.model_copy(update={"spec": spec, "run_id": spec.run_id}) for spec in specs]

    return make


@pytest.mark.parametrize("kind", ["latents", "figures"])
def test_a_changed_bit_anywhere_in_kept_arrays_changes_no_number(tmp_path: Path, kind: str) -> None:
    """It is told, or changes what is not read, as a member's date, or an array is no longer there."""
    store = Store(tmp_path)
    arrays = {"mean": np.arange(12, dtype="float32").reshape(4, 3), "distortion": np.ones(4, "float32")}
    store.write_arrays("run", kind, arrays)
    path = store.artefact_path("run", kind)
    whole = bytearray(path.read_bytes())
    told = 0
    for place in range(len(whole)):
        for bits in (0x01, 0xFF):
            whole[place] ^= bits
            path.write_bytes(whole)
            whole[place] ^= bits
            try:
                found = store.read_arrays("run", kind) or {}
            except UserError:
                told += 1
                continue
            for name in found.keys() & arrays.keys():
                np.testing.assert_array_equal(found[name], arrays[name], strict=True)
    assert told > len(whole)


def test_arrays_have_the_lengths_that_their_headers_say(tmp_path: Path) -> None:
    store = Store(tmp_path)
    arrays = {"long": np.zeros((30, 2)), "columns": np.asfortranarray(np.zeros((4, 3))), "one": np.array(1.0)}
    for name in ("latents", "figures"):  # the second is compressed
        store.write_arrays("run", name, arrays)
        assert store.array_lengths("run", name) == {"long": 30, "columns": 4, "one": 1}
    assert store.array_lengths("another", "latents") == {}
    path = store.artefact_path("run", "latents")
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(UserError, match="cannot read"):
        store.array_lengths("run", "latents")
