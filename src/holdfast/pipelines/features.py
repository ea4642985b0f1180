"""Which features a task has, as metadata: the one question that several stages and `holdfast features` ask."""

from holdfast.features.feature import Feature
from holdfast.features.featureset import FeatureSet
from holdfast.histories.histories import Histories
from holdfast.pipelines.levels import level_features
from holdfast.tasks.task import GivenTask, Task


def without_label(histories: Histories, question: Task) -> Histories:
    """Histories whose attributes no longer contain the given label."""
    if not isinstance(question, GivenTask):
        return histories
    kept = {name: kind for name, kind in histories.attributes.items() if name != question.label}
    return Histories(histories.tables, histories.start, histories.end, kept, histories.static, histories.until)


def feature_set(histories: Histories, question: Task) -> FeatureSet:
    """The feature set that serves a task."""
    everyone = isinstance(question, GivenTask)
    return FeatureSet.of(without_label(histories, question), question.span.horizon, everyone=everyone)


def task_features(histories: Histories, question: Task, levels: bool = False) -> tuple[Feature, ...]:
    """Metadata of the features that serve a task; `levels` adds where the customer stands (`features.levels`)."""
    more = level_features(histories) if levels else ()
    return feature_set(histories, question).features + more
