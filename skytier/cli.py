"""The command ``skytier``: parts register their commands by name, so that only the one that runs is imported."""

from __future__ import annotations

import sys

from cyclopts import App, CycloptsError

from skytier import logs
from skytier.errors import SkytierError

app = App(name="skytier", help="A two-tier flight-data warehouse.", version_flags=["--version"])

app.command("local_stack.cli:app", name="stack")
app.command("generator.cli:replay", name="replay")
app.command("generator.cli:synthesize", name="synthesize")
app.command("skytier.process_cli:process", name="process")
app.command("skytier.sql_cli:sql", name="sql")
app.command("skytier.warehouse_cli:app", name="warehouse")
app.command("skytier.books_cli:app", name="books")
app.command("skytier.archive.cli:app", name="archive")
app.command("skytier.hot_cli:app", name="hot")
app.command("models.train_cli:train", name="train")
app.command("models.registry_cli:app", name="models")


def main() -> None:
    """Run the command line. Exit status: 0 done, 1 failed, 2 wrong use."""
    logs.configure()
    try:
        app(exit_on_error=False, print_error=True)
    except CycloptsError:
        sys.exit(2)
    except SkytierError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
