"""What a large vocabulary costs beside the model when it answers, and how not to pay it.

A nucleus of 0.9 is a few dozen words; sorting Gemma's 262,144 and drawing from all costs a processor more than the
model itself does. The most likely ones are looked at first, and all only where these are not enough.
"""

import contextlib

MOST_LIKELY = 256


@contextlib.contextmanager
def contiguous_head(model):
    """Within it the model's head is given its last states in a piece of their own.

    For the slice that transformers cuts out of a batch, torch's product copies the whole head once for every row (46
    times as long with 262,144 words). A slice of one place counts as contiguous, and is copied for all the same: hence
    a clone.
    """
    import torch

    def cloned(_, given):
        return given[0].clone(memory_format=torch.contiguous_format), *given[1:]

    hook = model.get_output_embeddings().register_forward_pre_hook(cloned)
    try:
        yield
    finally:
        hook.remove()


def nucleus(temperature, top_p):
    """A LogitsProcessor of transformers, for greedy decoding: it draws the next token itself and leaves nothing else.

    The distribution is that of temperature, then top p: the fewest most likely tokens that hold `top_p` together.
    """
    import torch
    from transformers import LogitsProcessor

    class Nucleus(LogitsProcessor):
        def __call__(self, input_ids, scores):
            logits = scores.float() / temperature
            total = logits.logsumexp(-1, keepdim=True)
            for size in (min(MOST_LIKELY, scores.shape[-1]), scores.shape[-1]):
                values, tokens = logits.topk(size)
                p = (values - total).exp()
                if bool((p.sum(-1) >= min(top_p, 0.9999)).all()):
                    break
            before = p.cumsum(-1) - p  # of the tokens before each: the first always stays
            drawn = tokens.gather(-1, torch.multinomial(p.masked_fill(before >= top_p, 0), 1))
            return torch.full_like(scores, -torch.inf).scatter(-1, drawn, 0)

    return Nucleus()
