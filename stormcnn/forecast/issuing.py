"""Issue a forecast: write all its files as a record."""

from __future__ import annotations

from pathlib import Path

from stormcnn.forecast.contents import ForecastContents
from stormcnn.forecast.files import tabulate_forecast
from stormcnn.forecast.geojson import as_geojson
from stormcnn.forecast.page import write_page
from stormcnn.forecast.records import NEIGHBOURHOOD, issuing
from stormcnn.forecast.static_map import draw_forecast_map
from stormcnn.forecast.summary import summarize
from stormcnn.io import write_csv, write_netcdf, write_text
from stormcnn.report.figure_style import save_figure


def issue(contents: ForecastContents, record: Path) -> None:
    """Write the files of a forecast; `record` is the path of its NetCDF file, see `records`.

    Raises `UserError` if the record exists.
    """
    with issuing(record) as folder:
        stem = folder / record.stem
        write_csv(tabulate_forecast(contents.forecast), f"{stem}.csv")
        write_text(summarize(contents), f"{stem}.txt")
        write_text(as_geojson(contents), f"{stem}.geojson")
        write_page(contents, f"{stem}.html")
        save_figure(draw_forecast_map(contents), stem)
        if contents.neighbourhood is not None:
            write_netcdf(contents.neighbourhood, f"{stem}{NEIGHBOURHOOD}.nc")
        write_netcdf(contents.forecast, folder / record.name)
