"""The one program: `appliance COMMAND`, or `python -m appliance COMMAND`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from appliance import commands
from appliance.commands.output import progress
from appliance.errors import explain
from appliance.settings import SettingsError, load

# A search is milliseconds of work: several threads of the numeric libraries would only spin against each other.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command and gives the exit code: 0 done, 1 not done and said why, 2 asked wrongly."""
    parser = argparse.ArgumentParser(prog="appliance", description="Counterman: the parts counter that never sleeps.")
    parser.add_argument("--config", type=Path, help="a settings file other than appliance.toml in the data folder")
    kinds = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in commands.ALL:
        module.add_to(kinds)
    asked = parser.parse_args(arguments)
    for name, value in ONE_THREAD.items():  # before anything imports them
        os.environ.setdefault(name, value)
    try:
        return int(asked.run(asked, load(config=asked.config)))
    except SettingsError as error:
        progress(f"appliance: {error}")
        return 2
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if (words := explain(error)) is None:
            raise
        progress(f"appliance: {words}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
