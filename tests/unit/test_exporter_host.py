"""A host's processors and memory: its control group's, of both versions, or the machine's."""

from dataclasses import replace
from pathlib import Path

import pytest

from exporter import host
from exporter.host import Host

GIB = 1 << 30
STAT = (
    "cpu  100 20 30 4000 50 6 7 8 9 10\ncpu0 50 10 15 2000 25 3 3 4 0 0\ncpu1 50 0 0 0 0 0 0 0 0 0"
)
MEMORY = "MemTotal:       16777216 kB\nMemFree:         1000000 kB\nMemAvailable:   12582912 kB"
MACHINE = Host(cpus=2.0, cpu_seconds=1.71, memory=4.0 * GIB, memory_limit=16.0 * GIB)


def files(folder: Path, texts: dict[str, str]) -> None:
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    files(tmp_path, {"proc/stat": STAT, "proc/meminfo": MEMORY})
    return tmp_path / "proc"


@pytest.fixture
def groups(tmp_path: Path) -> Path:
    (tmp_path / "cgroup").mkdir()
    return tmp_path / "cgroup"


V1_GROUP = {
    "memory/memory.limit_in_bytes": str(4 * GIB),
    "memory/memory.usage_in_bytes": str(2 * GIB),
    "memory/memory.stat": f"inactive_file 1\ntotal_inactive_file {GIB}",
    "cpuacct/cpuacct.usage": "7500000000",
}
V2_GROUP = {
    "cgroup.controllers": "cpu memory",
    "memory.current": str(2 * GIB),
    "memory.max": str(4 * GIB),
    "memory.stat": f"anon 5\ninactive_file {GIB}",
    "cpu.max": "150000 100000",
    "cpu.stat": "usage_usec 7500000\nuser_usec 1",
}
LIMITED = Host(1.5, 7.5, float(GIB), 4.0 * GIB)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, MACHINE),
        ({**V1_GROUP, "memory/memory.limit_in_bytes": "9223372036854771712"}, MACHINE),
        ({**V1_GROUP, "memory/memory.limit_in_bytes": str(64 * GIB)}, MACHINE),
        (
            {**V1_GROUP, "cpu/cpu.cfs_quota_us": "150000", "cpu/cpu.cfs_period_us": "100000"},
            LIMITED,
        ),
        ({**V1_GROUP, "cpu/cpu.cfs_quota_us": "-1"}, replace(LIMITED, cpus=2.0)),
    ],
    ids=["nothing", "no limit", "more than there is", "limited", "limited in memory alone"],
)  # fmt: skip
def test_a_host_under_version_1(
    groups: Path, proc: Path, given: dict[str, str], expected: Host
) -> None:
    files(groups, given)
    assert host.read(groups, proc) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"cgroup.controllers": "cpu memory"}, MACHINE),
        (V2_GROUP, LIMITED),
        (
            {**V2_GROUP, "memory.max": "max", "cpu.max": "max 100000"},
            replace(LIMITED, cpus=2.0, memory_limit=16.0 * GIB),
        ),
        (
            {**V2_GROUP, "memory.max": str(64 * GIB)},
            replace(LIMITED, memory_limit=16.0 * GIB),
        ),
        (
            {k: v for k, v in V2_GROUP.items() if k != "cpu.max"},
            replace(LIMITED, cpus=2.0),
        ),
        (
            {**V2_GROUP, "memory.current": "5"},
            replace(LIMITED, memory=0.0),
        ),
    ],
    ids=["root", "limited", "no limits", "more than there is", "without cpu", "mostly cache"],
)
def test_a_host_under_version_2(
    groups: Path, proc: Path, given: dict[str, str], expected: Host
) -> None:
    files(groups, given)
    assert host.read(groups, proc) == expected


def test_a_host_s_metrics() -> None:
    told = {s.name: s.value for f in host.families(LIMITED) for s in f.samples}
    assert told == {
        "horcrux_host_cpus": 1.5,
        "horcrux_host_cpu_seconds_total": 7.5,
        "horcrux_host_memory_bytes": GIB,
        "horcrux_host_memory_limit_bytes": 4 * GIB,
    }
