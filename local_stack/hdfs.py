"""HDFS: a NameNode and a DataNode, from the jars of pyspark and Hadoop's mini cluster."""

from __future__ import annotations

import shutil
from abc import abstractmethod
from typing import Any, ClassVar
from xml.sax.saxutils import escape

from local_stack import jvm
from local_stack.server import Server, bare_environment, conf_folder, data_folder, write_private
from skytier import name_node, spark, webhdfs
from skytier.atomic_dir import atomic_dir
from skytier.settings.base import HOST, scratch_folder
from skytier.settings.hdfs import HdfsSettings
from skytier.settings.hosts import BindSettings, HostSettings
from skytier.settings.ports import PortSettings

# What the parts keep where: tables, raw batches, metadata, Spark's checkpoints, archives of the hot tier, models.
_FOLDERS = {
    "/warehouse": "775",
    "/raw": "755",
    "/metadata": "755",
    "/checkpoints": "755",
    "/archive": "755",
    "/models": "755",
    "/tmp": "1777",
}
_BLOCK_BYTES = 128 * 1024 * 1024  # Hadoop's default; the NameNode gives no block to a DataNode with less room


class _HdfsServer(Server):
    """What both processes of HDFS share."""

    main: ClassVar[str]

    def command(self) -> list[str]:
        return self._java()

    def environment(self) -> dict[str, str]:
        return jvm.hadoop_environment() | {
            "SKYTIER_HDFS_SECRET": HdfsSettings().secret.get_secret_value(),
            "SKYTIER_HDFS_GATE_HOSTS": ",".join(sorted({HOST, "localhost", self.host()})),
        }

    def whole_environment(self) -> dict[str, str]:
        return bare_environment() | self.environment()

    def _java(self, *arguments: str) -> list[str]:
        classpath = [str(_conf()), str(jvm.compiled()), jvm.jars("hadoop"), f"{spark.spark_home()}/jars/*"]
        return jvm.java(self.main, *arguments, classpath=classpath, heap_mb=256, options=[jvm.QUICK_START])

    def host(self) -> str:
        """The name by which others reach it."""
        return HostSettings().own(self.name)

    @abstractmethod
    def web_port(self) -> int:
        """The port of its pages."""

    def bean(self, name: str) -> dict[str, Any]:
        """What the process says of itself over HTTP."""
        beans = webhdfs.ask(f"http://{self.host()}:{self.web_port()}/jmx", timeout=3, qry=name)["beans"]
        return beans[0] if beans else {}


class NameNode(_HdfsServer):
    """The directory of HDFS."""

    name = "namenode"
    main = "org.apache.hadoop.hdfs.server.namenode.NameNode"

    def web_port(self) -> int:
        return PortSettings().namenode_http

    def ports(self) -> dict[str, int]:
        ports = PortSettings()
        return {"SKYTIER_PORT_NAMENODE": ports.namenode, "SKYTIER_PORT_NAMENODE_HTTP": ports.namenode_http}

    def address(self) -> str:
        return f"hdfs://{self.host()}:{PortSettings().namenode} (WebHDFS http://{self.host()}:{self.web_port()})"

    def configure(self) -> None:
        write_configuration()

    def host(self) -> str:
        return HostSettings().namenode

    def prepare(self) -> None:
        self.configure()
        if not data_folder(self.name).exists():  # never format a folder that holds anything
            with atomic_dir(data_folder(self.name)) as folder:
                place = f"dfs.namenode.name.dir=file://{folder}"
                jvm.run(self._java("-D", place, "-format", "-nonInteractive"), "Formatting the NameNode's folder")

    def ready(self) -> bool:
        return bool(self.bean("Hadoop:service=NameNode,name=FSNamesystemState")) and self.full_disk() is None

    def full_disk(self) -> str | None:
        """Why it takes no changes, where its disk is or was full."""
        return name_node.full_disk(str(self.bean("Hadoop:service=NameNode,name=NameNodeInfo").get("Safemode", "")))

    def is_stuck(self) -> bool:
        return self.full_disk() is not None and self.trouble() is None

    def trouble(self) -> str | None:
        is_full = shutil.disk_usage(name_node.folder()).free < name_node.LEAST_FREE_BYTES
        return self.full_disk() if is_full else None

    def operational(self) -> bool:
        """Whether files can be written: out of safe mode, with a live DataNode."""
        state = self.bean("Hadoop:service=NameNode,name=FSNamesystemState")
        return state.get("FSState") == "Operational" and state.get("NumLiveDataNodes", 0) >= 1


class DataNode(_HdfsServer):
    """The blocks of HDFS."""

    name = "datanode"
    main = "org.apache.hadoop.hdfs.server.datanode.DataNode"
    needs = ("namenode",)

    def web_port(self) -> int:
        return PortSettings().datanode_http

    def ports(self) -> dict[str, int]:
        ports = PortSettings()
        return {
            "SKYTIER_PORT_DATANODE": ports.datanode,
            "SKYTIER_PORT_DATANODE_HTTP": ports.datanode_http,
            "SKYTIER_PORT_DATANODE_IPC": ports.datanode_ipc,
        }

    def address(self) -> str:
        return HostSettings().addresses(self.name, PortSettings().datanode)

    def configure(self) -> None:
        write_configuration()

    def prepare(self) -> None:
        self.configure()
        data_folder(self.name).mkdir(parents=True, exist_ok=True)

    def trouble(self) -> str | None:
        if NameNode().full_disk():
            return "it waits for the NameNode, whose disk is full"
        return no_room(self.bean("Hadoop:service=DataNode,name=FSDatasetState"))

    def ready(self) -> bool:
        if self.trouble():
            return False
        # The NameNode believes in a dead DataNode for minutes, so the DataNode is asked first.
        return bool(self.bean("Hadoop:service=DataNode,name=FSDatasetState")) and NameNode().operational()

    def responds(self) -> bool:
        """Whether files can be written: by whichever DataNode."""
        return NameNode().operational()

    def set_up(self) -> None:
        """Make the folders of the cold tier."""
        hdfs = HdfsSettings()
        client = webhdfs.client(hdfs)
        for folder, permission in _FOLDERS.items():
            if client.status(folder, strict=False) is None:
                client.makedirs(folder, permission=permission)


def no_room(dataset: dict[str, Any]) -> str | None:
    """Why a DataNode gets no blocks, where its disk is full; from its bean FSDatasetState."""
    left = dataset.get("Remaining", 0)
    if left >= _BLOCK_BYTES or not dataset.get("Capacity"):  # while it starts it knows of no disk
        return None
    return (
        f"its disk is full: {left / 1024**2:,.1f} MB are free in {data_folder(DataNode.name)}, and a block wants "
        f"{_BLOCK_BYTES / 1024**2:,.0f} MB. Make room there, then run 'skytier stack up'"
    )


def _of_hosts() -> dict[str, Any]:
    """What differs where HDFS spans hosts: what each process listens on, and how soon a lost DataNode is missed."""
    hosts, bind = HostSettings(), BindSettings()
    found: dict[str, Any] = {}
    if own := hosts.here("datanode"):
        found["dfs.datanode.hostname"] = own
    if bind.address != hosts.namenode:
        found |= {"dfs.namenode.rpc-bind-host": bind.address, "dfs.namenode.http-bind-host": bind.address}
    if len(hosts.all_of("datanode")) > 1:
        found |= {
            # Readers and writers are sent elsewhere after 15 s, and after 40 s its blocks are copied anew: by default
            # a DataNode that is gone is believed in for more than ten minutes.
            "dfs.namenode.stale.datanode.interval": 15_000,
            "dfs.namenode.avoid.read.stale.datanode": "true",
            "dfs.namenode.avoid.write.stale.datanode": "true",
            "dfs.namenode.heartbeat.recheck-interval": 15_000,
        }
    return found


def _conf() -> Any:
    return conf_folder() / "hadoop"


def write_configuration() -> None:
    """Write the configuration of both processes, and the empty page folders that they insist on."""
    ports, name_node_host, bind = PortSettings(), HostSettings().namenode, BindSettings().address
    core = {"fs.defaultFS": f"hdfs://{name_node_host}:{ports.namenode}", "hadoop.tmp.dir": scratch_folder() / "hadoop"}
    core["hadoop.http.filter.initializers"] = "ServletGate"
    site = {
        "dfs.namenode.name.dir": f"file://{data_folder('namenode')}",
        "dfs.namenode.http-address": f"{name_node_host}:{ports.namenode_http}",
        "dfs.namenode.datanode.registration.ip-hostname-check": "false",
        "dfs.namenode.safemode.extension": 0,
        "dfs.namenode.resource.du.reserved": name_node.LEAST_FREE_BYTES,
        "dfs.blocksize": _BLOCK_BYTES,
        "dfs.namenode.handler.count": 4,
        "dfs.datanode.data.dir": f"file://{data_folder('datanode')}",
        "dfs.datanode.address": f"{bind}:{ports.datanode}",
        "dfs.datanode.http.address": f"{bind}:{ports.datanode_http}",
        "dfs.datanode.ipc.address": f"{bind}:{ports.datanode_ipc}",
        "dfs.datanode.httpserver.filter.handlers": "DataNodeGate",
        "dfs.heartbeat.interval": "1s",
        # A file written over HTTP is closed by the DataNode, which otherwise sleeps 400 ms before it asks again.
        "dfs.client.block.write.locateFollowingBlock.initial.delay.ms": 10,
        "dfs.client.block.write.locateFollowingBlock.retries": 10,
        "dfs.replication": HdfsSettings().replicas,
    } | _of_hosts()
    header = "".join(f"{name}: {value}\n" for name, value in webhdfs.headers().items())
    write_private(conf_folder() / "hdfs-secret.header", header)
    for folder in ("webapps/hdfs", "webapps/datanode"):
        (_conf() / folder).mkdir(parents=True, exist_ok=True)
    for name, values in {"core-site.xml": core, "hdfs-site.xml": site}.items():
        rows = (
            f"  <property><name>{key}</name><value>{escape(str(value))}</value></property>\n"
            for key, value in values.items()
        )
        text = '<?xml version="1.0"?>\n<configuration>\n' + "".join(rows) + "</configuration>\n"
        aside = _conf() / f"{name}.{id(rows)}.new"  # both processes are prepared at the same time
        aside.write_text(text)
        aside.replace(_conf() / name)
