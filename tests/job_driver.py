"""Spark jobs, one after the other, in one driver: ``python -m tests.job_driver SOCKET``.

What is asked over the socket is what ``spark-submit`` would be told: the job's file and arguments, and the environment.
The job itself runs as there, from its first line to its exit status, and writes to the terminal of who asked. Only the
JVM is not started for it, which takes three quarters of a short job's processor time.
"""

from __future__ import annotations

import json
import os
import runpy
import select
import socket
import sys
import traceback
from typing import Any

from pyspark.sql import SparkSession

from skytier import spark

_LONGEST_QUESTION = 1 << 20


def main(address: str) -> None:
    """Answer until standard input ends, which is when who started this has ended."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
        server.bind(address)
        server.listen()
        os.environ.update(spark.job_variables())
        os.environ["PYSPARK_SUBMIT_ARGS"] = f"--properties-file {spark.job_properties_file()} pyspark-shell"
        SparkSession.builder.getOrCreate()  # now, for the JVM keeps the terminal that it begins with
        while sys.stdin not in select.select([server, sys.stdin], [], [])[0]:
            connection, _ = server.accept()
            with connection:
                question, terminal, _, _ = socket.recv_fds(connection, _LONGEST_QUESTION, 2)
                if len(terminal) == 2:
                    status = _run(json.loads(question), terminal)
                    connection.send(str(status).encode())


def _run(asked: dict[str, Any], terminal: list[int]) -> int:
    """One job to its end; its exit status."""
    own = [os.dup(1), os.dup(2)]
    _write_to(terminal)
    os.environ.clear()
    os.environ.update(asked["environment"])
    sys.argv = asked["command"]
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except Exception:  # told to who asked, as Python tells what nobody catches
        traceback.print_exc()
        return 1
    finally:
        _write_to(own)
    return 0


def _write_to(files: list[int]) -> None:
    for number, file in enumerate(files, start=1):
        os.dup2(file, number)
        os.close(file)


if __name__ == "__main__":
    main(sys.argv[1])
