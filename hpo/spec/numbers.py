"""``Whole`` and ``Real``: numbers of a study file, which ``true`` and ``false`` are not.

Pydantic reads ``trials: true`` as one trial; whoever writes it meant something else.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError


def _no_truth(error_type: str) -> BeforeValidator:
    def check(value: Any) -> Any:
        if isinstance(value, bool):
            raise PydanticCustomError(error_type, "true and false are no numbers")
        return value

    return BeforeValidator(check)


Whole = Annotated[int, _no_truth("int_type")]
Real = Annotated[float, _no_truth("float_type")]
