"""Columns of ROOT files, Parquet files and arrays: what comes back is what was there, within the policy and no other loss."""

import io
import json
import subprocess
import sys
import zipfile

import numpy as np
import pytest

import collapsar
from collapsar import columns

ak = pytest.importorskip("awkward")
uproot = pytest.importorskip("uproot")
pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

N = 1000
CLUSTER = 300


def jagged(values, counts):
    return ak.unflatten(values, np.asarray(counts, "i8"))


@pytest.fixture(scope="module")
def arrays():
    """Flat columns and lists of every kind; some lists are empty, some floats are NaN, infinite or −0."""
    rng = np.random.default_rng(3)
    n_muons = rng.poisson(1.5, N).astype("u4")
    n_all = int(n_muons.sum())
    pt = rng.exponential(30, n_all).astype("f4")
    pt[::50] = [np.nan, np.inf, -np.inf, -0.0][n_all % 4]
    pt[1:2].view("u4")[:] = 0x7FC01234
    flags = rng.integers(0, 2, n_all).astype(bool)
    return {
        "run": np.full(N, 362_000, "u4"),
        "event": rng.integers(0, 1 << 60, N).astype("u8"),
        "weight": rng.normal(1, 0.1, N),
        "met": rng.exponential(40, N).astype("f4"),
        "level": rng.integers(-3, 3, N).astype("i1"),
        "passed": rng.integers(0, 2, N).astype(bool),
        "vertex": rng.normal(size=(N, 3)).astype("f4"),
        "nMuon": n_muons,
        "Muon_pt": jagged(pt, n_muons),
        "Muon_energy": jagged(rng.exponential(50, n_all), n_muons),
        "Muon_charge": jagged(rng.choice([-1, 1], n_all).astype("i4"), n_muons),
        "Muon_quality": jagged(rng.integers(0, 200, n_all).astype("u1"), n_muons),
        "Muon_tight": jagged(flags, n_muons),
        "nothing": jagged(np.empty(0, "f4"), np.zeros(N, int)),
    }


def bits(array):
    """Everything that is in an array: its type, lengths and the bytes of its numbers."""
    if isinstance(array, np.ndarray):
        return array.dtype, array.shape, array.tobytes()
    lengths = []
    while array.ndim > 1 and not isinstance(array.type.content, ak.types.RegularType):
        lengths.append(ak.num(array).to_list())
        array = ak.flatten(array)
    content = ak.to_numpy(array)
    return content.dtype, lengths, content.tobytes()


def same(got, wanted):
    assert bits(got) == bits(wanted)


def names(error):
    return str(error.value)


def test_every_kind_comes_back_bit_for_bit(arrays):
    table = columns.open(columns.compress(arrays, cluster=CLUSTER))
    assert table.keys() == list(arrays) and len(table) == len(arrays) and table.n_entries == N and "run" in table
    for name, array in arrays.items():
        same(table[name], array)
        assert isinstance(table[name], np.ndarray) == isinstance(array, np.ndarray)
    assert table.type("Muon_pt") == "var * float32" and table.type("vertex") == "3 * float32"
    with pytest.raises(KeyError):
        table["no such branch"]


@pytest.mark.parametrize("n", [1, 63, 64, 65, 128, 129])
def test_clusters_of_any_length_are_put_together(n):
    array, lists = np.arange(n, dtype="i8"), jagged(np.arange(2 * n, dtype="f8"), np.full(n, 2))
    table = columns.open(columns.compress({"x": array, "y": lists}, cluster=64))
    for start, stop in [(0, n), (None, None), (n - 1, n), (n, n), (0, 0), (-1, None), (63, 65), (5, 2)]:
        same(table.array("x", start, stop), array[start:stop])
        assert table.array("y", start, stop).to_list() == lists[start:stop].to_list() or start == 5


def test_no_entries_and_no_columns():
    none = {"x": np.empty(0, "f4"), "y": jagged(np.empty(0, "f4"), []), "s": ak.Array(["a"])[:0]}
    table = columns.open(columns.compress(none))
    same(table["x"], none["x"])
    assert str(table["y"].type) == "0 * var * float32" and table["s"].to_list() == [] and table.to_arrow().num_rows == 0
    assert columns.open(columns.compress({})).keys() == []
    assert len(columns.open(columns.compress({})).audit()) == 0


def test_lists_of_lists_text_missing_values_and_dates():
    table = {
        "deep": ak.Array([[[1.5], []], [], [[2.5, 3.5], [4.5]], [[]]]),
        "text": ak.Array(["µ", "", "a longer one", "e"]),
        "texts": ak.Array([["a", "bc"], [], [""], ["d"]]),
        "raw": ak.Array([b"\xff", b"", b"a", b"b"]),
        "some": ak.Array([1, None, 3, None]),
        "lists": ak.Array([[1, None], None, [], [4]]),
        "late": ak.Array(["a", "b", "c", None]),
        "boxes": ak.to_regular(ak.Array([[[1, 2]], [], [[3, 4], [5, 6]], []]), axis=2),
        "when": np.array(["2026-11-30", "NaT", "1970-01-01", "1950-01-01"], "M8[s]"),
        "half": np.array([1.5, np.nan, -0.0, np.inf], "f2"),
    }
    again = columns.open(columns.compress(table, cluster=3))
    for name, array in table.items():
        if isinstance(array, np.ndarray):
            same(again[name], array)
        else:
            assert again[name].to_list() == array.to_list()
    assert again.to_arrow()["late"].to_pylist() == ["a", "b", "c", None]


def test_a_policy_keeps_its_bounds_and_the_first_glob_that_matches_counts(arrays):
    policy = [("Muon_energy", "lossless"), ("Muon_*", "mantissa = 7"), ("met", {"abs": 0.5}), ("weight", "exclude")]
    table = columns.open(columns.compress(arrays, policy, cluster=CLUSTER))
    assert "weight" not in table
    rules = {row.branch: row.policy for row in table.audit()}
    assert rules["Muon_pt"] == "mantissa = 7" and rules["Muon_energy"] == "lossless" == rules["Muon_charge"]
    assert rules["met"] == "abs = 0.5" and rules["weight"] == "exclude" and rules["run"] == "lossless"
    for name in set(arrays) - {"weight", "met", "Muon_pt"}:
        same(table[name], arrays[name])
    assert 0 < abs(table["met"] - arrays["met"]).max() <= 0.5
    before, after = (ak.to_numpy(ak.flatten(a["Muon_pt"])) for a in (arrays, table))
    is_number = np.isfinite(before)
    assert (before[~is_number].view("u4") == after[~is_number].view("u4")).all()
    assert (after[is_number].view("u4") & (2**16 - 1) == 0).all()
    exponent = np.frexp(before[is_number].astype("f8"))[1] - 1
    assert (abs(after[is_number].astype("f8") - before[is_number]) <= 2.0 ** (exponent - 8)).all()


def test_policies_are_read_from_toml_and_json(tmp_path):
    array = {"a": np.ones(9, "f4"), "b": np.ones(9, "f4"), "c": np.ones(9)}
    rules = {"a": "lossless", "?": {"mantissa": 10}}
    (tmp_path / "p.json").write_text(json.dumps(rules))
    (tmp_path / "p.toml").write_text('"a" = "lossless"\n"?" = { mantissa = 10 }\n')
    wanted = columns.compress(array, rules)
    assert columns.compress(array, tmp_path / "p.json") == wanted == columns.compress(array, list(rules.items()))
    if sys.version_info >= (3, 11):
        assert columns.compress(array, str(tmp_path / "p.toml")) == wanted
    (tmp_path / "p.json").write_text('{"a": "lossless", "a": "exclude"}')
    with pytest.raises(collapsar.ArgumentError, match="twice"):
        columns.compress(array, tmp_path / "p.json")
    (tmp_path / "p.json").write_text("{")
    with pytest.raises(collapsar.ArgumentError, match="p.json"):
        columns.compress(array, tmp_path / "p.json")


def test_restored_floats_round_to_what_was_kept_and_parts_of_a_column_are_those_of_all_of_it():
    rng = np.random.default_rng(7)
    n = rng.poisson(2, 3000)
    pt = rng.exponential(30, n.sum()).astype("f4")
    table = {"pt": ak.unflatten(pt, n), "eta": rng.normal(0, 1.5, 3000), "id": np.arange(3000.0)}
    rounded = columns.open(columns.compress(table, {"*": "mantissa = 6"}, cluster=1000))
    restored = columns.open(columns.compress(table, {"*": "restore = 6"}, cluster=1000))
    assert {row.policy for row in restored.audit()} == {"restore = 6"}
    assert restored.audit().total.n_bytes_after == rounded.audit().total.n_bytes_after
    assert ak.all(restored.array("pt", 900, 1200) == restored["pt"][900:1200])
    for name in ("pt", "eta"):
        before, after = (np.asarray(ak.flatten(t[name], axis=None)) for t in (rounded, restored))
        assert (before != after).mean() > 0.9 and np.unique(after).size > 2 * np.unique(before).size
        again = columns.open(columns.compress({"x": after}, {"x": "mantissa = 6"}))["x"]
        assert (again == before).all()
    assert (restored["id"][:64] == np.arange(64)).all()


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        ({"Moun_*": "lossless"}, "'Moun_\\*' of the policy matches no branch"),
        ({"run": "mantissa = 9"}, "'run' of the policy says mantissa = 9 and matches no branch of floats"),
        ({"passed": "abs = 1"}, "matches no branch of numbers"),
        ({"run": "restore = 9"}, "'run' of the policy says restore = 9 and matches no branch of floats"),
        ({"met": "restore"}, "'restore' has no number for 'met'"),
        ({"met": {"restore": "jets.model"}}, "whole number"),
        ({"met": "keep"}, "is no rule for 'met'"),
        ({"met": "mantissa"}, "no number"),
        ({"met": "mantissa = many"}, "no number"),
        ({"met": "mantissa = 3.5"}, "whole number"),
        ({"met": {"abs": 1, "mantissa": 2}}, "is no rule"),
        ({"met": 3}, "is no rule"),
        ([("met",)], "is not \\(glob, rule\\)"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(arrays, policy, told):
    with pytest.raises(collapsar.ArgumentError, match=told):
        columns.compress(arrays, policy)


def test_what_is_no_column_is_refused_by_its_name():
    table = {"x": np.zeros(2), "r": ak.Array([{"a": 1}, {"a": 2}]), "u": ak.Array([1, "b"])}
    with pytest.raises(TypeError, match="'r'.*'u'.*exclude them"):
        columns.compress(table)
    assert columns.open(columns.compress(table, {"[ru]": "exclude"})).keys() == ["x"]
    left = columns.open(columns.compress(table, unsupported="exclude"))
    assert left.keys() == ["x"] and {row.branch for row in left.audit() if row.policy == "exclude"} == {"r", "u"}
    for bad in (np.array([object()]), np.zeros(2, "c8"), np.zeros(2, "f4,i4"), np.ma.masked_equal([1, 2], 1)):
        with pytest.raises(TypeError, match="'bad'"):
            columns.compress({"bad": bad})
    with pytest.raises(collapsar.ArgumentError, match="'a' has 1, 'b' has 2"):
        columns.compress({"a": np.zeros(1), "b": np.zeros(2)})
    with pytest.raises(TypeError, match="single value"):
        columns.compress({"a": 3})
    with pytest.raises(TypeError, match="not int"):
        columns.compress(3)


def test_a_range_of_entries_decodes_the_clusters_that_it_touches():
    rng = np.random.default_rng(5)
    n = 6 * 2048
    counts = rng.poisson(2, n)
    flat, lists = rng.normal(size=n), jagged(rng.normal(size=counts.sum()), counts)
    table = columns.open(columns.compress({"x": flat, "y": lists}, level=1, cluster=2048))
    assert table.n_chunks_decoded == 0
    same(table.array("x", 2048, 4096), flat[2048:4096])
    assert table.n_chunks_decoded == 1
    same(table.array("x", 4095, 4097), flat[4095:4097])
    assert table.n_chunks_decoded in (2, 3)  # what was decoded lately is kept
    fresh = columns.open(columns.compress({"y": lists}, level=1, cluster=2048))
    assert fresh.array("y", 9000, 9010).to_list() == lists[9000:9010].to_list()
    assert fresh.n_chunks_decoded == 2  # lengths and content
    fresh.array("y", 0, 0)
    assert fresh.n_chunks_decoded == 2


def test_lengths_of_lists_are_stored_once(arrays):
    shared = {name: arrays[name] for name in ("nMuon", "Muon_pt", "Muon_charge")}
    rows = {row.branch: row for row in columns.open(columns.compress(shared, cluster=N)).audit()}
    alone = {"Muon_charge": arrays["Muon_charge"]}
    [row] = columns.open(columns.compress(alone, cluster=N)).audit()
    assert row.n_bytes_before == rows["Muon_charge"].n_bytes_before
    assert rows["Muon_charge"].n_bytes_after < row.n_bytes_after - rows["nMuon"].n_bytes_after // 2


def test_the_same_table_gives_the_same_bytes(arrays, tmp_path):
    policy = {"Muon_pt": "mantissa = 10"}
    packed = columns.compress(arrays, policy, cluster=CLUSTER)
    assert packed == columns.compress(dict(arrays), list(policy.items()), cluster=CLUSTER)
    columns.compress_file(arrays, tmp_path / "a.columns", policy, cluster=CLUSTER)
    assert (tmp_path / "a.columns").read_bytes() == packed


def test_any_zip_program_reads_the_file_and_a_member_is_a_chunk(arrays):
    with zipfile.ZipFile(io.BytesIO(columns.compress(arrays))) as file:
        assert file.testzip() is None
        manifest = json.loads(file.read("manifest.json"))
        said = next(column for column in manifest["columns"] if column["name"] == "event")
        [[_, [chunk, start, n]]] = said["pieces"]
        samples = collapsar.decode(file.read(str(chunk)))[start : start + n]
        assert (samples == arrays["event"]).all()
        chunk_names = set(file.namelist()) - {"manifest.json"}
        assert all(name.removesuffix(".bytes").isdigit() for name in chunk_names)


def test_numbers_that_are_smaller_as_bytes_are_kept_as_bytes():
    rng = np.random.default_rng(2)
    decimals = rng.normal(20, 3, 3000).round(4)
    packed = columns.compress({"x": decimals, "y": -np.repeat(decimals[:1000], 3)}, {"y": "mantissa = 26"})
    table = columns.open(packed)
    rows = {row.branch: row for row in table.audit()}
    assert rows["x"].n_bytes_after < len(collapsar.encode(decimals))
    with zipfile.ZipFile(io.BytesIO(packed)) as file:
        assert (np.frombuffer(collapsar.decompress(file.read("0.bytes"))) == decimals).all()
    same(table["x"], decimals)
    same(table["y"], collapsar.decode(collapsar.encode(-np.repeat(decimals[:1000], 3), mantissa=26)))


def test_files_are_whole_and_kept(arrays, tmp_path):
    path = tmp_path / "a.columns"
    audit = columns.compress_file(arrays, path, cluster=CLUSTER)
    assert audit.n_bytes_file == path.stat().st_size
    with pytest.raises(FileExistsError):
        columns.compress_file(arrays, path)
    with pytest.raises(collapsar.ArgumentError):
        columns.compress_file(arrays, tmp_path / "b.columns", {"no": "lossless"})
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.columns"]
    columns.compress_file({"x": np.zeros(3)}, path, replace=True)
    with columns.open(path) as table:
        assert table.keys() == ["x"]
    with pytest.raises(ValueError, match="closed"):
        table["x"]


def written(arrays, path):
    """A ROOT file as uproot writes it: muons by a counter."""
    muons = {name[5:]: array for name, array in arrays.items() if name.startswith("Muon_")}
    rest = {name: array for name, array in arrays.items() if "Muon" not in name}
    with uproot.recreate(path) as file:
        tree(file, "Events", {**rest, "Muon": ak.zip(muons)})
    return path


def tree(file, name, arrays):
    """A TTree; newer versions of uproot write an RNTuple where they are not told."""
    types = {
        key: array.type.content if isinstance(array, ak.Array) else np.dtype((array.dtype, array.shape[1:]))
        for key, array in arrays.items()
    }
    file.mktree(name, types)
    file[name].extend(arrays)


def test_a_root_file_in_and_out(arrays, tmp_path):
    path = written(arrays, tmp_path / "a.root")
    audit = columns.compress_file(f"{path}:Events", tmp_path / "a.columns", cluster=CLUSTER)
    assert all(row.n_bytes_stored for row in audit)
    with columns.open(tmp_path / "a.columns") as table, uproot.open(path) as file:
        events = file["Events"]
        assert table.keys() == events.keys()
        assert columns.compress(events, cluster=CLUSTER) == (tmp_path / "a.columns").read_bytes()
        for name, array in arrays.items():
            same(table[name], array if name != "nMuon" else array.astype("i4"))
        table.to_root(tmp_path / "b.root")
        with uproot.open(tmp_path / "b.root") as again:
            assert sorted(again["Events"].keys()) == sorted(events.keys())
            assert again["Events"].typenames() == events.typenames()
            for name in events.keys():
                same(again["Events"][name].array(), events[name].array())


def test_two_branches_of_one_name_are_both_kept(tmp_path):
    with uproot.recreate(tmp_path / "a.root") as file:
        tree(file, "t", {"passed": np.arange(4), "passeb": np.arange(4) + 9})
    data = (tmp_path / "a.root").read_bytes()
    (tmp_path / "a.root").write_bytes(data.replace(b"passeb", b"passed"))
    table = columns.open(columns.compress(tmp_path / "a.root"))
    assert table.keys() == ["passed", "passed;2"]
    assert table["passed"].tolist() == [0, 1, 2, 3] and table["passed;2"].tolist() == [9, 10, 11, 12]


def test_an_rntuple_is_read_by_its_fields(arrays, tmp_path):
    if not hasattr(uproot.WritableDirectory, "mkrntuple"):
        pytest.skip("this uproot writes no RNTuple")
    muons = ak.zip({name: arrays[f"Muon_{name}"] for name in ("pt", "charge")})
    with uproot.recreate(tmp_path / "a.root") as file:
        file.mkrntuple("Events", {"met": arrays["met"], "Muon": muons, "vertex": arrays["vertex"]})
    table = columns.open(columns.compress(tmp_path / "a.root", cluster=CLUSTER))
    assert sorted(table) == ["Muon.charge", "Muon.pt", "met", "vertex"]
    for name in table:
        same(table[name], arrays[name.replace(".", "_")])


def test_strings_go_into_a_tree_and_lists_of_lists_do_not(tmp_path):
    table = columns.open(columns.compress({"s": ak.Array(["a", "bc"]), "x": np.zeros(2)}))
    table.to_root(tmp_path / "a.root", "t")
    with uproot.open(tmp_path / "a.root") as file:
        assert file["t"]["s"].array().to_list() == ["a", "bc"]
        same(columns.open(columns.compress(file["t"]))["x"], np.zeros(2))
    for array in ([[[1]], []], [1, None], [["a"], []]):
        with pytest.raises(TypeError, match="'deep'"):
            columns.open(columns.compress({"deep": ak.Array(array)})).to_root(tmp_path / "b.root")
    with pytest.raises(FileExistsError):
        table.to_root(tmp_path / "a.root")
    table.to_root(tmp_path / "a.root", replace=True)
    assert uproot.open(tmp_path / "a.root").keys(cycle=False) == ["tree"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.root"]
    said = {"nx": np.array([5, 6], "i4"), "x": ak.Array([[1], []])}
    with pytest.raises(collapsar.ArgumentError, match="counts 'x' by 'nx'"):
        columns.open(columns.compress(said)).to_root(tmp_path / "b.root")


def test_a_root_file_of_several_trees_asks_which(tmp_path):
    with uproot.recreate(tmp_path / "a.root") as file:
        tree(file, "one", {"x": np.zeros(2)})
        tree(file, "two", {"y": np.zeros(2)})
    with pytest.raises(collapsar.ArgumentError, match="one, two"):
        columns.compress(tmp_path / "a.root")
    assert columns.open(columns.compress(tmp_path / "a.root", tree="two")).keys() == ["y"]
    with pytest.raises(FileNotFoundError):
        columns.compress(tmp_path / "none.root")


@pytest.fixture
def arrow(arrays):
    """A table with what Arrow has and ROOT has not."""
    kinds = pa.array(["e", "mu", None, "e"] * (N // 4)).dictionary_encode()
    when = pa.array(np.arange(N), pa.timestamp("us", tz="UTC"))
    small = pa.array([[1, 2], None, [None], []] * (N // 4), pa.list_(pa.int16()))
    plain = {name: arrays[name] for name in ("met", "event", "passed", "level")}
    table = {
        **plain,
        "kind": kinds,
        "when": when,
        "small": small,
        "pt": ak.to_arrow(arrays["Muon_pt"], extensionarray=False),
    }
    return pa.table(table).replace_schema_metadata({"made by": "a test"})


def test_a_table_of_arrow_and_a_parquet_file_in_and_out(arrow, tmp_path):
    packed = columns.compress(arrow, cluster=CLUSTER)
    table = columns.open(packed)
    again = table.to_arrow()
    assert again.schema.equals(arrow.schema, check_metadata=True)
    for name in arrow.schema.names:
        assert name == "pt" or again[name].to_pylist() == arrow[name].to_pylist()
    same(table["pt"], ak.from_arrow(arrow["pt"]))
    part = table.to_arrow(290, 310)
    assert part["small"].to_pylist() == arrow["small"].to_pylist()[290:310]

    pq.write_table(arrow, tmp_path / "a.parquet", row_group_size=170)
    audit = columns.compress_file(tmp_path / "a.parquet", tmp_path / "a.columns", cluster=CLUSTER)
    assert all(row.n_bytes_stored for row in audit)
    columns.open(tmp_path / "a.columns").to_parquet(tmp_path / "b.parquet", compression="zstd")
    a, b = pq.read_table(tmp_path / "a.parquet"), pq.read_table(tmp_path / "b.parquet")
    assert a.schema.equals(b.schema, check_metadata=True)
    for name in a.schema.names:
        assert name == "pt" or a[name].to_pylist() == b[name].to_pylist()
    assert pq.ParquetFile(tmp_path / "b.parquet").num_row_groups == -(-N // CLUSTER)


def test_columns_go_from_root_to_parquet_and_chunked_tables_are_one(arrays, tmp_path):
    columns.open(columns.compress(arrays, cluster=CLUSTER)).to_parquet(tmp_path / "a.parquet")
    table = columns.open(columns.compress(tmp_path / "a.parquet", cluster=CLUSTER))
    for name, array in arrays.items():
        same(ak.drop_none(table[name]) if isinstance(table[name], ak.Array) else table[name], array)
    chunked = pa.chunked_array([[1.0], [], [2.0, 3.0]])
    assert columns.open(columns.compress(pa.table({"x": chunked})))["x"].tolist() == [1, 2, 3]
    with pytest.raises(TypeError, match="'r'"):
        columns.compress(pa.table({"r": pa.array([{"a": 1}])}))


def test_the_audit_adds_up_and_is_sorted(arrays, tmp_path):
    audit = columns.compress_file(arrays, tmp_path / "a", {"event": "exclude"}, cluster=CLUSTER)
    kept = [row for row in audit if row.policy != "exclude"]
    sizes = [row.n_bytes_after for row in kept]
    assert sizes == sorted(sizes, reverse=True) and audit.rows[-1].branch == "event"
    assert audit.total.n_bytes_after == sum(sizes)
    with zipfile.ZipFile(tmp_path / "a") as file:
        members = {said.filename: said.file_size for said in file.infolist()}
    del members["manifest.json"]
    assert audit.total.n_bytes_after == sum(members.values())
    assert audit.total.n_bytes_after + audit.n_bytes_around == audit.n_bytes_file == (tmp_path / "a").stat().st_size
    wanted = sum(array.nbytes for name, array in arrays.items() if isinstance(array, np.ndarray) and name != "event")
    lists = [array for array in arrays.values() if isinstance(array, ak.Array)]
    wanted += sum(4 * N + ak.to_numpy(ak.flatten(array)).nbytes for array in lists)
    assert audit.total.n_bytes_before == wanted and audit.excluded.n_bytes_before == arrays["event"].nbytes
    lines = str(audit).splitlines()
    assert lines[0].split() == ["branch", "type", "policy", "before", "stored", "after", "ratio"]
    assert lines[-1].startswith("left out") and len({len(line) for line in lines[1 :: len(kept) + 2]}) == 1


def test_damage_raises_and_never_gives_other_numbers():
    rng = np.random.default_rng(9)
    table = {"x": rng.normal(size=40).astype("f4"), "y": ak.Array([[1, 2], [], [3]] * 13 + [[4]])}
    packed = columns.compress(table, level=1, cluster=16)
    n_raised = 0
    flipped = range(0, 8 * len(packed), 29)
    for bit in flipped:
        damaged = bytearray(packed)
        damaged[bit // 8] ^= 1 << bit % 8
        try:
            got = columns.open(damaged)
            for name in table:
                same(got[name], table[name])
        except collapsar.Error:
            n_raised += 1
    assert n_raised > len(flipped) // 2  # what a ZIP says of dates and systems is not read
    for n in (0, 1, 21, 100, len(packed) // 2, len(packed) - 1):
        with pytest.raises(collapsar.CorruptError):
            columns.open(packed[:n])
    with pytest.raises(collapsar.CorruptError):
        columns.open(b"no file of columns")


def test_damage_names_the_column(arrays, tmp_path):
    path = tmp_path / "a.columns"
    columns.compress_file({"x": np.random.default_rng(1).normal(size=5000)}, path)
    with zipfile.ZipFile(path) as file:
        at = file.getinfo("0").header_offset + 200
    damaged = bytearray(path.read_bytes())
    damaged[at] ^= 1
    path.write_bytes(damaged)
    with columns.open(path) as table, pytest.raises(collapsar.CorruptError, match="column 'x' of .*a.columns"):
        table["x"]


def test_a_manifest_that_contradicts_its_chunks_raises():
    packed = columns.compress({"x": np.arange(5.0), "y": ak.Array([[1, 2], [], [], [3], []])})
    with zipfile.ZipFile(io.BytesIO(packed)) as file:
        members = {name: file.read(name) for name in file.namelist()}

    def changed(change):
        manifest = json.loads(members["manifest.json"])
        change(manifest)
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as file:
            for name, data in {**members, "manifest.json": json.dumps(manifest)}.items():
                file.writestr(name, data)
        return out.getvalue()

    def read(packed):
        table = columns.open(packed)
        return [table[name] for name in ("x", "y")]

    x, y = (lambda m, at=at: m["columns"][at] for at in (0, 1))
    changes = [
        lambda m: m.update(n_entries=6),
        lambda m: m.update(n_entries=-1),
        lambda m: m.update(cluster=2),
        lambda m: m.update(format="another"),
        lambda m: m.pop("columns"),
        lambda m: x(m).update(type="var * float64"),
        lambda m: x(m).update(type="float32"),
        lambda m: x(m).update(type="object"),
        lambda m: x(m)["pieces"][0][1].__setitem__(0, 99),
        lambda m: x(m)["pieces"][0][1].__setitem__(1, 3),
        lambda m: y(m)["pieces"][0].__setitem__(1, None),
        lambda m: y(m)["pieces"][0][3].__setitem__(2, 2),
    ]
    assert len(read(changed(lambda m: None))) == 2
    for change in changes:
        with pytest.raises(collapsar.CorruptError):
            read(changed(change))
    with pytest.raises(collapsar.UnsupportedError):
        read(changed(lambda m: m.update(version=2)))


def test_the_command(arrays, tmp_path):
    def run(*words):
        return subprocess.run(
            [sys.executable, "-m", "collapsar", "columns", *words], cwd=tmp_path, capture_output=True, text=True
        )

    written(arrays, tmp_path / "a.root")
    (tmp_path / "p.json").write_text('{"Muon_*": "mantissa = 10"}')
    packed = run("compress", "a.root", "a.columns", "--policy", "p.json")
    assert packed.returncode == 0 and "mantissa = 10" in packed.stdout, packed.stderr
    assert run("audit", "a.columns").stdout == packed.stdout
    assert run("decompress", "a.columns", "b.root").returncode == 0
    assert uproot.open(tmp_path / "b.root")["Events"].num_entries == N
    assert run("decompress", "a.columns", "b.root").returncode == 1
    assert run("decompress", "a.columns", "b.root", "--replace").returncode == 0
    assert run("decompress", "a.columns", "b.parquet").returncode == 0
    assert pq.read_table(tmp_path / "b.parquet").num_rows == N
    again = run("compress", "a.root", "a.columns")
    assert again.returncode == 1 and again.stderr.startswith("error: ") and "Traceback" not in again.stderr


def test_a_package_that_is_missing_is_named(monkeypatch, tmp_path):
    packed = columns.compress({"x": np.zeros(3), "y": ak.Array([[1], [], []])})
    for missing in ("awkward", "pyarrow", "uproot"):
        monkeypatch.setitem(sys.modules, missing, None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    table = columns.open(packed)
    assert table["x"].tolist() == [0, 0, 0]
    with pytest.raises(ImportError, match="needs awkward: pip install collapsar\\[columns\\]"):
        table["y"]
    with pytest.raises(ImportError, match="needs pyarrow"):
        table.to_arrow()
    with pytest.raises(ImportError, match="needs uproot"):
        table.to_root(tmp_path / "a.root")
