"""What tests share: small frames, and files of them."""

import numpy as np
import pytest


@pytest.fixture
def frame():
    """Counts with noise, as of a camera."""
    rng = np.random.default_rng(7)
    return rng.poisson(900, (300, 310)).astype(np.uint16)


@pytest.fixture
def field():
    """A smooth float field."""
    y, x = np.mgrid[0:200, 0:180].astype(np.float32)
    return np.sin(x / 17) * np.cos(y / 23) * 40 + 280


def fits(*planes):
    """A FITS file: a primary HDU without data, and an image extension of big-endian samples for each plane."""

    def hdu(cards, data=b""):
        head = "".join(f"{key:8}= {value:>20}".ljust(80) for key, value in cards)
        head += "COMMENT written by a test".ljust(80) + "END".ljust(80)
        head = head.encode().ljust(-(-len(head) // 2880) * 2880)
        return head + data.ljust(-(-len(data) // 2880) * 2880, b"\0")

    out = hdu([("SIMPLE", "T"), ("BITPIX", 8), ("NAXIS", 0), ("EXTEND", "T")])
    for number, plane in enumerate(planes):
        bits = {"i2": 16, "f4": -32}[plane.dtype.str[1:]]
        h, w = plane.shape
        cards = [("XTENSION", "'IMAGE   '"), ("BITPIX", bits), ("NAXIS", 2), ("NAXIS1", w), ("NAXIS2", h)]
        cards += [("PCOUNT", 0), ("GCOUNT", 1), ("EXTNAME", f"'P{number}'"), ("EXPTIME", 1.5 + number)]
        out += hdu(cards, plane.astype(plane.dtype.newbyteorder(">")).tobytes())
    return out
