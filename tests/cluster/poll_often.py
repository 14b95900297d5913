"""Snakemake that asks SLURM for its jobs all the time.

The plugin for SLURM waits ten seconds longer each time that no job has finished; no option says
otherwise, and the jobs of tests are short.
"""

import sys

from snakemake.cli import main
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor

SECONDS = 0.5

RemoteExecutor.next_seconds_between_status_checks = property(
    lambda executor: SECONDS, lambda executor, value: None
)
main(sys.argv[1:])
