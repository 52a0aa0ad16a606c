"""What the chip can do: its data sheet's peak, and what a large matrix product reaches."""

from __future__ import annotations

import time
from typing import Any

import torch

# Dense 16-bit matrix products with 32-bit sums, in TFLOP/s, from NVIDIA's data sheets: bfloat16
# where the chip has it, float16 on those that do not. The first name that occurs in the device's
# name counts, so longer names stand first.
PEAKS = {
    "H100 PCIe": 756.0,
    "H100 NVL": 835.0,
    "GH200": 989.4,
    "H200": 989.4,
    "H100": 989.4,
    "B200": 2250.0,
    "A100": 312.0,
    "A10G": 70.0,
    "A10": 125.0,
    "L40S": 362.0,
    "L4": 121.0,
    "V100": 125.0,
    "T4": 65.0,
}
T4_TFLOPS = PEAKS["T4"]
T4_BUDGET_GIB = 14.2
"""Of the 14.7 GiB that a 16 GB T4 shows to CUDA, half a GiB is left to the driver's context."""


def device() -> dict[str, Any]:
    """The device, its peak and its memory; nulls on a machine without one."""
    if not torch.cuda.is_available():
        return {"name": "cpu", "peak_tflops": None, "memory_gib": None}
    name = torch.cuda.get_device_name()
    peak = next((value for part, value in PEAKS.items() if part in name), None)
    return {
        "name": name,
        "peak_tflops": peak,
        "memory_gib": round(torch.cuda.get_device_properties(0).total_memory / 2**30, 1),
        "matmul_tflops": round(reached(), 1),
    }


def reached(size: int = 8192, repeats: int = 20) -> float:
    """TFLOP/s of one large product in the 16-bit type that training would use."""
    dtype = torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else None
    a, b = (torch.randn(size, size, device="cuda", dtype=dtype or torch.float16) for _ in "ab")
    for _ in range(3):
        a @ b
    torch.cuda.synchronize()
    began = time.perf_counter()
    for _ in range(repeats):
        a @ b
    torch.cuda.synchronize()
    seconds = time.perf_counter() - began
    del a, b
    torch.cuda.empty_cache()  # other processes want it all
    return 2 * size**3 * repeats / seconds / 1e12
