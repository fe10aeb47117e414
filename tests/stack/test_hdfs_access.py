"""HDFS over HTTP: for programs that know the stack's secret, and for nobody else."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import urlsplit

import psutil
import pytest
import requests

from local_stack.hdfs import DataNode
from skytier import webhdfs
from skytier.files import Files
from skytier.settings.base import HOST
from skytier.settings.hdfs import HdfsSettings
from skytier.settings.ports import PortSettings
from tests import secret_values
from tests.own_stack import OwnStack
from tests.protected_file import CONTENT, FILE, FOLDER, assert_untouched

pytestmark = pytest.mark.stack

AS_USER = f"user.name={HdfsSettings().user}"
ELSEWHERE = "http://elsewhere.example"


def data_node_url(method: str, path: str, operation: str) -> str:
    """Where the NameNode sends a client for an operation."""
    url = f"{HdfsSettings().web_url}/webhdfs/v1{path}?op={operation}&{AS_USER}&noredirect=true"
    answer = requests.request(method, url, headers=webhdfs.headers(), timeout=10)
    return str(answer.json()["Location"])


def asked_for() -> list[tuple[str, str]]:
    """Requests that read or change something, to each server."""
    name_node = HdfsSettings().web_url
    data_node = f"http://{HOST}:{PortSettings().datanode_http}"
    files = f"{name_node}/webhdfs/v1"
    return [
        ("GET", f"{files}/?op=LISTSTATUS&{AS_USER}"),
        ("GET", f"{files}{FILE}?op=OPEN&{AS_USER}"),
        ("PUT", f"{files}{FOLDER}/new?op=CREATE&{AS_USER}"),
        ("PUT", f"{files}{FOLDER}/folder?op=MKDIRS&{AS_USER}"),
        ("POST", f"{files}{FILE}?op=TRUNCATE&newlength=0&{AS_USER}"),
        ("DELETE", f"{files}{FOLDER}?op=DELETE&recursive=true&{AS_USER}"),
        ("GET", data_node_url("GET", FILE, "OPEN")),
        ("PUT", data_node_url("PUT", f"{FOLDER}/new", "CREATE")),
        ("POST", data_node_url("POST", FILE, "APPEND")),
        *(("GET", f"{server}/{page}") for server in (name_node, data_node) for page in ("", "jmx", "conf", "logs/")),
        ("GET", f"{name_node}/fsck?ugi={HdfsSettings().user}&path=/"),
        ("OPTIONS", f"{files}/?op=LISTSTATUS"),
        ("OPTIONS", f"{data_node}/webhdfs/v1/"),
    ]


def test_only_who_knows_the_secret_reaches_files_and_pages(protected: Files) -> None:
    secret = webhdfs.headers()
    asking = {
        "nothing": {},
        "a wrong secret": {webhdfs.HEADER: "x"},
        "an empty secret": {webhdfs.HEADER: ""},
        "a page of elsewhere": secret | {"Origin": ELSEWHERE},
        "a page without origin": secret | {"Origin": "null"},
        "a name that was bound to this address": secret | {"Host": f"elsewhere.example:{PortSettings().namenode_http}"},
    }
    came_through = []
    for who, headers in asking.items():
        for method, url in asked_for():
            answer = requests.request(method, url, headers=headers, data=b"x", allow_redirects=False, timeout=10)
            if answer.status_code != HTTPStatus.FORBIDDEN or "Access-Control-Allow-Origin" in answer.headers:
                came_through.append((who, method, url, answer.status_code))
    assert came_through == []
    assert_untouched(protected)


def test_with_the_secret_all_works_and_no_web_page_is_allowed_in(protected: Files) -> None:
    answer = requests.get(data_node_url("GET", FILE, "OPEN"), headers=webhdfs.headers(), timeout=10)
    assert answer.content == CONTENT
    assert "Access-Control-Allow-Origin" not in answer.headers
    protected.write_atomically(FILE, CONTENT * 2)
    assert protected.read_bytes(FILE) == CONTENT * 2
    assert DataNode().bean("Hadoop:service=DataNode,name=FSDatasetState")


def test_every_port_of_hdfs_that_speaks_http_asks_for_it(stack: OwnStack) -> None:
    """The DataNode keeps a second server, on a port that the system gives it."""
    servers = stack.servers()
    answered = set()
    for name in ("namenode", "datanode"):
        for one in psutil.Process(servers[name]["pid"]).net_connections("tcp"):
            if one.status == psutil.CONN_LISTEN:
                answered.add(status_of(one.laddr[1]))
    assert answered == {HTTPStatus.FORBIDDEN, None}


def status_of(port: int) -> int | None:
    """What a port answers a plain request for its figures; None where it does not speak HTTP."""
    try:
        status = requests.get(f"http://{HOST}:{port}/jmx", timeout=5).status_code
    except (requests.ConnectionError, requests.Timeout):
        return None
    # The ports of RPC say in HTTP that they do not speak it.
    return None if status == HTTPStatus.NOT_FOUND else status


def test_no_secret_is_in_a_command_line_page_or_log(stack: OwnStack) -> None:
    secrets = secret_values.all_of(stack)
    told = []
    for name in ("namenode", "datanode"):
        server = stack.servers()[name]
        port = urlsplit(HdfsSettings().web_url).port if name == "namenode" else PortSettings().datanode_http
        for page in ("conf", "jmx", "stacks"):
            address = f"http://{HOST}:{port}/{page}"
            told.append(requests.get(address, headers=webhdfs.headers(), timeout=10).text)
        told.append(" ".join(psutil.Process(server["pid"]).cmdline()))
        told.append((stack.home / "logs" / f"{name}.log").read_text())
    assert secret_values.shown_in("\n".join(told), secrets) == []
