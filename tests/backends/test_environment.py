"""Where numbers come from: what is recorded of it, and what decides that speeds are of another environment."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from aebench.backends import NAMES, get
from aebench.backends import environment as environments
from aebench.records.record import Environment, Switch
from aebench.records.store import environment_key

ONEDNN = "TF_ENABLE_ONEDNN_OPTS"
TOLD = f"""
import json, os
from aebench import backends
from aebench.backends import environment
before = environment.current("tensorflow").switches
environment.current.cache_clear()
backends.choose("tensorflow")
after = environment.current("tensorflow").switches
from tensorflow.python.util import _pywrap_util_port
print(json.dumps([os.environ["{ONEDNN}"], before["{ONEDNN}"].value, after["{ONEDNN}"].value,
                  _pywrap_util_port.IsMklEnabled()]))
"""


@pytest.mark.parametrize(("given", "expected"), [(None, "1"), ("0", "0")])
def test_onednn_is_on_unless_the_user_says_otherwise_and_the_record_says_so(
    given: str | None, expected: str, python: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """TensorFlow itself is asked whether it is."""
    monkeypatch.delenv(ONEDNN, raising=False)
    found = python("-c", TOLD, **({} if given is None else {ONEDNN: given}))
    assert found.returncode == 0, found.stderr
    assert json.loads(found.stdout.splitlines()[-1]) == [expected, expected, expected, expected == "1"]


def test_tensorflow_warns_of_no_retracing_in_a_notebook_either(python: Callable[..., object]) -> None:
    """Its logger takes a level of its own when it is first asked for where somebody types."""
    code = (
        "import sys; sys.ps1 = '>>> '; from aebench import backends; backends.choose('tensorflow');"
        "import tensorflow; print(tensorflow.get_logger().getEffectiveLevel())"
    )
    found = python("-c", code)
    assert found.stdout.splitlines()[-1] == "40", found.stderr


def test_where_tensorflow_was_imported_before_the_record_says_what_it_chose(
    python: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(ONEDNN, raising=False)
    code = TOLD.replace("import json, os", "import json, os, tensorflow")
    found = python("-c", code.replace(f'os.environ["{ONEDNN}"]', f'os.environ.get("{ONEDNN}")'))
    assert found.returncode == 0, found.stderr
    said, before, after, on = json.loads(found.stdout.splitlines()[-1])
    assert said is None
    assert before == after == str(int(on))


@pytest.mark.parametrize(("features", "default"), [({"avx2", "avx512_vnni"}, "1"), ({"avx2", "avx512f"}, "0")])
def test_what_tensorflow_would_choose_follows_from_the_processor(features, default, monkeypatch) -> None:
    monkeypatch.setattr(environments, "processor_features", lambda: frozenset(features))
    assert get("tensorflow").switches()[ONEDNN].default == default


def environment(**switches: Switch) -> Environment:
    return Environment(
        device="a CPU", device_kind="CPU", cores=2, python="3.11", versions={}, platform="Linux", switches=switches
    )


def test_only_a_switch_that_the_framework_would_not_have_chosen_makes_another_environment() -> None:
    """So that speeds of before it was recorded are not measured again where nothing has changed."""
    bare, same = environment(), environment(x=Switch(value="1", default="1"))
    changed, back = environment(x=Switch(value="1", default="0")), environment(x=Switch(value="0", default="0"))
    assert environment_key(bare) == environment_key(same) == environment_key(back) != environment_key(changed)


def test_the_key_of_an_environment_has_not_moved() -> None:
    """Else every speed that was ever measured would be measured again."""
    assert environment_key(environment()) == "177ced92"


@pytest.mark.parametrize("name", NAMES)
def test_every_backend_has_what_the_protocol_asks_for(name: str) -> None:
    from aebench.backends.protocol import Backend

    backend = get(name)
    asked = {member for member in vars(Backend) if not member.startswith("_")} | {*Backend.__annotations__}
    assert [member for member in sorted(asked) if not hasattr(backend, member)] == []
    assert len(asked) > 15
