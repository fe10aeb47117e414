"""Which file an error of Spark is about."""

from __future__ import annotations

import pytest

from skytier import blocks

pytestmark = pytest.mark.plain

TABLE = "/warehouse/flight_dw.db/schema_metadata/data/00000-7-f263.parquet"
SAID = {
    f"org.apache.hadoop.hdfs.BlockMissingException: Could not obtain block: BP-76:blk_1_2 file={TABLE}": TABLE,
    f"Failed to open Parquet file: hdfs://127.0.0.1:9020{TABLE}\n\tat org.apache": TABLE,
    f"TStatus(errorMessage='Failed to fetch file: hdfs://127.0.0.1:9520{TABLE}\\n\\tat org.apache')": TABLE,
    f"Checksum error: {TABLE} at 1024 exp: 17 got: 4": TABLE,
    "[TABLE_OR_VIEW_NOT_FOUND] The table `a` cannot be found": None,
}


@pytest.mark.parametrize("said", SAID)
def test_the_file_of_an_error(said: str) -> None:
    assert blocks.file_in(said) == SAID[said]
