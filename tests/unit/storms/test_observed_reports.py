"""Reading reports of severe weather."""

import numpy as np
import pytest

from stormcnn.errors import UserError
from stormcnn.storms.observed_reports import read_reports

START, END = np.datetime64("2015-05-01"), np.datetime64("2015-06-02")
# The columns of SPC's database that come first, of which some are not needed.
SPC = """\
om,yr,mo,dy,date,time,tz,st,mag,slat,slon
1,2015,5,1,2015-05-01,17:35:00,3,OK,1.75,35.1,-97.5
2,2015,5,2,2015-05-02,23:35:00,9,OK,1.00,36.0,-98.25
3,2015,5,31,2015-05-31,19:00:00,3,OK,0.75,34.0,-96.0
"""
PLAIN = """\
time,latitude,longitude,kind,magnitude
2015-05-01T20:35,35,262.5,Hail,1
2015-05-01 20:35-06:00,36,-97.5,tornado,
2015-05-03T01:00:00Z,37,-97,flood,
"""


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a file of reports and returns its path."""

    def write_file(content, name="hail.csv", encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(content.encode(encoding))
        return path

    return write_file


def read(*paths, **settings):
    return read_reports(paths, START, END, **settings)


def times(*texts):
    return np.array(texts, "datetime64[ns]")


def test_times_of_spc_are_central_standard_time_or_gmt(write):
    reports = read(write(SPC))
    expected = times("2015-05-01T23:35", "2015-05-02T23:35", "2015-06-01T01:00")
    np.testing.assert_array_equal(reports.time, expected)
    np.testing.assert_array_equal(reports.latitude, [35.1, 36, 34])
    np.testing.assert_array_equal(reports.longitude, [-97.5, -98.25, -96])


def test_plain_times_are_utc_or_have_an_offset(write):
    reports = read(write(PLAIN, "reports.csv"))
    expected = times("2015-05-01T20:35", "2015-05-02T02:35", "2015-05-03T01:00")
    np.testing.assert_array_equal(reports.time, expected)
    np.testing.assert_array_equal(reports.longitude, [-97.5, -97.5, -97])


@pytest.mark.parametrize(
    ("change", "encoding"),
    [
        (lambda text: text, "utf-8-sig"),
        (lambda text: text, "utf-16"),
        (lambda text: text.replace(",", ";").replace("\n", "\r\n"), "utf-8-sig"),
        (lambda text: "\n" + text.replace(",", "\t") + "\n\t\t\t\n", "utf-8"),
        (lambda text: text.replace("slat", " SLAT "), "utf-8"),
    ],
)
def test_spreadsheets_may_have_saved_the_file(write, change, encoding):
    reports = read(write(change(SPC), encoding=encoding))
    assert reports.time.size == 3
    assert reports.latitude.sum() == pytest.approx(105.1)


def test_only_the_period_is_read(write):
    paths = [write(SPC), write(PLAIN, "reports.csv")]
    first, last = times("2015-05-01T23:35", "2015-05-02T23:35")
    np.testing.assert_array_equal(
        read_reports(paths, first, last).time, [first, *times("2015-05-02T02:35"), last]
    )
    later = first + np.timedelta64(1, "m")
    assert read_reports(paths, later, last - np.timedelta64(1, "m")).time.size == 1


def test_values_outside_of_the_period_need_not_be_possible(write):
    early = "9,1953,6,1,1953-06-01,00:00:00,0,OK,1.0,?,?\n"
    assert read(write(SPC + early)).time.size == 3


def test_zeros_for_an_unknown_position_are_left_out_and_counted(write):
    reports = read(write(SPC.replace("36.0,-98.25", "0,0")))
    assert reports.time.size == 2
    assert reports.without_position == 1


def test_reports_in_several_files_count_once(write):
    paths = [write(SPC, "hail-2015.csv"), write(SPC + SPC.splitlines()[1], "hail-all.csv")]
    assert read(*paths).time.size == 3


def test_kind_is_told_by_the_column_or_by_the_name_of_the_file(write):
    paths = [write(SPC, "1955-2023_hail.csv"), write(PLAIN, "reports.csv")]
    assert read(*paths).time.size == 6
    assert read(*paths, kinds=["hail"]).time.size == 4
    assert read(*paths, kinds=["tornado"]).time.size == 1
    assert read(write(SPC, "2015_torn.csv"), kinds=["tornado"]).time.size == 3


def test_least_magnitude_leaves_out_small_and_unknown_ones(write):
    paths = [write(SPC), write(PLAIN, "reports.csv")]
    reports = read(*paths, least_magnitude={"hail": 1, "tornado": 0})
    # 0.75 inches of hail are too little; the tornado has no magnitude; the flood needs none.
    assert reports.time.size == 4
    assert reports.without_magnitude == 1


def months(first, last):
    return np.arange(first, last, dtype="datetime64[M]")


def test_file_covers_the_months_from_its_first_to_its_last_report(write):
    early = SPC + "4,2014,12,31,2014-12-31,23:00:00,3,OK,1.0,35,-97\n"
    hail = write(early, "hail.csv")
    np.testing.assert_array_equal(read(hail).months, months("2014-12", "2015-06"))
    # In UTC, the last report is one of June, but the file need not have the others of June.
    wind = write(SPC, "wind.csv")
    np.testing.assert_array_equal(read(hail, wind).months, months("2015-05", "2015-06"))
    of_hail = read(hail, wind, kinds=["hail"])
    np.testing.assert_array_equal(of_hail.months, months("2014-12", "2015-06"))


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("1,2015,5,1,", "1,2015,13,1,", ("line 2", "2015-13-01")),
        ("17:35:00", "25:35:00", ("line 2", "time", "25:35:00")),
        ("17:35:00,3", "17:35:00,6", ("line 2", "tz", "6")),
        ("17:35:00,3", "17:35:00,", ("line 2", "tz")),
        ("35.1", "135.1", ("line 2", "slat", "135.1")),
        ("-98.25", "-980.25", ("line 3", "slon", "-980.25")),
        ("-98.25", "98,25 W", ("line 3",)),
        ("36.0", "", ("line 3", "slat")),
        ("-97.5", "-97.5,,", ("line 2",)),
        ("slat", "latitude", ("slat",)),
        ("om", "slat", ("line 1", "slat")),
        ('"', '"', ()),
    ],
)
def test_impossible_values_of_spc_are_named(write, old, new, named):
    content = SPC.replace(old, new) if named else SPC.replace("1,2015,5,1", '"1,2015,5,1')
    with pytest.raises(UserError) as error:
        read(write(content))
    for text in ("hail.csv", *named):
        assert text in str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("2015-05-01T20:35", "2015-05-01", ("line 2", "time", "2015-05-01")),
        ("2015-05-01T20:35", "yesterday", ("line 2", "time", "yesterday")),
        (",37,", ",north,", ("line 4", "latitude", "north")),
        ("longitude", "lon", ("longitude",)),
        ("time,latitude,longitude,kind,magnitude", "a,b", ("time, latitude, longitude",)),
    ],
)
def test_impossible_plain_values_are_named(write, old, new, named):
    content = PLAIN.replace(old, new)
    if new == "a,b":
        content = "a,b\n1,2\n"
    with pytest.raises(UserError) as error:
        read(write(content, "reports.csv"))
    for text in ("reports.csv", *named):
        assert text in str(error.value)


@pytest.mark.parametrize(
    "content", ["", "\n\n", SPC.splitlines()[0], f"{SPC.splitlines()[0]}\n,,,,\n"]
)
def test_file_without_reports_is_refused(write, content):
    with pytest.raises(UserError, match=r"hail\.csv: the file has no reports"):
        read(write(content))


def test_bytes_that_are_no_text_are_refused(write):
    with pytest.raises(UserError, match=r"hail\.csv, line 1"):
        read(write("größe", encoding="latin-1"))


def test_text_without_lines_is_refused(write):
    with pytest.raises(UserError, match=r"hail\.csv, line 1"):
        read(write("0" * 200_000))


def test_unknown_kinds_and_magnitudes_are_refused_only_if_they_matter(write):
    nameless = write(SPC, "reports.csv")
    assert read(nameless).time.size == 3
    for settings in ({"kinds": ["hail"]}, {"least_magnitude": {"hail": 1}}):
        with pytest.raises(UserError, match=r"reports\.csv: the kind"):
            read(nameless, **settings)
    without = write(SPC.replace(",mag,", ",size,"))
    assert read(without, kinds=["hail"]).time.size == 3
    with pytest.raises(UserError, match=r"hail\.csv: .*column magnitude"):
        read(without, least_magnitude={"hail": 1})


def test_missing_file_of_a_kind_is_named(write):
    with pytest.raises(UserError, match=r"observations\.kinds: .*wind"):
        read(write(SPC), kinds=["hail", "wind"])
