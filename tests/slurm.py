"""A real SLURM of one node on loopback, with daemons and a configuration of its own.

It needs root, and Debian's packages munge, slurmctld, slurmd and slurm-client; no systemd.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

from checkout import SECONDS_A_RUN, Checkout

# Daemons are in a folder that not every shell searches.
PATH = os.environ["PATH"] + ":/usr/sbin"
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol")
# Where SLURM's programs look when no variable says where: the plugin that starts a job's step
# removes all of SLURM's variables.
SYSTEM_CONFIG = Path("/etc/slurm/slurm.conf")

CONFIG = """\
ClusterName=stormcnn-test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
AccountingStorageType=accounting_storage/none
# Once a second, a job above its memory is killed; without control groups.
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
KillWait=2
# Tests look at jobs long after their end.
MinJobAge=86400
# More memory than the machine may have: what a rule asks for is much more than a test's job uses.
SlurmdParameters=config_overrides
NodeName=node NodeHostname={host} NodeAddr=127.0.0.1 Port={node_port} CPUs={cpus} RealMemory=32000
PartitionName=main Nodes=node Default=YES DefaultTime=5 MaxTime=INFINITE State=UP
"""


def why_not() -> str:
    """A sentence that says why no SLURM can be started here; empty where it can."""
    missing = [program for program in PROGRAMS if shutil.which(program, path=PATH) is None]
    if missing:
        return (
            f"{' and '.join(missing)} not installed (on Debian: apt-get install munge slurmctld "
            "slurmd slurm-client)."
        )
    if os.geteuid() != 0:
        return "SLURM's daemons can only be started by root."
    # One that a killed test left behind is replaced.
    if SYSTEM_CONFIG.exists() and not SYSTEM_CONFIG.read_text().startswith(CONFIG[:25]):
        return f"This machine belongs to a cluster already: it has {SYSTEM_CONFIG}."
    return ""


class Slurm:
    """The daemons, from `with` to its end, and the commands that tests give."""

    def __init__(self, folder: Path, cpus: int = 4) -> None:
        self.folder = folder
        self._daemons: list[subprocess.Popen[bytes]] = []
        self._has_started = False
        ports = free_ports(2)
        self._config = CONFIG.format(
            host=socket.gethostname().partition(".")[0],
            folder=folder,
            cpus=cpus,
            controller_port=ports[0],
            node_port=ports[1],
        )

    def __enter__(self) -> Self:
        for name in ("state", "spool"):
            (self.folder / name).mkdir()
        config = self.folder / "slurm.conf"
        config.write_text(self._config, encoding="utf-8")
        SYSTEM_CONFIG.parent.mkdir(exist_ok=True)
        SYSTEM_CONFIG.unlink(missing_ok=True)
        SYSTEM_CONFIG.symlink_to(config)
        try:
            self._start_daemons()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        # Jobs would outlive the daemons.
        if self._has_started:
            self.call("scancel", "--user=root")
            wait_until(lambda: not self.call("squeue", "--noheader"), self._said)
        for daemon in reversed(self._daemons):
            daemon.terminate()
            try:
                daemon.wait(timeout=20)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        SYSTEM_CONFIG.unlink(missing_ok=True)

    def call(self, *command: str, environment: Mapping[str, str] | None = None) -> str:
        """What a command of SLURM says; it must succeed."""
        return subprocess.run(
            command, stdout=subprocess.PIPE, text=True, check=True, timeout=60, env=environment
        ).stdout.strip()

    def jobs(self, folder: Path, *states: str) -> list[str]:
        """Numbers of the jobs of a folder, all or those in some states, as they were submitted."""
        listed = self.call(
            "squeue", "--noheader", f"--states={','.join(states) or 'all'}", "--format=%A %Z"
        )
        jobs = (line.split(maxsplit=1) for line in listed.splitlines())
        return sorted((job for job, place in jobs if place == str(folder)), key=int)

    def describe(self, job: str) -> dict[str, str]:
        """What `scontrol show job` says of a job."""
        words = self.call("scontrol", "--oneliner", "show", "job", job).split()
        return dict(word.split("=", 1) for word in words if "=" in word)

    def submit_whole(self, checkout: Checkout, *targets: str) -> str:
        """Submit a clone's run as one job, in one allocation; gives its number."""
        (checkout.path / ".venv").symlink_to(sys.prefix)
        return self.call(
            "sbatch",
            "--parsable",
            "--cpus-per-task=2",
            f"--chdir={checkout.path}",
            str(checkout.path / "ops" / "in_allocation.sbatch"),
            *targets,
            "--configfile",
            checkout.config,
            environment=checkout.environment,
        )

    def end_of(self, job: str) -> str:
        """The state in which a job ends, which is waited for."""
        running = ("PENDING", "RUNNING", "COMPLETING")
        wait_until(lambda: self.describe(job)["JobState"] not in running, self._said)
        return self.describe(job)["JobState"]

    def _start_daemons(self) -> None:
        key, munge_socket = self.folder / "munge.key", self.folder / "munge.socket"
        key.touch(mode=0o600)
        key.write_bytes(secrets.token_bytes(128))
        self._start(
            "munged",
            "--foreground",
            "--force",
            f"--key-file={key}",
            f"--socket={munge_socket}",
            f"--pid-file={self.folder}/munged.pid",
            f"--log-file={self.folder}/munged.log",
            f"--seed-file={self.folder}/munge.seed",
        )
        wait_until(munge_socket.exists, self._said)
        self._start("slurmctld", "-D", "-c")
        self._start("slurmd", "-D", "-N", "node")
        wait_until(self._is_idle, self._said)
        self._has_started = True

    def _start(self, *command: str) -> None:
        # Ctrl-C ends the tests, which then end their jobs and the daemons, in this order.
        with open(self.folder / f"{command[0]}.out", "wb") as output:
            daemon = subprocess.Popen(
                command,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=os.environ | {"PATH": PATH},
            )
        self._daemons.append(daemon)

    def _is_idle(self) -> bool:
        states = subprocess.run(
            ["sinfo", "--noheader", "--format=%T"], capture_output=True, text=True, check=False
        )
        return states.stdout.strip() == "idle"

    def _said(self) -> str:
        """What the daemons have said so far."""
        files = sorted([*self.folder.glob("*.out"), *self.folder.glob("*.log")])
        return "\n".join(f"{file.name}:\n{file.read_text(errors='replace')}" for file in files)


def wait_until(
    condition: Callable[[], object], said: Callable[[], str] = str, seconds: float = SECONDS_A_RUN
) -> None:
    """Wait for something to become true; an error shows what was `said` until then."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, said()
        time.sleep(0.1)


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
