"""What stops or warns a GRPO run: a sampler that is not the policy, rewards that teach nothing.

Each is a plain function of figures that returns a sentence, or '' where nothing is wrong.
"""

from ..i18n import t
from ..text.statistics import paired_groups

FIRST = 32  # answers that are judged before the run goes on
# Mean |log-probability of the sampler - of the trainer| of a token, in nats, by bytes a number:
# (up to which it is rounding, from which on the two are different models)
_ROUNDING = {2: (0.03, 0.15), 4: (1e-3, 0.02)}
_FELL = 0.1  # p from which on held-out accuracy has fallen

# Samples of a right and of a wrong answer, over several lines as models write them
_WORKED = "Let me think step by step.\nFirst I look at what is asked.\n\nAnswer: {answer}"


def is_suspicious(difference: float, width: int) -> bool:
    """Whether a difference exceeds rounding; `width` is the bytes of a number of the model."""
    return not difference <= _ROUNDING[width][0]  # so that NaN is suspicious


def other_policy(difference: float, to_base: float, width: int) -> str:
    """Whether the answers were sampled from another model than the one in training.

    `to_base` is the same mean difference from the base without the adapter: where it is far
    smaller, the base has answered, however little the adapter has moved yet.
    """
    rounding, most = _ROUNDING[width]
    if not difference <= most or (difference > rounding and to_base < difference / 2):
        return t("train.other_policy", difference=difference, most=rounding)
    return ""


def first_answers(rewards: list[float], truncated: list[bool], tokens: int) -> list[str]:
    """What is wrong with the first answers of a run, by their rewards and whether they were cut."""
    found, count = [], len(rewards)
    share = sum(truncated) / max(1, len(truncated))
    if share > 0.5:
        sizes = {"count": len(truncated), "tokens": tokens, "double": 2 * tokens}
        found.append(t("train.mostly_truncated", share=share, **sizes))
    if max(rewards) - min(rewards) < 1e-6:
        found.append(t("train.rewards_all_equal", count=count, reward=rewards[0]))
    return found


def samples(answers: list[str]) -> list[tuple[int, str, str]]:
    """[(index, a right answer's text, a wrong one's)] for problems with these answers.

    The wrong answer is another problem's; problems without another answer are left out.
    """
    found = []
    for index, answer in enumerate(answers):
        others = [other for other in answers if other != answer]
        if others:
            wrong = others[index % len(others)]
            found.append((index, _WORKED.format(answer=answer), _WORKED.format(answer=wrong)))
    return found


def blind_reward(right: list[float], wrong: list[float]) -> str:
    """Whether the rewards of right answers are mostly no higher than those of wrong ones."""
    blind = sum(good <= bad for good, bad in zip(right, wrong))
    if right and blind > len(right) / 2:
        return t("train.reward_is_blind", blind=blind, count=len(right))
    return ""


def reward_hacking(
    rewards: list[float], exams: list[list[bool]], step: int, groups: list | None = None
) -> str:
    """Whether accuracy on the same held-out problems has fallen while the reward has risen.

    `rewards` are the mean rewards of all steps so far, `exams` the marks of each exam so far.
    `groups` has the group of each problem; None where each is one of its own.
    """
    if len(exams) < 2 or len(rewards) < 4:
        return ""
    quarter = max(1, len(rewards) // 4)
    before, after = sum(rewards[:quarter]) / quarter, sum(rewards[-quarter:]) / quarter
    groups = groups or range(len(exams[0]))
    gain, _, _, p = paired_groups(groups, exams[0], exams[-1])
    if after <= before or gain >= 0 or p >= _FELL:
        return ""
    accuracies = [sum(marks) / len(marks) for marks in (exams[0], exams[-1])]
    names = ("before", "after", "accuracy_before", "accuracy_after")
    figures = dict(zip(names, (before, after, *accuracies)))
    return t("train.reward_hacking", step=step, count=len(exams[0]), **figures)
