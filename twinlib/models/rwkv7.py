"""RWKV-7 in plain torch: a language model whose memory does not grow with the conversation.

Source: "RWKV-7 Goose with Expressive Dynamic State Evolution" (arXiv 2503.14456). Each head keeps a
matrix S of head_dim² numbers, its state, which a token changes by

    S ← S·diag(exp(decay)) + (S·a)·bᵀ + v·kᵀ,      and reads by S·r.

A token is one step of `recurrent`; many tokens at once are computed by `chunked`, which gives the
same in matrix products. Names of weights and configuration are those of checkpoints for
transformers made by the flash-linear-attention library (model type 'rwkv7', repositories of
fla-hub), which load here without their own code. Rows of a packed sequence start with an empty
state. Left out on purpose: layers with attention, training from scratch (initialization).

torch is imported at the top because models are classes of it; other files import this one inside
functions.
"""

import functools
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, GenerationMixin
from transformers.configuration_utils import PretrainedConfig
from transformers.modeling_layers import GradientCheckpointingLayer
from transformers.modeling_outputs import BaseModelOutputWithPast, CausalLMOutputWithPast
from transformers.modeling_utils import PreTrainedModel

MODEL_TYPE = "rwkv7"
CHUNK = 32  # tokens computed together; the decay over a chunk, at most e^(0.61 · 32), fits float32
_FASTEST_DECAY = -0.6065306597126334  # -e^(-1/2), natural logarithm of the smallest factor a token


class Rwkv7Config(PretrainedConfig):
    """A checkpoint's config.json.

    `head_dim` is the width of a head; the low ranks are those of the decay, the gate, the learning
    rate in context (a) and the mix with the first layer's values (v).
    """

    model_type = MODEL_TYPE
    keys_to_ignore_at_inference = ["past_key_values"]

    def __init__(
        self,
        vocab_size: int = 65536,
        hidden_size: int = 768,
        num_hidden_layers: int = 12,
        head_dim: int | None = 64,
        intermediate_size: int | None = None,
        hidden_ratio: float | None = 4,
        decay_low_rank_dim: int = 64,
        gate_low_rank_dim: int = 128,
        a_low_rank_dim: int = 64,
        v_low_rank_dim: int = 32,
        norm_eps: float = 1e-5,
        max_position_embeddings: int = 4096,
        tie_word_embeddings: bool = False,
        use_cache: bool = True,
        **other,
    ):
        self.vocab_size, self.hidden_size = vocab_size, hidden_size
        self.num_hidden_layers = num_hidden_layers
        self.head_dim = head_dim or 64
        self.intermediate_size = intermediate_size or int(hidden_size * (hidden_ratio or 4))
        self.decay_low_rank_dim, self.gate_low_rank_dim = decay_low_rank_dim, gate_low_rank_dim
        self.a_low_rank_dim, self.v_low_rank_dim = a_low_rank_dim, v_low_rank_dim
        self.norm_eps, self.max_position_embeddings = norm_eps, max_position_embeddings
        self.use_cache = use_cache
        super().__init__(tie_word_embeddings=tie_word_embeddings, **other)


# The state


def recurrent(r, decay, k, v, a, b, state):
    """(outputs, state after the last token), token by token.

    All are float32: r, decay, k, v, a, b and the outputs (rows, tokens, heads, head_dim), decay a
    natural logarithm; the states (rows, heads, head_dim of values, head_dim of keys).
    """
    outputs, factors = [], decay.exp()
    for i in range(r.shape[1]):
        removed = state @ a[:, i, :, :, None]
        state = (
            state * factors[:, i, :, None]
            + removed * b[:, i, :, None]
            + v[:, i, :, :, None] * k[:, i, :, None]
        )
        outputs.append((state @ r[:, i, :, :, None])[..., 0])
    return torch.stack(outputs, 1), state


def chunked(r, decay, k, v, a, b, state, starts=(), chunk=CHUNK):
    """As `recurrent`, in matrix products over chunks of tokens.

    `starts` are the indices of tokens before which the state is emptied (a single row only). Within
    a chunk u_t = S_{t-1}·a_t solves a triangular system, since it depends on the tokens before it
    only; from chunk to chunk the state is S·M + G.
    """
    tokens, (place, count, fresh) = r.shape[1], _layout(r.shape[1], starts, chunk)
    place = place.to(r.device)
    r, decay, k, v, a, b = (
        _in_chunks(x, place, count, chunk) for x in (r, decay, k, v, a, b)
    )  # (rows, heads, chunks, tokens of a chunk, head_dim)
    total = decay.cumsum(-2)
    grown, shrunk = (-total).exp(), total.exp()
    a, r, b, k = a * (total - decay).exp(), r * shrunk, b * grown, k * grown
    to_b, to_k = b.transpose(-1, -2), k.transpose(-1, -2)
    identity = torch.eye(chunk, device=r.device)
    known = torch.cat([a, (a @ to_k).tril(-1) @ v], -1)
    solved = torch.linalg.solve_triangular(
        identity - (a @ to_b).tril(-1), known, upper=False, unitriangular=True
    )
    from_state, own = solved.split(a.shape[-1], -1)
    seen_b, seen_k = (r @ to_b).tril(), (r @ to_k).tril()
    reads, adds = r + seen_b @ from_state, seen_b @ own + seen_k @ v
    last = shrunk[..., -1:, :]
    b, k = b * last, k * last
    step = torch.diag_embed(last[..., 0, :]) + from_state.transpose(-1, -2) @ b
    gain = own.transpose(-1, -2) @ b + v.transpose(-1, -2) @ k
    states = []
    for i in range(count):
        if i in fresh:
            state = torch.zeros_like(state)
        states.append(state)
        state = state @ step[:, :, i] + gain[:, :, i]
    outputs = reads @ torch.stack(states, 2).transpose(-1, -2) + adds
    outputs = outputs.flatten(2, 3).transpose(1, 2)  # (rows, places, heads, head_dim)
    return (outputs if len(place) == tokens == count * chunk else outputs[:, place]), state


def _layout(tokens, starts, chunk):
    """(place of each token, number of chunks, chunks that begin with an empty state).

    Each row of a packed sequence begins a new chunk.
    """
    borders = sorted({0, tokens, *starts})
    places, count, fresh = [], 0, set()
    for start, end in zip(borders, borders[1:]):
        if start in starts:
            fresh.add(count)
        places.append(torch.arange(end - start) + count * chunk)
        count += -(-(end - start) // chunk)
    return torch.cat(places), count, fresh


def _in_chunks(x, place, count, chunk):
    """(rows, tokens, heads, width) to (rows, heads, chunks, chunk, width), unused places 0."""
    if x.shape[1] != count * chunk:
        empty = x.new_zeros(x.shape[0], count * chunk, *x.shape[2:])
        x = empty.index_copy(1, place, x)
    return x.unflatten(1, (count, chunk)).permute(0, 3, 1, 2, 4)


class State:
    """What a conversation is remembered by: for each layer two hidden states and the matrices.

    `numbers` is its size, which does not depend on the tokens `seen`.
    """

    is_compileable = False

    def __init__(self, layers: int):
        self.seen = 0
        self.mixed = [None] * layers  # (rows, hidden): what time mixing read last
        self.fed = [None] * layers  # (rows, hidden): what channel mixing read last
        self.matrices = [None] * layers  # (rows, heads, head_dim, head_dim), float32

    def get_seq_length(self, layer: int = 0) -> int:
        return self.seen

    @property
    def numbers(self) -> int:
        """Numbers that are kept for one conversation."""
        kept = (*self.mixed, *self.fed, *self.matrices)
        return sum(tensor[0].numel() for tensor in kept if tensor is not None)


def _shifted(x, before, first):
    """What stood one token earlier; zero at the `first` tokens of rows. x is (rows, tokens, _)."""
    earlier = torch.zeros_like(x[:, :1]) if before is None else before[:, None]
    shifted = torch.cat([earlier.to(x.dtype), x[:, :-1]], 1)
    return shifted if first is None else shifted.masked_fill(first[None, :, None], 0)


# Layers


class Matrix(nn.Module):
    """A matrix product, with a bias perhaps: no nn.Linear, so that LoRA leaves it alone."""

    def __init__(self, columns: int, rows: int, bias: bool = False):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(rows, columns))
        self.bias = nn.Parameter(torch.empty(rows)) if bias else None

    def forward(self, x):
        return functional.linear(x, self.weight, self.bias)


class LowRank(nn.Module):
    """Two narrow matrices with a function between; `lora` is their name in checkpoints."""

    def __init__(self, width: int, rank: int, between: nn.Module, bias: bool = True):
        super().__init__()
        self.lora = nn.Sequential(Matrix(width, rank), between, Matrix(rank, width, bias))

    def forward(self, x):
        return self.lora(x)


class TimeMixing(nn.Module):
    """What takes the place of attention: reads and changes the state."""

    def __init__(self, config: Rwkv7Config, layer: int):
        super().__init__()
        width, self.layer, self.head_dim = config.hidden_size, layer, config.head_dim
        heads = width // self.head_dim
        for name in "rwkvag":
            self.register_parameter(f"x_{name}", nn.Parameter(torch.zeros(1, 1, width)))
        self.k_k, self.k_a = nn.Parameter(torch.zeros(width)), nn.Parameter(torch.zeros(width))
        self.r_k = nn.Parameter(torch.zeros(heads, self.head_dim))
        self.r_proj = nn.Linear(width, width, bias=False)
        self.k_proj = nn.Linear(width, width, bias=False)
        self.v_proj = nn.Linear(width, width, bias=False)
        self.o_proj = nn.Linear(width, width, bias=False)
        self.w_lora = LowRank(width, config.decay_low_rank_dim, nn.Tanh())
        if layer:
            self.v_lora = LowRank(width, config.v_low_rank_dim, nn.Identity())
        self.a_lora = LowRank(width, config.a_low_rank_dim, nn.Identity())
        self.g_lora = LowRank(width, config.gate_low_rank_dim, nn.Sigmoid(), bias=False)
        self.g_norm = nn.GroupNorm(heads, width, eps=self.head_dim * config.norm_eps)

    def forward(self, x, first_values, state, rows):
        before = state.mixed[self.layer] if state else None
        change = _shifted(x, before, rows.first) - x
        r, w, k, v, a, g = (x + change * getattr(self, f"x_{name}") for name in "rwkvag")
        decay = _FASTEST_DECAY * self.w_lora(w).float().sigmoid()
        r, k = self.r_proj(r), self.k_proj(k)
        values = self.v_proj(v)
        if self.layer:
            values = torch.lerp(values, first_values, self.v_lora(v).sigmoid())
        else:
            first_values = values
        a, g = self.a_lora(a).sigmoid(), self.g_lora(g)
        removed = functional.normalize(self._heads(k * self.k_k).float(), dim=-1)
        k = k * (1 + (a - 1) * self.k_a)
        if rows.mask is not None:
            values = values * rows.mask
        r, decay, k, v, a = map(self._heads, (r, decay, k, values, a))
        out = self._attend(r, decay, k, v, -removed, removed * a.float(), state, rows)
        out = self.g_norm(out.to(x.dtype).flatten(2).flatten(0, 1)).view(x.shape)
        bonus = (r * k * self.r_k).sum(-1, keepdim=True) * v
        if state:
            state.mixed[self.layer] = x[:, -1]
        return self.o_proj((out + bonus.flatten(2)) * g), first_values

    def _heads(self, x):
        return x.unflatten(-1, (-1, self.head_dim))

    def _attend(self, r, decay, k, v, a, b, state, rows):
        matrices = state.matrices[self.layer] if state else None
        if matrices is None:
            matrices = r.new_zeros(r.shape[0], *r.shape[2:], self.head_dim, dtype=torch.float32)
        with torch.autocast(r.device.type, enabled=False):
            inputs = [x.float() for x in (r, decay, k, v, a, b)]
            if r.shape[1] == 1:
                out, matrices = recurrent(*inputs, matrices)
            else:
                out, matrices = chunked(*inputs, matrices, rows.starts)
        if state:
            state.matrices[self.layer] = matrices
        return out


class ChannelMixing(nn.Module):
    """The feed-forward part."""

    def __init__(self, config: Rwkv7Config, layer: int):
        super().__init__()
        self.layer = layer
        self.x_k = nn.Parameter(torch.zeros(config.hidden_size))
        self.key = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.value = nn.Linear(config.intermediate_size, config.hidden_size, bias=False)

    def forward(self, x, state, rows):
        before = state.fed[self.layer] if state else None
        change = _shifted(x, before, rows.first) - x
        if state:
            state.fed[self.layer] = x[:, -1]
        return self.value(functional.relu(self.key(x + change * self.x_k)).square())


class Layer(GradientCheckpointingLayer):
    """Time mixing, then channel mixing, each with its norm before it."""

    def __init__(self, config: Rwkv7Config, layer: int):
        super().__init__()
        norm = functools.partial(nn.LayerNorm, config.hidden_size, eps=config.norm_eps)
        if not layer:
            self.pre_norm = norm()
        self.attn_norm, self.ffn_norm = norm(), norm()
        self.attn, self.ffn = TimeMixing(config, layer), ChannelMixing(config, layer)

    def forward(self, hidden, first_values, state, rows):
        if hasattr(self, "pre_norm"):
            hidden = self.pre_norm(hidden)
        mixed, first_values = self.attn(
            rows.masked(self.attn_norm(hidden)), first_values, state, rows
        )
        hidden = hidden + mixed
        return hidden + self.ffn(rows.masked(self.ffn_norm(hidden)), state, rows), first_values


class _Rows:
    """Where rows begin in a packed sequence, or which tokens are padding on the left.

    `starts` are indices of tokens, `first` marks the same (tokens,); `mask` (rows, tokens, 1) is 0
    at padding, which leaves the state empty.
    """

    def __init__(self, hidden, borders, mask):
        self.starts, self.first, self.mask = (), None, None
        if borders is not None:
            tokens = hidden.shape[1]
            self.starts = tuple(i for i in borders.tolist() if i < tokens)
            self.first = torch.zeros(tokens, dtype=torch.bool, device=hidden.device)
            self.first[list(self.starts)] = True
        elif mask is not None and hidden.shape[1] > 1:
            self.mask = mask[:, -hidden.shape[1] :, None].to(hidden.dtype)

    def masked(self, hidden):
        return hidden if self.mask is None else hidden * self.mask


# Models


class Rwkv7PreTrainedModel(PreTrainedModel):
    """What transformers wants to know of the architecture, and the first weights."""

    config_class = Rwkv7Config
    base_model_prefix = "model"
    supports_gradient_checkpointing = True
    _no_split_modules = ["Layer"]
    _skip_keys_device_placement = ["past_key_values"]
    _supports_sdpa = True  # there is no attention, so that any way to compute it will do
    _is_stateful = True

    @classmethod
    def _can_set_attn_implementation(cls) -> bool:
        return True

    def _init_weights(self, module):
        """Small random weights; a checkpoint has all of them."""
        spread = 0.02
        for name, weights in module.named_parameters(recurse=False):
            if isinstance(module, (nn.LayerNorm, nn.GroupNorm)):
                nn.init.constant_(weights, 1.0 if name == "weight" else 0.0)
            else:
                nn.init.normal_(weights, std=spread)


class Rwkv7Model(Rwkv7PreTrainedModel):
    """The layers without the output head."""

    def __init__(self, config: Rwkv7Config):
        super().__init__(config)
        self.embeddings = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(
            Layer(config, number) for number in range(config.num_hidden_layers)
        )
        self.norm = nn.LayerNorm(config.hidden_size, eps=config.norm_eps)
        self.gradient_checkpointing = False
        self.post_init()

    def get_input_embeddings(self):
        return self.embeddings

    def set_input_embeddings(self, value):
        self.embeddings = value

    def forward(
        self,
        input_ids=None,
        attention_mask=None,
        inputs_embeds=None,
        past_key_values: State | None = None,
        use_cache: bool | None = None,
        cu_seq_lens_q=None,
        **_,
    ):
        """The hidden states of (rows, tokens) ids; `cu_seq_lens_q` are the borders of packed rows.

        Positions mean nothing to this model: arguments that say them are ignored.
        """
        hidden = self.embeddings(input_ids) if inputs_embeds is None else inputs_embeds
        use_cache = self.config.use_cache and not self.training if use_cache is None else use_cache
        state = past_key_values
        if use_cache and state is None:
            state = State(len(self.layers))
        rows, first_values = _Rows(hidden, cu_seq_lens_q, attention_mask), None
        for layer in self.layers:
            hidden, first_values = layer(hidden, first_values, state, rows)
        if state:
            state.seen += hidden.shape[1]
        return BaseModelOutputWithPast(
            last_hidden_state=self.norm(hidden), past_key_values=state if use_cache else None
        )


class Rwkv7ForCausalLM(Rwkv7PreTrainedModel, GenerationMixin):
    """RWKV-7 with its output head."""

    _tied_weights_keys = {}

    def __init__(self, config: Rwkv7Config):
        super().__init__(config)
        self.model = Rwkv7Model(config)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.post_init()

    def get_input_embeddings(self):
        return self.model.embeddings

    def set_input_embeddings(self, value):
        self.model.embeddings = value

    def get_output_embeddings(self):
        return self.lm_head

    def set_output_embeddings(self, value):
        self.lm_head = value

    def forward(
        self,
        input_ids=None,
        attention_mask=None,
        inputs_embeds=None,
        past_key_values: State | None = None,
        use_cache: bool | None = None,
        logits_to_keep: int | torch.Tensor = 0,
        cu_seq_lens_q=None,
        **rest,
    ):
        outputs = self.model(
            input_ids,
            attention_mask,
            inputs_embeds,
            past_key_values,
            use_cache,
            cu_seq_lens_q,
            **rest,
        )
        kept = slice(-logits_to_keep, None) if isinstance(logits_to_keep, int) else logits_to_keep
        logits = self.lm_head(outputs.last_hidden_state[:, kept])
        return CausalLMOutputWithPast(logits=logits, past_key_values=outputs.past_key_values)


def missing(config: Rwkv7Config, names: set[str]) -> set[str]:
    """Names of weights that are not in a checkpoint with these `names`."""
    with torch.device("meta"):
        needed = set(Rwkv7ForCausalLM(config).state_dict())
    return needed - names - {new for name in names for new in mixtures(name)}


def mixtures(name: str) -> list[str]:
    """The names of the six tensors that checkpoints of 2025-04 and before have as one, x_x."""
    start = name.removesuffix("x_x")
    return [f"{start}x_{letter}" for letter in "rwkvag"] if name.endswith(".attn.x_x") else []


def load(folder, **arguments) -> Rwkv7ForCausalLM:
    """The model of a checkpoint's folder; `arguments` are those of transformers' from_pretrained.

    One with x_x is read whole and its mixtures are taken apart.
    """
    config = Rwkv7Config.from_pretrained(folder)
    files = sorted(Path(folder).glob("model*.safetensors"))
    with safe_open(files[0], framework="pt") as file:
        older = any(map(mixtures, file.keys()))
    if not older:
        return Rwkv7ForCausalLM.from_pretrained(folder, use_safetensors=True, **arguments)
    found = {}
    for name, weights in (pair for file in files for pair in load_file(file).items()):
        names = mixtures(name)
        parts = weights.reshape(6, 1, 1, -1) if names else [weights]
        found |= dict(zip(names or [name], parts))
    return Rwkv7ForCausalLM.from_pretrained(None, config=config, state_dict=found, **arguments)


@functools.cache
def register() -> None:
    """Let transformers' Auto classes load checkpoints of this model type by these classes."""
    AutoConfig.register(MODEL_TYPE, Rwkv7Config)
    AutoModel.register(Rwkv7Config, Rwkv7Model)
    AutoModelForCausalLM.register(Rwkv7Config, Rwkv7ForCausalLM)
