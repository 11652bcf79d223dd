"""The callback that follows a trainer: what it logs on a GPU, which ends its work for each log, and
the pace it says."""

from types import SimpleNamespace

import pytest
import torch

from twinlib.files import TwinError
from twinlib.train import callbacks

STEPS, TOKENS = 8, 100  # of each step


@pytest.fixture
def follow(monkeypatch):
    """follow(on_gpu, seconds, **flags of step 5) -> [(step, figures)] that the callback passed
    on."""

    def run(on_gpu, seconds, start=0, **flags):
        clock, passed = [1.0], []
        monkeypatch.setattr(callbacks, "on_gpu", lambda: on_gpu)
        monkeypatch.setattr(callbacks, "memory_gb", lambda: 1.0)
        monkeypatch.setattr(callbacks.time, "monotonic", lambda: clock[0])

        class Progress:
            def __call__(self, done, total, raise_on_stop, **figures):
                passed.append((done, figures))

            def wants_stop(self):
                return flags.get("stop", False) and state.global_step == 5

        callback = callbacks.ProgressCallback(
            Progress(), {"loss": "loss"}, None, [TOKENS // 2] * 2 * STEPS
        )
        args = SimpleNamespace(gradient_accumulation_steps=2, world_size=1)
        state = SimpleNamespace(global_step=start, max_steps=STEPS, num_input_tokens_seen=0)
        callback.on_train_begin(args, state, None)
        for state.global_step in range(start + 1, STEPS + 1):
            control = SimpleNamespace(
                should_log=True,
                should_training_stop=False,
                should_save=flags.get("save", False) and state.global_step == 5,
                should_evaluate=flags.get("evaluate", False) and state.global_step == 5,
            )
            callback.on_step_begin(args, state, control)
            clock[0] += seconds
            callback.on_step_end(args, state, control)
            if control.should_log:
                callback.on_log(args, state, control, {"loss": 1.0})
            if control.should_save:
                clock[0] += 3.0  # what writing a checkpoint takes
            if control.should_training_stop:
                break
        return passed

    return run


@pytest.mark.parametrize(
    "on_gpu, seconds, flags, steps",
    [
        (False, 0.1, {}, [1, 2, 3, 4, 5, 6, 7, 8]),
        (True, 2.0, {}, [1, 2, 3, 4, 5, 6, 7, 8]),
        (True, 0.3, {}, [1, 2, 4, 6, 8]),
        (True, 0.01, {}, [1, 2, 8]),
        (True, 0.01, {"evaluate": True}, [1, 2, 5, 8]),
        (True, 0.01, {"save": True}, [1, 2, 5, 8]),
        (True, 0.01, {"stop": True}, [1, 2, 5]),
    ],
)
def test_short_steps_on_a_gpu_are_logged_together_and_none_is_lost(
    follow, on_gpu, seconds, flags, steps
):
    passed = follow(on_gpu, seconds, **flags)
    assert [step for step, _ in passed] == steps
    assert [figures["tokens_s"] for _, figures in passed] == pytest.approx(
        [TOKENS / seconds] * len(steps), rel=1e-3
    )


def test_a_run_that_goes_on_counts_from_where_it_does(follow):
    passed = follow(True, 0.01, start=4)
    assert [step for step, _ in passed] == [5, 6, 8], (
        "the first step compiles, and is known by itself"
    )
    assert [figures["tokens_s"] for _, figures in passed] == pytest.approx([TOKENS / 0.01] * 3)


def test_evaluations_since_the_best_are_counted_and_not_the_one_before_training():
    def logs(*losses):
        return [{"step": 5 * n, "eval_loss": loss} for n, loss in enumerate(losses)] + [{"step": 9}]

    counts = [callbacks.without_gain(logs(*losses)) for losses in ([], [1], [1, 3], [1, 3, 2, 2])]
    assert counts == [0, 0, 0, 1]
    assert callbacks.without_gain(logs(9, 2, 3, 4, 2)) == 3


def test_a_log_stands_for_all_steps_since_the_one_before():
    history = [
        {"step": 1, "loss": 4.0},
        {"step": 1, "eval_loss": 9.0},
        {"step": 4, "loss": 3.0},
        {"step": 5, "loss": 2.0},
    ]
    assert (
        callbacks.by_step(history, "loss") == [4.0, 3.0, 3.0, 3.0, 2.0]
        and callbacks.by_step(history, "reward") == []
    )


def test_memory_is_returned_now_and_then_on_a_cpu(monkeypatch):
    returned = []
    monkeypatch.setattr(
        callbacks.free_memory, "give_back", lambda: returned.append(state.global_step)
    )

    class Progress:
        def __call__(self, *_, **__): ...

        def wants_stop(self):
            return False

    callback = callbacks.ProgressCallback(Progress(), {}, None, [1] * 40)
    args = SimpleNamespace(gradient_accumulation_steps=1, world_size=1)
    state = SimpleNamespace(global_step=0, max_steps=20, num_input_tokens_seen=0)
    control = SimpleNamespace(
        should_log=False, should_training_stop=False, should_save=False, should_evaluate=False
    )
    callback.on_train_begin(args, state, None)
    for state.global_step in range(1, 21):
        callback.on_step_begin(args, state, control)
        callback.on_step_end(args, state, control)
    assert returned == [8, 16]


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), -float("inf")])
def test_a_gradient_that_is_no_number_changes_no_weight_and_five_in_a_row_end_the_run(wrong):
    said = []
    callback = callbacks.ProgressCallback(SimpleNamespace(say=said.append), {})
    weights = [torch.nn.Parameter(torch.ones(3)) for _ in range(2)]
    optimizer = torch.optim.AdamW(weights, lr=0.1)
    state = SimpleNamespace(global_step=6)

    def step(value):
        for weight in weights:
            weight.grad = torch.ones(3)
        weights[1].grad[2] = value
        callback.on_pre_optimizer_step(
            SimpleNamespace(fp16=False), state, None, optimizer=optimizer
        )
        before = torch.cat([weight.detach().clone() for weight in weights])
        optimizer.step()
        return not torch.cat([weight.detach() for weight in weights]).equal(before)

    assert step(1.0) and not step(wrong) and step(1.0)
    assert len(said) == 1 and "7" in said[0]
    assert not any(step(wrong) for _ in range(4))
    with pytest.raises(TwinError, match="5"):
        step(wrong)
    assert all(weight.isfinite().all() for weight in weights)


def test_in_float16_a_run_ends_once_the_scaler_can_do_no_more():
    said = []
    callback = callbacks.ProgressCallback(SimpleNamespace(say=said.append), {})
    weight = torch.nn.Parameter(torch.ones(3))
    scales = [2.0**n for n in range(16, 0, -1)]  # halved at each step that overflows
    optimizer = torch.optim.AdamW([weight], lr=0.1)

    def step(scale, value=float("inf")):
        weight.grad = torch.tensor([1.0, value, 1.0])
        optimizer.scaler = SimpleNamespace(get_scale=lambda: scale)
        args, state = SimpleNamespace(fp16=True), SimpleNamespace(global_step=6)
        callback.on_pre_optimizer_step(args, state, None, optimizer=optimizer)

    for scale in scales:
        step(scale)
    assert weight.grad is not None and said == []  # leaving the step out is the scaler's
    with pytest.raises(TwinError, match="17"):
        step(1.0)
    step(1.0, 0.5)
    assert callback.lost == 0
