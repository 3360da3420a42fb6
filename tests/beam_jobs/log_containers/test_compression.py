import gzip
import json
import zlib

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from tfx_vigil.beam_jobs.log_containers.compression import (
    PIECE_BYTES,
    Damaged,
    decompressed,
    peek,
    stored,
)

from .reading import damages, extent

DATA = b"".join(json.dumps({"n": n, "text": "é" * (n % 50)}).encode() + b"\n" for n in range(2000))
HALF = len(DATA) // 2


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=True).compress(data)


def blocks(data: bytes) -> bytes:
    packer = zstandard.ZstdCompressor().compressobj()
    packed = [
        packer.compress(data[n : n + 5000]) + packer.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
        for n in range(0, len(data), 5000)
    ]
    return b"".join(packed) + packer.flush()


SKIPPED = b"\x50\x2a\x4d\x18\x03\0\0\0abc"
PACKED = {
    "plain": DATA,
    "gzip": gzip.compress(DATA),
    "members": gzip.compress(DATA[:HALF]) + b"\0" * 7 + gzip.compress(DATA[HALF:]) + b"\0",
    "zstd": zstd(DATA),
    "small blocks": blocks(DATA),
    "frames": SKIPPED + zstd(DATA[:HALF]) + SKIPPED + blocks(DATA[HALF:]),
}
REASONS = {
    name: "damaged_gzip" if name in ("gzip", "members") else "damaged_zstd" for name in PACKED
}
ZEROS = bytes(1 << 27)


def unpack(path, data: bytes) -> tuple[bytes, tuple[str, bool] | None]:
    read = bytearray()
    try:
        for piece in decompressed(extent(path, data)):
            read += piece
    except Damaged as damage:
        return bytes(read), (damage.reason, damage.cut)
    return bytes(read), None


@pytest.mark.parametrize("name", PACKED)
def test_compression_is_seen_by_its_magic_and_members_and_frames_are_joined(tmp_path, name):
    assert unpack(tmp_path / "log", PACKED[name]) == (DATA, None)


@pytest.mark.parametrize("name", ["gzip", "members", "zstd", "small blocks"])
def test_a_cut_file_is_read_up_to_the_cut_and_said_to_be_cut(tmp_path, name):
    packed, longest = PACKED[name], 0
    for size in [*range(5, 60), *range(60, len(packed) - 9, 97), len(packed) - 9]:
        read, damage = unpack(tmp_path / "log", packed[:size])
        assert DATA.startswith(read)
        assert damage in (
            (f"damaged_{'gzip' if name in ('gzip', 'members') else 'zstd'}", True),
            None,
        )
        assert damage or read == DATA[:HALF]
        longest = max(longest, len(read))
    assert longest > 0.9 * len(DATA) or name == "zstd"


@pytest.mark.parametrize(
    ("packed", "reason"), [(gzip.compress(DATA), "damaged_gzip"), (zstd(DATA), "damaged_zstd")]
)
def test_a_wrong_checksum_is_said_after_the_data(tmp_path, packed, reason):
    wrong = bytearray(packed)
    wrong[-5 if reason == "damaged_gzip" else -1] ^= 1
    assert unpack(tmp_path / "log", bytes(wrong)) == (DATA, (reason, False))


@pytest.mark.parametrize("name", ["gzip", "frames"])
def test_what_follows_and_is_neither_member_nor_frame_is_damage(tmp_path, name):
    read, damage = unpack(tmp_path / "log", PACKED[name] + b"no member")
    assert read == DATA
    assert damage == (REASONS[name], False)


def test_corrupt_gzip_is_read_up_to_the_last_byte_that_is_sure(tmp_path):
    packer = zlib.compressobj(wbits=31)
    packed = packer.compress(DATA) + packer.flush(zlib.Z_FULL_FLUSH)
    read, damage = unpack(tmp_path / "log", packed + b"\xff" * 100)
    assert (read, damage) == (DATA, ("damaged_gzip", False))


@settings(max_examples=150, deadline=None)
@given(st.data(), st.sampled_from(["gzip", "members", "zstd", "frames", "small blocks"]))
def test_no_damage_raises_anything_else(tmp_path_factory, data, name):
    damaged = data.draw(damages(PACKED[name]))
    unpack(tmp_path_factory.mktemp("fuzz") / "log", damaged.data)


@pytest.mark.parametrize("pack", [gzip.compress, zstd])
def test_a_bomb_comes_in_small_pieces(tmp_path, pack):
    sizes = [len(piece) for piece in decompressed(extent(tmp_path / "log", pack(ZEROS)))]
    assert sum(sizes) == len(ZEROS)
    assert max(sizes) <= PIECE_BYTES


def test_what_is_appended_after_the_listing_is_not_read(tmp_path):
    listed = extent(tmp_path / "log", DATA)
    with (tmp_path / "log").open("ab") as file:
        file.write(b"more")
    assert b"".join(stored(listed)) == DATA
    assert b"".join(stored(listed, 10, 30)) == DATA[10:30]


def test_a_peek_loses_nothing_not_even_the_damage(tmp_path):
    head, pieces = peek(decompressed(extent(tmp_path / "log", PACKED["gzip"][:-1])), 1 << 30)
    assert head == DATA
    assert next(pieces) == DATA
    with pytest.raises(Damaged):
        next(pieces)
