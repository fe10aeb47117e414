"""What a run does before it plans: finish what an interrupted command began."""

from __future__ import annotations

from skytier.archive import retention
from skytier.archive.manifest import Manifest
from skytier.archive.ports import LifecycleStores
from skytier.archive.protocol import NEXT


def resume(stores: LifecycleStores) -> Manifest | None:
    """Finish expiries that are due, and find the archive under way. The caller holds the lock.

    Expiries come first: an archive that waits for an operator must not delay the deletion of another one.
    """
    retention.continue_expiries(stores)
    if (found := stores.under_way()) is not None:
        if found.state in NEXT:
            return found
        stores.finalize(found)  # the run was killed after its last step
    return None
