"""Issue a forecast: write all its files as a record."""

from __future__ import annotations

from pathlib import Path

from stormcnn.forecast.contents import ForecastContents
from stormcnn.forecast.files import tabulate_forecast
from stormcnn.forecast.geojson import as_geojson
from stormcnn.forecast.maps import draw_map
from stormcnn.forecast.records import NEIGHBOURHOOD, issuing
from stormcnn.forecast.summary import name_run, summarize
from stormcnn.io import write_csv, write_netcdf, write_text
from stormcnn.report.figure_style import make_figure, save_figure
from stormcnn.storms.titles import is_made_up_title


def issue(contents: ForecastContents, record: Path) -> None:
    """Write the files of a forecast; `record` is the path of its NetCDF file, see `records`.

    Raises `UserError` if the record exists.
    """
    with issuing(record) as folder:
        _write_files(contents, folder / record.stem)
        write_netcdf(contents.forecast, folder / record.name)


def _write_files(contents: ForecastContents, stem: Path) -> None:
    """Write everything but the NetCDF file of a forecast; names begin with `stem`."""
    forecast = contents.forecast
    table = tabulate_forecast(forecast)
    write_csv(table, f"{stem}.csv")
    write_text(summarize(forecast), f"{stem}.txt")
    write_text(as_geojson(contents), f"{stem}.geojson")
    if contents.neighbourhood is not None:
        write_netcdf(contents.neighbourhood, f"{stem}{NEIGHBOURHOOD}.nc")
    figure, ((panel,),) = make_figure(
        size=(9, 6.5), made_up=is_made_up_title(forecast.attrs["title"])
    )
    event = f"{forecast.attrs['event_title']} {forecast.attrs['event_lead']}".strip()
    longitude, latitude, probability = (
        table[name].to_numpy() for name in ("longitude", "latitude", "probability")
    )
    draw_map(panel, longitude, latitude, probability, event)
    panel.set_title(f"{panel.get_title(loc='left')}, {name_run(forecast)[4:]}", loc="left")
    save_figure(figure, stem)
