"""A host's own processors and memory: its control group's where it has one, else the machine's.

A host that is itself a container sees the whole machine in /proc; what it may use, and does, stands in
its control group. See the kernel's documentation of cgroup v1 (cpuacct, memory) and v2.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

UNLIMITED = 1 << 60  # cgroup v1 writes "no limit" as a number just below 2^63
TICKS = 100  # per second in /proc/stat: USER_HZ, the same on all of Linux' common architectures


@dataclass(frozen=True)
class Host:
    """Processors and seconds of them; bytes of memory in use (caches aside) and of what there is."""

    cpus: float
    cpu_seconds: float
    memory: float
    memory_limit: float


def read(groups: Path, proc: Path) -> Host:
    """`groups`: the host's /sys/fs/cgroup; `proc`: its /proc."""
    machine = _machine(proc)
    if (groups / "cgroup.controllers").exists():
        return _second(groups, machine)
    return _first(groups, machine)


def families(host: Host) -> Iterator[Metric]:
    """The same as metrics."""
    yield GaugeMetricFamily("horcrux_host_cpus", "Processors that it may use.", value=host.cpus)
    yield CounterMetricFamily(
        "horcrux_host_cpu_seconds", "Processor time of all on it.", value=host.cpu_seconds
    )
    yield GaugeMetricFamily(
        "horcrux_host_memory_bytes", "Memory in use, caches aside.", value=host.memory
    )
    yield GaugeMetricFamily(
        "horcrux_host_memory_limit_bytes", "Memory that it may use.", value=host.memory_limit
    )


def _machine(proc: Path) -> Host:
    lines = (proc / "stat").read_text().splitlines()
    cpus = sum(line.startswith("cpu") and line[3].isdigit() for line in lines)
    user, nice, system, _idle, _waiting, *rest = map(int, lines[0].split()[1:9])
    busy = user + nice + system + sum(rest)
    pairs = (line.partition(":") for line in (proc / "meminfo").read_text().splitlines())
    kilobytes = {name: int(value.split()[0]) for name, _, value in pairs}
    total, free = kilobytes["MemTotal"] << 10, kilobytes["MemAvailable"] << 10
    return Host(float(cpus), busy / TICKS, float(total - free), float(total))


def _first(groups: Path, machine: Host) -> Host:
    """Control groups, version 1: a group of one's own has a limit of memory."""
    memory, cpu = groups / "memory", groups / "cpu"
    limit = _number(memory / "memory.limit_in_bytes", UNLIMITED)
    if limit >= min(UNLIMITED, machine.memory_limit):
        return machine
    inactive = _table(memory / "memory.stat").get("total_inactive_file", 0)
    quota, period = _number(cpu / "cpu.cfs_quota_us", -1), _number(cpu / "cpu.cfs_period_us", 0)
    cpus = quota / period if quota > 0 and period else machine.cpus
    seconds = _number(groups / "cpuacct" / "cpuacct.usage", 0) / 1e9
    used = _number(memory / "memory.usage_in_bytes", 0) - inactive
    return Host(cpus, seconds, float(max(0, used)), float(limit))


def _second(groups: Path, machine: Host) -> Host:
    """Control groups, version 2: the machine's root has no memory.current, any other group has."""
    if not (groups / "memory.current").exists():
        return machine
    said = _text(groups / "memory.max", "max")
    limit = machine.memory_limit if said == "max" else min(float(said), machine.memory_limit)
    inactive = _table(groups / "memory.stat").get("inactive_file", 0)
    quota, period = _text(groups / "cpu.max", "max 100000").split()
    cpus = machine.cpus if quota == "max" else int(quota) / int(period)
    seconds = _table(groups / "cpu.stat").get("usage_usec", 0) / 1e6
    used = _number(groups / "memory.current", 0) - inactive
    return Host(cpus, seconds, float(max(0, used)), limit)


def _text(path: Path, default: str) -> str:
    """A file of a controller's, which is not there where that is not switched on."""
    return path.read_text().strip() if path.exists() else default


def _number(path: Path, default: int) -> int:
    return int(path.read_text()) if path.exists() else default


def _table(path: Path) -> dict[str, int]:
    if not path.exists():
        return {}
    pairs = (line.split() for line in path.read_text().splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2}
