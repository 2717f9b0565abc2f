"""Networks that a study brings along, from its file to the specs of its runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from aebench import study as studies
from aebench.errors import UserError
from aebench.study import Study, networks

TOP = 'dataset = "digits"\nseeds = 1\nepochs = 1\nlatent_dim = 2\n'
VAE = '[[variant]]\nname = "vae"\n'
SMALL = '''
from keras import Sequential, layers

from aebench.models import register_network


@register_network("small", version={version})
def small(image_shape, latent_dim, seed):
    """A few units."""
    encoder = Sequential([layers.Flatten(), layers.Dense(8, "relu")])
    return encoder, Sequential([layers.Dense(64), layers.Reshape(image_shape)])
'''
OWN = '[[own_network]]\nname = "small"\nfile = "net.py"\n'


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Study]:
    """write(text, version=1) -> the study of that text, beside net.py."""

    def study(text: str, version: int = 1) -> Study:
        (tmp_path / "net.py").write_text(SMALL.format(version=version))
        (tmp_path / "own.toml").write_text(text)
        return studies.read(str(tmp_path / "own.toml"))

    return study


def identities(study: Study) -> set[str]:
    return {spec.network for spec in study.expand({"digits": "0" * 64}, "tensorflow")}


def test_a_brought_network_has_its_version_in_the_identity_of_runs(write):
    text = f'{TOP}network = ["small", "mlp"]\n{OWN}{VAE}'
    assert identities(write(text)) == {"small@1", "mlp"}
    second = write(text, version=2)
    assert identities(second) == {"small@2", "mlp"}
    assert second.networks["small@2"].files[0].name == "net.py"


def test_saved_keras_models_are_known_by_their_content(write, tmp_path):
    for name in ("e.keras", "d.keras"):
        (tmp_path / name).write_bytes(name.encode())
    text = f'{TOP}network = "ready"\n[[own_network]]\nname = "ready"\nencoder = "e.keras"\ndecoder = "d.keras"\n{VAE}'
    (before,) = identities(write(text))
    (tmp_path / "d.keras").write_bytes(b"another")
    (after,) = identities(write(text))
    assert before.startswith("ready@")
    assert after.startswith("ready@")
    assert before != after
    with pytest.raises(UserError, match=r"e\.keras holds no Keras model that loads: .*; save one with model\.save"):
        networks.load(write(text).networks[after])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{TOP}{OWN}{VAE}", "own_network 'small' is not used; choose it with network = \"small\""),
        (f'{TOP}network = "smal"\n{OWN}{VAE}', "unknown value 'smal'.*did you mean 'small'"),
        (f'{TOP}network = "mlp"\n[[own_network]]\nname = "mlp"\nfile = "net.py"\n{VAE}', "'mlp' is there already"),
        (
            f'{TOP}network = "a"\n[[own_network]]\nname = "a"\nfile = "net.py"\n{VAE}',
            "network 'a'; known: small",
        ),
        (f'{TOP}network = "a"\n[[own_network]]\nname = "a"\n{VAE}', "give either 'file', or both"),
        (f'{TOP}network = "a"\n[[own_network]]\nname = "a"\nencoder = "e"\n{VAE}', "'decoder' go together"),
        (f'{TOP}network = "a"\n[[own_network]]\nname = "a"\nfile = "no.py"\n{VAE}', "cannot read the file .*no.py"),
        (f'{TOP}own_network = "net.py"\n{VAE}', r"is not a list of tables; write \[\[own_network\]\]"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(write, text, message):
    with pytest.raises(UserError, match=message) as found:
        write(text)
    assert "\n" not in str(found.value)


def test_a_brought_network_is_loaded(write):
    declared = write(f'{TOP}network = "small"\n{OWN}{VAE}').networks["small@1"]
    network = networks.load(declared)
    encoder, decoder = network.trunks((8, 8, 1), 2, 0)
    assert (network.name, encoder.output_shape, decoder.output_shape) == ("small", (None, 8), (None, 8, 8, 1))
