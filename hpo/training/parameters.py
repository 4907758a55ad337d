"""What can be set about training, whatever the architecture; names, ranges, defaults. No Keras.

The defaults are the thesis's recipe for its CNN. Switches (``mixup``, ``ema``) stand apart from
their strengths, so that a space can search the strength on a log scale under the condition that the
switch is on.
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from hpo.training.views import TestViews

Monitor = Literal["val_loss", "val_accuracy"]

HORIZON_SCHEDULES: frozenset[str] = frozenset({"cosine", "one_cycle"})
"""Schedules whose rate at an epoch depends on the last epoch: trials of different ``epochs`` cannot
be compared at the same epoch, nor can a pruner that compares them be trusted."""


class TrainingParameters(BaseModel):
    """Everything about training that is not a layer."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)

    # Optimizer
    optimizer: Literal["adam", "adamw", "sgd", "rmsprop", "lion"] = Field(
        default="adam", description="sgd is with Nesterov momentum."
    )
    learning_rate: float = Field(
        default=1e-3, gt=0.0, le=10.0, description="The highest rate of the schedule."
    )
    reference_batch_size: int = Field(
        default=0,
        ge=0,
        le=4096,
        description="The batch size that learning_rate is meant for: the rate used is "
        "learning_rate × batch_size / this. 0: the rate is used as it is.",
    )
    one_minus_momentum: float = Field(
        default=0.1,
        gt=0.0,
        le=1.0,
        description="1 − momentum of sgd (1: no momentum); search it on a log scale.",
    )
    weight_decay: float = Field(
        default=0.0,
        ge=0.0,
        le=1.0,
        description="sgd: coefficient of an L2 penalty, λ/2·|w|². Others: decoupled decay per "
        "step, times the rate (adam with decay is adamw). Biases and norms are left out.",
    )
    clip_norm: float = Field(
        default=0.0, ge=0.0, le=1000.0, description="Longest gradient of a step; 0: no limit."
    )

    # Length and schedule
    batch_size: int = Field(default=64, ge=1, le=4096, description="Faces per step.")
    epochs: int = Field(default=40, ge=1, le=2000, description="Epochs at the most.")
    schedule: Literal["constant", "plateau", "cosine", "one_cycle"] = Field(
        default="plateau",
        description="plateau: lowered when the monitor stalls. cosine: to zero at the last epoch. "
        "one_cycle: up from a 25th for 30 % of the steps, then down to zero.",
    )
    warmup_fraction: float = Field(
        default=0.0,
        ge=0.0,
        le=0.5,
        description="Share of all steps over which the rate rises from zero; not for one_cycle.",
    )
    plateau_monitor: Monitor = Field(default="val_loss", description="What must improve.")
    plateau_factor: float = Field(
        default=0.2, gt=0.0, lt=1.0, description="What the rate is multiplied by at a plateau."
    )
    plateau_patience: int = Field(
        default=5, ge=1, le=200, description="Epochs without improvement before that."
    )
    plateau_minimum: float = Field(
        default=5e-6, ge=0.0, le=1.0, description="The lowest rate that a plateau leads to."
    )
    early_stopping_monitor: Literal["val_loss", "val_accuracy", "none"] = Field(
        default="val_loss", description="What must improve for training to go on."
    )
    early_stopping_patience: int = Field(
        default=10, ge=1, le=1000, description="Epochs without improvement before the end."
    )
    head_epochs: int = Field(
        default=0,
        ge=0,
        le=1000,
        description="First epochs in which a pretrained base is frozen and the head alone trains; "
        "fewer if early stopping ends them. The base then trains from the best of them, and "
        "patience begins anew.",
    )
    feature_views: int = Field(
        default=0,
        ge=0,
        le=64,
        description="While a pretrained base is frozen, its features of so many changed views of "
        "each face are computed once, kept on disk and shared by all trials; 0: the base runs at "
        "each step. Fastest with head gap and base_dropout 0. Not with mixup.",
    )
    unfrozen_rate_factor: float = Field(
        default=0.1,
        gt=0.0,
        le=1.0,
        description="What the rate is multiplied by once head_epochs are over.",
    )

    stage_rate_factor: float = Field(
        default=1.0,
        gt=0.0,
        le=1.0,
        description="The rate of each stage of a pretrained base is this times that of the stage "
        "behind it; the head has the rate itself. 1: all alike.",
    )

    # Loss
    label_smoothing: float = Field(
        default=0.0,
        ge=0.0,
        le=0.5,
        description="Share of each training label spread over all classes; validation is plain.",
    )
    class_weights: bool = Field(
        default=False, description="Weigh classes by the inverse of their frequency."
    )

    # Augmentation of training faces
    rotation_degrees: float = Field(
        default=10.0, ge=0.0, le=180.0, description="Rotation by up to so much, either way."
    )
    zoom: float = Field(
        default=0.2, ge=0.0, le=0.9, description="Height and width scaled by 1 ± up to this."
    )
    shift: float = Field(
        default=0.1, ge=0.0, le=0.9, description="Shift by up to this share of the side."
    )
    flip: bool = Field(default=True, description="Mirror every second face, at random.")
    brightness: float = Field(
        default=0.0, ge=0.0, le=1.0, description="Lighter or darker by up to this share of white."
    )
    contrast: float = Field(
        default=0.0,
        ge=0.0,
        le=1.0,
        description="Distances to the face's mean scaled by 1 ± up to this.",
    )
    erasing: float = Field(
        default=0.0,
        ge=0.0,
        le=1.0,
        description="Probability that a rectangle (2-33 % of the face) is replaced by noise.",
    )
    mixup: bool = Field(default=False, description="Train on blends of pairs of faces.")
    mixup_alpha: float = Field(
        default=0.2,
        gt=0.0,
        le=10.0,
        description="The blend is drawn from Beta(α, α); only if mixup is on.",
    )

    # Weight averaging
    ema: bool = Field(
        default=False,
        description="Validate and serve an exponential moving average of the weights; trained "
        "batch norms then get the statistics of training faces under it.",
    )
    one_minus_ema_decay: float = Field(
        default=1e-3,
        gt=0.0,
        lt=1.0,
        description="1 − decay of the average per step; only if ema is on; search it on a log "
        "scale.",
    )

    # What is served of the trained model, and judged
    test_views: TestViews = Field(
        default="none",
        description="Average the probabilities over views of the face. mirror: 2, itself and its "
        "mirror. mirror_shifts: 10, also shifted by a 24th of the side towards each corner. Each "
        "epoch is judged so; validating and answering take that much longer. Not with "
        "feature_views.",
    )
    temperature_scaling: bool = Field(
        default=False,
        description="Divide the logits by the one temperature that gives the best epoch the lowest "
        "val_loss; accuracy hardly changes. val_loss is then flattering: measured on the faces "
        "that it was fitted on.",
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.head_epochs >= self.epochs and self.head_epochs > 0:
            raise ValueError(
                f"head_epochs ({self.head_epochs}) must be fewer than epochs ({self.epochs}); to "
                "train the head alone throughout, set unfreeze: none"
            )
        if self.feature_views and self.mixup:
            raise ValueError(
                "feature_views and mixup exclude each other: a blend of two faces has features of "
                "its own at each step"
            )
        if self.feature_views and self.test_views != "none":
            raise ValueError(
                "feature_views and test_views exclude each other: while features are kept, there "
                "are none of a face's other views to judge by"
            )
        return self

    @property
    def rate(self) -> float:
        """Return the highest rate of the schedule, scaled to the batch size if so wished."""
        if self.reference_batch_size == 0:
            return self.learning_rate
        return self.learning_rate * self.batch_size / self.reference_batch_size
