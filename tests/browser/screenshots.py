"""Pictures of all pages of the running stack's dashboard for the documents: ``python -m tests.browser.screenshots``."""

from __future__ import annotations

from dashboard.app_pages import PAGES
from skytier.settings.base import HOST, PROJECT_ROOT
from skytier.settings.ports import PortSettings
from tests.browser.viewer import Viewer, chromium

FOLDER = PROJECT_ROOT / "docs" / "images"
WIDTH, HEIGHT = 1280, 1000
_SETTLE_MS = 3_000  # charts grow into their places


def main() -> None:
    """Open every page and write ``docs/images/<page>.png``; the first also as it is in the dark theme."""
    FOLDER.mkdir(exist_ok=True)
    with chromium() as browser:
        for page in PAGES:
            for theme in ("light", "dark") if page is PAGES[0] else ("light",):
                context = browser.new_context(
                    viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="dark" if theme == "dark" else "light"
                )
                viewer = Viewer(context.new_page(), f"http://{HOST}:{PortSettings().dashboard}")
                viewer.open("" if page is PAGES[0] else page.path)
                viewer.page.wait_for_timeout(_SETTLE_MS)
                name = page.path if theme == "light" else f"{page.path}-{theme}"
                viewer.page.screenshot(path=FOLDER / f"{name}.png")
                context.close()
                print(f"docs/images/{name}.png")


if __name__ == "__main__":
    main()
