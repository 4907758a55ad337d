"""Which dataset a recorded digest names: a test split may have come later."""

from __future__ import annotations

from pathlib import Path

from hpo.data.audit.leakage import leaked_faces
from hpo.data.recorded import as_recorded, digests_of
from tests.unit.data.planted import planted, stored


def test_a_test_split_that_came_later_is_left_out_of_the_faces_that_were_recorded(
    tmp_path: Path,
) -> None:
    before = stored(tmp_path / "faces", [one for one in planted() if one[0] != "test"])
    left_out = leaked_faces(before).tolist()
    after = stored(tmp_path / "faces", planted())
    assert as_recorded(after, after.digest) is after
    assert as_recorded(after, "") is after
    known = as_recorded(after, before.digest)
    assert known is not None
    assert (known.digest, known.splits) == (before.digest, before.splits)
    # Of the faces that are copies across splits one is of a test face.
    assert leaked_faces(known).tolist() == left_out
    assert digests_of(after) == (after.digest, before.digest)
    assert as_recorded(before, after.digest) is None
    assert as_recorded(after, "sha256:other") is None
