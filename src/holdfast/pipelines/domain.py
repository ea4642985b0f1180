"""From the config to the objects of the domain: tasks, offers, policy."""

from holdfast.errors import ConfigError
from holdfast.params import Config
from holdfast.params import tasks as asked
from holdfast.targeting.offers import Offer
from holdfast.targeting.policy import Policy
from holdfast.tasks.task import ContractEndTask, DeclineTask, GivenTask, LapseTask, RepeatTask, SilenceTask, Task

TASKS = ("churn", "loyalty")
"""Every task that a config can name, the main one first."""


def task_names(config: Config) -> list[str]:
    """The configured tasks, the main one first."""
    return [name for name in TASKS if getattr(config.tasks, name) is not None]


def main_task(config: Config) -> Task:
    """The task that the list is made for: churn, else loyalty."""
    names = task_names(config)
    if not names:
        raise ConfigError("tasks: expected churn or loyalty, for example churn: {kind: silence, horizon: 60d}")
    return make_task(config, names[0])


def make_task(config: Config, name: str) -> Task:
    """The question called `name`."""
    section = getattr(config.tasks, name)
    match section:
        case asked.SilenceTask():
            return SilenceTask(name, section.span)
        case asked.LapseTask():
            return LapseTask(name, section.span, section.factor, section.floor, section.cap)
        case asked.ContractEndTask():
            return ContractEndTask(name, section.span, section.not_churn, section.involuntary)
        case asked.DeclineTask():
            return DeclineTask(name, section.span, section.share)
        case asked.RepeatTask():
            return RepeatTask(name, section.span, section.min_active_periods, section.period)
        case asked.GivenTask():
            return GivenTask(name, label=section.label, positive=section.positive, snapshot_at=section.snapshot_date)
    raise ConfigError(f"tasks.{name}: not configured; expected one of {', '.join(task_names(config))}")


def make_offers(config: Config) -> list[Offer]:
    """The offers that targeting chooses from."""
    return [
        Offer(
            name=offer.name, bond=offer.bond, programme=offer.programme, reasons=offer.reasons,
            contact_cost=offer.contact_cost, incentive_cost=offer.incentive_cost,
            accept_stayers=offer.accept_rate.stayers, accept_leavers=offer.accept_rate.leavers,
            effect_assumed=offer.effect.assumed, effect_of=offer.effect.of, channels=offer.channels,
            capacity=offer.capacity, eligible=offer.eligible,
        )
        for offer in config.offers
    ]  # fmt: skip


def make_policy(config: Config) -> Policy:
    """The rules of one round; losses are margins already, so the policy's own margin is one."""
    targeting = config.targeting
    return Policy(
        budget=targeting.budget, holdout=targeting.holdout, contact_cap_days=targeting.contact_cap.per,
        contact_cap_max=targeting.contact_cap.max, gate_by_indicated=targeting.gate_by_indicated,
        global_holdout=targeting.global_holdout or 0.0, seed=config.seed,
    )  # fmt: skip


def mean_offer(config: Config, churn_rate: float) -> tuple[float, float] | None:
    """Mean expected cost of a contact where `churn_rate` leave, and mean assumed effect on leavers; None without."""
    offers = make_offers(config)
    if not offers:
        return None
    accept = [(1 - churn_rate) * offer.accept_stayers + churn_rate * offer.accept_leavers for offer in offers]
    costs = [offer.contact_cost + share * offer.incentive_cost for offer, share in zip(offers, accept, strict=True)]
    return sum(costs) / len(costs), sum(max(offer.effect_assumed, 0.0) for offer in offers) / len(offers)
