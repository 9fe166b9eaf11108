"""The wheels of the images: which packages of requirements.lock the services need, and a wheel of each for a machine.

`check` names each locked package without a wheel for x86-64 or arm64 and exits with 1; `fetch FOLDER` brings those of one
machine, compared with the lock's hashes. Both ask the index that the user's pip is configured for; nothing is ever built from
source. Standard library and pip only.
"""

from __future__ import annotations

import argparse
import platform
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "requirements.lock"
#: What runs in the build stage only: it describes what was installed.
TOOLS = ("cyclonedx-bom",)
#: Our names of machines → those in the names of wheels.
MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
#: The newest C library whose wheels are taken: that of Debian 12, and of Alpine 3.19.
LIBRARIES = {"glibc": ("manylinux", 36), "musl": ("musllinux", 2)}
_PIN = re.compile(r"^(?P<name>[a-z0-9][a-z0-9._-]*)==\S+")


@dataclass(frozen=True)
class Pin:
    """One package of the lock: its lines, which go to pip as they are, and which packages require it."""

    name: str
    lines: str
    required_by: frozenset[str]


def normal(requirement: str) -> str:
    """The normalised name of the package that a requirement is for (PEP 503)."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\s\[<>=!~;]", requirement, maxsplit=1)[0]).lower()


def pins(text: str) -> dict[str, Pin]:
    """Every package of a lock file as uv writes it, by name."""
    found: dict[str, Pin] = {}
    for block in re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE):
        if pin := _PIN.match(block):
            lines = "".join(line for line in block.splitlines(keepends=True) if not line.lstrip().startswith("#"))
            via = re.findall(r"^    #(?: via)?\s+(?!via)(\S+)\s*$", block, flags=re.MULTILINE)
            name, required_by = normal(pin["name"]), frozenset(map(normal, via))
            if other := found.get(name):  # one version for each range of Pythons
                lines, required_by = other.lines + lines, other.required_by | required_by
            found[name] = Pin(name, lines, required_by)
    return found


def needed(locked: Mapping[str, Pin], roots: Iterable[str]) -> dict[str, Pin]:
    """The roots and whatever they require, directly or not. KeyError for a root that isn't locked."""
    chosen = {name: locked[name] for name in map(normal, roots)}
    while more := {
        pin.name: pin for pin in locked.values() if pin.name not in chosen and pin.required_by & chosen.keys()
    }:
        chosen |= more
    return dict(sorted(chosen.items()))


def of_services() -> list[str]:
    """What the library and the services require, without one another and without extras."""
    projects = [ROOT / "shared" / "pyproject.toml", *sorted(ROOT.glob("services/*/pyproject.toml"))]
    names = {
        normal(each) for path in projects for each in tomllib.loads(path.read_text())["project"].get("dependencies", [])
    }
    return sorted(names - {"zhengling"})


def options(machine: str, library: str) -> list[str]:
    """pip's options that choose wheels for CPython 3.11 on this machine with this C library."""
    kind, newest = LIBRARIES[library]
    arch = MACHINES[machine]
    tags = [f"{kind}_{major}_{n}_{arch}" for major in (1, 2) for n in range(newest + 1)]
    tags += [f"manylinux{year}_{arch}" for year in ("1", "2010", "2014")] if library == "glibc" else []
    chosen = [part for tag in tags for part in ("--platform", tag)]
    abis = [part for abi in ("cp311", "abi3", "none") for part in ("--abi", abi)]
    return [*chosen, *abis, "--python-version", "3.11", "--implementation", "cp", "--only-binary", ":all:", "--no-deps"]


def download(chosen: Iterable[Pin], machine: str, library: str, folder: Path) -> str | None:
    """Bring the wheels into a folder. Returns the last line of what pip says where that fails."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as wanted:
        wanted.write("".join(pin.lines for pin in chosen))
        wanted.flush()
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--require-hashes", "-r", wanted.name]
        command += ["--dest", str(folder), *options(machine, library)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else (done.stderr.strip().splitlines() or ["pip failed"])[-1]


def lacking(chosen: Mapping[str, Pin], machine: str, library: str) -> dict[str, str]:
    """Package without a wheel → what pip says of it."""
    with tempfile.TemporaryDirectory() as folder:
        if download(chosen.values(), machine, library, Path(folder)) is None:
            return {}
        found = {pin.name: download([pin], machine, library, Path(folder)) for pin in chosen.values()}
    return {name: said for name, said in found.items() if said}


def check(machines: Iterable[str], library: str, everything: bool) -> int:
    locked = pins(LOCK.read_text())
    chosen = locked if everything else needed(locked, of_services())
    what = "the lock" if everything else "the images"
    missing = 0
    for machine in machines:
        found = lacking(chosen, machine, library)
        missing += len(found)
        print(f"{machine} ({library}): {len(chosen) - len(found)} of {len(chosen)} packages of {what} have a wheel")
        for name, said in found.items():
            print(f"  {name}: {said}")
    return min(missing, 1)


def fetch(machine: str, library: str, folder: Path) -> int:
    """FOLDER/services.txt and tools.txt, each with its hashes, and the wheels of both in FOLDER/wheels."""
    locked = pins(LOCK.read_text())
    (folder / "wheels").mkdir(parents=True, exist_ok=True)
    together: dict[str, Pin] = {}
    for name, roots in (("services", of_services()), ("tools", TOOLS)):
        chosen = needed(locked, roots)
        together |= chosen
        (folder / f"{name}.txt").write_text("".join(pin.lines for pin in chosen.values()))
    failed = download(together.values(), machine, library, folder / "wheels")
    if failed:
        print(
            f"the wheels for {machine} weren't fetched: {failed}; `make wheels` names each that is lacking",
            file=sys.stderr,
        )
    return 1 if failed else 0


def this_machine() -> str:
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--libc", choices=LIBRARIES, default="glibc", help="of the base image; default: glibc")
    commands = parser.add_subparsers(dest="command", required=True)
    checking = commands.add_parser("check", help="which locked packages lack a wheel")
    checking.add_argument("--machine", action="append", choices=MACHINES, help="repeatable; default: both")
    checking.add_argument("--everything", action="store_true", help="the whole lock: what tests and tools need as well")
    fetching = commands.add_parser("fetch", help="bring the wheels of one machine")
    fetching.add_argument("folder", type=Path)
    fetching.add_argument("--machine", choices=MACHINES, default=this_machine())
    given = parser.parse_args()
    if given.command == "check":
        return check(given.machine or list(MACHINES), given.libc, given.everything)
    return fetch(given.machine, given.libc, given.folder)


if __name__ == "__main__":
    sys.exit(main())
