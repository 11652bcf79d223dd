"""K-quants: gguf reads them back, their error is llama.cpp's or less, each tensor gets the type
llama.cpp gives it.
"""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import gguf
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from twinlib.files import TwinError
from twinlib.gguf import types
from twinlib.models.families import FAMILIES

Q3, Q4, Q5, Q6 = KINDS = [gguf.GGMLQuantizationType[f"Q{bits}_K"] for bits in (3, 4, 5, 6)]
# What llama.cpp's own quantizer made of samples() and of small models; made again by
# python benchmarks/kquants.py --record --peer-python PATH
REFERENCE = json.loads(
    (Path(__file__).parent / "kquants_reference.json").read_text(encoding="utf-8")
)
MATRICES = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")
VECTORS = {
    "qwen2": "attn_q.bias",
    "qwen3": "attn_q_norm.weight",
    "llama": "attn_norm.weight",
    "gemma3": "post_ffw_norm.weight",
}


def samples(rows=48):
    """{what is hard about it: float32 tensor (rows, 1024)}."""
    rng, shape = np.random.default_rng(5), (rows, 1024)
    normal = rng.normal(size=shape)
    tails = rng.standard_t(3, size=shape) * np.exp(rng.normal(size=1024))
    found = {
        "normal": 0.02 * normal,
        "uniform": rng.uniform(-1, 1, shape),
        "positive": rng.uniform(0.5, 1.5, shape),
        "heavy tails, columns of their own scale": 0.02 * tails,
        "one outlier in a row": 0.02 * normal
        + 5 * (np.arange(1024) == rng.integers(0, 1024, (rows, 1))),
        "rows of zeros": 0.02 * normal * (np.arange(rows) % 3 > 0)[:, None],
        "mostly zeros": 0.02 * normal * (rng.uniform(size=shape) < 0.05),
        "constants": np.repeat(rng.normal(size=(rows, 4)), 256, axis=1),
        "constant groups": np.repeat(rng.normal(size=(rows, 32)), 32, axis=1),
        "rows of all sizes": normal * 10.0 ** rng.uniform(-4, 4, (rows, 1)),
        "tiny": 1e-4 * normal,
        "tinier": 1e-6 * normal,
        "huge": 1e4 * normal,
    }
    return {name: torch.from_numpy(values.astype(np.float32)) for name, values in found.items()}


def model_tensors(architecture, layers, tied, columns, down):
    """{name: shape} of a model of two rows, with a vector per layer that is typical of the
    architecture.
    """
    found = {"token_embd.weight": (2, columns), "output_norm.weight": (columns,)}
    found |= {} if tied else {"output.weight": (2, columns)}
    for layer in range(layers):
        found |= {
            f"blk.{layer}.{name}.weight": (2, down if name == "ffn_down" else columns)
            for name in MATRICES
        }
        found[f"blk.{layer}.{VECTORS[architecture]}"] = (columns,)
    return found


def ours(mixture, architecture, layers, tied, columns, down):
    """{name: type} of a model's tensors as we choose them."""
    family = next(f for f in FAMILIES.values() if f.architecture == architecture)
    return {
        name: types.tensor_type(mixture, name, shape, layers, tied, family).name
        for name, shape in model_tensors(architecture, layers, tied, columns, down).items()
    }


def runs(types):
    """{kind of tensor: its types over the layers, such as '1 Q6_K 2 Q4_K'}."""
    found = {}
    for name, kind in sorted(
        types.items(), key=lambda pair: int(pair[0].split(".")[1]) if "blk" in pair[0] else 0
    ):
        layers = found.setdefault(name.split(".", 2)[2] if "blk" in name else name, [])
        if layers and layers[-1][1] == kind:
            layers[-1][0] += 1
        else:
            layers.append([1, kind])
    return {
        name: " ".join(f"{count} {kind}" for count, kind in layers)
        for name, layers in found.items()
    }


def decoded(blocks, kind):
    return torch.from_numpy(gguf.quants.dequantize(blocks, kind))


DEVICES = ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]


def error(values, kind, device="cpu"):
    return float((decoded(types.encode(values.to(device), kind), kind).double() - values).norm())


# The blocks


@pytest.mark.parametrize("kind, top", [(Q4, 15), (Q5, 31)])
def test_numbers_that_a_block_with_lows_can_hold_come_back_exactly(kind, top):
    rng = np.random.default_rng(1)
    scales, lows = (
        np.array([63, 1, 17, 40, 62, 16, 33, 48]),
        np.array([63, 2, 0, 15, 16, 31, 47, 60]),
    )
    codes = rng.integers(0, top + 1, (8, 32))
    codes[:, :2] = 0, top
    values = 2.0**-10 * scales[:, None] * codes - 2.0**-9 * lows[:, None]
    blocks = types.encode(torch.from_numpy(values.reshape(1, 256).astype(np.float32)), kind)
    assert blocks[0, :4].tolist() == [0x00, 0x14, 0x00, 0x18]  # 2**-10 and 2**-9 as float16
    assert blocks[0, 4:16].tolist() == [
        63 | 0xC0,
        1 | 0x40,
        17 | 0x80,
        40 | 0xC0,
        63 | 0x40,
        2 | 0x40,
        0 | 0x80,
        15 | 0xC0,
        14 | 0x00,
        0 | 0xF0,
        1 | 0xF0,
        0 | 0xC0,
    ]
    assert np.array_equal(decoded(blocks, kind).numpy().reshape(8, 32), values)


def test_numbers_that_a_block_without_lows_can_hold_come_back_exactly():
    rng = np.random.default_rng(1)
    scales = np.array([-128, 127, 1, -1, 64, -77, 5, 100, -9, 33, 2, -64, 90, -100, 11, 50])
    codes = rng.integers(-31, 32, (16, 16))
    codes[:, 0] = -32
    values = 2.0**-12 * scales[:, None] * codes
    blocks = types.encode(torch.from_numpy(values.reshape(1, 256).astype(np.float32)), Q6)
    assert blocks[0, 192:208].view(np.int8).tolist() == scales.tolist()
    assert blocks[0, 208:].tolist() == [0x00, 0x0C]  # 2**-12 as float16
    assert np.array_equal(decoded(blocks, Q6).numpy().reshape(16, 16), values)


def test_a_block_of_3_bits_comes_back_exactly():
    rng = np.random.default_rng(1)
    scales = np.array([-32, 31, 1, -1, 16, -17, 5, 30, -9, 3, 2, -15, 20, -31, 11, 12])
    quants = rng.integers(-3, 4, (16, 16))
    quants[:, 0] = -4
    values = 2.0**-12 * scales[:, None] * quants
    blocks = types.encode(torch.from_numpy(values.reshape(1, 256).astype(np.float32)), Q3)
    stored = scales + 32
    low, high = stored & 15, stored >> 4
    assert blocks[0, 96:104].tolist() == (low[:8] | low[8:] << 4).tolist()
    upper = high[:4] | high[4:8] << 2 | high[8:12] << 4 | high[12:] << 6
    assert blocks[0, 104:108].tolist() == upper.tolist()
    assert blocks[0, 108:].tolist() == [0x00, 0x0C]  # 2**-12 as float16
    assert np.array_equal(decoded(blocks, Q3).numpy().reshape(16, 16), values)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", REFERENCE["errors"])
def test_the_error_is_at_most_that_of_llama_cpp(name, device):
    values = samples()[name]
    for kind in KINDS:
        assert error(values, kind, device) <= 1.01 * REFERENCE["errors"][name][kind.name] + 1e-9


def test_every_sample_has_its_reference():
    assert set(REFERENCE["errors"]) == set(samples())


def test_weights_of_a_4_bit_model_survive_5_bits():
    """Twice the numbers of a 4-bit grid are on a 5-bit one: the installed base was such a model."""
    rng = np.random.default_rng(2)
    values = torch.from_numpy((0.01 * (rng.integers(0, 16, (16, 256)) - 8)).astype(np.float32))
    assert error(values, Q5) < 0.02 * float(values.norm())


# Which numbers, which shapes


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(KINDS),
    st.lists(st.integers(1, 3), max_size=2),
    st.integers(1, 3),
    st.sampled_from([torch.float32, torch.bfloat16, torch.float16]),
    st.integers(0, 9),
)
def test_any_shape_gives_a_row_of_bytes_for_each_row_of_numbers(
    kind, rows, super_blocks, dtype, seed
):
    values = torch.randn(
        *rows, 256 * super_blocks, generator=torch.Generator().manual_seed(seed)
    ).to(dtype)
    blocks = types.encode(values, kind)
    assert blocks.dtype == np.uint8
    assert blocks.shape == (*rows, super_blocks * gguf.GGML_QUANT_SIZES[kind][1])
    assert (decoded(blocks, kind) - values.float()).abs().max() < {Q3: 1.2, Q4: 0.5}.get(kind, 0.2)


@settings(max_examples=50, deadline=None)
@given(
    st.sampled_from(KINDS),
    st.integers(0, 9),
    st.lists(st.floats(allow_nan=False, allow_infinity=False, width=32), min_size=1, max_size=40),
)
def test_any_finite_numbers_come_back_finite_and_no_farther_than_the_farthest(kind, seed, some):
    values = 0.1 * torch.randn(256, generator=torch.Generator().manual_seed(seed))
    values[: len(some)] = torch.tensor(some)
    found = decoded(types.encode(values, kind), kind)
    assert torch.isfinite(found).all()
    assert (found.double() - values).abs().max() <= values.double().abs().max() + 1e-6


@pytest.mark.parametrize("kind", KINDS)
def test_chunks_and_strides_make_no_difference(kind, monkeypatch):
    values = samples()["normal"]
    whole = types.encode(values, kind)
    assert np.array_equal(types.encode(values.t().contiguous().t(), kind), whole)
    assert np.array_equal(types.encode(values[7:9], kind), whole[7:9])
    monkeypatch.setitem(types.CHUNKS, "cpu", 5000)
    assert np.array_equal(types.encode(values, kind), whole)


def test_threads_make_no_difference_and_leave_torchs_as_they_were(monkeypatch):
    values, threads = samples()["uniform"], torch.get_num_threads()
    whole = types.encode(values, Q4)
    monkeypatch.setitem(types.CHUNKS, "cpu", 5000)
    try:
        torch.set_num_threads(3)
        assert np.array_equal(types.encode(values, Q4), whole)
        values[47, 3] = float("nan")
        with pytest.raises(TwinError, match="aren't finite"):
            types.encode(values, Q4)
        with ThreadPoolExecutor(1) as another:
            assert torch.get_num_threads() == another.submit(torch.get_num_threads).result() == 3
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize("kind", KINDS)
def test_zeros_stay_zeros_and_the_smallest_numbers_stay_small(kind):
    assert not decoded(types.encode(torch.zeros(2, 256), kind), kind).any()
    assert decoded(types.encode(torch.full((2, 256), 1e-40), kind), kind).abs().max() <= 1e-7
    assert decoded(types.encode(1e-8 * torch.randn(2, 256), kind), kind).abs().max() <= 1e-6


@pytest.mark.parametrize("kind", KINDS)
def test_numbers_whose_scale_is_below_the_smallest_float16_keep_their_shape(kind):
    values = samples()["tinier"]
    assert error(values, kind) < (0.15 if kind == Q3 else 0.1) * float(values.norm())


@pytest.mark.parametrize("kind", KINDS)
def test_the_largest_numbers_keep_their_signs(kind):
    values = torch.zeros(1, 256)
    values[0, 8:10] = torch.tensor([3e38, -3e38])
    found = decoded(types.encode(values, kind), kind)[0]
    assert found[8] > 1e6 and found[9] < -1e6 and torch.isfinite(found).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("huge", [3e5, -3e5, 1e30, -3e38])
def test_one_huge_value_harms_its_own_block_alone(kind, huge):
    values = 0.02 * torch.randn(3, 512, generator=torch.Generator().manual_seed(1))
    plain = decoded(types.encode(values, kind), kind)
    values[1, 300] = huge
    found = decoded(types.encode(values, kind), kind)
    assert torch.isfinite(found).all()
    assert torch.equal(found[[0, 2]], plain[[0, 2]]) and torch.equal(found[1, :256], plain[1, :256])
    assert found[1, 300] * huge > 0 and abs(found[1, 300]) > 4e4
    assert abs(huge) > 1e6 or abs(found[1, 300] / huge - 1) < 0.01


@pytest.mark.parametrize("kind", [*KINDS, gguf.GGMLQuantizationType.Q8_0])
@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_number_is_refused(kind, wrong):
    values = torch.zeros(40, 256)
    values[33, 100] = wrong
    with pytest.raises(TwinError, match="aren't finite: train again"):
        types.encode(values, kind)


def test_rows_that_blocks_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="Rows of 640 numbers can't be Q4_K: its blocks hold 256"):
        types.encode(torch.zeros(2, 640), Q4)


def test_rows_that_no_block_fits_get_16_bits():
    for mixture, name in (
        ("Q4_K_M", "blk.0.attn_q.weight"),
        ("Q8_0", "token_embd.weight"),
        ("Q6_K", "output.weight"),
    ):
        assert types.tensor_type(mixture, name, (2, 48), 2, True, FAMILIES["llama"]).name == "F16"


# The other types


def hard_numbers(rows=64, columns=256):
    """{what is hard about it: float32 tensor} for types that are rounded once."""
    rng = np.random.default_rng(7)
    normal = rng.normal(size=(rows, columns))
    halves = rng.integers(-254, 255, (rows, columns)) / 2
    halves[:, ::32] = 127  # so that a block's unit is 1 and every other number is half way
    signs = np.where(
        rng.uniform(size=(rows, columns)) < 0.5, -3.0, 3.0
    )  # the farthest is there with both signs
    odd = rng.integers(0, 2**23, (rows, columns)) * 2.0 ** rng.integers(-160, -40, (rows, 1))
    found = {
        "normal": normal,
        "halves": halves,
        "negative halves": -halves,
        "both signs": signs,
        "odd sizes": odd,
        "zeros": 0 * np.abs(normal),
        "minus zeros": -0.0 * np.abs(normal),
        "small": 1e-30 * normal,
        "tiny": 1e-37 * normal,
        "smaller than float32 tells": 1e-45 * np.round(30 * normal),
        "huge": 1e37 * normal,
        "near the largest float16": 65504 * (1 + 1e-3 * normal),
        "columns of all sizes": normal * np.geomspace(1e-9, 1e9, columns),
        "as bfloat16": np.ldexp(np.round(np.ldexp(normal, 7)), -7),
    }
    return {name: torch.from_numpy(values.astype(np.float32)) for name, values in found.items()}


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("hard", hard_numbers())
@pytest.mark.parametrize("name", ["Q8_0", "F16", "BF16", "F32"])
def test_the_other_types_are_those_of_gguf(name, hard, device):
    kind, values = gguf.GGMLQuantizationType[name], hard_numbers()[hard]
    with np.errstate(all="ignore"):
        expected = gguf.quants.quantize(values.numpy(), kind)
    assert types.encode(values.to(device), kind).tobytes() == expected.tobytes()


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(
    "hard", ["normal", "halves", "negative halves", "both signs", "zeros", "columns of all sizes"]
)
@pytest.mark.parametrize("name", ["Q4_0", "Q5_0", "Q5_1"])
def test_the_fallbacks_are_those_of_gguf(name, hard, device):
    kind, values = gguf.GGMLQuantizationType[name], hard_numbers()[hard]
    with np.errstate(all="ignore"):
        expected = gguf.quants.quantize(values.numpy(), kind)
    assert types.encode(values.to(device), kind).tobytes() == expected.tobytes()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_16_bits_stay_as_they_were(dtype):
    values = hard_numbers()["normal"].to(dtype)
    kind = gguf.GGMLQuantizationType["F16" if dtype == torch.float16 else "BF16"]
    assert types.encode(values, kind).tobytes() == values.view(torch.uint8).numpy().tobytes()


DECODED = list(types.TENSOR_TYPES)


@pytest.mark.parametrize("name", DECODED)
@pytest.mark.parametrize(
    "device, chunk", [*((device, 2**18) for device in DEVICES), ("cpu", 3 * 256)]
)
def test_any_bytes_are_decoded_as_gguf_decodes_them(name, device, chunk, monkeypatch):
    monkeypatch.setitem(types.CHUNKS, "cpu", chunk)
    kind = gguf.GGMLQuantizationType[name]
    block, size = gguf.GGML_QUANT_SIZES[kind]
    data = np.random.default_rng(3).integers(0, 256, (40, 1024 // block * size), dtype=np.uint8)
    with np.errstate(all="ignore"):
        expected = gguf.quants.dequantize(data, kind)
    data.flags.writeable = False  # as of a file that is only read
    found = types.decode(data, kind, (40, 1024), device).cpu().numpy()
    numbers = ~np.isnan(expected)
    assert numbers.mean() > 0.9 and np.array_equal(np.isnan(found), ~numbers)
    assert np.array_equal(found.view(np.uint32)[numbers], expected.view(np.uint32)[numbers])


@pytest.mark.parametrize("name", ["F16", "F32"])
def test_arrays_of_floats_are_decoded_too(name):
    values = torch.randn(3, 5, 32).half().float()
    stored = values.numpy().astype(np.float16 if name == "F16" else np.float32)
    assert torch.equal(types.decode(stored, gguf.GGMLQuantizationType[name], (3, 5, 32)), values)


def test_data_of_another_shape_is_refused():
    blocks = types.encode(torch.ones(2, 512), Q4)
    assert types.decode(blocks, Q4, (4, 256)).shape == (4, 256)
    with pytest.raises(
        ValueError, match=r"576 bytes of Q4_K aren't a tensor of the shape \(2, 256\)"
    ):
        types.decode(blocks, Q4, (2, 256))


# The types


@pytest.mark.parametrize("case, mixtures", REFERENCE["types"], ids=lambda value: str(value)[:40])
def test_each_tensor_gets_the_type_that_llama_cpp_gives_it(case, mixtures):
    for mixture, expected in mixtures.items():
        assert runs(ours(mixture, *case)) == expected, mixture
