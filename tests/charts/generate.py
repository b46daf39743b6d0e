"""Write what is made from other files: `make chart`.

python -m tests.charts.generate
"""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
GITOPS = ROOT / "gitops" / "argocd"


def health_checks() -> str:
    """The scripts as a patch of argocd-cm."""
    text = "# Made by `make chart` from pumpjack.dev/*/health.lua.\ndata:\n"
    for script in sorted(GITOPS.glob("*/*/health.lua")):
        group, kind = script.parts[-3:-1]
        text += f"  resource.customizations.health.{group}_{kind}: |\n"
        text += "".join(f"    {line}" if line.strip() else line for line in lines(script))
    return text


def lines(file: Path) -> list[str]:
    return file.read_text().splitlines(keepends=True)


def files() -> dict[Path, str]:
    """Every file that is made, with what should be in it."""
    return {GITOPS / "health-checks.yaml": health_checks()}


def main() -> None:
    """Write them all."""
    for path, text in files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


if __name__ == "__main__":
    main()
