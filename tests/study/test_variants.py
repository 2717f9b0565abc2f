from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from aebench.errors import UserError
from aebench.study import declarations
from aebench.study.variants import built_in, find, in_file, load

ROOT = Path(__file__).resolve().parents[2]
SOURCE = '''
from aebench.models import VAE, register


@register("{name}", version={version})
class Mine(VAE):
    """A VAE with an offset.

    More about it.
    """

    def __init__(self, latent_dim: int, *, offset: float = 2, depth: int = 3, kind: str = "soft", **options):
        super().__init__(latent_dim, **options)
        self.offset, self.depth, self.kind = self.scalar("offset", offset), depth, kind


class Unregistered(VAE):
    pass
'''


def write(path: Path, name: str = "mine", version: int = 4) -> Path:
    path.write_text(SOURCE.format(name=name, version=version))
    return path


def test_built_in_variants():
    found = built_in()
    assert {"ae", "vae"} <= set(found)
    assert found["ae"].scalars == found["ae"].options == found["vae"].options == {}
    assert found["vae"].scalars == {"beta": 1.0}
    assert all(name == variant.name and variant.version >= 1 for name, variant in found.items())
    assert all(variant.about for variant in found.values())


def test_what_a_user_s_file_declares(tmp_path):
    (mine,) = in_file(write(tmp_path / "mine.py"))
    assert (mine.name, mine.version, mine.path) == ("mine", 4, tmp_path / "mine.py")
    assert mine.scalars == {"offset": 2.0}
    assert mine.options == {"depth": 3, "kind": "soft"}
    assert mine.about == "A VAE with an offset."


def test_reading_declarations_imports_neither_keras_nor_the_file(tmp_path):
    file = write(tmp_path / "mine.py")
    program = (
        "import sys; from pathlib import Path; from aebench.study import variants; variants.built_in();"
        f"variants.find('mine', Path({str(file)!r}));"
        "print([name for name in ('keras', 'tensorflow', 'aebench.models.base', 'mine') if name in sys.modules])"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert found.stdout.strip() == "[]"


def test_the_declared_class_is_loaded():
    from aebench.models import AE, VAE

    assert load(find("ae")) is AE
    assert load(find("vae")) is VAE


def test_declaration_and_class_agree():
    for variant in built_in().values():
        assert (load(variant).variant_name, load(variant).variant_version) == (variant.name, variant.version)


def test_a_user_s_variant_works_like_any_other(tmp_path):
    mine = load(find("mine", write(tmp_path / "mine.py")))
    model = mine(2, network="linear", offset=0.5, depth=5)
    model.adapt(np.zeros((3, 4, 4, 1), "float32"))
    terms = model.terms(np.zeros((3, 4, 4, 1), "float32"))
    assert terms.objective.shape == (3,)
    assert (mine.variant_name, mine.variant_version) == ("mine", 4)
    assert model.scalars == {"beta": 1.0, "offset": 0.5}


def test_two_files_of_one_name_are_two_variants(tmp_path):
    """The second must not be given the class of the first, nor a built-in variant's."""
    for folder, version in (("one", 1), ("two", 2)):
        (tmp_path / folder).mkdir()
        declared = find("twin", write(tmp_path / folder / "twin.py", "twin", version))
        assert load(declared).variant_version == version


@pytest.mark.parametrize("file", [None, "mine.py"])
def test_an_unknown_name_lists_the_known(tmp_path, file):
    path = write(tmp_path / file) if file else None
    known = "mine" if file else "ae"
    with pytest.raises(UserError, match=rf"unknown variant 'bvae'; known: .*{known}"):
        find("bvae", path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"cannot read the file .*none\.py: No such file"):
        find("mine", tmp_path / "none.py")


def test_a_syntax_error_is_located(tmp_path):
    (tmp_path / "bad.py").write_text("x = 1\nclass Broken(:\n")
    with pytest.raises(UserError, match=r"bad\.py is not valid Python: line 2"):
        find("mine", tmp_path / "bad.py")


def test_a_file_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "bad.py").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match=r"bad\.py"):
        find("mine", tmp_path / "bad.py")


@pytest.mark.parametrize("decorator", ["@register(NAME, version=1)", "@register('mine')", "@register()"])
def test_a_declaration_that_cannot_be_read_is_refused(tmp_path, decorator):
    source = write(tmp_path / "mine.py").read_text().replace('@register("mine", version=4)', decorator)
    (tmp_path / "mine.py").write_text(source)
    with pytest.raises(UserError, match=r"mine\.py"):
        find("mine", tmp_path / "mine.py")


OWN = '''
@register("own", version=1)
class Own(VAE):
    """Mine."""

    def terms(self, images, training=False):
        return super().terms(images, training)  # as it was
'''


@pytest.mark.parametrize(
    ("was", "becomes", "same"),
    [
        ("Mine.", "Mine, said better.", True),
        ("  # as it was", "", True),
        ("images, training)  ", "images,   training)  ", True),
        ('    """Mine."""\n', "", True),
        ("images, training)  ", "images + 0.0, training)  ", False),
    ],
)
def test_code_is_what_a_file_does_and_not_how_it_is_told(tmp_path: Path, was: str, becomes: str, same: bool) -> None:
    assert was in OWN
    (tmp_path / "a.py").write_text(OWN)
    (tmp_path / "b.py").write_text(OWN.replace(was, becomes))
    digests = {declarations.code(tmp_path / f"{name}.py") for name in "ab"}
    assert (len(digests) == 1) == same
