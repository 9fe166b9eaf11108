"""What is in the images, and how their processes are run and stopped."""

from __future__ import annotations

import asyncio
import json
import subprocess

import pytest

from tests.compose.stack import ComposeStack, docker
from zhengling.events.event import SERVICES

IMAGE = "zhengling/{}-svc:latest"
#: What is installed, as the environment itself says.
INSTALLED = (
    "import json, importlib.metadata as m; print(json.dumps({d.name.lower(): d.version for d in m.distributions()}))"
)
#: Compilers, wheels, caches, the context of the build; Python's own wheels of pip belong to the base image.
LEFT_BEHIND = """
    command -v gcc cc c++ make
    find / -xdev \\( -name '*.whl' -o -path '*/.cache/*' -o -path /context -o -path /opt/tools \\) \\
        -not -path '*/ensurepip/*' -not -path '/usr/share/python-wheels/*' 2>/dev/null
    true
"""


def inside(service: str, *command: str) -> str:
    run = ("run", "--rm", "--network", "none", "--read-only", "--tmpfs", "/tmp", "--entrypoint", command[0])
    return docker(*run, IMAGE.format(service), *command[1:])


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_runs_as_nobody_and_has_neither_compiler_nor_wheels_nor_caches(
    service: str, compose: ComposeStack
) -> None:
    assert inside(service, "id", "-u").strip() == "10001"
    assert inside(service, "sh", "-c", LEFT_BEHIND) == ""


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_says_what_it_is_and_what_it_holds(service: str, compose: ComposeStack) -> None:
    labels = json.loads(docker("image", "inspect", IMAGE.format(service)))[0]["Config"]["Labels"]
    assert labels["org.opencontainers.image.title"] == f"zhengling {service}-svc"
    assert len(labels["org.opencontainers.image.revision"]) == 40
    listed = json.loads(inside(service, "cat", "/usr/share/doc/zhengling/sbom.cdx.json"))
    installed = json.loads(inside(service, "python", "-c", INSTALLED))
    assert {each["name"].lower(): each["version"] for each in listed["components"]} == installed
    ours = {name for name in installed if name.startswith("zhengling")}
    assert ours == {"zhengling", f"zhengling-{service}-svc"}


@pytest.mark.parametrize("role", ["api", "worker"])
async def test_a_process_that_is_asked_to_stop_ends_by_itself(role: str, compose: ComposeStack) -> None:
    container = compose.container(f"docflow-{role}")
    docker("stop", "--time", "60", container.id)
    try:
        state = container.inspect()["State"]
        assert state["ExitCode"] in (0, 143), container.logs()[-2000:]  # 137: it had to be killed
    finally:
        container.start()
    await asyncio.to_thread(container.wait_healthy)


def test_a_process_without_fit_settings_names_them_and_ends(compose: ComposeStack) -> None:
    ended = subprocess.run(
        ["docker", "run", "--rm", "--network", "none", "--read-only", IMAGE.format("calendar"), "api"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 2
    assert "DATABASE_URL isn't set" in ended.stderr
