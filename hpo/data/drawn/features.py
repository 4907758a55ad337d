"""Paints what an expression moves: eyes, brows, mouth, creases; and what hides it: glasses."""

from __future__ import annotations

import numpy as np

from hpo.data.drawn.canvas import Canvas, Points, arc, ellipse
from hpo.data.drawn.traits import Expression, Identity


def paint_eyes(canvas: Canvas, who: Identity, mood: Expression, gaze: float) -> None:
    """Both eyes, looking `gaze` (-1 to 1) to the side."""
    half = 0.15 * who.eye_size
    height = max(0.012, 0.072 * who.eye_size * (1.0 + 0.8 * mood.eye_open))
    upper = height * (1.0 - 0.12 * max(0.0, mood.squint))
    lower = 0.75 * height * (1.0 - 0.75 * max(0.0, mood.squint))
    for side in (-1.0, 1.0):
        x, y = side * who.eye_gap, who.eye_height
        # Sad lids hang at the outer corner, angry ones at the inner one.
        inner_y, outer_y = y + 0.02 + 0.03 * mood.brow_slant, y - 0.02 * mood.brow_slant
        inner, outer = (x - side * half, inner_y), (x + side * half, outer_y)
        top = arc(inner, (x, y - upper), outer)
        bottom = arc(outer, (x, y + lower), inner)
        lids = np.concatenate([top, bottom])
        canvas.fill(lids, "eye", min(242.0, who.skin + 62.0))
        iris = ellipse((x + 0.05 * gaze, y - 0.01), (0.066, 0.07), 14)
        iris[:, 1] = np.clip(iris[:, 1], y - 0.95 * upper, y + 0.95 * lower)
        canvas.fill(iris, "iris", who.iris)
        canvas.stroke(top, 0.035, "dark", 0.22 * who.skin)
        canvas.stroke(bottom, 0.018, "skin", 0.55 * who.skin)
        if mood.squint > 0.3:
            bag = arc(
                (x - side * half, y + lower + 0.05),
                (x, y + lower + 0.075),
                (x + side * half, y + 0.05),
            )
            canvas.stroke(bag, 0.02, "skin", 0.72 * who.skin)


def paint_brows(canvas: Canvas, who: Identity, mood: Expression) -> None:
    """Both brows and the creases that they throw on the forehead."""
    tone = min(0.75 * who.hair, 0.55 * who.skin)
    base = who.eye_height - 0.17 - 0.10 * mood.brow_raise
    for side in (-1.0, 1.0):
        inner_x = who.eye_gap - 0.18 - 0.05 * mood.brow_squeeze
        inner = (side * inner_x, base + 0.115 * mood.brow_slant)
        outer = (side * (who.eye_gap + 0.19), base + 0.02 - 0.06 * mood.brow_slant)
        bend = (side * (who.eye_gap + 0.04), base - 0.035 - 0.03 * max(0.0, mood.brow_raise))
        canvas.stroke(arc(inner, bend, outer), 0.062 * who.brow_weight, "hair", tone)
    crease = (0.92 - 0.28 * who.wrinkles) * who.skin
    if mood.brow_raise > 0.45 and who.wrinkles > 0.25:
        for row in range(2):
            y = base - 0.13 - 0.08 * row
            canvas.stroke(arc((-0.3, y), (0.0, y - 0.03), (0.3, y)), 0.02, "skin", crease)
    if mood.brow_squeeze > 0.35:
        for side in (-1.0, 1.0):
            furrow = np.array([[side * 0.045, base - 0.06], [side * 0.035, base + 0.08]])
            canvas.stroke(furrow, 0.024, "skin", 0.62 * who.skin)


def paint_mouth(canvas: Canvas, who: Identity, mood: Expression) -> None:
    """Lips, the opening with its teeth, and the folds beside the mouth."""
    half = 0.25 * who.mouth_size * (1.0 + 0.38 * mood.mouth_width)
    opening = 0.34 * max(0.0, mood.mouth_open)
    y = who.mouth_height + 0.04 * mood.mouth_curve
    top_y = y - 0.3 * opening - 0.06 * max(0.0, mood.upper_lip)
    bottom_y = y + 0.8 * opening + 0.03 * max(0.0, mood.mouth_curve) * (opening > 0.03)
    lift = -0.13 * mood.mouth_curve + 0.25 * opening
    left = (-half, y + lift - 0.06 * mood.skew)
    right = (half, y + lift + 0.06 * mood.skew)
    top, bottom = arc(left, (0.0, top_y), right), arc(right, (0.0, bottom_y), left)
    lip = who.lip * who.skin
    thick = 0.045
    down = np.array([0.0, thick])
    rim = np.concatenate([top - down, bottom + 1.3 * down])
    canvas.fill(rim, "lip", lip)
    if bottom_y - top_y > 0.03:
        canvas.fill(np.concatenate([top, bottom]), "mouth", 0.16 * who.skin)
        if mood.teeth > 0.2:
            canvas.fill(_teeth(top, bottom, mood.teeth), "teeth", min(240.0, who.skin + 70.0))
    else:
        canvas.stroke(top, 0.03, "lip", 0.33 * who.skin)
    _paint_folds(canvas, who, mood, left, right)


def _teeth(top: Points, bottom: Points, share: float) -> Points:
    """The upper part of the opening; all of it when the teeth are clenched."""
    down = bottom[::-1]
    cover = min(1.0, 0.25 + 0.55 * share)
    edge = top + cover * (down - top)
    teeth: Points = np.concatenate([top[1:-1], edge[-2:0:-1]])
    return teeth


def _paint_folds(
    canvas: Canvas,
    who: Identity,
    mood: Expression,
    left: tuple[float, float],
    right: tuple[float, float],
) -> None:
    strength = max(0.8 * mood.mouth_curve, mood.upper_lip, mood.nose_wrinkle)
    if strength < 0.3 and who.wrinkles < 0.7:
        return
    tone = (0.9 - 0.22 * max(0.25, strength)) * who.skin
    nose = who.eye_height + who.nose_length
    for side, corner in ((-1.0, left), (1.0, right)):
        end = (corner[0] + side * 0.07, corner[1] - 0.01)
        start = (side * (who.nose_width + 0.04), nose)
        bend = ((start[0] + end[0]) / 2 + side * 0.06, (start[1] + end[1]) / 2 - 0.02)
        canvas.stroke(arc(start, bend, end), 0.024, "skin", tone)


def paint_glasses(canvas: Canvas, who: Identity) -> None:
    """A thin or thick frame, or dark lenses."""
    if who.glasses == "none":
        return
    y = who.eye_height + 0.02
    width = 0.022 if who.glasses == "thin" else 0.05
    tone = 30.0 if who.glasses != "thin" else 0.4 * who.skin
    for side in (-1.0, 1.0):
        lens = ellipse((side * (who.eye_gap + 0.01), y), (0.225, 0.175), 18)
        if who.glasses == "dark":
            canvas.fill(lens, "glass", 28.0, depth=0.05)
        canvas.stroke(lens, width, "glass", tone, depth=0.05, closed=True)
        temple = np.array(
            [[side * (who.eye_gap + 0.22), y - 0.02], [side * who.head_width, y - 0.06]]
        )
        canvas.stroke(temple, width, "glass", tone)
    canvas.stroke(arc((-0.12, y), (0.0, y - 0.04), (0.12, y)), width, "glass", tone, depth=0.1)
