"""The buffers of a batch of answers (rollouts.py), and the caches with which a model fills them.

Keys and values lie in tensors of fixed size, one row an answer, so that steps of decoding can be
recorded as CUDA graphs. Prompts are padded on the left and end in the same column.
"""

from typing import NamedTuple


class Rollout(NamedTuple):
    """One answer: its tokens with the one that ends it, their log-probabilities in nats.

    Log-probabilities are those of the distribution at the sampling temperature, before top-p.
    """

    tokens: list[int]
    logprobs: list[float]
    ended: bool


class Board:
    """The buffers of a batch: row r of each is answer r, its prompt ends at column `width`."""

    def __init__(self, sampler, rows, width):
        import torch

        options = {"device": sampler.device}
        self.rows, self.width, self.length = rows, width, sampler.length
        self.answers = []  # which answer each of the first rows has
        self.keys, self.values = [], []  # of each layer: (rows, heads, columns, head width)
        columns = -(-(width + self.length) // sampler.multiple) * sampler.multiple
        self.columns = torch.arange(columns, **options)
        self.column = torch.zeros(1, dtype=torch.long, **options)  # of the next token to be written
        self.starts = torch.zeros(rows, dtype=torch.long, **options)
        self.drawn = torch.zeros(rows, 1, dtype=torch.long, **options)
        self.count = torch.zeros(1, dtype=torch.long, **options)  # tokens drawn of each answer
        self.tokens = torch.zeros(rows, self.length, dtype=torch.long, **options)
        self.logprobs = torch.zeros(rows, self.length, **options)
        self.ended = torch.zeros(rows, dtype=torch.bool, **options)
        self.ends = torch.tensor(sampler.ends, **options)
        self.graphs = {}  # of a step, by the number of rows and how tokens are drawn
        self.pool = torch.cuda.graph_pool_handle() if sampler.records else None

    def begin(self, prompts, copies, padding):
        """Take new prompts (lists of token ids), `copies` answers each, padded on the left."""
        import torch

        width = self.width
        padded = [[padding] * (width - len(row)) + row for row in prompts]
        self.prompts = torch.tensor(padded, device=self.columns.device)
        starts = torch.tensor([width - len(row) for row in prompts for _ in range(copies)])
        self.starts[: len(starts)] = starts.to(self.starts.device)
        self.column.fill_(width)
        self.count.zero_()
        self.ended.zero_()

    def layer(self, number, keys):
        """The buffers of a layer, made when it is first read."""
        while len(self.keys) <= number:
            shape = self.rows, keys.shape[1], len(self.columns), keys.shape[3]
            self.keys.append(keys.new_zeros(shape))
            self.values.append(keys.new_zeros(shape))
        return self.keys[number], self.values[number]

    def keep(self, slots):
        """Move the rows `slots` to the front."""
        import torch

        chosen = torch.tensor(slots, device=self.columns.device)
        small = [self.starts, self.drawn, self.tokens, self.logprobs, self.ended]
        for buffer in (*small, *self.keys, *self.values):
            buffer[: len(slots)] = buffer[chosen]

    def give(self, tokens):
        """Put these tokens (rows) in the place of the last drawn ones, except where they are -1."""
        rows, size = tokens >= 0, len(tokens)
        last = self.drawn[:size, 0].where(~rows, tokens)
        self.drawn[:size, 0] = last
        self.tokens[:size].index_copy_(1, self.count - 1, last[:, None])

    def collect(self, rows, found, ends):
        """Put each answer so far into `found`; `rows` are the answers in the buffers' rows."""
        count = int(self.count)
        tokens, logprobs = self.tokens[:, :count].tolist(), self.logprobs[:, :count].tolist()
        for slot, row in enumerate(rows):
            length = next((k + 1 for k, token in enumerate(tokens[slot]) if token in ends), None)
            ended = length is not None
            found[row] = Rollout(tokens[slot][:length], logprobs[slot][:length], ended)


# transformers' interface for a cache: layers call `update` and attend to what it returns


class Sharing(NamedTuple):
    """The cache while the beginning of all prompts is read: it is copied to its place in each row.

    Rows are padded on the left, so that these places differ.
    """

    board: Board
    rows: int

    def update(self, keys, values, layer, *_, **__):
        columns = self.board.columns
        places = self.board.starts[: self.rows, None] + columns[None, : keys.shape[2]]
        rows = columns.new_tensor(range(self.rows))[:, None]
        for buffer, states in zip(self.board.layer(layer, keys), (keys, values)):
            buffer[rows, :, places] = states[0].transpose(0, 1)
        return keys, values

    def get_seq_length(self, *_):
        return 0


class Reading(NamedTuple):
    """The cache while prompts are read: their keys and values are copied for their answers.

    The columns before `first` have been read.
    """

    board: Board
    slots: slice
    copies: int
    first: int

    def update(self, keys, values, layer, *_, **__):
        end = self.first + keys.shape[2]
        buffers = [buffer[self.slots] for buffer in self.board.layer(layer, keys)]
        for buffer, states in zip(buffers, (keys, values)):
            buffer[:, :, self.first : end] = states.repeat_interleave(self.copies, 0)
        if not self.first:
            return keys, values
        return [buffer[:: self.copies, :, :end] for buffer in buffers]

    def get_seq_length(self, *_):
        return 0


class Writing(NamedTuple):
    """The cache while answers are written, one token of each row at once."""

    board: Board
    size: int

    def update(self, keys, values, layer, *_, **__):
        buffers = [buffer[: self.size] for buffer in self.board.layer(layer, keys)]
        for buffer, states in zip(buffers, (keys, values)):
            buffer.index_copy_(2, self.board.column, states)
        return buffers

    def get_seq_length(self, *_):
        return 0
