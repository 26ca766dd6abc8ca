"""Install what is missing to run or to test Shizhu from a clone. Standard library only.

Usage: python3 deploy/install.py [run|test|spark]

Each step leaves a stamp (hash of its inputs) in `.venv`, so a second call does nothing.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMPS = VENV / "stamps"
PIP = [VENV / "bin/python", "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
MINIMUM_NODE = 20
BUILT = [ROOT / "src/shizhu/web/static/build/manifest.json", ROOT / "src/shizhu/lib/feel/engine.js"]


def fail(text: str) -> None:
    """Stop with one line that says what to do."""
    sys.exit(f"shizhu install: {text}")


def run(*command: str | Path, cwd: Path = ROOT, env: dict[str, str] | None = None) -> None:
    """Run a command; its failure ends the installation with the command's own words."""
    done = subprocess.run([str(c) for c in command], cwd=cwd, env=env, check=False)
    if done.returncode:
        fail(f"`{' '.join(map(str, command))}` failed (exit {done.returncode}); mend what it says above and call again")


def digest(*paths: Path) -> str:
    """Hash of the files' contents, directories walked."""
    total = hashlib.sha256(sys.version.encode())
    for path in paths:
        files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        for file in files:
            total.update(str(file.relative_to(ROOT)).encode() + file.read_bytes())
    return total.hexdigest()


def fresh(name: str, value: str) -> bool:
    """Whether the step was done with the same inputs before."""
    stamp = STAMPS / name
    return stamp.exists() and stamp.read_text() == value


def done(name: str, value: str) -> None:
    """Remember that a step was done with these inputs."""
    STAMPS.mkdir(parents=True, exist_ok=True)
    (STAMPS / name).write_text(value)


def system_package(package: str, why: str) -> None:
    """Install one Debian package, if we may; else say how."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        fail(f"{why} needs the system package {package}: run `sudo apt-get install {package}` and call again")
    print(f"installing {package} ({why})", flush=True)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-qq"], env=quiet, check=False)
    run("apt-get", "install", "-y", "-qq", "--no-install-recommends", package, env=quiet)


def python_environment(lock: str) -> None:
    """`.venv` with the locked packages and the project itself, editable."""
    if not (VENV / "bin/pip").exists():
        try:
            import ensurepip  # noqa: F401, PLC0415  # absent on a Debian without python3-venv
        except ImportError:
            system_package("python3-venv", "the virtual environment")
        run(sys.executable, "-m", "venv", VENV)
    locked, package = ROOT / "requirements" / f"{lock}.lock", ROOT / "pyproject.toml"
    value = digest(locked, package)
    if fresh(lock, value) or (lock == "run" and fresh("dev", digest(ROOT / "requirements/dev.lock", package))):
        return
    print("installing Python packages", flush=True)
    run(*PIP, "--require-hashes", "--requirement", locked)
    run(*PIP, "--no-deps", "--no-build-isolation", "--editable", ROOT)
    done(lock, value)


def node() -> dict[str, str]:
    """Environment with a Node and npm on the PATH; from a wheel where the machine has none."""
    own = VENV / "node"
    found = shutil.which("node")
    if found and shutil.which("npm"):
        version = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout
        if int(version.strip().lstrip("v").split(".")[0] or 0) >= MINIMUM_NODE:
            return dict(os.environ)
    if not (own / "bin/node").exists():
        print("installing Node", flush=True)
        run(sys.executable, "-m", "venv", own)
        run(own / "bin/python", "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--require-hashes",
            "--requirement", ROOT / "requirements/node.lock")  # fmt: skip
    return {**os.environ, "PATH": f"{own / 'bin'}{os.pathsep}{os.environ['PATH']}"}


def front_end() -> None:
    """The front-end bundle, built by Vite."""
    source = ROOT / "frontend"
    inputs = [p for p in source.iterdir() if p.name != "node_modules"]
    value = digest(*sorted(inputs))
    if fresh("front", value) and all(p.exists() for p in BUILT):
        return
    env = node()
    print("building the front end", flush=True)
    run("npm", "ci", "--no-audit", "--no-fund", "--loglevel=error", cwd=source, env=env)
    run("npm", "run", "--silent", "build", cwd=source, env=env)
    done("front", value)


def browser() -> None:
    """Debian's Chromium for the browser tests, with a font that has Chinese."""
    if not shutil.which("chromium"):
        system_package("chromium", "the browser test")
    fonts = subprocess.run(["fc-list", ":lang=zh"], capture_output=True, text=True, check=False).stdout
    if not fonts.strip():
        system_package("fonts-noto-cjk", "Chinese text in the browser test")


def spark() -> None:
    """Spark beside what is there, with the Java that runs it."""
    if not shutil.which("java") and not os.environ.get("JAVA_HOME"):
        system_package("default-jre-headless", "Spark")
    locked = ROOT / "requirements/spark.lock"
    if not fresh("spark", digest(locked)):
        print("installing Spark", flush=True)
        run(*PIP, "--require-hashes", "--requirement", locked)
        done("spark", digest(locked))


def main() -> None:
    """Install for running, for testing, or with Spark for the archive."""
    kind = sys.argv[1] if len(sys.argv) > 1 else "run"
    if sys.version_info < (3, 11):
        fail(f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}")
    python_environment("dev" if kind == "test" else "run")
    front_end()
    if kind == "test":
        browser()
    if kind == "spark":
        spark()


if __name__ == "__main__":
    main()
