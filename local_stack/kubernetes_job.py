"""Wait, in a pod, until a Job of its namespace is complete: ``python -m local_stack.kubernetes_job NAME``.

Kubernetes starts all pods at once. Tasks and the feed must not run before the bootstrap has made what they need.
"""

from __future__ import annotations

import json
import os
import ssl
import sys
import time
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_POLL_SECONDS = 3.0


def wait(name: str, server: str, account: Path, *, poll_seconds: float = _POLL_SECONDS) -> None:
    """Return when the Job is complete; ``account`` is the folder of the pod's service account.

    A Job that does not exist yet, or that failed and may be made again, is waited for. It says once what it waits for.
    """
    told = ""
    while (state := _state(name, server, account)) != "complete":
        if state != told:
            print(f"Waiting for the Job {name}: {state}.", file=sys.stderr, flush=True)
            told = state
        time.sleep(poll_seconds)


def _state(name: str, server: str, account: Path) -> str:
    namespace = (account / "namespace").read_text()
    url = f"{server}/apis/batch/v1/namespaces/{namespace}/jobs/{name}"
    # The token is read each time: Kubernetes replaces it while the pod runs.
    request = Request(url, headers={"Authorization": f"Bearer {(account / 'token').read_text().strip()}"})
    authority = account / "ca.crt"
    context = ssl.create_default_context(cafile=str(authority)) if server.startswith("https:") else None
    try:
        with urlopen(request, timeout=10, context=context) as answer:
            return state_of(json.load(answer))
    except HTTPError as error:
        error.close()
        return {404: "there is none yet", 403: "this service account may not read it"}.get(
            error.code, f"the API server answers with status {error.code}"
        )
    except (URLError, OSError) as error:
        return f"the API server does not answer ({getattr(error, 'reason', error)})"


def state_of(job: dict[str, Any]) -> str:
    """The state of a Job, as the API server describes it: ``complete``, or what it is instead."""
    conditions = {one["type"]: one for one in job.get("status", {}).get("conditions", []) if one["status"] == "True"}
    if "Complete" in conditions:
        return "complete"
    if failed := conditions.get("Failed"):
        reason = failed.get("message") or failed.get("reason") or "no reason given"
        return f"it failed ({reason}); see its log, delete it and apply the manifests again"
    return "it is not complete yet"


def main() -> None:
    """Wait for the Job that the first argument names."""
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT_HTTPS"]
    wait(sys.argv[1], f"https://{f'[{host}]' if ':' in host else host}:{port}", _ACCOUNT)


if __name__ == "__main__":
    main()
