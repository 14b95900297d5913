from __future__ import annotations

import base64
import gzip

import numpy as np
import pytest

from stormcnn.report.downloads import table_downloads


@pytest.mark.slow
def test_large_tables_are_compressed_and_omitted_if_there_is_no_room(tmp_path):
    small, large = tmp_path / "small.csv", tmp_path / "large.csv"
    small.write_text("a\n1\n")
    values = np.random.default_rng(0).random(40_000)
    large.write_text("a\n" + "\n".join(map(str, values)))
    tables = {"large": large, "small": small, "absent": None}
    both = table_downloads(tables, room=10_000_000)
    assert [file["name"] for file in both] == ["large.csv.gz", "small.csv"]
    packed = base64.b64decode(both[0]["source"].split(",", 1)[1])
    assert gzip.decompress(packed) == large.read_bytes()
    tight = table_downloads(tables, room=1000)
    assert tight[0]["source"] is None
    assert tight[1]["source"] is not None
