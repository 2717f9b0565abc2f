"""Variants of installed packages: found by name without importing them, listed, loaded as parts of their package."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aebench.errors import UserError
from aebench.study import packages, read, variants

REPO = Path(__file__).resolve().parents[2]
SOURCE = '''
from aebench.models import VAE, register
from {package}.base import SCALE


@register("{name}", version=3)
class Foreign(VAE):
    """A variant of another package."""

    def __init__(self, latent_dim: int, *, kappa: float = 0.5, **options):
        super().__init__(latent_dim, **options)
        self.kappa, self.scale = self.scalar("kappa", kappa), SCALE
'''
Install = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """install(package, name, module=...) -> a folder on the path with that package, as an installer leaves it."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def forget() -> None:
        packages.named.cache_clear()
        variants.known.cache_clear()

    def made(package: str, name: str, module: str = "variants.mine") -> Path:
        inner = tmp_path / package / "variants"
        inner.mkdir(parents=True)
        for init in (inner.parent, inner):
            (init / "__init__.py").write_text("import keras\n")
        (inner.parent / "base.py").write_text("SCALE = 7\n")
        (inner / "mine.py").write_text(SOURCE.format(package=package, name=name))
        told = tmp_path / f"{package}-1.2.dist-info"
        told.mkdir()
        (told / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.2\n")
        (told / "entry_points.txt").write_text(f"[aebench.variants]\nmine = {package}.{module}\n")
        forget()
        return tmp_path

    yield made
    forget()


def test_a_package_s_variant_works_in_a_study_by_name(install: Install) -> None:
    folder = install("foreign_one", "foreign-vae")
    (folder / "own.toml").write_text(
        'dataset = "digits"\nseeds = 1\nepochs = 1\nlatent_dim = 2\n[[variant]]\nname = "foreign-vae"\nkappa = 2\n'
    )
    (spec,) = read(str(folder / "own.toml")).expand({"digits": "0" * 64}, "tensorflow")[:1]
    assert (spec.variant, spec.variant_version, spec.scalars) == ("foreign-vae", 3, {"kappa": 2.0})
    declared = variants.find("foreign-vae")
    assert (declared.package, declared.module) == ("foreign_one 1.2", "foreign_one.variants.mine")
    cls = variants.load(declared)
    assert cls.__module__ == "foreign_one.variants.mine"
    assert cls(2, network="linear").scale == 7


def test_it_is_listed_with_where_it_comes_from_and_without_being_imported(install: Install) -> None:
    program = (
        "from aebench.cli import listing; from rich.console import Console; import sys;"
        "listing.show('variants', Console(width=200));"
        "print([name for name in ('keras', 'foreign_two') if name in sys.modules])"
    )
    folder = install("foreign_two", "other-vae")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(REPO), str(folder)])}
    found = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    (line,) = (line for line in found.stdout.splitlines() if "other-vae" in line)
    assert [cell.strip() for cell in line.split("│")[1:5]] == ["other-vae", "3", "foreign_two 1.2", "kappa=0.5"]
    assert found.stdout.splitlines()[-1] == "[]"


def test_two_packages_with_one_name_are_one_clear_line(install: Install) -> None:
    install("foreign_three", "twin-vae")
    install("foreign_four", "twin-vae")
    with pytest.raises(UserError, match=r"two packages have a variant 'twin-vae': foreign_four 1\.2 \(.*mine\.py\) and "
                                        r"foreign_three 1\.2 \(.*mine\.py\); uninstall one"):  # fmt: skip
        variants.find("vae")


def test_a_package_cannot_take_a_built_in_name(install: Install) -> None:
    install("foreign_five", "vae")
    with pytest.raises(UserError, match=r"two packages have a variant 'vae': aebench .* and foreign_five 1\.2"):
        variants.known()


@pytest.mark.parametrize("module", ["variants.none", "none.at_all"])
def test_a_module_that_is_not_there_is_one_clear_line(install: Install, module: str) -> None:
    install("foreign_six", "foreign-vae", module)
    with pytest.raises(UserError, match=rf"package foreign_six 1\.2 names 'foreign_six\.{module}' in its entry point"):
        variants.known()
