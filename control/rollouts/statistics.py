"""Whether a difference between two releases is more than chance. Pure; the standard library alone."""

from collections.abc import Iterable, Sequence
from math import exp, inf, lgamma

NEGLIGIBLE = 1e-17  # of a sum: what follows cannot change it


def fisher(hits: int, of: int, other_hits: int, of_other: int) -> float:
    """The probability of `hits` or more of all hits, if both sides had the same share of them.

    Fisher's exact test, one-sided: the upper tail of the hypergeometric distribution (R. A. Fisher,
    "The Logic of Inductive Inference", 1935). 1 where there is nothing to compare.
    """
    total, found = of + of_other, hits + other_hits
    if not 0 <= hits <= of or not 0 <= other_hits <= of_other:
        raise ValueError(f"{hits} of {of}, {other_hits} of {of_other}: more hits than cases")
    least, most = max(0, found - of_other), min(of, found)
    if of == 0 or of_other == 0 or hits == least:
        return 1.0

    def probability(k: int) -> float:
        return exp(_choose(of, k) + _choose(of_other, found - k) - _choose(total, found))

    def ratio(k: int) -> float:
        """The probability of k hits, by that of k - 1."""
        return (of - k + 1) * (found - k + 1) / (k * (of_other - found + k))

    # Each tail is summed from its largest term on, which loses nothing to rounding.
    if hits * total > of * found:
        return min(1.0, _sum(probability(hits), (ratio(k) for k in range(hits + 1, most + 1))))
    below = _sum(probability(hits - 1), (1 / ratio(k) for k in range(hits - 1, least, -1)))
    return max(0.0, 1.0 - below)


def _sum(term: float, ratios: Iterable[float]) -> float:
    """The sum of terms of which each is the one before, times a ratio."""
    total = term
    for ratio in ratios:
        term *= ratio
        total += term
        if term < total * NEGLIGIBLE:
            break
    return total


def _choose(n: int, k: int) -> float:
    """The logarithm of the number of ways to choose k of n."""
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def quantile(share: float, buckets: Sequence[tuple[float, float]]) -> float | None:
    """The value below which a share of what a histogram counted lies, as Prometheus interpolates it.

    `buckets`: upper bounds and cumulative counts, ascending, the last one without end (inf). None for an
    empty histogram. What lies in the last bucket counts as its lower bound.
    """
    if not buckets or not buckets[-1][1] > 0:
        return None
    rank, low, below = share * buckets[-1][1], 0.0, 0.0
    for bound, count in buckets:
        if count >= rank:
            if bound == inf:
                return low
            return low + (bound - low) * (rank - below) / ((count - below) or 1.0)
        low, below = bound, count
    return low


def above(value: float, buckets: Sequence[tuple[float, float]]) -> tuple[float, int, int]:
    """The next bound of a histogram from `value` on, how many it counted above it, and in all."""
    total = buckets[-1][1] if buckets else 0.0
    for bound, count in buckets:
        if bound >= value:
            return bound, round(total) - round(count), round(total)
    return inf, 0, round(total)


def alpha(confidence: float, looks: int, checks: int, look: int) -> float:
    """How improbable a difference must be, at one check of one look (counted from 1), to be believed.

    Bonferroni's inequality: the chance that any of several tests errs is at most the sum of their
    chances (O. J. Dunn, "Multiple Comparisons among Means", 1961). So each of the planned looks, and all
    those together that a pause adds, get an equal part of 1 - confidence. The parts of the added ones
    shrink: 1/2, 1/6, 1/12 and so on, which is 1 in all.
    """
    part = (1.0 - confidence) / ((looks + 1) * checks)
    beyond = look - looks
    return part if beyond <= 0 else part / (beyond * (beyond + 1))
