"""Jobs do not import what takes long and what they do not use."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_scores_and_reports_do_not_import_scipy_stats():
    """It alone takes a second to import, a fifth of such a job."""
    jobs = (
        *("compare_models", "explain_networks", "recalibrate_networks", "score_decisions"),
        *("score_explanations", "score_networks", "write_report"),
    )
    code = (
        f"import sys, {', '.join(f'scripts.{job}' for job in jobs)}\n"
        "sys.exit('scipy.stats' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


@pytest.mark.slow
def test_jobs_that_draw_nothing_do_not_import_matplotlib_figures():
    code = (
        "import sys, scripts.compare_models, scripts.write_report\n"
        "sys.exit('matplotlib.figure' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
