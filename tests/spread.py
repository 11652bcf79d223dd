"""What tests/test_spread.py runs in two processes: a model whose weights they share.

Arguments: the folder of a base, an output file. The main process writes there what each saw.
"""

import json
import sys

import torch
from torch.distributed.fsdp import fully_shard

from twinlib.models import load
from twinlib.train import callbacks, trainer

LENGTH = 24


def batch(rank):
    """{input_ids, labels} of one row, another one in each process."""
    generator = torch.Generator().manual_seed(rank)
    ids = torch.randint(5, 300, (1, LENGTH), generator=generator)
    return {"input_ids": ids, "labels": ids.clone()}


def prepared(base):
    """The base with LoRA weights that are not zero, ready to train."""
    model, _ = load.load(load.prepare(base), None, "32-bit", load.Lora(4))
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if ".lora_B." in name:
                weights += 0.1 * torch.randn(weights.shape, generator=generator)
    trainer.prepare(model)
    return model


def gradients(model):
    """{name: gradient} of the trained weights, as a whole."""
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    return {name: load.whole_tensor(p.grad) for name, p in trained.items()}


class NoScaler:
    fp16 = False


def main(base, out):
    torch.distributed.init_process_group("gloo")
    rank = torch.distributed.get_rank()
    model = prepared(base)
    inner = model.get_base_model()
    for layer in inner.model.layers:
        fully_shard(layer)
    fully_shard(model)
    loss = model(**batch(rank))["loss"]
    loss.backward()
    found = {name: g.tolist() for name, g in gradients(model).items()}
    weights = load.gathered(model)
    callback = callbacks.ProgressCallback(Told(), {})
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1)
    if rank == 1:  # a part that only one process has
        own = next(p.grad.to_local() for p in model.parameters() if p.grad is not None)
        own.fill_(float("nan"))
    state = type("State", (), {"global_step": 0})
    callback.on_pre_optimizer_step(NoScaler, state, None, optimizer=optimizer)
    left = torch.tensor(float(all(p.grad is None for p in optimizer.param_groups[0]["params"])))
    torch.distributed.all_reduce(left)
    losses = [torch.zeros(()) for _ in range(2)]
    torch.distributed.all_gather(losses, loss.detach())
    if rank == 0:
        weights = {name: w.tolist() for name, w in weights.items()}
        result = {"losses": [float(x) for x in losses], "gradients": found, "weights": weights}
        with open(out, "w") as file:
            json.dump({**result, "left_out_in": float(left)}, file)
    torch.distributed.destroy_process_group()


class Told:
    def say(self, sentence):
        print(sentence)


if __name__ == "__main__":
    main(*sys.argv[1:])
