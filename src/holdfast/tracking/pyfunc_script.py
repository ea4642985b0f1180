"""The script that MLflow copies into a registered model and runs when the model is loaded."""

from mlflow.models import set_model

from holdfast.tracking.pyfunc_model import ScoreModel

set_model(ScoreModel())
