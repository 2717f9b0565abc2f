"""A pack held against itself: whatever was changed in it, its sender's checksums or not, is told in one line."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from packing import Members, falsified, rewritten, with_arrays
from typer.testing import CliRunner, Result

from aebench.analysis.audit import audit
from aebench.cli.app import app
from aebench.measures import of_each_image
from aebench.records.packs import opened
from aebench.records.record import RunRecord
from aebench.records.store import Store
from aebench.records.tables import parquet, run_rows


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)])


@pytest.fixture
def pack(
    make_study: Callable[..., Any],
    expand: Callable[..., Any],
    made_up_store: Callable[..., Any],
    make_timing: Callable[..., Any],
    tmp_path: Path,
) -> tuple[Path, list[RunRecord]]:
    """A pack of four runs whose numbers are the means of single images, and its records."""
    study = make_study(latent_dim="[2]", beta="[1.0]", seeds=2)
    store, records = made_up_store(expand(study))
    random = np.random.default_rng(0)
    found = []
    for record in records.values():
        distortion = random.normal(30, 4, 50).astype("float32")
        arrays, numbers = {"distortion": distortion}, {"distortion_nats": float(distortion.mean(dtype="float64"))}
        if record.metrics["rate_nats"] is not None:
            arrays["rate"] = random.normal(8, 2, 50).astype("float32")
            numbers["rate_nats"] = float(arrays["rate"].mean(dtype="float64"))
            numbers["elbo_nats"] = -numbers["distortion_nats"] - numbers["rate_nats"]
        store.write_arrays(record.run_id, "latents", arrays)
        spreads = {name: float(of_each_image(name, arrays).std(dtype="float64")) for name in numbers}
        found.append(record.model_copy(update={"metrics": {**record.metrics, **numbers}, "image_sd": spreads}))
        store.write_record(found[-1])
    store.write_timing(make_timing(found[0].spec))
    made = run("pack", tmp_path / "made-up.toml", "--out", store.root, "-o", tmp_path / "p.zip")
    assert made.exit_code == 0, made.exception
    return tmp_path / "p.zip", found


def findings(path: Path) -> tuple[str, ...]:
    with opened(path) as found:
        return audit(found).findings


def test_nothing_is_found_against_what_was_packed(pack: tuple[Path, list[RunRecord]]) -> None:
    assert findings(pack[0]) == ()
    found = run("verify", pack[0])
    assert found.exit_code == 0
    assert "not looked at: no weights are in it, so no run was measured anew" in found.stdout
    assert found.stdout.rstrip().endswith(": sound")


def test_a_number_that_is_not_the_mean_of_its_images_is_told_with_both(pack: tuple[Path, list[RunRecord]]) -> None:
    path, records = pack
    vae = next(one for one in records if one.metrics["elbo_nats"] is not None)
    elbo = vae.metrics["elbo_nats"]
    assert elbo is not None
    (line,) = findings(falsified(path, vae.run_id, elbo_nats=elbo + 0.001))
    assert line == f"{vae.run_id} says elbo_nats {elbo + 0.001:.8g}, and its single images have a mean of {elbo:.8g}"
    found = run("verify", path)
    assert found.exit_code == 1
    assert f"wrong: {line}" in found.stdout


def test_a_spread_that_is_not_that_of_its_images_is_told_with_both(pack: tuple[Path, list[RunRecord]]) -> None:
    path, records = pack
    (run_id, sd), *_ = ((one.run_id, one.image_sd["distortion_nats"]) for one in records)

    def less(members: Members) -> None:
        record = next(one for one in records if one.run_id == run_id)
        changed(record, members, image_sd=record.image_sd | {"distortion_nats": 0.99 * sd})

    (line,) = findings(rewritten(path, less))
    assert line == (
        f"{run_id} says that distortion_nats differs by {0.99 * sd:.8g} (sd) between single images, "
        f"which differ by {sd:.8g}"
    )


def changed(record: RunRecord, members: Members, **update: Any) -> None:
    """The record with other contents, and the table with them."""
    name = f"records/{record.run_id}.json"
    members[name] = record.model_copy(update=update).model_dump_json(indent=1).encode()
    found = [RunRecord.model_validate_json(members[one]) for one in members if one.startswith("records/")]
    members["runs.parquet"] = parquet(run_rows(found))


CHANGES: dict[str, tuple[Callable[[RunRecord, Members], None], str]] = {
    "record alone": (
        lambda record, members: members.update(
            {f"records/{record.run_id}.json": members[f"records/{record.run_id}.json"].replace(b'"ok"', b'"diverged"')}
        ),
        "runs.parquet says outcome 'ok' of {run}, and its record 'diverged'",
    ),
    "another seed": (
        lambda record, members: changed(record, members, spec=record.spec.model_copy(update={"seed": 77})),
        "records/{run}.json: what is told in it does not hash to its name",
    ),
    "no record": (
        lambda record, members: members.update({f"records/{record.run_id}.json": b"[" * 100_000}),
        "records/{run}.json is no valid RunRecord",
    ),
    "no table": (lambda record, members: (members.pop("runs.parquet"), None)[1], "runs.parquet is not in it"),
    "no images": (
        lambda record, members: members.update(
            {
                f"artefacts/{record.run_id}/latents.npz": with_arrays(
                    members[f"artefacts/{record.run_id}/latents.npz"], distortion=np.full(50, np.nan)
                )
            }
        ),
        "{run} says distortion_nats",
    ),
    "pictures of nobody": (
        lambda record, members: members.update(
            {"artefacts/nobody/figures.npz": members[f"artefacts/{record.run_id}/figures.npz"]}
        ),
        "artefacts/nobody are of no run in it",
    ),
    "no study": (
        lambda record, members: members.update({"study/made-up.toml": b"a = ["}),
        "its study cannot be read: study/made-up.toml is not valid TOML",
    ),
    "a grid without end": (
        lambda record, members: members.update(
            {
                "study/made-up.toml": members["study/made-up.toml"]
                .replace(b"seeds = 2", b"seeds = 100000")
                .replace(b"beta = [1.0]", b"beta = [%s]" % b", ".join(b"%d.0" % number for number in range(1, 40)))
            }
        ),
        "its study cannot be read: study made-up has 4,000,000 runs (vae: beta 39 x seeds 100000), and at most",
    ),
    "no time": (
        lambda record, members: members.update(
            {
                name: re.sub(rb'"seconds": \[[^]]*\]', b'"seconds": [0.0]', content)
                for name, content in members.items()
                if name.startswith("timings/")
            }
        ),
        "tells of no time",
    ),
    "deep code": (
        lambda record, members: members.update(
            {
                "study/made-up.toml": members["study/made-up.toml"] + b'\n[[variant]]\nname = "x"\nfile = "x.py"\n',
                "study/x.py": b"x = " + b"(" * 100_000,
            }
        ),
        "its study cannot be read",
    ),
    "a file elsewhere": (
        lambda record, members: members.update(
            {"study/made-up.toml": members["study/made-up.toml"] + b'\n[[variant]]\nname = "x"\nfile = "/dev/zero"\n'}
        ),
        "its study cannot be read: study/made-up.toml names the file '/dev/zero', which is not in its folder",
    ),
    "a file above": (
        lambda record, members: members.update(
            {"study/made-up.toml": members["study/made-up.toml"] + b'\n[[variant]]\nname = "x"\nfile = "../../x.py"\n'}
        ),
        "which is not in its folder",
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_was_changed_is_told(pack: tuple[Path, list[RunRecord]], what: str) -> None:
    path, records = pack
    change, told = CHANGES[what]
    found = findings(rewritten(path, lambda members: change(records[0], members)))
    assert any(told.format(run=records[0].run_id) in line for line in found), found
    assert not any("\n" in line or "/tmp/" in line for line in found)


def test_other_machines_and_weights_than_there_are_are_told(pack: tuple[Path, list[RunRecord]]) -> None:
    def lie(told: dict[str, Any]) -> None:
        told["environments"][0]["device"] = "Made-up GPU"
        told["weights"] = True

    assert findings(rewritten(pack[0], manifest=lie)) == (
        "its manifest tells of other machines than its records",
        "its manifest says that weights are in it",
    )


def test_packs_and_folders_are_merged_alike(pack: tuple[Path, list[RunRecord]], tmp_path: Path) -> None:
    path, records = pack
    whole = Store(tmp_path / "reports")
    for out, given in (("a", [whole.root]), ("b", [path]), ("c", [path, whole.root])):
        found = run("merge", tmp_path / out, *given)
        assert found.exit_code == 0, found.exception
    contents = [
        {str(one.relative_to(tmp_path / out)): one.read_bytes() for one in (tmp_path / out).rglob("*.*")}
        for out in "abc"
    ]
    assert contents[0] == contents[1] == contents[2]
    assert {one.run_id for one in Store(tmp_path / "b").read_records()} == {one.run_id for one in records}
    falsified(path, records[0].run_id, recon_mse=0.5)
    found = run("merge", tmp_path / "d", whole.root, path)
    assert found.exit_code == 1
    mse = records[0].metrics["recon_mse"]
    assert f"{records[0].run_id} has other numbers in {whole.root}, {path}: recon_mse {mse} and 0.5" in found.stderr


def test_a_damaged_pack_is_not_merged(pack: tuple[Path, list[RunRecord]], tmp_path: Path) -> None:
    rewritten(pack[0], lambda members: members.update({"runs.parquet": b""}), checked=False)
    found = run("merge", tmp_path / "out", pack[0])
    assert "is damaged: runs.parquet has another checksum than the manifest says" in str(found.exception)
    assert not (tmp_path / "out").exists()


def test_a_study_brings_its_files_along_or_says_what_to_do(tmp_path: Path, pack: tuple[Path, Any]) -> None:
    own = (
        "from aebench.models import VAE, register\n@register('own-vae', version=1)\nclass Own(VAE):\n    '''Mine.'''\n"
    )
    (tmp_path / "own.py").write_text(own)
    study = tmp_path / "made-up.toml"
    text = study.read_text()
    study.write_text(text + '\n[[variant]]\nname = "own-vae"\nfile = "own.py"\n')
    assert run("pack", study, "--out", tmp_path / "reports", "-o", tmp_path / "q.zip").exit_code == 0
    with opened(tmp_path / "q.zip") as found:
        assert (found.store.root / "study" / "own.py").read_text() == own
        assert audit(found).findings == ()
    (tmp_path / "own.py").rename(tmp_path.parent / "own.py")
    study.write_text(text + '\n[[variant]]\nname = "own-vae"\nfile = "../own.py"\n')
    refused = run("pack", study, "--out", tmp_path / "reports", "-o", tmp_path / "r.zip")
    assert "names the file '../own.py', which is not in its folder; put it there" in str(refused.exception)
    (tmp_path.parent / "own.py").unlink()


@pytest.mark.parametrize("by", ["\u202eevil", "a\nb", "x" * 201])
def test_a_sender_has_a_plain_name(pack: tuple[Path, Any], tmp_path: Path, by: str) -> None:
    found = run("pack", tmp_path / "made-up.toml", "--out", tmp_path / "reports", "-o", tmp_path / "q.zip", "--by", by)
    assert "--by takes one line of at most 200 printable characters" in str(found.exception)
    assert not (tmp_path / "q.zip").exists()


def test_a_table_of_timings_has_every_round(pack: tuple[Path, Any], tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    (timing,) = Store(tmp_path / "reports").read_timings()
    with opened(pack[0]) as found:
        rows = pq.read_table(io.BytesIO((found.store.root / "timings.parquet").read_bytes())).to_pylist()
        told = json.loads((found.store.root / "timings" / f"{_name(found.store)}").read_text())
    assert told["timing_id"] == timing.timing_id
    for name, timed in timing.operations.items():
        assert tuple(row["seconds"] for row in rows if row["operation"] == name) == timed.seconds


def _name(store: Store) -> str:
    (path,) = (store.root / "timings").glob("*.json")
    return path.name
