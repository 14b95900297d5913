"""Run Snakemake, but query the status of SLURM jobs twice per second.

The SLURM plugin waits ten seconds longer after each query in which no job has finished, which no
option changes. The jobs of tests are short. `SECONDS_BETWEEN_QUERIES` sets another time.
"""

import os
import sys

from snakemake.cli import main
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor

SECONDS = float(os.environ.get("SECONDS_BETWEEN_QUERIES", "0.5"))

RemoteExecutor.next_seconds_between_status_checks = property(
    lambda executor: SECONDS, lambda executor, value: None
)
main(sys.argv[1:])
