"""Which variant a study holds against which: as it declares, else against the simplest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from aebench import study as studies
from aebench.errors import UserError
from aebench.study import Study
from aebench.study.contrasts import METRICS_ASKED

TOP = 'dataset = "digits"\nseeds = 1\nepochs = 1\nlatent_dim = 2\n'
VARIANTS = "".join(f'[[variant]]\nname = "{name}"\n' for name in ("vae", "ae", "iwae"))


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Study]:
    def study(text: str) -> Study:
        (tmp_path / "own.toml").write_text(TOP + text)
        return studies.read(str(tmp_path / "own.toml"))

    return study


def test_without_a_word_every_variant_is_held_against_the_simplest(write):
    """The plain autoencoder has no settings, wherever the study names it."""
    found = write(VARIANTS).contrasts
    assert [(one.variant, one.against) for one in found] == [("vae", "ae"), ("iwae", "ae")]
    assert {one.metrics for one in found} == {METRICS_ASKED}
    assert write('[[variant]]\nname = "vae"\nbeta = [1.0, 2.0]\n').contrasts == ()


def test_a_study_says_what_it_wants_to_know(write):
    text = '[[contrast]]\nvariant = "iwae"\nagainst = "vae"\nmetrics = ["nll_nats", "silhouette"]\nclaim = "no gain"\n'
    (found,) = write(VARIANTS + text).contrasts
    assert (found.variant, found.against, found.metrics, found.claim) == (
        "iwae", "vae", ("nll_nats", "silhouette"), "no gain",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ('variant = "vea"\nagainst = "ae"', "contrast 1: unknown variant of this study 'vea'.*did you mean 'vae'"),
        ('variant = "vae"\nagainst = "vae"', "'vae' cannot be held against itself"),
        (
            'variant = "vae"\nagainst = "ae"\nmetrics = ["silhouete"]',
            "unknown metric 'silhouete'.*did you mean",
        ),
        ('variant = "vae"\nagainst = "ae"\nmetrics = ["rate_nats"]', "neither direction is better; choose another"),
        ('variant = "vae"\nagainst = "ae"\nmetrics = []', "metrics: .*at least 1 item"),
        ('variant = "vae"\nagainst = "ae"\nmetric = "silhouette"', "unknown key 'metric'.*did you mean 'metrics'"),
        ('variant = "vae"', "against: Field required"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(write, table, message):
    with pytest.raises(UserError, match=message) as found:
        write(f"{VARIANTS}[[contrast]]\n{table}\n")
    assert "\n" not in str(found.value)


@pytest.mark.parametrize("name", ["digits", "mnist", "smoke", "thesis"])
def test_the_suites_own_studies_ask_the_theses_question(name):
    assert [(one.variant, one.against) for one in studies.read(name).contrasts] == [("vae", "ae")]
