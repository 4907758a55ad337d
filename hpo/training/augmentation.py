"""Random changes to a batch of training faces, all geometry in one resampling per face.

Flip, rotation, zoom and shift multiply to one affine matrix per face, sampled once with linear
interpolation; what lies beyond the border repeats the border's pixels ("nearest" fill). One after
another, as Keras's layers do it, costs several times as much and blurs at each step. Every draw
comes from the generator that is passed in, so a batch is a function of its seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hpo.data.decoding import opencv
from hpo.training.frame import Frame
from hpo.training.parameters import TrainingParameters

Faces = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Matrices = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Augmentation:
    """How strongly faces are changed; zero (or False) turns a change off.

    Args:
        rotation_degrees: rotation uniform in ± this.
        zoom: height and width scaled, each by itself, uniformly in 1 ± this.
        shift: shift uniform in ± this share of height and width.
        flip: mirror left and right with probability one half.
        brightness: added, uniform in ± this share of white (255).
        contrast: distances to the face's own mean scaled uniformly in 1 ± this.
        erasing: probability of random erasing (Zhong et al. 2020).
        mixup_alpha: parameter of mixup's Beta(α, α) (Zhang et al. 2018).
    """

    rotation_degrees: float = 0.0
    zoom: float = 0.0
    shift: float = 0.0
    flip: bool = False
    brightness: float = 0.0
    contrast: float = 0.0
    erasing: float = 0.0
    mixup_alpha: float = 0.0

    @classmethod
    def of(cls, training: TrainingParameters) -> Augmentation:
        """Return the augmentation that the training parameters ask for."""
        return cls(
            rotation_degrees=training.rotation_degrees,
            zoom=training.zoom,
            shift=training.shift,
            flip=training.flip,
            brightness=training.brightness,
            contrast=training.contrast,
            erasing=training.erasing,
            mixup_alpha=training.mixup_alpha if training.mixup else 0.0,
        )

    @property
    def geometric(self) -> bool:
        """Tell whether faces are resampled."""
        return bool(self.rotation_degrees or self.zoom or self.shift)


def augment(
    faces: Faces,
    augmentation: Augmentation,
    generator: np.random.Generator,
    frame: Frame | None = None,
) -> Faces:
    """Return changed copies of ``faces``, or ``faces`` itself if nothing is to be done.

    Args:
        faces: uint8, ``(n, height, width)``.
        augmentation: what to do; mixup is left to ``mix``.
        generator: the source of every draw.
        frame: what is sampled of each changed face, where the changes are geometric; all of it by
            default.
    """
    count, height, width = faces.shape
    if augmentation.geometric:
        transforms = matrices(count, (height, width), augmentation, generator)
        if frame is not None:
            transforms = frame.composed(transforms)
        faces = warp(faces, transforms, frame.size if frame is not None else None)
    elif augmentation.flip:
        mirrored: npt.NDArray[np.bool_] = np.less(generator.random(count), 0.5)
        faces = np.where(mirrored[:, None, None], faces[:, :, ::-1], faces)
    if augmentation.brightness or augmentation.contrast:
        faces = relight(faces, augmentation.brightness, augmentation.contrast, generator)
    if augmentation.erasing:
        faces = erase(faces, augmentation.erasing, generator)
    return faces


def matrices(
    count: int,
    size: tuple[int, int],
    augmentation: Augmentation,
    generator: np.random.Generator,
) -> Matrices:
    """Return ``count`` random 2×3 matrices that map a pixel (x, y) to where it is sampled.

    Args:
        count: how many.
        size: height and width in pixels.
        augmentation: the ranges.
        generator: the source of every draw.
    """
    height, width = size
    uniform = generator.uniform(-1.0, 1.0, size=(count, 5))
    mirror = np.ones(count)
    if augmentation.flip:
        mirror = np.where(generator.random(count) < 0.5, -1.0, 1.0)
    return compose(
        size,
        angles_degrees=uniform[:, 0] * augmentation.rotation_degrees,
        scale_x=mirror * (1.0 + uniform[:, 1] * augmentation.zoom),
        scale_y=1.0 + uniform[:, 2] * augmentation.zoom,
        shift_x=uniform[:, 3] * augmentation.shift * width,
        shift_y=uniform[:, 4] * augmentation.shift * height,
    )


def compose(
    size: tuple[int, int],
    *,
    angles_degrees: Matrices,
    scale_x: Matrices,
    scale_y: Matrices,
    shift_x: Matrices,
    shift_y: Matrices,
) -> Matrices:
    """Return the matrices ``(n, 2, 3)`` that scale, rotate and shift about the image's centre.

    They map the result's pixels to the source's. The face itself turns counter-clockwise by
    ``angles_degrees``, grows by ``scale_x`` and ``scale_y`` (negative: mirrored) and moves right
    and down by ``shift_x`` and ``shift_y`` pixels. All are ``(n,)``.
    """
    height, width = size
    centre_x, centre_y = (width - 1) / 2, (height - 1) / 2
    cosine, sine = np.cos(np.radians(angles_degrees)), np.sin(np.radians(angles_degrees))
    linear = np.empty((len(angles_degrees), 2, 3))
    # Inverse of (rotate ∘ scale): the rows are those of the rotation's transpose, over the scales.
    linear[:, 0, 0], linear[:, 0, 1] = cosine / scale_x, -sine / scale_x
    linear[:, 1, 0], linear[:, 1, 1] = sine / scale_y, cosine / scale_y
    from_x, from_y = centre_x + shift_x, centre_y + shift_y
    linear[:, 0, 2] = centre_x - linear[:, 0, 0] * from_x - linear[:, 0, 1] * from_y
    linear[:, 1, 2] = centre_y - linear[:, 1, 0] * from_x - linear[:, 1, 1] * from_y
    return linear


def warp(faces: Faces, transforms: Matrices, size: tuple[int, int] | None = None) -> Faces:
    """Sample each face at the places that its matrix maps to; the border's pixels repeat.

    Args:
        faces: uint8, ``(n, height, width)``.
        transforms: ``(n, 2, 3)``, from ``compose``.
        size: height and width of what comes out; by default as what goes in.
    """
    cv2 = opencv()

    count, height, width = (len(faces), *(size or faces.shape[1:]))
    out = np.empty((count, height, width), np.uint8)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    for k in range(count):
        cv2.warpAffine(
            faces[k],
            transforms[k],
            (width, height),
            dst=out[k],
            flags=flags,
            borderMode=cv2.BORDER_REPLICATE,
        )
    return out


def relight(
    faces: Faces, brightness: float, contrast: float, generator: np.random.Generator
) -> Faces:
    """Change each face's contrast about its mean and its brightness; what leaves 0-255 is clipped.

    Args:
        faces: uint8, ``(n, height, width)``.
        brightness, contrast: as in ``Augmentation``.
        generator: the source of every draw.
    """
    draws = generator.uniform(-1.0, 1.0, size=(2, len(faces), 1, 1)).astype(np.float32)
    means = faces.mean(axis=(1, 2), keepdims=True, dtype=np.float32)
    changed = (faces - means) * (1 + contrast * draws[0]) + means + 255 * brightness * draws[1]
    lit: Faces = np.clip(np.rint(changed), 0, 255).astype(np.uint8)
    return lit


def erase(faces: Faces, probability: float, generator: np.random.Generator) -> Faces:
    """Replace a rectangle of some faces by noise.

    Area 2-33 % of the face and aspect 0.3-3.3 are the defaults of Zhong et al. 2020, section 3.2;
    noise of its own per pixel did best there.
    """
    count, height, width = faces.shape
    chosen = np.flatnonzero(generator.random(count) < probability)
    if len(chosen) == 0:
        return faces
    faces = faces.copy()
    boxes = rectangles(len(chosen), (height, width), generator)
    for k, (top, left, high, broad) in zip(chosen, boxes, strict=True):
        noise = generator.integers(0, 256, (high, broad), dtype=np.uint8)
        faces[k, top : top + high, left : left + broad] = noise
    return faces


def rectangles(
    count: int, size: tuple[int, int], generator: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Return ``count`` random rectangles to erase, ``(count, 4)``: top, left, height, width.

    Args:
        count: how many.
        size: height and width of a face in pixels.
        generator: the source of every draw.
    """
    height, width = size
    areas = generator.uniform(0.02, 0.33, count) * height * width
    aspects = np.exp(generator.uniform(np.log(0.3), np.log(1 / 0.3), count))
    tall = np.clip(np.rint(np.sqrt(areas * aspects)), 1, height).astype(np.int64)
    wide = np.clip(np.rint(np.sqrt(areas / aspects)), 1, width).astype(np.int64)
    tops = (generator.random(count) * (height - tall + 1)).astype(np.int64)
    lefts = (generator.random(count) * (width - wide + 1)).astype(np.int64)
    return np.stack([tops, lefts, tall, wide], axis=1)


def mix(
    faces: Faces, targets: Floats, alpha: float, generator: np.random.Generator
) -> tuple[Floats, Floats, npt.NDArray[Any], Floats]:
    """Blend each face and its target with another of the batch (mixup).

    Args:
        faces: uint8, ``(n, ...)``.
        targets: float32, ``(n, classes)``.
        alpha: the blend is λ·own + (1−λ)·other with λ from Beta(α, α), one per face.
        generator: the source of every draw.

    Returns:
        Faces (float32, 0-255), targets, the index of each face's other, and λ ``(n,)``.
    """
    count = len(faces)
    own = generator.beta(alpha, alpha, count).astype(np.float32)
    other = generator.permutation(count)
    wide = own.reshape(-1, *([1] * (faces.ndim - 1)))
    first = faces.astype(np.float32)
    blended = wide * first + (1.0 - wide) * first[other]
    mixed = own[:, None] * targets + (1.0 - own[:, None]) * targets[other]
    return blended, mixed, other, own
