from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from aebench import study as studies
from aebench.errors import UserError
from aebench.records.spec import RunSpec
from aebench.study import Study
from aebench.study.grid import GRID

DIGEST = "0" * 64
TOP = 'dataset = "digits"\nseeds = 2\nepochs = 3\nlatent_dim = 2\n'


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Study]:
    """write(text, name="grid") -> the Study read from <name>.toml with that text."""

    def study(text: str, name: str = "grid") -> Study:
        path = tmp_path / f"{name}.toml"
        path.write_text(text, encoding="utf-8")
        return studies.read(str(path))

    return study


def expand(study: Study) -> list[RunSpec]:
    return study.expand(dict.fromkeys(study.datasets, DIGEST), "tensorflow")


@pytest.mark.parametrize(
    ("name", "runs"),
    [
        ("digits", 120),
        ("mnist", 75),
        ("thesis", 24),
        ("smoke", 12),
        ("reproduce", 10),
        ("zoo", 2250),
        ("zoo-mnist", 69),
        ("factors", 100),
        ("tabular", 90),
        ("series", 70),
        ("colour", 12),
        ("anomaly", 60),
    ],
)
def test_built_in_studies(name: str, runs: int) -> None:
    study = studies.read(name)
    specs = expand(study)
    assert study.name == name
    assert len(specs) == runs
    assert len({spec.run_id for spec in specs}) == runs


def test_the_default_study_is_the_one_that_was_asked_for() -> None:
    specs = expand(studies.read("digits"))
    betas = {spec.scalars["beta"] for spec in specs if spec.variant == "vae"}
    assert betas == {0.25, 0.5, 1.0, 2.0, 4.0}
    assert {spec.latent_dim for spec in specs if spec.scalars.get("beta") == 4.0} == {8}, "what collapses is shown once"
    assert {spec.latent_dim for spec in specs} == {2, 4, 8, 16}
    assert {spec.seed for spec in specs} == set(range(5))
    assert {(spec.epochs, spec.batch_size, spec.learning_rate) for spec in specs} == {(200, 128, 1e-3)}
    assert {spec.variant for spec in specs} == {"ae", "vae", "iwae", "vamp-vae", "rae-l2"}


def test_every_study_file_is_listed() -> None:
    assert studies.names() == sorted(path.stem for path in studies.STUDIES.glob("*.toml"))


def test_seeds_change_fastest_and_files_order_is_kept(write: Callable[..., Study]) -> None:
    specs = expand(write(TOP + '[[variant]]\nname = "vae"\nbeta = [4, 1]\n[[variant]]\nname = "ae"\n'))
    assert [(spec.variant, spec.scalars.get("beta"), spec.seed) for spec in specs] == [
        ("vae", 4.0, 0), ("vae", 4.0, 1), ("vae", 1.0, 0), ("vae", 1.0, 1), ("ae", None, 0), ("ae", None, 1),
    ]  # fmt: skip


def test_a_variants_own_values_replace_the_studys(write: Callable[..., Study]) -> None:
    text = (
        TOP + '[[variant]]\nname = "ae"\n[[variant]]\nname = "vae"\nlatent_dim = [4, 8]\nepochs = 7\nnetwork = "conv"\n'
    )
    by_variant = {spec.variant: spec for spec in expand(write(text))}
    assert (by_variant["ae"].latent_dim, by_variant["ae"].epochs, by_variant["ae"].network) == (2, 3, "mlp")
    assert (by_variant["vae"].epochs, by_variant["vae"].network) == (7, "conv")
    assert {spec.latent_dim for spec in expand(write(text)) if spec.variant == "vae"} == {4, 8}


def test_what_is_left_out_has_its_default(write: Callable[..., Study]) -> None:
    study = write(TOP + '[[variant]]\nname = "vae"\n')
    spec = expand(study)[0]
    assert spec.scalars == {"beta": 1.0}
    assert (spec.batch_size, spec.learning_rate, spec.likelihood) == (128, 1e-3, "bernoulli")
    assert (spec.train_on, spec.precision) == ("train", "float32")
    assert (study.name, study.title, study.about) == ("grid", "grid", "")


def test_lists_and_single_values_mean_the_same(write: Callable[..., Study]) -> None:
    one = expand(write(TOP + '[[variant]]\nname = "vae"\nbeta = 2'))
    listed = expand(write(TOP + '[[variant]]\nname = "vae"\nbeta = [2.0]\nnetwork = ["mlp"]'))
    assert one == listed


def test_repeated_values_and_variants_collapse(write: Callable[..., Study]) -> None:
    text = TOP.replace("latent_dim = 2", "latent_dim = [2, 2]").replace("seeds = 2", "seeds = [3, 1, 3]")
    specs = expand(write(text + '[[variant]]\nname = "vae"\nbeta = [1, 1.0, 0.0, -0.0]\n[[variant]]\nname = "vae"\n'))
    assert [(spec.scalars["beta"], spec.seed) for spec in specs] == [(1.0, 3), (1.0, 1), (0.0, 3), (0.0, 1)]
    assert {str(spec.scalars["beta"]) for spec in specs} == {"1.0", "0.0"}


def test_data_sets_are_named_once_in_the_files_order(write: Callable[..., Study]) -> None:
    study = write(
        TOP.replace('"digits"', '["mnist", "digits"]') + '[[variant]]\nname = "ae"\n[[variant]]\nname = "vae"\n'
    )
    assert study.datasets == ("mnist", "digits")


def test_words_may_be_in_any_script(write: Callable[..., Study]) -> None:
    study = write(TOP + 'title = "β-VAE, größer"\nabout = "[bold]"\n[[variant]]\nname = "ae"\n')
    assert (study.title, study.about) == ("β-VAE, größer", "[bold]")


def test_a_users_own_variant_declares_its_settings(write: Callable[..., Study], tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from aebench.models.base import Autoencoder, register\n\n\n"
        '@register("mine", version=3)\nclass Mine(Autoencoder):\n    """Mine."""\n\n'
        "    def __init__(self, latent_dim, *, weight: float = 2, samples: int = 5, **options):\n"
        "        super().__init__(latent_dim, **options)\n"
    )
    study = write(TOP + '[[variant]]\nname = "mine"\nfile = "mine.py"\nweight = [1, 2]\n')
    specs = expand(study)
    assert [spec.scalars["weight"] for spec in specs] == [1.0, 1.0, 2.0, 2.0]
    assert {(spec.variant_version, spec.options["samples"]) for spec in specs} == {(3, 5)}
    assert study.declaration("mine").path == tmp_path / "mine.py"


@pytest.mark.parametrize("setting", ["epochs", "rate_warmup"])
def test_a_users_setting_is_no_key_of_every_run(setting: str, write: Callable[..., Study], tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from aebench.models.base import Autoencoder, register\n\n\n"
        '@register("mine", version=1)\nclass Mine(Autoencoder):\n    """Mine."""\n\n'
        f"    def __init__(self, latent_dim, *, {setting}: float = 2.0, **options):\n"
        "        super().__init__(latent_dim, **options)\n"
    )
    with pytest.raises(UserError, match=rf"its setting '{setting}' in .*mine\.py has the name of something that every"):
        write(TOP + '[[variant]]\nname = "mine"\nfile = "mine.py"\n')


def test_speed_is_measured_at_the_batch_sizes_that_are_asked_for(write: Callable[..., Study]) -> None:
    ae = '[[variant]]\nname = "ae"\n'
    assert write(TOP + ae).timed_batch_sizes == (1, 1024, 8192)
    assert write(TOP + "timed_batch_sizes = [64, 8, 64]\n" + ae).timed_batch_sizes == (8, 64)
    assert write(TOP + "timed_batch_sizes = []\n" + ae).timed_batch_sizes == ()
    with pytest.raises(UserError, match="timed_batch_sizes: 64 is not a list; give one"):
        write(TOP + "timed_batch_sizes = 64\n" + ae)
    with pytest.raises(UserError, match="timed_batch_sizes: 0"):
        write(TOP + "timed_batch_sizes = [0]\n" + ae)


def test_cycles_without_a_warm_up_are_refused(write: Callable[..., Study]) -> None:
    vae = TOP + '[[variant]]\nname = "vae"\nrate_cycles = 4\n'
    with pytest.raises(UserError, match=r"variant vae: 'rate_cycles' above 1 repeats a warm-up; give a 'rate_warmup'"):
        write(vae)
    some = [spec.annealing and spec.annealing.cycles for spec in expand(write(vae + "rate_warmup = [0.0, 0.5]\n"))]
    assert some == [None, None, 4, 4], "without a warm-up there is nothing to repeat"
    assert {spec.annealing.cycles for spec in expand(write(vae + "rate_warmup = 0.5\n")) if spec.annealing} == {4}


def test_known_names_are_those_of_the_models() -> None:
    from aebench.models import likelihoods, networks

    here = {name for name, network in networks.NETWORKS.items() if network.make.__module__ == networks.__name__}
    assert set(GRID["network"].known) == here, "and not what other tests have registered"
    assert set(GRID["likelihood"].known) == set(likelihoods.LIKELIHOODS)


def test_a_study_is_read_from_its_own_file_or_the_suites(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"unknown study 'smoek'.*did you mean 'smoke'.*must end in \.toml"):
        studies.read("smoek")
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(UserError, match=r"cannot read the study .*: Is a directory"):
        studies.read(str(tmp_path / "folder.toml"))


def test_runs_leave_out_classes_by_turns_and_stay_replicates(write: Callable[..., Study]) -> None:
    turns = TOP.replace("seeds = 2", "seeds = 5") + "without_class = [3, 7]\n"
    specs = expand(write(turns + '[[variant]]\nname = "vae"\n'))
    assert [(spec.seed, spec.without_class) for spec in specs] == [(0, 3), (1, 7), (2, 3), (3, 7), (4, 3)]
    assert len({spec.configuration for spec in specs}) == 1
    assert len({spec.cohort for spec in specs}) == 2, "what is trained as one program shares its images"
    assert "without7" in specs[1].run_id
    (plain, *_) = expand(write(TOP + '[[variant]]\nname = "vae"\n'))
    assert "without_class" not in plain.model_dump_json()
    assert plain.configuration != specs[0].configuration
    assert RunSpec.model_validate_json(specs[0].model_dump_json()) == specs[0]


@pytest.mark.parametrize("value", ["3", "[-1]", '["3"]'])
def test_classes_to_leave_out_are_a_list_of_numbers(value: str, write: Callable[..., Study]) -> None:
    with pytest.raises(UserError, match="without_class"):
        write(f'{TOP}without_class = {value}\n[[variant]]\nname = "vae"\n')
