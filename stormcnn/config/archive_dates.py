"""Run dates of the NCAR archive, and run dates and file names of the demo derived from them.

The rules import this module at every start, so it imports nothing but the standard library.
"""

from __future__ import annotations

from bisect import bisect_left
from datetime import datetime, timedelta
from itertools import accumulate

MAXIMUM_RUNS = 5000
SPLIT = datetime(2015, 1, 1)
EARLY_SHARE = 0.64  # 64 of the archive's 100 runs start before the split

# Run dates of the archive: the patch files of the AMS short course on machine learning, 2019.
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

# If more run dates are needed than the archive has, they are spread over several years, in which
# days of the warm season (April to July) are chosen four times as often as others. There are few
# enough runs per year that no day is chosen twice.
MINIMUM_YEARS = 5
RUNS_PER_YEAR = 100
WARM_MONTHS = range(4, 8)
WARM_WEIGHT = 4


def demo_run_dates(runs: int) -> list[datetime]:
    """Return the run dates of the demo in order: 00 UTC, 64 % of them before 2015.

    One hundred runs have the dates of the archive, and fewer runs have dates chosen evenly from
    them. More runs are spread over as many years before and after 2015 as they need, most of them
    in the warm season. `runs` is at least 2, one before and one after 2015, and at most
    `MAXIMUM_RUNS`.
    """
    early = min(max(round(EARLY_SHARE * runs), 1), runs - 1)
    return [*_dates(early, before=True), *_dates(runs - early, before=False)]


def demo_file_name(run_date: datetime) -> str:
    """Return the name of the run file of a made-up run, in the format of the archive."""
    return f"NCARSTORM_{run_date:%Y%m%d-%H%M}_d01_model_patches.nc"


def _dates(count: int, *, before: bool) -> list[datetime]:
    """Return `count` run dates before or after the split."""
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
    """Return `count` of the days at equal steps of their cumulative weight."""
    cumulative = list(accumulate(weights))
    step = cumulative[-1] / count
    return [days[bisect_left(cumulative, (number + 0.5) * step)] for number in range(count)]
