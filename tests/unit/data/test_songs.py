"""Song catalogues: what is needed of a CSV, what wrong ones get, and which one answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hpo.data.folders import verify
from hpo.data.songs import COLUMNS, MOODS, import_songs, load_songs, parse_songs, songs_digest
from hpo.data.store import RawSplit, write_faces
from hpo.spec.errors import DataError, NotFoundError
from hpo.spec.workspace import Workspace

HEADER = "name,artist,album,popularity,mood,id"
ROWS = ["A,B,C,10,Happy,1", "D,E,F,20,Sad,2", "G,H,I,30,Calm,3", "J,K,L,40,Energetic,4"]


def songs_file(folder: Path, *rows: str, header: str = HEADER) -> Path:
    (folder / "list.csv").write_text("\n".join([header, *rows]), encoding="utf-8")
    return folder / "list.csv"


def test_an_imported_catalogue_answers_from_then_on(tmp_path: Path, workspace: Workspace) -> None:
    manifest = import_songs(workspace, songs_file(tmp_path, *ROWS))
    assert manifest["moods"] == {"Happy": 1, "Sad": 1, "Calm": 1, "Energetic": 1}
    verify(workspace.data / "songs")
    songs = load_songs(workspace)
    assert tuple(songs.columns) == COLUMNS
    assert songs.attrs == {"catalogue": "songs", "digest": manifest["digest"]}
    assert songs["popularity"].tolist() == [10, 20, 30, 40]


def test_the_carried_catalogue_answers_without_an_import(workspace: Workspace) -> None:
    songs = load_songs(workspace)
    assert songs.attrs["catalogue"] == "embedded-songs"
    # The recommender shows the five most popular songs of a mood.
    assert (songs["mood"].value_counts()[list(MOODS)] >= 5).all()
    assert songs["popularity"].between(0, 100).all()
    assert songs["id"].is_unique
    assert not workspace.data.exists()


def test_a_catalogue_by_name(tmp_path: Path, workspace: Workspace) -> None:
    import_songs(workspace, songs_file(tmp_path, *ROWS), name="mine")
    assert load_songs(workspace).attrs["catalogue"] == "embedded-songs"
    assert load_songs(workspace, "mine").attrs["catalogue"] == "mine"
    with pytest.raises(NotFoundError, match=r"no dataset 'mime'.*'mine'\?$"):
        load_songs(workspace, "mime")
    with pytest.raises(DataError, match="cannot be a dataset's name"):
        load_songs(workspace, "../songs")


def test_importing_again_tells_what_was_replaced(tmp_path: Path, workspace: Workspace) -> None:
    first = import_songs(workspace, songs_file(tmp_path, *ROWS))
    second = import_songs(workspace, songs_file(tmp_path, *ROWS, "A,B,C,1,Sad,5"))
    assert first["source"]["notes"] == []
    assert second["source"]["notes"] == [
        "replaced an earlier dataset of this name, which held 4 songs"
    ]


def test_texts_that_look_like_missing_values_stay_texts() -> None:
    songs = parse_songs("\n".join([HEADER, *ROWS, "NA,None,null,5,Happy,nan"]), "list.csv")
    assert songs[-1] == {
        "name": "NA",
        "artist": "None",
        "album": "null",
        "popularity": 5,
        "mood": "Happy",
        "id": "nan",
    }


def test_a_song_without_id_gets_one_that_its_row_does_not_change() -> None:
    rows = [row.rpartition(",")[0] for row in ROWS]
    header = HEADER.removesuffix(",id")
    forward = parse_songs("\n".join([header, *rows]), "list.csv")
    backward = parse_songs("\n".join([header, *rows[::-1]]), "list.csv")
    assert len({song["id"] for song in forward}) == 4
    assert songs_digest(forward) == songs_digest(backward)


def test_columns_may_stand_in_any_order_and_spelling() -> None:
    rows = [" happy ,50.5,A,B,C,x", *(f"{mood},1,A,B,C,x" for mood in ("SAD", "calm", "Energetic"))]
    songs = parse_songs("\n".join(["MOOD, Popularity,Name,Artist,Album,key", *rows]), "list.csv")
    assert [song["mood"] for song in songs] == list(MOODS)
    assert songs[0]["popularity"] == 50.5


@pytest.mark.parametrize(
    ("header", "rows", "message"),
    [
        (HEADER, ROWS[:3], r"no song has the mood Energetic.*got the moods Calm, Happy, Sad"),
        (HEADER, [], r"no song has the mood Happy or Sad or Calm or Energetic.*got no songs"),
        (
            HEADER.replace("popularity", "popularty"),
            ROWS,
            r"list\.csv:1: column popularity is missing.*Is 'popularty' meant to be popularity\?",
        ),
        ("", [], r"columns name, artist, album, popularity and mood are missing"),
        (HEADER, [*ROWS, "A,B,C,101,Sad,5"], r"list\.csv:6: the popularity.*0 to 100; got '101'"),
        (HEADER, [*ROWS, "A,B,C,-1,Sad,5"], r"list\.csv:6: the popularity.*got '-1'"),
        (HEADER, [*ROWS, "A,B,C,nan,Sad,5"], r"list\.csv:6: the popularity.*got 'nan'"),
        (
            HEADER,
            [*ROWS, "A,B,C,high,Sad,5"],
            r"list\.csv:6: the popularity is no number.*got 'high'",
        ),
        (HEADER.replace(",", ";"), [], r"parted by semicolons; save it with commas"),
        (HEADER, [*ROWS, ",B,C,1,Sad,5"], r"list\.csv:6: this song has no name"),
        (HEADER, [*ROWS, "A,B,C,1,,5"], r"list\.csv:6: this song has no mood"),
        (HEADER, [*ROWS, "A,B,C,1"], r"list\.csv:6: this row is too short.*6 columns; got 4"),
    ],
)
def test_wrong_songs_are_named_and_nothing_is_written(
    tmp_path: Path, workspace: Workspace, header: str, rows: list[str], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        import_songs(workspace, songs_file(tmp_path, *rows, header=header))
    assert not workspace.data.exists()


def test_a_file_that_is_no_text_or_not_there_is_told(tmp_path: Path, workspace: Workspace) -> None:
    (tmp_path / "list.csv").write_bytes(b"\xff\xfe\x00n")
    with pytest.raises(DataError, match="no text in UTF-8"):
        import_songs(workspace, tmp_path / "list.csv")
    for nothing in (tmp_path / "nothing.csv", tmp_path / "list.csv" / "x.csv"):
        with pytest.raises(NotFoundError, match="no such file"):
            import_songs(workspace, nothing)
    with pytest.raises(DataError, match=r"this is a folder\..*Name the file in it: .*list\.csv"):
        import_songs(workspace, tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"this is a folder\..*There is no CSV in it"):
        import_songs(workspace, tmp_path / "empty")
    with pytest.raises(DataError, match=r"this cannot be read\. Got File name too long"):
        import_songs(workspace, tmp_path / ("x" * 300))


def test_a_file_far_too_large_for_songs_is_not_read_to_its_end(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hpo.data.song_csv.MAX_BYTES", 1024)
    with pytest.raises(DataError, match="this file is too large"):
        import_songs(workspace, Path("/dev/zero"))


def test_songs_do_not_take_the_place_of_faces(tmp_path: Path, workspace: Workspace) -> None:
    face = RawSplit(np.zeros((1, 48, 48), np.uint8), np.zeros(1, np.uint8), ["a"])
    write_faces(workspace.data / "mine", "mine", {"train": face}, {})
    with pytest.raises(DataError, match="already a dataset of faces"):
        import_songs(workspace, songs_file(tmp_path, *ROWS), name="mine")
    with pytest.raises(DataError, match="Expected a song catalogue"):
        load_songs(workspace, "mine")


def test_the_real_songs_have_their_moods(shared_data: Path, workspace: Workspace) -> None:
    manifest = import_songs(workspace, shared_data / "songs" / "data_moods.csv")
    assert manifest["count"] == 686
    assert manifest["moods"] == {"Happy": 140, "Sad": 197, "Calm": 195, "Energetic": 154}


def test_a_song_that_repeats_in_its_mood_is_kept_once_and_told(
    tmp_path: Path, workspace: Workspace
) -> None:
    manifest = import_songs(workspace, songs_file(tmp_path, *ROWS, ROWS[0], "A,B,C,10,Sad,1"))
    # In another mood it answers another emotion.
    assert manifest["moods"] == {"Happy": 1, "Sad": 2, "Calm": 1, "Energetic": 1}
    assert manifest["source"]["notes"] == [
        "1 row repeats a song of the same mood, left out: 'A' (id 1)"
    ]


def test_a_mood_that_no_emotion_is_answered_with_is_told(
    tmp_path: Path, workspace: Workspace
) -> None:
    manifest = import_songs(workspace, songs_file(tmp_path, *ROWS, "K,L,M,50,Angry,5"))
    (note,) = manifest["source"]["notes"]
    assert note.startswith("no emotion is answered with the songs of the mood Angry (1)")
