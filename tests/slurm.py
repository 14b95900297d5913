"""A real SLURM cluster with one node on the loopback interface, with its own configuration.

It requires root and the Debian packages munge, slurmctld, slurmd and slurm-client, but no systemd.
A database of its jobs also requires slurmdbd, mariadb-server-core and mariadb-client-core.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from checkout import RUN_TIMEOUT_SECONDS, Checkout

# The daemons are in /usr/sbin, which is not in every user's PATH.
PATH = os.environ["PATH"] + ":/usr/sbin"
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol")
PROGRAMS += ("slurmdbd", "mariadbd", "mariadb-install-db", "my_print_defaults")
# The default path of the configuration. SLURM_CONF would not do, because Snakemake's plugin for job
# steps removes all variables of SLURM.
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
# Check the memory of jobs every second and kill those above their limit, without control groups.
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
KillWait=2
# Tests query jobs long after these have ended.
MinJobAge=86400
# The node may have less memory than this: rules request much more than jobs of tests use.
SlurmdParameters=config_overrides
NodeName=node NodeHostname={host} NodeAddr=127.0.0.1 Port={node_port} CPUs={cpus} RealMemory=64000
PartitionName=main Nodes=node Default=YES DefaultTime=5 MaxTime=INFINITE State=UP
"""
ACCOUNTING = """\
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=localhost
AccountingStoragePort={port}
AccountingStoragePass={folder}/munge.socket
"""
DATABASE_CONFIG = """\
DbdHost=localhost
DbdPort={port}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
PidFile={folder}/slurmdbd.pid
LogFile={folder}/slurmdbd.log
StorageType=accounting_storage/mysql
StorageUser=root
"""


def why_unavailable() -> str:
    """Return why SLURM cannot be started on this machine, or an empty text if it can."""
    missing = [program for program in PROGRAMS if shutil.which(program, path=PATH) is None]
    if missing:
        return (
            f"{' and '.join(missing)} not installed (on Debian: apt-get install munge slurmctld "
            "slurmd slurm-client slurmdbd mariadb-server-core mariadb-client-core)."
        )
    if os.geteuid() != 0:
        return "Only root can start the daemons of SLURM."
    # A file left by a killed test is replaced.
    if SYSTEM_CONFIG.exists() and not SYSTEM_CONFIG.read_text().startswith(CONFIG[:25]):
        return f"This machine belongs to a SLURM cluster: {SYSTEM_CONFIG} exists."
    return ""


class Slurm:
    """A cluster that runs inside a `with` block, and commands for it."""

    def __init__(self, folder: Path, cpus: int = 4) -> None:
        self.folder = folder
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}
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
        # Jobs outlive the daemons unless they are canceled.
        if self._has_started:
            self.call("scancel", "--user=root")
            wait_until(lambda: not self.call("squeue", "--noheader"), self._logs)
        for name in reversed(list(self._daemons)):
            self._stop(name)
        SYSTEM_CONFIG.unlink(missing_ok=True)

    def call(self, *command: str, environment: Mapping[str, str] | None = None) -> str:
        """Run a command, which must succeed; return its output."""
        return subprocess.run(
            command, stdout=subprocess.PIPE, text=True, check=True, timeout=60, env=environment
        ).stdout.strip()

    def jobs(self, folder: Path, *states: str) -> list[str]:
        """Return the IDs of the jobs of a folder, in all or some states, in order of submission."""
        output = self.call(
            "squeue", "--noheader", f"--states={','.join(states) or 'all'}", "--format=%A %Z"
        )
        jobs = (line.split(maxsplit=1) for line in output.splitlines())
        return sorted((job for job, path in jobs if path == str(folder)), key=int)

    def describe(self, job: str) -> dict[str, str]:
        """Return the fields of `scontrol show job`."""
        words = self.call("scontrol", "--oneliner", "show", "job", job).split()
        return dict(word.split("=", 1) for word in words if "=" in word)

    def submit_whole(self, checkout: Checkout, *targets: str) -> str:
        """Submit the whole workflow as one job; return the ID of the job."""
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
        """Wait until a job has ended; return its state."""
        running = ("PENDING", "RUNNING", "COMPLETING")
        wait_until(lambda: self.describe(job)["JobState"] not in running, self._logs)
        return self.describe(job)["JobState"]

    @contextmanager
    def accounting(self) -> Iterator[None]:
        """Record the jobs of a `with` block in a database; all earlier jobs are forgotten."""
        port = free_ports(1)[0]
        config = self.folder / "slurm.conf"
        database_config = self.folder / "slurmdbd.conf"
        database_config.touch(mode=0o600)
        database_config.write_text(DATABASE_CONFIG.format(folder=self.folder, port=port))
        others = [line for line in self._config.splitlines() if "AccountingStorage" not in line]
        try:
            self._start_database(config)
            wait_until(lambda: is_listening(port), self._logs)
            accounting = ACCOUNTING.format(folder=self.folder, port=port)
            config.write_text("\n".join([*others, accounting]))
            self._restart_controller()
            yield
        finally:
            config.write_text(self._config)
            self._restart_controller()
            for name in ("slurmdbd", "mariadbd"):
                self._stop(name)

    def _start_database(self, config: Path) -> None:
        database_socket = self.folder / "mariadb.socket"
        options = ("--no-defaults", "--user=root", f"--datadir={self.folder}/database")
        self.call("mariadb-install-db", *options, "--skip-test-db")
        self._start("mariadbd", *options, f"--socket={database_socket}", "--skip-networking")
        wait_until(database_socket.exists, self._logs)
        # It reads slurmdbd.conf in the folder of this file.
        variables = {"SLURM_CONF": str(config), "MYSQL_UNIX_PORT": str(database_socket)}
        self._start("slurmdbd", "-D", **variables)

    def _restart_controller(self) -> None:
        self._stop("slurmctld")
        self._start("slurmctld", "-D", "-c")
        wait_until(self._is_idle, self._logs)

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
        wait_until(munge_socket.exists, self._logs)
        self._start("slurmctld", "-D", "-c")
        self._start("slurmd", "-D", "-N", "node")
        wait_until(self._is_idle, self._logs)
        self._has_started = True

    def _start(self, *command: str, **variables: str) -> None:
        # In its own session, so that Ctrl-C does not stop the daemons before the jobs.
        with open(self.folder / f"{command[0]}.out", "wb") as output:
            self._daemons[command[0]] = subprocess.Popen(
                command,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=os.environ | {"PATH": PATH} | variables,
            )

    def _stop(self, name: str) -> None:
        daemon = self._daemons.pop(name)
        daemon.terminate()
        try:
            daemon.wait(timeout=20)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()

    def _is_idle(self) -> bool:
        states = subprocess.run(
            ["sinfo", "--noheader", "--format=%T"], capture_output=True, text=True, check=False
        )
        return states.stdout.strip() == "idle"

    def _logs(self) -> str:
        """Return the output and logs of the daemons."""
        files = sorted([*self.folder.glob("*.out"), *self.folder.glob("*.log")])
        return "\n".join(f"{file.name}:\n{file.read_text(errors='replace')}" for file in files)


def wait_until(condition: Callable[[], object], details: Callable[[], str] = str) -> None:
    """Wait until a condition is true. If it does not become true, the error shows `details`."""
    deadline = time.monotonic() + RUN_TIMEOUT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, details()
        time.sleep(0.1)


def free_ports(count: int) -> list[int]:
    """Return free ports of the loopback interface."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
