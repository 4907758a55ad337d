"""Flags as hexadecimal text, and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpo.spec.bits import pack_bits, unpack_bits


@given(st.lists(st.booleans(), max_size=70))
def test_flags_survive_the_text_at_a_quarter_of_their_number(flags: list[bool]) -> None:
    text = pack_bits(flags)
    assert unpack_bits(text, len(flags)) == flags
    assert len(text) == (len(flags) + 3) // 4


def test_the_first_flag_is_the_highest_bit() -> None:
    assert pack_bits([True, False, False, False, True]) == "88"


@pytest.mark.parametrize(("text", "count"), [("88", 4), ("88", 9), ("", 1), ("zz", 8)])
def test_text_of_another_length_or_alphabet_is_refused(text: str, count: int) -> None:
    with pytest.raises(ValueError, match=r"digits for|invalid literal"):
        unpack_bits(text, count)
