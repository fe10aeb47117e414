"""The entry point of the pods that Spark makes on Kubernetes: the driver of a job, and its executors.

Spark gives a pod ``driver`` or ``executor`` as its argument, and the rest in the environment, as it does for its own
image. A driver gets the same properties as a job elsewhere; those with which Spark made the pod win over them.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from skytier import logs, spark
from skytier.errors import SkytierError, TerminalError
from skytier.settings.base import PRIVATE, home

_PROPERTIES = "--properties-file"
_BACKEND = "org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend"
_JVM_OPTION = "SPARK_JAVA_OPT_"
# What Spark set for the pod counts, not what a job on the machine of its driver has.
_OF_THE_POD = ("SPARK_CONF_DIR", "SPARK_LOCAL_DIRS")
# The options of an executor, each with the variable that Spark gives it by.
_EXECUTOR = {
    "--driver-url": "SPARK_DRIVER_URL",
    "--executor-id": "SPARK_EXECUTOR_ID",
    "--cores": "SPARK_EXECUTOR_CORES",
    "--app-id": "SPARK_APPLICATION_ID",
    "--hostname": "SPARK_EXECUTOR_POD_IP",
    "--resourceProfileId": "SPARK_RESOURCE_PROFILE_ID",
    "--podName": "SPARK_EXECUTOR_POD_NAME",
}


def main() -> None:
    """Become the process that Spark made this pod for. Exit status 1 if Spark did not make it."""
    os.umask(PRIVATE)
    logs.configure()
    try:
        become(sys.argv[1:])
    except SkytierError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)


def become(arguments: Sequence[str]) -> None:
    """Replace this process by the driver or executor. Raises TerminalError if Spark did not make this pod."""
    role, *rest = arguments or [""]
    if role == "driver":
        command, environment = driver_command(rest, os.environ), driver_environment(os.environ)
    elif role == "executor":
        command, environment = executor_command(os.environ), dict(os.environ)
    else:
        raise TerminalError(f"The argument {role!r} is neither 'driver' nor 'executor', which Spark gives its pods.")
    os.execve(command[0], command, environment)


def driver_command(arguments: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    """The command line of a driver; ``arguments`` are Spark's, with the properties file that it made for the pod."""
    if _PROPERTIES not in arguments[:-1]:
        raise TerminalError(f"The arguments of a driver hold no {_PROPERTIES}: Spark did not make this pod.")
    given = arguments.index(_PROPERTIES) + 1
    submitted = home() / "conf" / "spark-driver.properties"
    # Of a name that a file repeats, Java takes the last value.
    submitted.write_text(spark.write_job_properties().read_text() + Path(arguments[given]).read_text())
    bind = f"spark.driver.bindAddress={_variable(environment, 'SPARK_DRIVER_BIND_ADDRESS')}"
    submit = str(Path(sys.executable).parent / "spark-submit")
    rest = [*arguments[:given], str(submitted), *arguments[given + 1 :]]
    return [submit, "--conf", bind, "--deploy-mode", "client", *rest]


def driver_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of a driver."""
    of_pod = {name: environment[name] for name in _OF_THE_POD if name in environment}
    address = {"SPARK_LOCAL_IP": _variable(environment, "SPARK_DRIVER_BIND_ADDRESS")}
    return dict(environment) | spark.job_variables() | of_pod | address


def executor_command(environment: Mapping[str, str]) -> list[str]:
    """The command line of an executor, all of which Spark says in variables."""
    numbered = {int(name.removeprefix(_JVM_OPTION)): name for name in environment if name.startswith(_JVM_OPTION)}
    memory = _variable(environment, "SPARK_EXECUTOR_MEMORY")
    class_path = [environment.get("SPARK_CLASSPATH", ""), f"{spark.spark_home()}/jars/*"]
    options = [part for option, name in _EXECUTOR.items() for part in (option, _variable(environment, name))]
    return [
        _java(environment),
        *(environment[name] for _, name in sorted(numbered.items())),
        f"-Xms{memory}",
        f"-Xmx{memory}",
        "-cp",
        ":".join(filter(None, class_path)),
        _BACKEND,
        *options,
    ]


def _variable(environment: Mapping[str, str], name: str) -> str:
    if name not in environment:
        raise TerminalError(f"{name} is not set, which Spark sets in the pods that it makes: start jobs by Spark.")
    return environment[name]


def _java(environment: Mapping[str, str]) -> str:
    if folder := environment.get("JAVA_HOME"):
        return str(Path(folder) / "bin" / "java")
    if found := shutil.which("java"):
        return found
    raise TerminalError("There is no Java: neither is JAVA_HOME set nor is java on the PATH.")


if __name__ == "__main__":
    main()
