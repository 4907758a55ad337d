"""Fetch a dataset from Kaggle through kagglehub (the extra ``fetch``), for the importers to read.

Without kagglehub, network or permission there is one paragraph: what to download by hand and what
to type then.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hpo.spec.errors import EnvironmentProblem, NotFoundError, did_you_mean


@dataclass(frozen=True)
class KaggleSource:
    """Where Kaggle has a dataset.

    Args:
        handle: ``owner/name`` on Kaggle.
        file: the file in it that holds the songs; ``None`` for a folder of faces.
        by_hand: what to type once it was downloaded by hand.
    """

    handle: str
    file: str | None
    by_hand: str

    @property
    def page(self) -> str:
        """The page from which a person downloads it."""
        return f"https://www.kaggle.com/datasets/{self.handle}"


SOURCES: dict[str, KaggleSource] = {
    "fer2013": KaggleSource("msambare/fer2013", None, "hpo data import fer2013 archive.zip"),
    "songs": KaggleSource(
        "musicblogger/spotify-music-data-to-identify-the-moods",
        "data_moods.csv",
        "hpo data import songs data_moods.csv",
    ),
}


def fetch(name: str, download: Callable[[str], str] | None = None) -> Path:
    """Download what ``name`` stands for and return the file or folder to import.

    Args:
        name: ``fer2013`` or ``songs``.
        download: handle → folder of the downloaded files; kagglehub's by default.

    Raises:
        NotFoundError: another name.
        EnvironmentProblem: kagglehub, network or permission is missing.
    """
    if name not in SOURCES:
        raise NotFoundError(
            f"hpo cannot fetch '{name}'",
            expected=" or ".join(SOURCES),
            hint=did_you_mean(name, SOURCES),
        )
    source = SOURCES[name]
    if download is None:
        download = _kagglehub(source)
    try:
        folder = Path(download(source.handle))
    # kagglehub raises errors of requests, urllib3 and its own; each means the same to a person.
    except Exception as error:
        problem = f"could not fetch {source.handle} from Kaggle"
        raise _by_hand(source, problem, _reason(error)) from error
    return folder if source.file is None else _find(folder, source)


def _kagglehub(source: KaggleSource) -> Callable[[str], str]:
    try:
        import kagglehub
    except ImportError as error:
        raise _by_hand(
            source,
            "fetching needs kagglehub",
            "no such package here (pip install 'hpo[fetch]' brings it)",
        ) from error
    download: Callable[[str], str] = kagglehub.dataset_download
    return download


def _reason(error: Exception) -> str:
    kind = type(error).__name__
    if "Connect" in kind or "Timeout" in kind:  # Their texts are urllib3's, a paragraph long.
        return f"no connection to Kaggle ({kind})"
    return (str(error).strip() or kind).splitlines()[0].rstrip(".")[:200]


def _find(folder: Path, source: KaggleSource) -> Path:
    assert source.file is not None
    for found in sorted(folder.rglob(source.file)):
        return found
    present = ", ".join(sorted(path.name for path in folder.rglob("*") if path.is_file())[:5])
    raise _by_hand(source, f"{source.handle} holds no {source.file}", present or "no files")


def _by_hand(source: KaggleSource, problem: str, got: str) -> EnvironmentProblem:
    return EnvironmentProblem(
        problem,
        expected="kagglehub, a network, and a Kaggle account's permission",
        got=got,
        hint=f"Download it by hand from {source.page} and then type: {source.by_hand}",
    )
