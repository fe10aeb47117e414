"""In place of ``spark-submit``: hands a job to the driver of the tests and ends as it ended.

``submit_to_driver.py SOCKET OPTION... JOB ARGUMENT...``. It imports what is fast to import only.
"""

import json
import os
import socket
import sys


def main() -> int:
    address, *command = sys.argv[1:]
    while command[0].startswith("--"):  # the driver was started with the options
        del command[:2]
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as driver:
        driver.connect(address)
        question = json.dumps({"command": command, "environment": dict(os.environ)}).encode()
        socket.send_fds(driver, [question], [1, 2])
        return int(driver.recv(16) or 1)


if __name__ == "__main__":
    sys.exit(main())
