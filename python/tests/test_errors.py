"""What goes wrong is an exception that Python code knows, and never a panic."""

import os
import pickle

import numpy as np
import pytest

import collapsar
from collapsar import _collapsar, errors


def test_exceptions_are_of_kinds_that_are_caught_already():
    for name, kind in [
        ("ArgumentError", ValueError),
        ("CorruptError", ValueError),
        ("TruncatedError", collapsar.CorruptError),
        ("UnsupportedError", ValueError),
        ("LimitError", MemoryError),
        ("MissingModelError", LookupError),
        ("FileError", OSError),
        ("ChangedError", OSError),
        ("DeviceError", RuntimeError),
        ("InternalError", RuntimeError),
    ]:
        one = getattr(collapsar, name)
        assert one is getattr(errors, name) and issubclass(one, kind) and issubclass(one, collapsar.Error)
        assert type(pickle.loads(pickle.dumps(one("text")))) is one
        assert type(one.__new__(one)) is one  # so Dask makes those that come from a worker


def test_a_panic_is_an_internal_error():
    with pytest.raises(collapsar.InternalError, match="please report it: as a test asked"):
        _collapsar.panic_for_tests()
    # and the pool works on
    assert collapsar.decode(collapsar.encode([1, 2]))[1] == 2


def test_every_flipped_bit_and_every_cut_of_a_chunk_is_an_error(frame):
    chunk = collapsar.encode(frame[:40, :40])
    for at in range(0, len(chunk) * 8, 7):
        damaged = bytearray(chunk)
        damaged[at // 8] ^= 1 << at % 8
        with pytest.raises(ValueError):
            collapsar.decode(damaged)
    for n in range(0, len(chunk), 13):
        with pytest.raises(collapsar.CorruptError):
            collapsar.decode(chunk[:n])
    with pytest.raises(collapsar.CorruptError):
        collapsar.decode(chunk + b"\0")


def test_a_damaged_file_is_an_error(frame):
    packed = bytearray(collapsar.compress(frame.tobytes()))
    packed[len(packed) // 2] ^= 16
    with pytest.raises(collapsar.CorruptError):
        collapsar.decompress(packed)
    with pytest.raises(collapsar.CorruptError):
        collapsar.decompress(b"")


def test_too_much_memory_is_a_limit_error():
    chunk = collapsar.encode(np.broadcast_to(np.uint8(7), (1 << 15, (1 << 15) + 1)))
    assert len(chunk) < 100
    with pytest.raises(collapsar.LimitError):
        collapsar.decode(chunk)
    with pytest.raises(MemoryError):
        collapsar.decode(collapsar.encode(np.zeros(99)), max_memory=100)
    assert collapsar.decode(collapsar.encode(np.zeros(99)), max_memory=1 << 30).size == 99


def test_a_missing_model_says_which(frame):
    chunk = bytearray(collapsar.encode(frame[:64, :64], model="pixelcnn-tiny"))
    prefix = bytes.fromhex(next(m["blake3"] for m in collapsar.models() if m["name"] == "pixelcnn-tiny" and not m["superseded"]))[:8]
    at = chunk.index(prefix)
    chunk[at : at + 8] = bytes(range(1, 9))
    chunk[-4:] = crc32c(chunk[:-4]).to_bytes(4, "little")
    with pytest.raises(collapsar.MissingModelError, match="0102030405060708"):
        collapsar.decode(chunk)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def test_files_that_are_not_there_or_are(tmp_path, frame):
    np.save(tmp_path / "a.npy", frame)
    with pytest.raises(FileNotFoundError) as raised:
        collapsar.compress_file(tmp_path / "none", tmp_path / "out")
    assert raised.value.filename == str(tmp_path / "none")
    for call in [collapsar.open, lambda path: collapsar.decompress_file(path, tmp_path / "out")]:
        with pytest.raises(FileNotFoundError):
            call(tmp_path / "none")
    (tmp_path / "there").write_bytes(b"old")
    with pytest.raises(FileExistsError):
        collapsar.compress_file(tmp_path / "a.npy", tmp_path / "there")
    assert (tmp_path / "there").read_bytes() == b"old"
    with pytest.raises((OSError, ValueError)):
        collapsar.compress_file(tmp_path, tmp_path / "out")
    with pytest.raises(OSError):
        collapsar.compress_file(tmp_path / "a.npy", tmp_path / "no folder" / "out")
    with pytest.raises(collapsar.CorruptError):
        collapsar.open(tmp_path / "a.npy")
    assert sorted(os.listdir(tmp_path)) == ["a.npy", "there"]


def test_what_has_no_buffer_is_a_type_error():
    for data in ["text", 5, None, [1, 2]]:
        for call in [collapsar.compress, collapsar.decompress, collapsar.decode, collapsar.describe]:
            with pytest.raises(TypeError):
                call(data)
