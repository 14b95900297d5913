"""The base of all blocks of settings, and how their checks report what is wrong."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

CHECKS = "checks"
"""Type of the errors that the checks of a block raise."""


class Block(BaseModel):
    """A group of settings. Unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, coerce_numbers_to_str=True)

    def _faults(self) -> Iterable[str]:
        """Return a sentence for each contradiction between the settings of this block.

        A sentence begins with the key that it is about, relative to this block.
        """
        return ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        faults = list(self._faults())
        if faults:
            raise PydanticCustomError(CHECKS, "{faults}", {"faults": faults})
        return self
