"""Whether two faces are one photograph: copies are, and drawings of one head are not."""

from __future__ import annotations

import pytest

from hpo.data.audit.likeness import same_photograph
from hpo.data.drawn.face import draw_face
from tests.unit.data.planted import compressed, lighter


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((1_000_291, "angry"), (1_001_498, "disgust")),
        ((1_002_124, "surprise"), (2_000_307, "fear")),
        ((2_000_218, "disgust"), (2_000_489, "fear")),
        ((3_000_004, "neutral"), (3_000_457, "sad")),
        ((1_000_204, "disgust"), (1_002_378, "neutral")),
    ],
)
def test_drawings_of_one_head_with_two_expressions_are_no_copies(
    one: tuple[int, str], other: tuple[int, str]
) -> None:
    # Of all drawings of the package the most alike: their outlines agree as those of copies do.
    first, second = draw_face(*one), draw_face(*other)
    assert not same_photograph(first, second)
    for face in (first, second):
        large = draw_face(*one, size=54) if face is first else draw_face(*other, size=54)
        shifted = large[1:49, 4:52], large[3:51, 2:50]
        for copy in (lighter(face), compressed(face)):
            assert same_photograph(face, copy)
            assert same_photograph(copy, face)
        assert same_photograph(*shifted)


def test_a_face_whose_middle_shows_nothing_is_known_by_the_rest() -> None:
    face = draw_face(1_000_291, "angry")
    face[12:42, 12:36] = 90
    assert same_photograph(face, compressed(lighter(face), 90))
