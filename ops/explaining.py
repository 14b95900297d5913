"""Say what `ops/retrain` would do now and why, without writing anything."""

from __future__ import annotations

from typing import Any

from ops.inputs import (
    check_trial,
    describe_candidates,
    describe_period,
    known_csv,
    list_past_runs,
)
from ops.recording import REGISTRY
from stormcnn.operations import registry
from stormcnn.operations.cutoff import (
    Least,
    TooFew,
    choose_cutoff,
    earliest_cutoff,
    start_of_window,
)
from stormcnn.operations.journal import utc_now
from stormcnn.operations.news import find_news


def explain(config: dict[str, Any], trial: str | None, least: Least, force: bool) -> None:
    """Print what a retraining would do now and why, without writing anything."""
    data = config["data"]
    last = registry.read_last_entry(REGISTRY)
    registry.check_clock(last, utc_now())
    runs = list_past_runs(data)
    news = find_news(runs, known_csv(data))
    champion = last.champion if last else None
    if champion:
        registry.check_network(REGISTRY, champion)
        print(f"Champion since {champion.since:%Y-%m-%d}: {champion.experiment}. {champion.why}")
    else:
        print("There is no champion yet.")
    if trial:
        check_trial(config, trial, runs)
    elif not news and not force:
        print("No new run files; nothing would be done.")
        return
    for kind, files in news._asdict().items():
        for run in files:
            print(f"{kind.capitalize()}: {run.file}")
    batches = sorted({run.batch for run in [*news.new, *news.replaced]})
    print(f"Would prepare, if not up to date: {', '.join(batches) or 'nothing'}.")
    if last and last.held and not trial:
        print("Would train nothing, because the champion is held (ops/registry release).")
        return
    # Events are counted when the runs are prepared; until then assume that there are enough.
    events = {run.run_date: least.events for run in runs}
    try:
        cutoff = choose_cutoff(
            events,
            data["batch"],
            earliest_cutoff(last, bool(trial)),
            config["verification"]["block"],
            least,
        )
    except TooFew:
        print(
            f"Would postpone: fewer than {least.blocks} blocks of runs were used neither for "
            "training nor for an earlier decision."
        )
        return
    policy = config["retraining"]
    start = start_of_window(events, data["batch"], cutoff, policy["window"])
    rival = "the champion" if champion else "climatology, because there is no champion yet"
    print(
        f"Would train {describe_candidates(policy)} on the runs {describe_period(start, cutoff)} "
        f"and judge by the later runs against {rival}. If these have fewer than {least.events} "
        "events, which is known when they are prepared, it would choose an earlier cutoff or "
        "postpone."
    )
