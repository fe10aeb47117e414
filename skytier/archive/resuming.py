"""What a run does before it plans: take up whatever an earlier command began and did not end."""

from __future__ import annotations

from skytier.archive import keeping, restoring
from skytier.archive.manifest import Manifest
from skytier.archive.ports import LifecycleStores
from skytier.archive.protocol import NEXT


def resumed(stores: LifecycleStores) -> Manifest | None:
    """The archive under way. Without one, unpinned events have left the hot tier. The caller is alone.

    Expiries go on beside: an archive that waits for somebody must not keep another one's files.
    """
    keeping.go_on_expiring(stores)
    if (found := stores.under_way()) is not None:
        if found.state in NEXT:
            return found
        stores.forget(found)  # the run was killed after its last step
    for manifest in restoring.unpinned(stores):
        restoring.send_back(stores, manifest)
    return None
