"""What proofs need before they begin: a home with the sample catalogue and a model, made once and copied."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.rig import ROOT

CACHE = Path(os.environ.get("COUNTERMAN_PROVE_CACHE") or Path.home() / ".cache" / "counterman" / "prove")


def prepared_home(home: Path, *, rows: int = 40_000, model: bool = True) -> Path:
    """A home whose catalogue is imported and whose model is fetched; the first call of a machine takes minutes."""
    made = CACHE / f"home-{rows}"
    if not (made / "catalog" / "live.json").exists():
        print(f"Making a sample home of {rows:,} rows, once …", flush=True)
        shutil.rmtree(made, ignore_errors=True)
        _run(sys.executable, "-m", "catalog.sample", "--out", str(made / "sample"), "--rows", str(rows), home=made)
        book = str(made / "sample" / "catalogue.xlsx")
        _run(sys.executable, "-m", "appliance", "catalog", "import", book, "--publish", home=made)
    if model and not (made / "models" / "chosen").exists():
        print("Fetching the model, once …", flush=True)
        _run(sys.executable, "-m", "appliance", "models", "pull", "--default", home=made)
    home.mkdir(parents=True)
    for part in ("catalog", "models") if model else ("catalog",):
        shutil.copytree(made / part, home / part, copy_function=_link)
    return home


def _link(source: str, target: str) -> str:
    """Sealed files are never changed, so a hard link serves; the pointers are replaced, not written into."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
    return target


def _run(*program: str, home: Path) -> None:
    home.mkdir(parents=True, exist_ok=True)
    env = {name: value for name, value in os.environ.items() if not name.startswith("APPLIANCE_")}
    subprocess.run(program, cwd=ROOT, env=env | {"APPLIANCE_HOME": str(home)}, check=True)
