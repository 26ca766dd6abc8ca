"""Largest triangle three buckets (Sveinn Steinarsson, 2013): few points that show the shape of many."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def lttb(times: NDArray[Any], values: NDArray[Any], points: int) -> NDArray[np.int64]:
    """Places of `points` of the given ones (3 or more), first and last among them; all if there are no more."""
    count = len(times)
    if count <= points:
        return np.arange(count)
    x = (times - times[0]).astype(np.float64)
    edges = np.linspace(1, count - 1, points - 1).astype(np.int64)  # of points - 2 buckets
    sums = np.add.reduceat(x, edges[:-1]), np.add.reduceat(values, edges[:-1])
    sizes = np.diff(edges)
    sums[0][-1] -= x[-1]
    sums[1][-1] -= values[-1]
    mean_x, mean_y = np.append(sums[0] / sizes, x[-1]), np.append(sums[1] / sizes, values[-1])
    chosen: NDArray[np.int64] = np.empty(points, np.int64)
    last = 0
    chosen[0], chosen[-1] = 0, count - 1
    for bucket in range(points - 2):
        a, b = edges[bucket], edges[bucket + 1]
        across = (x[last] - mean_x[bucket + 1]) * (values[a:b] - values[last])
        area = np.abs(across - (x[last] - x[a:b]) * (mean_y[bucket + 1] - values[last]))
        last = a + int(np.argmax(area))
        chosen[bucket + 1] = last
    return chosen
