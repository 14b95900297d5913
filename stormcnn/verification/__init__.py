"""Verification: scores, intervals, calibration, event counts, uncertainty, and tuning.

`verify` is imported on first use; otherwise every module of this package would depend on all
others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stormcnn.verification.tables import verify

__all__ = ["verify"]


def __getattr__(name: str) -> Any:
    if name == "verify":
        from stormcnn.verification.tables import verify

        return verify
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
