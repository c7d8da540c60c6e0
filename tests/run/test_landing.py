"""Sources from files: landed whole, landed again, computed as DuckDB computes the same file."""

from __future__ import annotations

import bz2
import gzip
import lzma
from dataclasses import replace
from datetime import date, datetime, timezone
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
import pytest
import zstandard
from bson.decimal128 import Decimal128
from bson.objectid import ObjectId
from pyarrow import parquet

from dashpipe.run.errors import Refused, RunError
from dashpipe.spec.model import File, Source, Time
from tests.run import landed
from tests.run.landed import Yard

Document = dict[str, Any]


def csv(numbers: range = range(1, 101), **changed: str) -> str:
    """A file of orders."""
    return "\n".join([landed.COLUMNS, *landed.lines(numbers, **changed)]) + "\n"


ORACLE = """
SELECT strftime("at", '{label}') || '|' || coalesce(replace(replace(shop, '\\', '\\\\'), '|', '\\p'), '\\N'),
       count(*), sum(pieces), sum(paid), avg(weight)
FROM {read} GROUP BY ALL
"""
READ_CSV = """read_csv('{path}', header = true, columns = {{id: 'BIGINT', "at": 'TIMESTAMP', shop: 'VARCHAR',
  pieces: 'BIGINT', paid: 'DECIMAL(18, 3)', weight: 'DOUBLE'}})"""


def by_duckdb(read: str, label: str = "%Y-%m-%d") -> dict[str, tuple[Any, ...]]:
    """The rows as DuckDB computes them from the same file."""
    found = duckdb.sql(ORACLE.format(read=read, label=label)).fetchall()
    return {key: (n, pieces or 0, paid, weight) for key, n, pieces, paid, weight in found}


def computed(rows: dict[str, Document]) -> dict[str, tuple[Any, ...]]:
    """The rows of a target, in the same form."""
    return {
        key: (one["orders"], one["pieces"], one["paid"].to_decimal(), pytest.approx(one["weight"], rel=1e-9))
        for key, one in rows.items()
    }


def test_a_csv_file_gives_the_rows_that_duckdb_gives(yard: Yard) -> None:
    """Local times, NULLs, quotes, line ends in text, exact decimals: by day and by month."""
    path = yard.write("data/orders.csv", csv())
    done = yard.go()
    about = done["steps"]["extract_orders"]["landed"]
    assert about == {"files": 1, "read": 1, "bad": 0, "inserted": 100, "changed": 0, "same": 0, "removed": 0}
    read = READ_CSV.format(path=path)
    assert computed(yard.rows()) == by_duckdb(read)
    assert computed(yard.rows("dash_orders_month")) == by_duckdb(read, "%Y-%m-01")


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz", ".zst"])
def test_a_compressed_file_is_the_same(yard: Yard, suffix: str) -> None:
    """What a file's name ends in says how it is compressed."""
    pack = {
        ".gz": gzip.compress,
        ".bz2": bz2.compress,
        ".xz": lzma.compress,
        ".zst": zstandard.ZstdCompressor().compress,
    }
    yard.write(f"data/orders.csv{suffix}", pack[suffix](csv().encode()))
    yard.go(landed.of(replace(landed.FILE, path=f"data/orders.csv{suffix}")))
    plain = yard.write("data/plain.csv", csv())
    assert computed(yard.rows()) == by_duckdb(READ_CSV.format(path=plain))


def test_a_parquet_file_gives_the_rows_that_duckdb_gives(yard: Yard) -> None:
    """Decimals and times come exactly as the file's own types have them; nanoseconds are cut off."""
    plain = yard.write("data/plain.csv", csv())
    (yard.folder / "data").mkdir(exist_ok=True)
    path = yard.folder / "data/orders.parquet"
    duckdb.sql(
        f'COPY (SELECT * REPLACE (timezone(\'Asia/Shanghai\', "at")::TIMESTAMPTZ AS "at") '
        f"FROM {READ_CSV.format(path=plain)}) TO '{path}' (FORMAT parquet, ROW_GROUP_SIZE 30)"
    )
    yard.go(landed.of(File("data/orders.parquet", "parquet", key=("id",))))
    assert computed(yard.rows()) == by_duckdb(READ_CSV.format(path=plain))
    one = yard.raw()["7"]
    assert one["paid"] == Decimal128("7.070")
    assert one["at"] == datetime(2024, 3, 7, 17, 59, 59, 7000, tzinfo=timezone.utc)  # 01:59 in Shanghai


def test_parquet_types(yard: Yard) -> None:
    """Structs, lists, dates, times without an offset, unsigned numbers become what MongoDB has for them."""
    table = pa.table(
        {
            "at": pa.array([1_709_251_200_123_456_789], pa.timestamp("ns", "UTC")),
            "local": pa.array([datetime.fromisoformat("2024-03-01T08:00")], pa.timestamp("us")),
            "day": pa.array([date(2024, 3, 1)]),
            "who": pa.array([{"name": "a", "tags": ["x", None]}]),
            "n": pa.array([2**63 - 1], pa.uint64()),
            "price": pa.array([Decimal("12345678901234567890.1234")], pa.decimal128(24, 4)),
            "a.b": pa.array([1]),
        }
    )
    (yard.folder / "data").mkdir()
    parquet.write_table(table, yard.folder / "data/x.parquet")
    yard.go(landed.of(File("data/x.parquet", "parquet"), fields=landed.SOURCE.fields[1:2]))
    (one,) = yard.raw().values()
    assert {key: one[key] for key in one if key not in ("_id", "_landed")} == {
        "at": datetime(2024, 3, 1, 0, 0, 0, 123000, tzinfo=timezone.utc),
        "local": "2024-03-01T08:00:00",
        "day": "2024-03-01",
        "who": {"name": "a", "tags": ["x", None]},
        "n": 2**63 - 1,
        "price": Decimal128("12345678901234567890.1234"),
        "a": {"b": 1},
    }
    assert one["_id"] == "data/x.parquet|000000000001"


JSONL = """\
{"_id":{"$oid":"65e1a2b3c4d5e6f708192a3b"}, "at":{"$date":"2024-03-01T00:00:00.5Z"}, "n":{"$numberLong":"5"}}
{"_id": "text|1", "at":"2024-03-01T08:00:00+08:00", "n": 9007199254740993, "x":1.5, "p":0.1, "o": {"a": [1]}}

{"_id": 3, "at": {"$date": {"$numberLong": "1709251200000"}}, "p": {"$numberDecimal": "0.10"}, "x": 5}
"""


def test_json_lines_and_exports_of_mongodb(yard: Yard) -> None:
    """Whole numbers stay whole past 2^53, declared decimals exact, and extended JSON is what it says."""
    yard.write("data/x.jsonl", JSONL)
    types = (replace(landed.SOURCE.fields[3], path="p"),)
    yard.go(landed.of(File("data/x.jsonl", "jsonl", key=("_id",)), fields=(*landed.SOURCE.fields, *types)))
    found = {key: {**one, "_landed": one["_landed"]["row"]} for key, one in yard.raw().items()}
    utc = datetime(2024, 3, 1, tzinfo=timezone.utc)
    assert found == {
        "65e1a2b3c4d5e6f708192a3b": {
            "_id": "65e1a2b3c4d5e6f708192a3b",
            "at": utc.replace(microsecond=500000),
            "n": 5,
            "_landed": 1,
        },
        "text\\p1": {
            "_id": "text\\p1",
            "at": utc,
            "n": 9007199254740993,
            "x": 1.5,
            "p": Decimal128("0.1"),
            "o": {"a": [1]},
            "_landed": 2,
        },
        "3": {"_id": "3", "at": utc, "p": Decimal128("0.10"), "x": 5, "_landed": 4},
    }


def test_an_unchanged_file_is_not_read_again(yard: Yard) -> None:
    """Neither documents nor partitions change, and the run after an untouched file recomputes nothing."""
    yard.write("data/orders.csv", csv())
    yard.go()
    before = yard.raw()
    done = yard.go(start=None, end=None)
    about = done["steps"]["extract_orders"]
    assert about["landed"]["read"] == 0
    assert "stale" not in about
    assert yard.raw() == before


def test_a_changed_file_makes_only_its_changed_partitions_stale(yard: Yard) -> None:
    """A changed, a moved, a removed and a new row: the days they were in and are in, and no others."""
    yard.write("data/orders.csv", csv())
    yard.go()
    other = {
        "21": "21,2024-03-02 12:00,north,777,1,1",  # changed in the 2nd
        "33": "33,2024-03-05 12:00,north,1,1,1",  # moved from the 4th to the 5th
    }
    text = csv(**other).splitlines(keepends=True)
    kept = [one for one in text if not one.startswith("36,")]  # of the 7th
    path = yard.write("data/orders.csv", "".join(kept) + "500,2024-03-09 01:00,north,3,1,1\n")
    done = yard.go(start=date(2024, 3, 10), end=date(2024, 3, 11))
    about = done["steps"]["extract_orders"]["landed"]
    assert about == {"files": 1, "read": 1, "bad": 0, "inserted": 1, "changed": 2, "same": 97, "removed": 1}
    days = ("02", "04", "05", "07", "09")
    assert {one for one in yard.stale() if one[0] == "day"} == {("day", f"2024-03-{one}") for one in days}
    yard.go(start=None, end=None)
    assert yard.stale() == set()
    assert computed(yard.rows()) == by_duckdb(READ_CSV.format(path=path))


def test_every_reader_of_a_collection_sees_each_change(yard: Yard) -> None:
    """Two subjects land one file: what the one landed turns stale with the other too, also what vanished."""
    yard.write("data/orders.csv", csv())
    second = replace(
        landed.SUBJECT, name="second", target=replace(landed.SUBJECT.target, collection="dash_second")
    )
    yard.go()
    yard.go(second)
    path = yard.write("data/orders.csv", csv(range(1, 95)))
    for subject in (landed.SUBJECT, second):
        yard.go(subject, start=None, end=None)
    assert (
        computed(yard.rows()) == computed(yard.rows("dash_second")) == by_duckdb(READ_CSV.format(path=path))
    )
    assert list(yard.target["dashpipe_landings_moves"].find()) == []


def test_many_files(yard: Yard) -> None:
    """A pattern lands every file; one that is gone takes its rows along; a row may go from one to another."""
    subject = landed.of(replace(landed.FILE, path="data/2024/*.csv"))
    yard.write("data/2024/a.csv", csv(range(1, 41)))
    yard.write("data/2024/b.csv", csv(range(41, 81)))
    yard.write("data/2024/c.csv", csv(range(81, 91)))
    yard.go(subject)
    (yard.folder / "data/2024/c.csv").unlink()
    yard.write("data/2024/a.csv", csv(range(1, 45)))
    yard.write("data/2024/b.csv", csv(range(45, 81)))
    yard.go(subject, start=None, end=None)
    whole = yard.write("data/whole.csv", csv(range(1, 81)))
    assert computed(yard.rows()) == by_duckdb(READ_CSV.format(path=whole))
    assert len(yard.raw()) == 80


def test_without_a_key_a_row_is_known_by_its_line(yard: Yard) -> None:
    """A file that grows adds documents and changes none."""
    subject = landed.of(replace(landed.FILE, key=()))
    yard.write("data/orders.csv", csv(range(1, 51)))
    yard.go(subject)
    yard.write("data/orders.csv", csv(range(1, 61)))
    done = yard.go(subject)
    about = done["steps"]["extract_orders"]["landed"]
    assert (about["inserted"], about["changed"], about["same"], about["removed"]) == (10, 0, 50, 0)
    path = yard.folder / "data/orders.csv"
    assert computed(yard.rows()) == by_duckdb(READ_CSV.format(path=path))


BAD = [
    ("1,2024-03-01", "data/orders.csv:3: it has 2 values, and the first line names 6"),
    ('1,2024-03-01,"a"b,1,1,1', "data/orders.csv:3: its quotes do not match"),
    (",2024-03-01,a,1,1,1", "data/orders.csv:3: `id` of its key is NULL"),
    ("1,2024-03-01,\xff,1,1,1", "data/orders.csv:3: column 3 is not utf-8"),
]


@pytest.mark.parametrize(("line", "said"), BAD)
def test_a_bad_row_is_told_and_nothing_is_landed(yard: Yard, line: str, said: str) -> None:
    """The first bad row by its place, the number of all; what was landed before stays."""
    yard.write("data/orders.csv", csv(range(1, 6)))
    yard.go()
    before = yard.raw()
    text = csv(range(12, 13)) + line + "\n" + csv(range(13, 15)).partition("\n")[2]
    yard.write("data/orders.csv", text.encode().replace("\xff".encode(), b"\xff"))
    with pytest.raises(RunError, match=r"^1 of 4 rows cannot be read, which is more than 0.1 %") as caught:
        yard.go(landed.of(landed.FILE))
    assert said in caught.value.message
    assert yard.raw() == before


def test_some_bad_rows_may_be_allowed(yard: Yard) -> None:
    """Up to `max_bad` they are counted, told and left out."""
    yard.write("data/orders.csv", csv(range(1, 20)) + "x\n")
    told: list[str] = []
    done = yard.go(
        landed.of(replace(landed.FILE, max_bad=0.05)),
        say=lambda event, /, **fields: told.append(str(fields["text"])) if event == "bad row" else None,
    )
    said = "data/orders.csv:26: it has 1 values, and the first line names 6"
    receipt = done["steps"]["extract_orders"]
    assert (receipt["landed"]["bad"], receipt["landed"]["bad_rows"], told) == (1, [said], [said])
    assert len(yard.raw()) == 19
    # A run that need not read the file tells it too.
    again = yard.go(landed.of(replace(landed.FILE, max_bad=0.05)))["steps"]["extract_orders"]
    assert (again["landed"]["read"], again["landed"]["bad_rows"]) == (0, [said])
    assert again["warnings"] == [f"1 row of orders cannot be read and counts nowhere: {said}"]
    # A limit that is lowered holds for what is landed already.
    with pytest.raises(RunError, match="1 of 20 rows cannot be read, which is more than 1 %"):
        yard.go(landed.of(replace(landed.FILE, max_bad=0.01)))


def test_a_value_of_another_type_is_mistyped_as_anywhere(yard: Yard) -> None:
    """It stays text: NULL in the sum, counted in the receipt."""
    yard.write("data/orders.csv", csv(range(1, 20), **{"5": "5,2024-03-06 01:00,north,many,1.5,1"}))
    done = yard.go()
    assert done["steps"]["extract_orders"]["mistyped"] == {"pieces": 1}
    assert yard.raw()["5"]["pieces"] == "many"


def test_a_key_found_twice_fails_with_both_places(yard: Yard) -> None:
    """In one file, and in two files."""
    row = landed.lines(range(7, 8))[0]
    yard.write("data/orders.csv", csv(range(1, 31)) + row + "\n")
    with pytest.raises(
        RunError, match=r"the key 7 is there twice: data/orders.csv:10 and data/orders.csv:40"
    ):
        yard.go()
    yard.write("data/orders.csv", csv(range(1, 31)))
    yard.write("data/zz.csv", csv(range(30, 35)))
    with pytest.raises(RunError, match=r"the key 30 is there twice: data/orders.csv:\d+ and data/zz.csv:2"):
        yard.go(landed.of(replace(landed.FILE, path="data/*.csv")))


def test_what_is_not_allowed_is_refused(yard: Yard, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Another folder, a way out by `..`, links out of the folder, and other URLs; nothing is landed."""
    outside = tmp_path_factory.mktemp("outside")
    (outside / "orders.csv").write_text(csv(), encoding="utf-8")
    (yard.folder / "data").mkdir()
    (yard.folder / "data/link.csv").symlink_to(outside / "orders.csv")
    (yard.folder / "data/linked").symlink_to(outside)
    yard.write("other/orders.csv", csv())
    paths = {
        "other/orders.csv": "does not allow the file other/orders.csv",
        f"data/../../{outside.name}/orders.csv": "does not allow the file",
        str(outside / "orders.csv"): "does not allow the file",
        "data/link.csv": "is a link to a place that dashpipe.toml does not allow",
        "data/linked/orders.csv": "is a link to a place that dashpipe.toml does not allow",
        "data/**/*.csv": "is a link to a place that dashpipe.toml does not allow",
        "memory://bucket/orders.csv": "does not allow the file",
    }
    for path, said in paths.items():
        with pytest.raises(Refused, match=said):
            yard.go(landed.of(replace(landed.FILE, path=path)))
    assert yard.raw() == {}


def test_an_absolute_folder_may_be_allowed(yard: Yard, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A pattern that is absolute names files beside the project; links out of it stay refused."""
    outside = tmp_path_factory.mktemp("outside")
    (outside / "orders.csv").write_text(csv(), encoding="utf-8")
    yard.allow = (f"{outside}/*.csv",)
    yard.go(landed.of(replace(landed.FILE, path=f"{outside}/orders.csv")))
    assert len(yard.raw()) == 100
    (outside / "out.csv").symlink_to(yard.write("data/orders.csv", csv()))
    with pytest.raises(Refused, match="is a link to a place"):
        yard.go(landed.of(replace(landed.FILE, path=f"{outside}/out.csv")))


def test_any_url_of_fsspec(yard: Yard) -> None:
    """A URL whose scheme and host a pattern names; unchanged, it is not read again."""
    import fsspec

    system = fsspec.filesystem("memory")
    system.pipe({"/bucket/orders_1.csv.gz": gzip.compress(csv(range(1, 51)).encode())})
    system.pipe({"/bucket/orders_2.csv.gz": gzip.compress(csv(range(51, 101)).encode())})
    yard.allow = ("memory://bucket/*",)
    subject = landed.of(replace(landed.FILE, path="memory://bucket/orders_*.csv.gz"))
    yard.go(subject)
    plain = yard.write("data/plain.csv", csv())
    assert computed(yard.rows()) == by_duckdb(READ_CSV.format(path=plain))
    assert yard.go(subject)["steps"]["extract_orders"]["landed"]["read"] == 0


def test_a_collection_with_other_documents_is_refused(yard: Yard) -> None:
    """Landing removes what its files do not hold: it never takes a collection that it did not fill."""
    yard.write("data/orders.csv", csv())
    yard.target["raw_orders"].insert_one({"_id": 1})
    with pytest.raises(Refused, match="the collection raw_orders holds documents that were not landed"):
        yard.go()
    assert yard.target["raw_orders"].count_documents({}) == 1


@pytest.mark.parametrize(
    ("name", "content"), [("a.csv.gz", b"no gzip"), ("a.csv.xz", b"x"), ("a.parquet", b"PAR1")]
)
def test_a_broken_file_is_told(yard: Yard, name: str, content: bytes) -> None:
    """What is no archive or no Parquet is a finding with the file's name, not a traceback."""
    yard.write(f"data/{name}", content)
    kind = "parquet" if name.endswith("parquet") else "csv"
    with pytest.raises(RunError, match=f"data/{name} cannot be"):
        yard.go(landed.of(File(f"data/{name}", kind, key=("id",))))


def test_a_missing_file_is_tried_again(yard: Yard) -> None:
    """It may still be delivered."""
    with pytest.raises(RunError, match=r"there is no file data/orders.csv") as caught:
        yard.go()
    assert caught.value.retry


def test_times_in_other_forms_come_as_they_are(yard: Yard) -> None:
    """Seconds, ids and ISO text of a CSV file are what `time` says that they are."""
    made = ObjectId.from_datetime(datetime(2024, 3, 2, tzinfo=timezone.utc))
    text = f"i,s,o\n2024-03-02T00:00:00Z,1709337600,{made}\n"
    yard.write("data/x.csv", text)
    for field, kind in (("i", "iso"), ("s", "epoch_s"), ("o", "object_id")):
        source: Source = replace(
            landed.SOURCE,
            collection=f"raw_{field}",
            time=Time(field, kind),
            file=File("data/x.csv", "csv"),
            dimensions=landed.SOURCE.dimensions,
        )
        subject = replace(
            landed.SUBJECT,
            name=f"of_{field}",
            target=replace(landed.SUBJECT.target, collection=f"of_{field}"),
            sources=(source,),
        )
        yard.go(subject)
        assert list(yard.rows(f"of_{field}")) == ["2024-03-02|\\N"]
