"""Runs a function on what a caller sent in a process of its own, limited in memory and time.

A thread can't be killed, and what a parser has taken of memory the process keeps. Invariant: whatever the function does, it has
ended when `confined` returns, and the service's memory is as before. The process gets nothing of the service's environment.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import resource
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from zhengling.service.admission import Admission

T = TypeVar("T")
SECONDS, PROCESSOR_SECONDS, MEMORY = 30, 6, 1 << 30
"""The limits: seconds in all and of the processor, and bytes of address space, the interpreter's and its libraries' included."""
_ADMISSION = Admission(at_a_time=2, waiting=8)


class BeyondLimits(Exception):
    """The function took too much time or memory, or died."""


async def confined(function: Callable[..., T], *arguments: Any) -> T:
    """The function's result; what it raises is raised here. Function, arguments and result are pickled, the function by its
    module and name. At most two run at a time. `BeyondLimits`; 503 `busy` if too many wait."""
    async with _ADMISSION:
        result: T = await _run(pickle.dumps((function, arguments)))
        return result


async def _run(task: bytes) -> Any:
    # -I: no PYTHON* variables, no current folder. The process imports what the function needs, which takes most of a second.
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-m", __name__,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL, env={},
    )  # fmt: skip
    try:
        async with asyncio.timeout(SECONDS):
            result, _ = await process.communicate(task)
    except TimeoutError as error:
        raise BeyondLimits(f"it took more than {SECONDS} s") from error
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    if process.returncode != 0:
        raise BeyondLimits(f"its process ended with {process.returncode}")
    returned, value = pickle.loads(result)  # noqa: S301 - written by our own code below
    if not returned:
        raise value
    return value


def _main() -> None:
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing else is written into the answer
    resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_SECONDS, PROCESSOR_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    function, arguments = pickle.load(sys.stdin.buffer)  # noqa: S301 - written by `_run`
    try:
        result = True, function(*arguments)
    except MemoryError:
        sys.exit("out of memory")
    except Exception as error:
        result = False, error
    pickle.dump(result, answer)
    answer.flush()


if __name__ == "__main__":
    _main()
