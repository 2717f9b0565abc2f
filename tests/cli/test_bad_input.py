"""Bad input ends in one line that says what came, what is allowed and what to do."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from aebench import study as studies
from aebench.cli.app import app
from aebench.errors import UserError

GRID = {"dataset": '"digits"', "seeds": "1", "epochs": "1", "latent_dim": "2"}
AE = '[[variant]]\nname = "ae"\n'
VAE = '[[variant]]\nname = "vae"\n'
OWN = """
from aebench.models.base import Autoencoder, register


@register("{name}", version=1)
class Own(Autoencoder):
    def __init__(self, latent_dim, *, {setting}, **options):
        super().__init__(latent_dim, **options)
"""


def grid(variants: str = AE, **changes: str) -> str:
    return "".join(f"{key} = {value}\n" for key, value in {**GRID, **changes}.items()) + variants


@pytest.fixture
def study_file(tmp_path: Path) -> Callable[[str], Path]:
    """study_file(text) -> the path of bad.toml with that text."""

    def write(text: str) -> Path:
        path = tmp_path / "bad.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def refused(*arguments: object) -> str:
    """The message of the UserError in which this command ends."""
    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert isinstance(result.exception, UserError), result.output
    message = str(result.exception)
    assert "\n" not in message
    return message


UNKNOWN = {
    "data set": (grid(dataset='"digit"'), "dataset: unknown value 'digit'; known: digits", "'digits'"),
    "data set in capitals": (grid(dataset='"MNIST"'), "dataset: unknown value 'MNIST'; known: digits", "'mnist'"),
    "network": (grid(network='"mpl"'), "network: unknown value 'mpl'; known: linear, mlp", "'mlp'"),
    "likelihood": (
        grid(likelihood='["bernoulli", "gausian"]'),
        "likelihood: unknown value 'gausian'; known: bernoulli",
        "'gaussian'",
    ),
    "train_on": (grid(train_on='"training"'), "train_on: unknown value 'training'; known: train,", "'train'"),
    "key": (grid(latent_dims="2"), "unknown key 'latent_dims'; known: name, title", "'latent_dim'"),
    "variant": (
        grid('[[variant]]\nname = "bvae"\n'),
        "variant: unknown variant 'bvae'; known: adversarial-ae",
        "'vae'",
    ),
    "key of a variant": (
        grid(f"{VAE}betta = 2.0\n"),
        "variant vae: unknown key 'betta'; known: name, file, beta",
        "'beta'",
    ),
    "network of a variant": (
        grid(f'{VAE}network = "convv"\n'),
        "variant vae: network: unknown value 'convv'; known: linear",
        "'conv'",
    ),
}


@pytest.mark.parametrize(
    ("text", "how"),
    [
        (grid(network='"mine-own"'), "one of your own needs a file and a table [[own_network]] with name and file"),
        (grid('[[variant]]\nname = "own"\n'), 'one of your own needs a file: file = "FILE.py" beside its name'),
    ],
)
def test_who_means_something_of_their_own_is_told_how_to_bring_it(
    text: str, how: str, study_file: Callable[[str], Path]
) -> None:
    assert refused("bench", study_file(text)).endswith(f"; {how}")


@pytest.mark.parametrize("case", UNKNOWN)
def test_unknown_names_are_told_with_file_key_and_the_nearest(case: str, study_file: Callable[[str], Path]) -> None:
    text, told, nearest = UNKNOWN[case]
    path = study_file(text)
    message = refused("bench", path)
    assert message.startswith(f"{path}: {told}")
    assert message.endswith(f"(did you mean {nearest}?)")


VALUES = {
    **{
        f"{key} {value}": (grid(**{key: value}), f"{key}: ", allowed)
        for key in ("latent_dim", "epochs", "batch_size", "seeds")
        for value, allowed in {
            "0": "a whole number of at least 1",
            "-1": "a whole number of at least 1",
            "2.5": "is not a whole number",
            "2.0": "is not a whole number",
            "true": "True is not a whole number",
            '"two"': "'two' is not a whole number",
            "[]": "an empty list",
            "nan": "is not a whole number",
            "{ a = 1 }": "is not a whole number",
        }.items()
    },
    **{
        f"beta {value}": (grid(f"{VAE}beta = {value}\n"), "variant vae: beta: ", told)
        for value, told in {
            "-0.5": "-0.5 is out of range; give a finite number of at least 0",
            "[1.0, nan]": "nan is out of range",
            "inf": "inf is out of range",
            "1" + "0" * 400: "is out of range",
            '"one"': "'one' is not a number",
            "true": "True is not a number",
            "[]": "an empty list",
            "[[1.0]]": "[1.0] is not a number",
        }.items()
    },
    "learning_rate 0": (grid(learning_rate="0"), "learning_rate: ", "0 is out of range; give a finite number above 0"),
    "adam_beta_2 1": (grid(adam_beta_2="1.0"), "adam_beta_2: ", "give a finite number of at least 0 and below 1"),
    "schedule": (grid(schedule='"linear"'), "schedule: ", "unknown value 'linear'; known: constant, cosine, burda"),
    "learning_rate -1e-3": (grid(learning_rate="-1e-3"), "learning_rate: ", "out of range"),
    "one seed negative": (grid(seeds="[0, -1]"), "seeds: ", "-1 is out of range; give a whole number of at least 0"),
    "name that leaves the folder": (grid(name='"../elsewhere"'), "name: ", "'../elsewhere' cannot name a study"),
    "name of another kind": (grid(name="3"), "name: ", "3 cannot name a study"),
    "title of another kind": (grid(title="3"), "title: ", "3 is not text"),
    "network of another kind": (grid(network="512"), "network: ", "512 is not a name; put it in quotes"),
    "file of another kind": (grid(f"{VAE}file = 3\n"), "variant vae: file: ", "3 is not a path"),
    "variant that is no table": (grid("", variant='"vae"'), "no variant; ", "[[variant]]"),
    "one table for all variants": (grid('[variant]\nname = "vae"\n'), "no variant; ", "[[variant]]"),
    "no variants": (grid(""), "no variant; ", "[[variant]]"),
    "variant without a name": (grid("[[variant]]\nbeta = 1.0\n"), "a [[variant]] has no name; ", "add name"),
    **{
        f"no {key}": (
            "".join(f"{name} = {value}\n" for name, value in GRID.items() if name != key) + AE,
            f"'{key}' is missing; ",
            "give",
        )
        for key in GRID
    },
    "no TOML": ("seeds = = 1", " is not valid TOML: ", "line 1"),
}


@pytest.mark.parametrize("case", VALUES)
def test_values_that_are_not_allowed_are_told_with_file_and_key(case: str, study_file: Callable[[str], Path]) -> None:
    text, where, told = VALUES[case]
    path = study_file(text)
    message = refused("bench", path)
    assert str(path) in message
    assert where in message
    assert told in message


def test_a_file_in_another_encoding_is_not_toml(tmp_path: Path) -> None:
    path = tmp_path / "latin.toml"
    path.write_bytes(grid(title='"größer"').encode("latin-1"))
    assert "is not valid TOML" in refused("bench", path)


def test_missing_files_and_unknown_studies() -> None:
    assert refused("bench", "nowhere.toml") == (
        "cannot read the study nowhere.toml: No such file or directory; "
        "write one with: aebench init DATA -o nowhere.toml"
    )
    assert refused("table", "digit").startswith("unknown study 'digit'; known: anomaly, ")
    assert "unknown study '../smoke'" in refused("report", "../smoke")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "cannot read the file"),
        ("class Own(:\n", "is not valid Python: line 1"),
        ("x = 1\n", "unknown variant 'own'; known: none"),
        (OWN.format(name="vae", setting="weight: float = 1.0"), "unknown variant 'own'; known: vae"),
        (OWN.format(name="own", setting="seed: int = 0"), "setting 'seed'"),
        (OWN.format(name="own", setting='network: str = "conv"'), "setting 'network'"),
    ],
)
def test_a_users_own_variant_file(
    content: str | None, told: str, study_file: Callable[[str], Path], tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / "own.py").write_text(content)
    path = study_file(grid('[[variant]]\nname = "own"\nfile = "own.py"\n'))
    message = refused("bench", path)
    assert message.startswith(f"{path}: variant")
    assert told in message


@pytest.mark.parametrize("name", ["vae", "../own", "Own"])
def test_a_users_own_variant_has_a_name_of_its_own(
    name: str, study_file: Callable[[str], Path], tmp_path: Path
) -> None:
    (tmp_path / "own.py").write_text(OWN.format(name=name, setting="weight: float = 1.0"))
    path = study_file(grid(f'[[variant]]\nname = "{name}"\nfile = "own.py"\n'))
    told = "choose a name of lower-case letters, digits, '-' and '_' that is not in `aebench list variants`"
    assert told in refused("bench", path)


def test_one_name_for_two_files_is_refused(study_file: Callable[[str], Path], tmp_path: Path) -> None:
    variants = ""
    for file in ("one.py", "two.py"):
        (tmp_path / file).write_text(OWN.format(name="own", setting="weight: float = 1.0"))
        variants += f'[[variant]]\nname = "own"\nfile = "{file}"\n'
    assert "variant own comes from two files" in refused("bench", study_file(grid(variants)))


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ("variant ==", "is not a condition on variant, "),
        ("variants == 'vae'", "name 'variants' is not defined"),
        ("", "is not a condition on "),
        ("latent_dim", "is not a condition; give one such as"),
        ("latent_dim + 1", "is not a condition; give one such as"),
        ("1", "is not a condition; give one such as"),
        ("latent_dim > 99", "matches none of the study's 12 runs"),
    ],
)
def test_conditions(condition: str, told: str, tmp_path: Path) -> None:
    message = refused("bench", "smoke", "--out", tmp_path, "--only", condition)
    assert message.startswith(f"--only {condition!r} ")
    assert told in message


def test_conditions_list_the_settings_of_every_variant(tmp_path: Path) -> None:
    message = refused("bench", "smoke", "--out", tmp_path, "--only", "gamma == 1")
    assert re.search(r"on variant, .*\bseed, .*\bbeta: ", message)


@pytest.mark.parametrize("train_on", ["train", "train+validation"])
def test_a_batch_larger_than_the_training_images_is_refused_before_training(
    train_on: str, study_file: Callable[[str], Path]
) -> None:
    path = study_file(grid(batch_size="[100, 5000]", train_on=f'"{train_on}"'))
    message = refused("bench", path)
    assert re.fullmatch(
        rf"batch_size 5000 is larger than what digits has to train on \(\d+ images in {re.escape(train_on)}\); "
        "lower it in the study",
        message,
    )


@pytest.mark.parametrize("command", ["table", "report", "rescore"])
def test_without_finished_runs_there_is_nothing_to_tell(command: str, tmp_path: Path) -> None:
    assert "no finished runs of study 'smoke'" in refused(command, "smoke", "--out", tmp_path)


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ({"x_train": np.full((4, 2, 2), np.nan), "x_test": np.zeros((4, 2, 2))}, "NaN"),
        ({"x_test": np.zeros((4, 2, 2))}, "has no x_train"),
        ({"x_train": np.array([{}] * 4), "x_test": np.zeros((4, 2, 2))}, "without pickled objects"),
    ],
)
def test_images_that_are_none_are_not_imported(arrays: dict[str, np.ndarray], told: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "bad.npz", allow_pickle=True, **arrays)
    message = refused("data", "import", "mine", tmp_path / "bad.npz")
    assert str(tmp_path / "bad.npz") in message
    assert told.lower() in message.lower()


def test_a_data_set_cannot_be_named_out_of_its_folder(tmp_path: Path) -> None:
    assert "data set name '../mine'; allowed:" in refused("data", "import", "../mine", tmp_path)


@pytest.mark.parametrize(
    ("case", "environment", "told"),
    [
        (["smoek"], {}, "unknown study 'smoek'; known: anomaly, "),
        (["{bad}"], {}, "{bad}: variant vae: beta: -1.0 is out of range; give a finite number of at least 0"),
        (["{latin}"], {}, "{latin} is not valid TOML: "),
        (
            ["smoke", "--backend", "tensorflw"],
            {},
            "unknown backend 'tensorflw'; known: tensorflow, jax, torch (did you",
        ),
        (["smoke"], {"KERAS_BACKEND": "nonsense"}, "unknown backend 'nonsense'; known: tensorflow, jax, torch"),
        (["smoke", "--out", "{bad}"], {}, "cannot read {bad}/records: "),
    ],
)
def test_the_command_line_ends_in_one_line_and_status_2(
    case: list[str],
    environment: dict[str, str],
    told: str,
    study_file: Callable[[str], Path],
    suite_command: Callable[..., object],
) -> None:
    places = {"bad": study_file(grid(f"{VAE}beta = -1.0\n"))}
    places["latin"] = places["bad"].with_name("latin.toml")
    places["latin"].write_bytes(b"\xff")
    result = suite_command("bench", *(part.format(**places) for part in case), **environment)
    assert (result.returncode, result.stdout) == (2, "")
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith(f"error: {told.format(**places)}")


@pytest.mark.parametrize("arguments", [["bench"], ["bench", "smoke", "--nope"], ["list", "nope"], ["nope"]])
def test_wrong_usage_has_no_traceback(arguments: list[str]) -> None:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    assert "Traceback" not in result.output
    assert "Usage: " in result.output


def test_reading_leaves_no_trace(study_file: Callable[[str], Path], tmp_path: Path) -> None:
    with pytest.raises(UserError):
        studies.read(str(study_file(grid(epochs="0"))))
    assert [path.name for path in tmp_path.iterdir()] == ["bad.toml"]
