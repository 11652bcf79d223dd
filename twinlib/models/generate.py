"""What a large vocabulary costs beside the model when it answers, and how not to pay it.

A nucleus of 0.9 is a few dozen words; sorting Gemma's 262,144 and drawing from all costs a processor more than the
model itself does. The most likely ones are looked at first, and all only where these are not enough.
"""

import contextlib

MOST_LIKELY = 256
RECENT = 64  # tokens in which llama.cpp and Ollama look for repetition


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


def nucleus(temperature, top_p, top_k=0, min_p=0.0, repeat_penalty=1.0):
    """A LogitsProcessor of transformers, for greedy decoding: it draws the next token itself and leaves nothing else.

    The distribution is that of temperature, then top p: the fewest most likely tokens that hold `top_p` together. Before
    it, as in Ollama, recent tokens get less likely by `repeat_penalty` and only the `top_k` likeliest stay (0: all);
    after it those that are at least `min_p` times as likely as the first.
    """
    import torch
    from transformers import LogitsProcessor

    class Nucleus(LogitsProcessor):
        def __call__(self, input_ids, scores):
            logits = scores.float() / temperature
            if repeat_penalty != 1.0:
                recent = input_ids[:, -RECENT:]
                found = logits.gather(-1, recent)
                logits = logits.scatter(
                    -1,
                    recent,
                    torch.where(found > 0, found / repeat_penalty, found * repeat_penalty),
                )
            p, tokens = _likeliest(logits)
            before = p.cumsum(-1) - p  # of the tokens before each: the first always stays
            left_out = (before >= top_p) | (p < min_p * p[:, :1])
            drawn = tokens.gather(-1, torch.multinomial(p.masked_fill(left_out, 0), 1))
            return torch.full_like(scores, -torch.inf).scatter(-1, drawn, 0)

    def _likeliest(logits):
        """(shares, tokens) of the top k, or of as many as the nucleus needs, the likeliest first."""
        vocabulary = logits.shape[-1]
        if top_k:
            values, tokens = logits.topk(min(top_k, vocabulary))
            return values.softmax(-1), tokens
        total = logits.logsumexp(-1, keepdim=True)
        for size in (min(MOST_LIKELY, vocabulary), vocabulary):
            values, tokens = logits.topk(size)
            p = (values - total).exp()
            if bool((p.sum(-1) >= min(top_p, 0.9999)).all()):
                break
        return p, tokens

    return Nucleus()
