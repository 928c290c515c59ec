"""Where the wheels that carry server binaries were installed."""

from importlib.util import find_spec
from pathlib import Path


def package_directory(name: str) -> Path:
    """Return the directory of an installed package without importing it. Raises ModuleNotFoundError."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"{name} is not installed: pip install -r requirements.lock", name=name)
    return Path(spec.origin).parent
