"""Paints the head: skull, hair, ears, shading, nose, beard. The features are in `features`."""

from __future__ import annotations

import numpy as np

from hpo.data.drawn.canvas import Canvas, Points, arc, ellipse
from hpo.data.drawn.traits import Expression, Identity


def paint_body(canvas: Canvas, who: Identity) -> None:
    """Shoulders and neck, behind the head."""
    shoulders = np.array(
        [[-1.9, 4.0], [-1.5, 1.5], [-0.5, 1.12], [0.5, 1.12], [1.5, 1.5], [1.9, 4.0]]
    )
    canvas.fill(shoulders, "cloth", who.cloth, flat=True)
    neck = np.array([[-0.36, 0.5], [0.36, 0.5], [0.38, 1.22], [0.0, 1.38], [-0.38, 1.22]])
    canvas.fill(neck, "skin", 0.72 * who.skin, flat=True)


def paint_back_hair(canvas: Canvas, who: Identity) -> None:
    """The hair that the head covers."""
    width = who.head_width
    if who.hair_style == "long":
        angles = np.linspace(np.pi, 2.0 * np.pi, 13)
        dome = np.stack([(width + 0.14) * np.cos(angles), -0.2 + 0.9 * np.sin(angles)], axis=1)
        ends = np.array(
            [[width + 0.2, 1.2], [width - 0.1, 1.3], [0.1 - width, 1.3], [-width - 0.2, 1.2]]
        )
        fall = np.concatenate([dome, ends])
        canvas.fill(fall, "hair", 0.85 * who.hair, flat=True)
    elif who.hair_style == "curly":
        for angle in np.linspace(0.95 * np.pi, 2.05 * np.pi, 9):
            centre = (float((width + 0.02) * np.cos(angle)), float(0.92 * np.sin(angle)))
            canvas.fill(ellipse(centre, (0.24, 0.24), 12), "hair", 0.9 * who.hair, flat=True)
    elif who.hair_style != "bald":
        canvas.fill(ellipse((0.0, -0.36), (width + 0.07, 0.74), 24), "hair", who.hair, flat=True)


def paint_skull(canvas: Canvas, who: Identity, mood: Expression) -> None:
    """Ears, head and the soft light and shade that make it round."""
    chin = 1.0 + 0.14 * max(0.0, mood.mouth_open)
    for side in (-1.0, 1.0):
        ear = ellipse((side * (who.head_width + 0.03), 0.05), (0.09, 0.2), 12)
        canvas.fill(ear, "skin", 0.8 * who.skin, flat=True)
    canvas.fill(_outline(who, chin), "skin", who.skin, flat=True)
    canvas.shade(_relief(who, mood, chin), 0.07)


def _outline(who: Identity, chin: float) -> Points:
    angles = np.linspace(0.0, 2.0 * np.pi, 36, endpoint=False)
    x, y = np.cos(angles), np.sin(angles)
    # A superellipse below: square jaws for a large `jaw`, pointed chins for a small one.
    exponent = np.where(y > 0, 1.12 - 0.42 * who.jaw, 1.0)
    width = who.head_width * np.sign(x) * np.abs(x) ** exponent
    return np.stack([width, np.where(y > 0, chin * y, 1.0 * y)], axis=1)


def _relief(who: Identity, mood: Expression, chin: float) -> list[tuple[Points, int]]:
    depth = 0.35 + 0.65 * who.skin / 220.0
    eyes_y, gap = who.eye_height, who.eye_gap
    smile = max(0.0, mood.mouth_curve)
    shapes: list[tuple[Points, int]] = []

    def add(points: Points, change: float) -> None:
        shapes.append((points, round(change * depth)))

    for side in (-1.0, 1.0):
        add(ellipse((side * (who.head_width - 0.04), 0.35), (0.13, 0.62), 14), -34)
        socket = (side * gap, eyes_y - 0.05)
        add(ellipse(socket, (0.23, 0.15), 14), -46 - 14 * max(0.0, mood.brow_squeeze))
        cheek = (side * (gap + 0.03), 0.27 - 0.05 * smile)
        add(ellipse(cheek, (0.19, 0.13 + 0.02 * smile), 14), 22 + 14 * smile)
    nose_tip = eyes_y + who.nose_length
    add(ellipse((0.0, eyes_y + 0.1), (0.05, 0.26), 12), 24)
    add(ellipse((0.0, nose_tip + 0.13), (who.nose_width + 0.03, 0.05), 12), -40)
    add(ellipse((0.0, who.mouth_height + 0.2 + (chin - 1.0)), (0.2, 0.04), 12), -26)
    add(ellipse((0.0, -0.5), (0.42, 0.16), 14), 16)
    add(ellipse((0.0, chin - 0.02), (0.34, 0.06), 14), -24)
    return shapes


def paint_nose(canvas: Canvas, who: Identity, mood: Expression) -> None:
    """Bridge, tip and nostrils, and the wrinkles of a nose turned up."""
    top = who.eye_height
    tip = top + who.nose_length - 0.05 * mood.nose_wrinkle
    width = who.nose_width * (1.0 + 0.25 * max(0.0, mood.nose_wrinkle))
    dark = 0.55 * who.skin
    canvas.fill(
        ellipse((0.0, tip + 0.02), (0.75 * width, 0.08), 12), "skin", 1.06 * who.skin, depth=0.2
    )
    for side in (-1.0, 1.0):
        wing = arc(
            (side * 0.7 * width, tip - 0.06),
            (side * width * 1.15, tip),
            (side * 0.5 * width, tip + 0.08),
        )
        canvas.stroke(wing, 0.025, "skin", 0.7 * who.skin, depth=0.12)
        canvas.fill(
            ellipse((side * 0.5 * width, tip + 0.07), (0.045, 0.025), 8),
            "dark",
            0.6 * dark,
            depth=0.16,
        )
    bridge = arc((-0.06, top + 0.04), (-0.07, top + 0.14), (-0.09, tip - 0.08))
    canvas.stroke(bridge, 0.025, "skin", 0.82 * who.skin, depth=0.15)
    if mood.nose_wrinkle > 0.35:
        for row in range(3):
            y = top + 0.05 + 0.055 * row
            crease = arc((-0.09, y), (0.0, y - 0.035), (0.09, y))
            canvas.stroke(
                crease, 0.022, "skin", (0.85 - 0.3 * mood.nose_wrinkle) * who.skin, depth=0.12
            )


def paint_beard(canvas: Canvas, who: Identity, mood: Expression) -> None:
    """Beard and moustache, under the lips."""
    jaw = 0.14 * max(0.0, mood.mouth_open)
    tone = who.hair + (1.0 - who.beard) * 0.5 * (who.skin - who.hair)
    if who.beard:
        outer = arc(
            (-who.head_width + 0.03, 0.2), (0.0, 1.75 + jaw), (who.head_width - 0.03, 0.2), 15
        )
        outer[:, 1] = np.minimum(outer[:, 1], 1.02 + jaw)
        inner = arc((0.5, 0.32), (0.0, 0.66), (-0.5, 0.32), 9)
        canvas.fill(np.concatenate([outer, inner]), "hair", tone, flat=True)
    if who.moustache or who.beard > 0.6:
        y = who.mouth_height - 0.1
        for side in (-1.0, 1.0):
            half = np.concatenate(
                [
                    arc((0.0, y - 0.05), (side * 0.16, y - 0.05), (side * 0.3, y + 0.09)),
                    arc((side * 0.26, y + 0.09), (side * 0.13, y + 0.05), (0.0, y + 0.05)),
                ]
            )
            canvas.fill(half, "hair", tone)


def paint_front_hair(canvas: Canvas, who: Identity) -> None:
    """The hair over the forehead."""
    if who.hair_style == "bald":
        return
    width, line = who.head_width, who.hairline
    across = np.linspace(-1.0, 1.0, 13)
    if who.hair_style == "side":
        rise = np.clip(1.0 - np.abs(across - 0.25 * np.sign(across)) ** 2.2, 0.0, 1.0)
        low, high = -0.2 - 0.1 * across, line - 0.12 + 0.22 * across
    else:
        rise = 1.0 - np.abs(across) ** 3
        low, high = np.full(13, -0.16), np.full(13, line)
    if who.hair_style == "fringe":
        high = high + 0.04 + 0.1 * (np.arange(13) % 2)
    edge = np.stack([across * (width + 0.01), low + (high - low) * rise], axis=1)
    angles = np.linspace(0.0, -np.pi, 15)
    crown = np.stack([(width + 0.05) * np.cos(angles), -0.25 + 0.84 * np.sin(angles)], axis=1)
    canvas.fill(np.concatenate([edge, crown]), "hair", who.hair, flat=True)
    gleam = arc((-0.46, -0.78), (-0.22, -0.93), (0.1, -0.96))
    canvas.stroke(gleam, 0.05, "hair", min(235.0, 1.25 * who.hair + 12.0), flat=True)
