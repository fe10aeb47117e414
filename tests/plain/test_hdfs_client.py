"""What we use of the client of WebHDFS that is not public, until it is: docs/decisions/0014-libraries.md."""

from __future__ import annotations

import inspect

import pytest

from skytier import webhdfs
from skytier.settings.hdfs import HdfsSettings

pytestmark = pytest.mark.plain


def test_the_private_rename_is_needed_and_there() -> None:
    """The public one can replace a file in the client's repository. Once a release has that, use it in files.py."""
    client = webhdfs.client(HdfsSettings())
    assert list(inspect.signature(client.rename).parameters) == ["hdfs_src_path", "hdfs_dst_path"]
    assert "params" in inspect.signature(client._rename).parameters
