"""Run Snakemake, but query the status of SLURM jobs twice per second.

The SLURM plugin waits ten seconds longer after each query in which no job has finished, which no
option changes. The jobs of tests are short.
"""

import sys

from snakemake.cli import main
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor

SECONDS = 0.5

RemoteExecutor.next_seconds_between_status_checks = property(
    lambda executor: SECONDS, lambda executor, value: None
)
main(sys.argv[1:])
