"""The conformance suite finds each mistake in `broken.py`, and none in what is documented or what one starts from.

All are files of a user's, outside of the repository.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from aebench.study import starters

REPO = Path(__file__).resolve().parents[2]
CAUGHT_BY = {
    "mean-over-pixels": "test_distortion_is_a_sum_over_pixels",
    "mean-over-pixels-in-training": "test_objective_sums_over_pixels",
    "reports-a-mean": "test_reported_distortion_and_rate_are_means_over_codes",
    "mean-over-latents": "test_rate_is_the_posterior_s_divergence_from_the_prior",
    "negated-rate": "test_rate_is_the_posterior_s_divergence_from_the_prior",
    "stale-prior": "test_rate_is_the_posterior_s_divergence_from_the_prior",
    "deaf-beta": "test_every_scalar_is_heard",
    "dead-weight": "test_every_weight_is_trained",
    "unseeded-layer": "test_config_makes_the_same_model",
    "nameless-layer": "test_config_makes_the_same_model",
    "unseeded-noise": "test_config_makes_the_same_model",
    "forgotten-option": "test_config_has_every_option",
    "plain-number": "test_declared_scalars_are_weights_that_refuse_bad_values",
    "python-branch": "test_members_of_a_cohort_agree_with_the_run_alone",
    "keeps-state": "test_config_makes_the_same_model",
}
STARTED = ("starter-vae", "starter-net")
# All of the suite for the documentation's variant, and for the others what is quick; theirs alone needs a cohort.
CHOSEN = "budget or (python-branch and cohort) or not (jax or cohort or fit or load or callbacks or mlp or conv)"


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What one run says of the suite on all variants, and of the tests that come with what one starts from."""
    folder = tmp_path_factory.mktemp("outside")
    shutil.copy(Path(__file__).with_name("broken.py"), folder)
    (folder / "my_variants.py").write_text(documented())
    started = {**starters.variant(STARTED[0]), **starters.network(STARTED[1])}
    for name, text in started.items():
        (folder / name).write_text(text)
    files = ("broken.py", "my_variants.py", "starter_vae.py")
    options = [part for name in files for part in ("--variants", name)]
    told = ["-q", "-rA", "--tb=line"]
    outside = [*told, "-c", os.devnull, "--rootdir", ".", "-p", "no:cacheprovider", "-p", "aebench.conformance.plugin"]
    tests = [name for name in started if name.startswith("test_")]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *outside, "--pyargs", "aebench.conformance", *tests, *options, "-k", CHOSEN],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(REPO)},
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert run.returncode == 1, run.stdout[-2000:] + run.stderr[-2000:]
    return run.stdout


def documented() -> str:
    """The variant in the documentation."""
    page = (REPO / "docs" / "models.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n([^`]*budget-vae.*?)```", page, re.DOTALL)
    return str(example)


@pytest.fixture(scope="module")
def failed(outcomes: str) -> dict[str, set[str]]:
    """For each variant the tests of the suite that it fails."""
    found: dict[str, set[str]] = {name: set() for name in ("budget-vae", STARTED[0])}
    for outcome, test, name in re.findall(r"^(PASSED|FAILED|ERROR) \S*::(\w+)\[(\S+)\]", outcomes, re.MULTILINE):
        known = max((one for one in [*CAUGHT_BY, *found] if one in name), key=len)
        found.setdefault(known, set()).update([] if outcome == "PASSED" else [test])
    return found


@pytest.mark.parametrize("name", ["budget-vae", STARTED[0]])
def test_a_variant_that_is_right_passes(name: str, failed: dict[str, set[str]], outcomes: str) -> None:
    assert re.search(rf"^PASSED \S*::\w+\[\S*{name}", outcomes, re.MULTILINE)
    assert failed[name] == set()


@pytest.mark.parametrize("module", [name.replace("-", "_") for name in STARTED])
def test_what_one_starts_from_passes_its_own_tests(module: str, outcomes: str) -> None:
    found = re.findall(rf"^(\w+) test_{module}\.py::test_\w+", outcomes, re.MULTILINE)
    assert found == ["PASSED"] * 2


@pytest.mark.parametrize("name", CAUGHT_BY)
def test_a_mistake_is_caught(name: str, failed: dict[str, set[str]]) -> None:
    assert CAUGHT_BY[name] in failed[name], f"it fails {sorted(failed[name])}"
