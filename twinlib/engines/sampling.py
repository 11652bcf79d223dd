"""Temperature and top p over a large vocabulary, without sorting all of it.

A nucleus of 0.9 is a few dozen words; sorting 262,144 of them and drawing from all costs a processor more than the
model itself does. The most likely ones are looked at first, and all only where these are not enough.
"""

MOST_LIKELY = 256


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
