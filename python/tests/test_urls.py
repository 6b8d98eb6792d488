"""Files by URLs: what is written is whole and replaces nothing, and what is read needs no file here."""

import pickle
import tempfile

import numpy as np
import pytest

import collapsar

fsspec = pytest.importorskip("fsspec")


@pytest.fixture(scope="module")
def s3():
    """A bucket of a server of moto."""
    pytest.importorskip("s3fs")
    server = pytest.importorskip("moto.server").ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    options = {"endpoint_url": f"http://127.0.0.1:{port}", "key": "k", "secret": "s"}
    fsspec.config.conf["s3"] = options
    fsspec.filesystem("s3").mkdir("bucket")
    yield "s3://bucket"
    del fsspec.config.conf["s3"]
    server.stop()


@pytest.fixture(params=["memory", "s3"])
def base(request):
    return request.getfixturevalue("s3") + "/a" if request.param == "s3" else f"memory://{request.node.name}"


@pytest.fixture
def source(base, frame, tmp_path):
    """A file here, and the same file there."""
    path = tmp_path / "a.npy"
    np.save(path, frame)
    fs, name = fsspec.core.url_to_fs(f"{base}/a.npy")
    fs.pipe_file(name, path.read_bytes())
    return path


def test_a_file_goes_there_and_comes_back(base, source, frame, tmp_path):
    report = collapsar.compress_file(f"{base}/a.npy", f"{base}/a.npy.clps", level=1)
    assert (report.n_arrays, report.is_lossless) == (1, True)
    collapsar.compress_file(source, tmp_path / "b.clps", level=1)
    fs, name = fsspec.core.url_to_fs(f"{base}/a.npy.clps")
    assert fs.cat_file(name) == (tmp_path / "b.clps").read_bytes()
    collapsar.decompress_file(f"{base}/a.npy.clps", tmp_path / "back.npy")
    assert (tmp_path / "back.npy").read_bytes() == source.read_bytes()
    a = collapsar.open(f"{base}/a.npy.clps")
    assert (a[0][10:20, 5:9] == frame[10:20, 5:9]).all()
    assert (pickle.loads(pickle.dumps(a))[0][...] == frame).all()


def test_nothing_is_replaced_unless_it_may_be(base, source, monkeypatch):
    url = f"{base}/kept.clps"
    fs, name = fsspec.core.url_to_fs(url)
    fs.pipe_file(name, b"kept")
    with pytest.raises(FileExistsError):
        collapsar.compress_file(source, url, level=1)
    # before any work: what is to be decompressed is no compressed file
    with pytest.raises(FileExistsError):
        collapsar.decompress_file(source, url)
    # one that comes while there is work is seen by the store alone; that in memory asks `exists`, too
    if not url.startswith("memory:"):
        with monkeypatch.context() as patched:
            patched.setattr(type(fs), "exists", lambda *_, **__: False)
            with pytest.raises(FileExistsError):
                collapsar.compress_file(source, url, level=1)
    assert fs.cat_file(name) == b"kept"
    collapsar.compress_file(source, url, level=1, replace=True)
    assert len(fs.cat_file(name)) > 1000


def test_what_goes_wrong_writes_nothing_and_leaves_nothing(base, source, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    fs, name = fsspec.core.url_to_fs(f"{base}/none")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(FileNotFoundError):
        collapsar.compress_file(f"{base}/missing.npy", f"{base}/none")
    with pytest.raises(FileNotFoundError):
        collapsar.open(f"{base}/missing.clps")
    with pytest.raises(collapsar.CorruptError):
        collapsar.decompress_file(f"{base}/a.npy", f"{base}/none")
    assert not fs.exists(name) and sorted(tmp_path.iterdir()) == before


def test_a_store_that_can_only_replace_is_refused(source, monkeypatch):
    system = fsspec.filesystem("memory")
    monkeypatch.setattr(type(system), "pipe_file", lambda self, path, value: None)
    with pytest.raises(collapsar.UnsupportedError, match="replace=True"):
        collapsar.compress_file(source, "memory://only/a.clps", level=1)
