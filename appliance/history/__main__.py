"""`python -m appliance.history`: writes the sample history into this home's database, over its live catalogue."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from time import perf_counter

from appliance.app.parts import database
from appliance.core.company import Passages
from appliance.core.prompt import default_prompt
from appliance.history.story import Setting
from appliance.history.write import write_history
from appliance.settings import SettingsError, load
from appliance.shop import company_texts
from appliance.store.schema import migrate
from catalog.product import CatalogError
from catalog.shelf import Shelf


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/sample --history", description=__doc__)
    parser.add_argument("--dialogues", type=int, default=5000, help="how many (default: %(default)s)")
    parser.add_argument("--leads", type=int, default=800, help="how many of them become leads (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed tells the same (default: %(default)s)")
    chosen = parser.parse_args()
    began = perf_counter()
    try:
        settings = load()
        shelf = Shelf(settings.home / "catalog")
        snapshot = shelf.current()
    except (SettingsError, CatalogError) as error:
        parser.error(str(error))
    if snapshot is None:
        parser.error("there is no catalogue yet: run `scripts/sample --out DIR`, then `appliance catalog import`")
    setting = Setting(
        products=snapshot.products(), version=snapshot.version, texts=Passages(company_texts(settings.home)),
        prompt=default_prompt().version, now=datetime.now(UTC), seed=chosen.seed, dialogues=chosen.dialogues,
        leads=chosen.leads,
    )  # fmt: skip
    with database(settings) as url:
        migrate(url)
        written = write_history(url, setting)
    counts = ", ".join(f"{count:,} {table}" for table, count in written.rows.items())
    sys.stdout.write(f"The sample history is there: {counts}; {perf_counter() - began:.0f} s.\n")


main()
