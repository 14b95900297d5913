"""Run dates and file names of the made-up storms. Only the standard library is imported here."""

from __future__ import annotations

from bisect import bisect_left
from datetime import datetime, timedelta
from itertools import accumulate

from stormcnn.errors import UserError

MAXIMUM_RUNS = 5000
SPLIT = datetime(2015, 1, 1)
EARLY_SHARE = 0.64  # 64 of the archive's 100 runs start before the split

# The archive's run dates (the patch files of the AMS short course on machine learning, 2019).
ARCHIVE = """
20101024 20101122 20110201 20110308 20110326 20110404 20110414 20110420 20110425 20110509
20110522 20110527 20110605 20110610 20110615 20110620 20110625 20110704 20110712 20111116
20120218 20120315 20120323 20120401 20120409 20120426 20120503 20120510 20120529 20120606
20120622 20120701 20120706 20120715 20121225 20130318 20130331 20130411 20130429 20130513
20130519 20130527 20130602 20130613 20130619 20130625 20130701 20130708 20130715 20140220
20140328 20140407 20140425 20140508 20140514 20140526 20140604 20140609 20140617 20140622
20140628 20140705 20140710 20141123 20150331 20150416 20150422 20150505 20150510 20150523
20150528 20150605 20150612 20150620 20150625 20150630 20150706 20150712 20151031 20151227
20160224 20160323 20160401 20160415 20160429 20160505 20160511 20160522 20160528 20160608
20160616 20160622 20160628 20160707 20160712 20161129 20170121 20170228 20170323 20170329
"""

# Beyond the archive's number, run dates fill a calendar of some years, in which a day of the warm
# season (April to July) is four times as likely as another. With so few runs a year, the steps
# from one to the next are longer than a day.
MINIMUM_YEARS = 5
RUNS_PER_YEAR = 100
WARM_MONTHS = range(4, 8)
WARM_WEIGHT = 4


def demo_run_dates(runs: int) -> list[datetime]:
    """Run dates of the made-up storms, in order: 00 UTC, 64 % of them before 2015.

    One hundred runs have the archive's dates, fewer an even choice of them. More than a hundred
    are spread over as many years as they need on both sides of 2015, densest in the warm season.
    Raises `UserError` for less than 2 runs (one for each period) or more than 5000.
    """
    if not 2 <= runs <= MAXIMUM_RUNS:
        raise UserError(
            f"{runs} made-up runs were asked for. Ask for 2 to {MAXIMUM_RUNS}: "
            "at least one before 2015 and one after."
        )
    early = min(max(round(EARLY_SHARE * runs), 1), runs - 1)
    return [*_dates(early, before=True), *_dates(runs - early, before=False)]


def demo_file_name(run_date: datetime) -> str:
    """Name of the run file of a made-up run, in the archive's form."""
    return f"NCARSTORM_{run_date:%Y%m%d-%H%M}_d01_model_patches.nc"


def _dates(count: int, *, before: bool) -> list[datetime]:
    """`count` run dates on one side of the split."""
    archive = [datetime.strptime(day, "%Y%m%d") for day in ARCHIVE.split()]
    side = [date for date in archive if (date < SPLIT) == before]
    if count <= len(side):
        return _choose(side, [1] * len(side), count)
    years = MINIMUM_YEARS + count // RUNS_PER_YEAR
    first = SPLIT.replace(year=SPLIT.year - years) if before else SPLIT
    length = first.replace(year=first.year + years) - first
    days = [first + timedelta(day) for day in range(length.days)]
    return _choose(days, [WARM_WEIGHT if day.month in WARM_MONTHS else 1 for day in days], count)


def _choose(days: list[datetime], weights: list[int], count: int) -> list[datetime]:
    """`count` of the days at equal steps of their summed weight, each at most once."""
    reached = list(accumulate(weights))
    step = reached[-1] / count
    return [days[bisect_left(reached, (number + 0.5) * step)] for number in range(count)]
