"""Child processes that never outlive their parent, and free ports for them."""

from __future__ import annotations

import atexit
import http.client
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Self

import psutil

LOOPBACK = "127.0.0.1"


_POLL = 0.03  # seconds between two checks


class StackError(RuntimeError):
    """A part of the stack didn't start, answer or stop; the message names it and shows the end of its log."""


# Below the kernel's ephemeral ports: an outgoing connection could take a server's port while it is down, and a client
# that retries on loopback could even connect to itself.
_PORTS = range(20_000, 32_000)
_reservations: list[socket.socket] = []


@atexit.register
def _give_back_ports() -> None:
    for reservation in _reservations:
        reservation.close()


def free_port() -> int:
    """A TCP port on 127.0.0.1, reserved against other stacks on this machine while this process lives."""
    for port in random.sample(_PORTS, 200):
        reservation = socket.socket(socket.AF_UNIX)
        try:
            if sys.platform == "linux":
                reservation.bind(f"\0zhengling-port-{port}")  # abstract socket: no file, released with the process
            with socket.socket() as probe:
                probe.bind((LOOPBACK, port))
        except OSError:
            reservation.close()
        else:
            _reservations.append(reservation)
            return port
    raise StackError(f"no free port between {_PORTS.start} and {_PORTS.stop}")


# The child sets its parent-death signal and then execs the command; `preexec_fn` would run Python between fork and exec,
# which isn't safe with threads. The signal is set after the change of user, which clears it.
_BECOME = """
import ctypes, os, pwd, sys
parent, orphan_signal, user, *command = sys.argv[1:]
if user:
    entry = pwd.getpwnam(user)
    os.setgroups([]), os.setgid(entry.pw_gid), os.setuid(entry.pw_uid)
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, int(orphan_signal))  # PR_SET_PDEATHSIG
if os.getppid() != int(parent):
    sys.exit("the parent is gone already")
os.execv(command[0], command)
"""

# The parent-death signal is sent when the *thread* that forked ends, so one permanent thread does all forks.
_forking_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="zhengling-fork")


class ChildProcess:
    """One child with its log; it can be restarted after it ended, with the same command and port.

    `freeze` and `kill` include the child's own children (PostgreSQL forks).
    """

    stop_signal = signal.SIGTERM
    stop_within = 15.0  # seconds, then SIGKILL
    orphan_signal = signal.SIGKILL

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log_path: Path,
        env: Mapping[str, str] | None = None,
        run_as: str | None = None,
    ) -> None:
        self.name = name
        self.command = list(command)
        self.log_path = log_path
        self.env = env
        self.run_as = run_as
        self._process: subprocess.Popen[bytes] | None = None
        self._thaw: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        try:
            self.wait_ready()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        if self._process is None:
            raise StackError(f"{self.name} was never started")
        return self._process.pid

    def start(self) -> None:
        """Start the process and return at once; `wait_ready` waits."""
        if self.alive:
            raise StackError(f"{self.name} is running already, as process {self.pid}")
        become = [sys.executable, "-I", "-S", "-c", _BECOME, str(os.getpid()), str(int(self.orphan_signal))]
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        with self.log_path.open("ab") as log:
            launch = _forking_thread.submit(
                subprocess.Popen,
                [*become, self.run_as or "", *self.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.log_path.parent,
                env=self.env,
                start_new_session=True,  # Ctrl-C reaches only us, and we stop the children in order
            )
            self._process = launch.result()

    def is_ready(self) -> bool:
        """Whether it answers now; takes at most a few seconds."""
        return self.alive

    def wait_ready(self, within: float = 60.0) -> None:
        """Wait until it answers; StackError if it ends first or takes longer than `within` seconds."""
        deadline = time.monotonic() + within
        while not self.is_ready():
            if not self.alive:
                code = self._process.returncode if self._process else None
                raise self._failure(f"ended with exit code {code} before it was ready")
            if time.monotonic() > deadline:
                raise self._failure(f"wasn't ready within {within:g} s")
            time.sleep(_POLL)

    def finish(self, within: float = 60.0) -> None:
        """Wait until it ends by itself; StackError if it fails or takes longer than `within` seconds."""
        if self._process is None:
            raise StackError(f"{self.name} was never started")
        try:
            code = self._process.wait(within)
        except subprocess.TimeoutExpired:
            self.kill()
            raise self._failure(f"didn't finish within {within:g} s") from None
        if code:
            raise self._failure(f"failed with exit code {code}")

    def stop(self) -> None:
        """Send `stop_signal`, and SIGKILL after `stop_within` seconds. Does nothing if it isn't alive."""
        self.thaw()
        if self._process is None or not self.alive:
            return
        self._process.send_signal(self.stop_signal)
        try:
            self._process.wait(self.stop_within)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """SIGKILL for it and its children; returns when all have ended, so that it can be restarted."""
        if self._process is None or not self.alive:
            return
        family = self._halt()
        for member in family:
            with suppress(psutil.NoSuchProcess):
                member.kill()
        self._process.wait(10)
        self.thaw()
        deadline = time.monotonic() + 10
        while not all(_gone(member) for member in family):
            if time.monotonic() > deadline:
                raise self._failure("left processes behind that SIGKILL doesn't end")
            time.sleep(_POLL)

    def freeze(self) -> None:
        """SIGSTOP for it and its children, until `thaw`.

        A shell that reads from our pipe sends SIGCONT, also if we die: a frozen process doesn't act on its parent-death
        signal.
        """
        if self._thaw is not None:
            raise StackError(f"{self.name} is frozen already")
        pids = [str(member.pid) for member in self._halt()]
        thaw = ["/bin/sh", "-c", 'read _; kill -CONT "$@"', "thaw", *pids]
        self._thaw = subprocess.Popen(thaw, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True)

    def thaw(self) -> None:
        """SIGCONT for the processes that `freeze` stopped; does nothing if it isn't frozen."""
        if self._thaw is not None:
            self._thaw.communicate(timeout=10)
            self._thaw = None

    def log_tail(self, lines: int = 30) -> str:
        with suppress(FileNotFoundError):
            return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-lines:])
        return ""

    def _halt(self) -> list[psutil.Process]:
        """SIGSTOP the child first, so that it forks no more, then its descendants. Returns all of them."""
        child = psutil.Process(self.pid)
        child.suspend()
        descendants = child.children(recursive=True)
        for member in descendants:
            with suppress(psutil.NoSuchProcess):
                member.suspend()
        return [child, *descendants]

    def _failure(self, what: str) -> StackError:
        return StackError(f"{self.name} {what}; the end of {self.log_path}:\n{self.log_tail()}")


def _gone(process: psutil.Process) -> bool:
    """Whether it ended, including a zombie that a container's init never reaps."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


class ServiceProcess(ChildProcess):
    """`<svc> api` or `<svc> worker`: either serves /livez and /readyz on its PORT, /metrics on its METRICS_PORT."""

    def __init__(self, name: str, role: str, command: Sequence[str], env: Mapping[str, str], log_path: Path) -> None:
        super().__init__(name, command, log_path, env)
        self.role = role
        self.port = int(env["PORT"])
        self.metrics_url = f"http://{LOOPBACK}:{env['METRICS_PORT']}/metrics"

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def is_ready(self) -> bool:
        """Whether /readyz answers 200; without urllib, which would use the shell's proxy."""
        if not self.alive:
            return False
        with closing(http.client.HTTPConnection(LOOPBACK, self.port, timeout=3)) as connection:
            try:
                connection.request("GET", "/readyz")
                return connection.getresponse().status == http.HTTPStatus.OK
            except (OSError, http.client.HTTPException):
                return False


def executable(service: str) -> str:
    """The service's console script, installed beside this interpreter."""
    path = Path(sys.executable).parent / f"{service}-svc"
    if not path.exists():
        raise StackError(f"{path} is missing: install services/{service}-svc into this environment")
    return str(path)
