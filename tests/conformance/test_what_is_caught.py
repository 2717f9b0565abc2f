"""The conformance suite finds each mistake in `broken.py`, and none in the README's variant, as files of a user's."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

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
# All of the suite for the README's variant, and for the others what is quick; theirs alone needs a cohort.
CHOSEN = "budget or (python-branch and cohort) or not (jax or cohort or fit or load or callbacks or mlp or conv)"


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """For each variant the tests that it fails, by one run of the suite in a folder outside of the repository."""
    folder = tmp_path_factory.mktemp("outside")
    shutil.copy(Path(__file__).with_name("broken.py"), folder)
    (example,) = re.findall(r"```python\n([^`]*budget-vae.*?)```", (REPO / "README.md").read_text(), re.DOTALL)
    (folder / "my_variants.py").write_text(example)
    options = [part for name in ("broken.py", "my_variants.py") for part in ("--variants", name)]
    told = ["-q", "-rA", "--tb=line"]
    outside = [*told, "-c", os.devnull, "--rootdir", ".", "-p", "no:cacheprovider", "-p", "aebench.conformance.plugin"]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *outside, "--pyargs", "aebench.conformance", *options, "-k", CHOSEN],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(REPO)},
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert run.returncode == 1, run.stdout[-2000:] + run.stderr[-2000:]
    found: dict[str, set[str]] = {name: set() for name in re.findall(r'@register\("(.*?)"', example)}
    assert len(found) == 1
    for outcome, test, name in re.findall(r"^(PASSED|FAILED|ERROR) \S*::(\w+)\[(\S+)\]", run.stdout, re.MULTILINE):
        known = max((one for one in [*CAUGHT_BY, *found] if one in name), key=len)
        found.setdefault(known, set()).update([] if outcome == "PASSED" else [test])
    return found


def test_the_readme_s_variant_passes(failed: dict[str, set[str]]) -> None:
    assert failed["budget-vae"] == set()


@pytest.mark.parametrize("name", CAUGHT_BY)
def test_a_mistake_is_caught(name: str, failed: dict[str, set[str]]) -> None:
    assert CAUGHT_BY[name] in failed[name], f"it fails {sorted(failed[name])}"
