"""Batches on a Dask cluster: a local scheduler with two workers, each a process of its own."""

import importlib.util

import pytest

from gradcli.tasks import cluster as of_clusters

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("distributed") is None, reason="needs distributed"
)
ROWS = 3_000


@pytest.fixture(scope="module")
def scheduler():
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as cluster:
        yield cluster.scheduler_address


@pytest.fixture
def points(tmp_path, monkeypatch):
    """A file that falls into many parts, with a row outside the domain and one at a kink."""
    monkeypatch.setattr(of_clusters, "PART_BYTES", 4_096)
    lines = [f"{k / 7 - 100!r},{k % 11}" for k in range(ROWS)]
    lines[2_000], lines[2_500] = "nan,1", "0,0"
    path = tmp_path / "points.csv"
    path.write_text("\n".join(["x,y", *lines]) + "\n", "utf-8")
    return str(path)


PROGRAM = ["batch", "z*sin(x)*y + relu(x - y)", "z=3"]


def test_results_and_what_is_said_of_them_are_those_of_one_machine(scheduler, points, gradcli):
    alone = gradcli(*PROGRAM, "--points", points)
    together = gradcli(*PROGRAM, "--points", points, "--scheduler", scheduler)
    assert alone.code == together.code == 0
    assert together.out == alone.out
    assert len(together.out.splitlines()) == ROWS + 1
    assert f"points.csv:{2_002}" in together.err
    assert together.err == alone.err


@pytest.mark.parametrize("form", ["npy", "npz", "jsonl"])
def test_results_in_other_formats(form, scheduler, points, gradcli, tmp_path):
    files = [tmp_path / f"{name}.{form}" for name in ("alone", "together")]
    for file, more in zip(files, ([], ["--scheduler", scheduler]), strict=True):
        assert gradcli(*PROGRAM, "--points", points, "-o", str(file), *more).code == 0
    assert files[0].read_bytes() == files[1].read_bytes()


def test_errors_of_workers_are_those_of_one_machine(scheduler, points, gradcli):
    for more in (["--on-error", "stop"], []):
        if not more:
            with open(points, "a", encoding="utf-8") as file:
                file.write("1,two\n")
        alone = gradcli(*PROGRAM, "--points", points, *more)
        together = gradcli(*PROGRAM, "--points", points, *more, "--scheduler", scheduler)
        assert alone.code == together.code == 2
        assert together.err == alone.err


@pytest.mark.parametrize(("words", "said"), [
    (["x=[1,2]"], "--scheduler is for all rows of a file"),
    (["--points", "-"], "--scheduler is for all rows of a file"),
    (["--points", "POINTS", "--shard", "1/2"], "--scheduler is for all rows of a file"),
    (["--points", "POINTS"], "no Dask scheduler answers at tcp://127.0.0.1:9"),
])  # fmt: skip
def test_what_cannot_be_sent_is_refused(words, said, points, gradcli, monkeypatch):
    monkeypatch.setattr(of_clusters, "PATIENCE", 0.5)
    words = [points if word == "POINTS" else word for word in words]
    answer = gradcli("batch", "x*x", *words, "--scheduler", "tcp://127.0.0.1:9", stdin=b"x\n1\n")
    assert answer.code == 2
    assert said in answer.err
