"""Every name of a tag, a parameter, a metric or an artifact that hpo writes into MLflow.

Nothing else in the package spells one of these but ``registry``, whose versions carry a few of the
same tags and which this room does not know. ``tests/golden/mlflow_names.json`` holds them, so
that a change which would orphan people's dashboards and searches is seen in review.
"""

from __future__ import annotations

from hpo.spec.records import TrialState

# Tags of MLflow's own, which its pages read.
PARENT = "mlflow.parentRunId"
RUN_NAME = "mlflow.runName"
NOTE = "mlflow.note.content"
USER = "mlflow.user"
SOURCE_NAME = "mlflow.source.name"
SOURCE_TYPE = "mlflow.source.type"
GIT_COMMIT = "mlflow.source.git.commit"
DATASET_CONTEXT = "mlflow.data.context"
EXPERIMENT_KIND = "mlflow.experimentKind"
VIEW_PREFIX = "mlflow.sharedViewState."

# Tags of hpo's.
KIND = "hpo.kind"
STUDY = "hpo.study"
ARCHITECTURE = "hpo.architecture"
TRIAL = "hpo.trial"
ATTEMPT = "hpo.attempt"
RETRY_OF = "hpo.retry_of"
REPEATS = "hpo.repeats"
RUNG = "hpo.rung"
CONTINUES = "hpo.continues"
SPACE_VERSION = "hpo.space_version"
PARETO = "hpo.pareto"
SLOT = "hpo.slot"
STATE = "hpo.state"
REASON = "hpo.reason"
ORIGIN = "hpo.origin"
SEARCHED = "hpo.searched"
SEED = "hpo.seed"
DATASET = "hpo.dataset"
DATASET_DIGEST = "hpo.dataset_digest"
VERSION = "hpo.version"
OBJECTIVE = "hpo.objective"
DIRECTION = "hpo.direction"
PRUNED_EPOCH = "hpo.pruned_epoch"
LAST_VALUE = "hpo.last_value"
WEIGHTS = "hpo.weights"
DEVICE = "hpo.device"
PRECISION = "hpo.precision"
CHECKPOINT_SHA256 = "hpo.checkpoint_sha256"
BUDGET = "hpo.budget"
BEST_TRIAL = "hpo.best_trial"
BEST_VALUE = "hpo.best_value"
BEST_RUN = "hpo.best_run_id"
OVER_SEEDS = "hpo.over_seeds"
CLASSES = "hpo.classes"
MEMBERS = "hpo.members"
ENSEMBLE = "hpo.ensemble"
REPORT_RUN = "hpo.report_run_id"
TEST_OPENED = "hpo.test_opened"
CONFIRMED = "hpo.confirmed"
TESTED = "hpo.tested"

# Values of PARETO: how a trial stands to the front, and to the constraints.
FRONT, DOMINATED = "front", "dominated"
FEASIBLE, INFEASIBLE = "feasible", "infeasible"

KIND_ARCHITECTURE = "architecture"
KIND_TRIAL = "trial"

TAGS = (
    *(PARENT, RUN_NAME, NOTE, USER, SOURCE_NAME, SOURCE_TYPE, GIT_COMMIT, DATASET_CONTEXT),
    *(
        EXPERIMENT_KIND,
        VIEW_PREFIX,
        KIND,
        STUDY,
        ARCHITECTURE,
        TRIAL,
        ATTEMPT,
        RETRY_OF,
        REPEATS,
        RUNG,
        CONTINUES,
        SPACE_VERSION,
        PARETO,
        SLOT,
        STATE,
        REASON,
        ORIGIN,
    ),
    *(SEARCHED, SEED, DATASET, DATASET_DIGEST, VERSION, OBJECTIVE, DIRECTION, PRUNED_EPOCH),
    *(LAST_VALUE, WEIGHTS, DEVICE, PRECISION, CHECKPOINT_SHA256, BUDGET, BEST_TRIAL, BEST_VALUE),
    *(BEST_RUN, OVER_SEEDS, CLASSES, MEMBERS, ENSEMBLE, REPORT_RUN, TEST_OPENED, CONFIRMED, TESTED),
)

# Parameters: a trial's own names as they are, so that comparing works across architectures, and
ARCHITECTURE_PARAM = "architecture"

# Metrics. The curves keep the trainer's names, with the epoch as their step.
EPOCH_SECONDS = "epoch_seconds"
METRIC_OBJECTIVE = "objective"
BEST_OBJECTIVE = "best_objective"
# Of a configuration that was run again, in place of a best: over its complete runs.
MEAN_OBJECTIVE = "mean_objective"
LOWEST_OBJECTIVE = "lowest_objective"
HIGHEST_OBJECTIVE = "highest_objective"
SEEDS = "seeds"
BEST_EPOCH = "best_epoch"
EPOCHS_RUN = "epochs_run"
IMAGES_PER_SECOND = "images_per_second"
PARAMETER_COUNT = "parameter_count"
TRAIN_SIZE = "train_size"
VALIDATION_SIZE = "validation_size"
VALIDATION_SIZE_WITHOUT_COPIES = "validation_size_without_copies"
VALIDATION_COPIES_TRAINED_ON = "validation_copies_trained_on"
BEST_PREFIX = "best_"
FINAL_PREFIX = "final_"
SECONDS_PREFIX = "seconds_"
# Of the winner's runs and the one above them, once the test split was opened: test_accuracy.
TEST_PREFIX = "test_"
# Of an architecture's run, each with the two rungs, in epochs: rank_correlation_1_3.
RANK_PREFIX = "rank_correlation_"
RANK_MEASURED_PREFIX = "rank_correlation_measured_"
RANK_PAIRS_PREFIX = "rank_pairs_"

METRICS = (
    *("loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", EPOCH_SECONDS),
    *(MEAN_OBJECTIVE, LOWEST_OBJECTIVE, HIGHEST_OBJECTIVE, SEEDS),
    *(METRIC_OBJECTIVE, BEST_OBJECTIVE, BEST_EPOCH, EPOCHS_RUN, IMAGES_PER_SECOND),
    *(PARAMETER_COUNT, TRAIN_SIZE, VALIDATION_SIZE, VALIDATION_SIZE_WITHOUT_COPIES),
    VALIDATION_COPIES_TRAINED_ON,
    *(BEST_PREFIX + "*", FINAL_PREFIX + "*", SECONDS_PREFIX + "*"),
    TEST_PREFIX + "*",
    *(RANK_PREFIX + "*", RANK_MEASURED_PREFIX + "*", RANK_PAIRS_PREFIX + "*"),
)

# Artifacts of a trial, of an architecture, and the name of a logged model.
SUMMARY_FILE = "model_summary.txt"
ENVIRONMENT_FILE = "environment.json"
CONFUSION_FILE = "confusion_matrix.json"
STUDY_FILE = "study.yaml"
SPACE_FILE = "search_space.json"
MODEL_NAME = "model"
REPORT_FOLDER = "report"

ARTIFACTS = (
    *(SUMMARY_FILE, ENVIRONMENT_FILE, CONFUSION_FILE, STUDY_FILE, SPACE_FILE, MODEL_NAME),
    REPORT_FOLDER,
)

# Optuna's states as MLflow's page shows them: a grey stop for pruned, a red cross for failed.
STATUS: dict[TrialState, str] = {
    "waiting": "SCHEDULED",
    "running": "RUNNING",
    "complete": "FINISHED",
    "pruned": "KILLED",
    "failed": "FAILED",
}
