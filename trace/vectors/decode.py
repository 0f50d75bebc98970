"""Reads signed traces as FORMAT.md describes them, and nothing else: no code is shared with the crate.

    decode.py fixes < LINES      each line a signed trace in hexadecimal: prints its fixes
    decode.py annotate < FILE    prints the vectors again, with their bytes explained
"""

import hashlib
import math
import struct
import sys

FLAGS = ("mock", "accuracy", "speed", "course", "altitude")
FIELDS = (
    ("version", "B"), ("alg", "B"), ("context", "B"), ("fix_count", "H"), ("sdk_version", "I"),
    ("clock_offset_ms", "i"), ("sequence", "Q"), ("first_time_ms", "Q"), ("device", "16s"),
    ("network", "8s"), ("trip", "8s"), ("checkpoint", "Q16s"), ("columns", "I"),
)
WRITTEN = (
    "first_time_ms", "sequence", "columns", "checkpoint", "trip", "network", "device",
    "clock_offset_ms", "sdk_version", "fix_count", "context", "alg", "version",
)
SINE = [round(math.sin(i * math.pi / 1800) * 32768) for i in range(4500)]

FIRST_STEP = (None, -12, -8, -6, -4, -3, -2, -1, 0, 1, 2, 3, 4, 6, 8, None)
STEP_BITS = (0, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 0)
AT_FIRST = (
    (24, 16, 16, 16, 16, 16, 16, 88, 15984, 88, 16, 16, 16, 16, 16, 24),
    (16, 16, 16, 24, 72, 232, 552, 2744, 9056, 2744, 552, 232, 72, 24, 16, 16),
    (24, 24, 88, 304, 640, 936, 1680, 2736, 3544, 2736, 1680, 936, 640, 304, 88, 24),
    (48, 64, 144, 480, 736, 1368, 1992, 3360, 3360, 1992, 1368, 736, 480, 144, 64, 48),
)


class Refused(Exception):
    """Bytes that are no signed trace of version 1."""


def i32(value):
    """The number in 32 bits, two's complement, that `value` wraps to."""
    return (value + (1 << 31)) % (1 << 32) - (1 << 31)


class Words:
    """The coder's state and the words yet to come."""

    def __init__(self, columns):
        if len(columns) % 2 or len(columns) < 4:
            raise Refused("columns end within a word")
        self.words = struct.unpack(f"<{len(columns) // 2}H", columns)
        self.next = 2
        self.state = self.words[0] << 16 | self.words[1]
        self.reading = "the state at first"
        self.taken = [(0, 4, self.reading)]  # offset, length, what was being read
        if self.state < 65536:
            raise Refused("the first state is too small")

    def refill(self):
        if self.state < 65536:
            if self.next == len(self.words):
                raise Refused("columns are cut short")
            self.state = self.state << 16 | self.words[self.next]
            self.taken.append((2 * self.next, 2, self.reading))
            self.next += 1

    def raw(self, count):
        value = 0
        while count > 0:
            bits = min(count, 16)
            value = value << bits | self.state & (1 << bits) - 1
            self.state >>= bits
            self.refill()
            count -= bits
        return value

    def end(self):
        if self.state != 65536 or self.next != len(self.words):
            raise Refused("columns do not end where they should")


class Distribution:
    def __init__(self, frequencies):
        self.upper = [sum(frequencies[: s + 1]) for s in range(16)]
        self.seen = 0

    def symbol(self, words):
        slot = words.state & 16383
        s = next(s for s in range(16) if slot < self.upper[s])
        start = self.upper[s - 1] if s else 0
        words.state = (self.upper[s] - start) * (words.state >> 14) + slot - start
        words.refill()
        rate = 4 if self.seen < 4 else 5 if self.seen < 16 else 6
        self.seen += 1
        for i, upper in enumerate(self.upper):
            target = i + 1 if i < s else 16384 - 15 + i
            self.upper[i] = upper + (target - upper >> rate)
        return s


class Model:
    def __init__(self, scale):
        self.scale = 16 * scale
        self.distributions = [Distribution(f) for f in AT_FIRST]

    def residual(self, words):
        level = 3 * self.scale // 4 // 16
        if self.scale < 3:
            which, k = 0, 0
        elif self.scale < 8:
            which, k = 1, 0
        elif level < 2:
            which, k = 2, 0
        else:
            which, k = 3, level.bit_length() - 1
        s = self.distributions[which].symbol(words)
        if s in (0, 15):
            length = words.raw(6)
            if length > 32:
                raise Refused("a residual of more than 32 bits")
            beyond = 1 << length - 1 | words.raw(length - 1) if length else 0
            step = beyond + 12 if s else -13 - beyond
            value = (step << k) + words.raw(k)
            if value != i32(value):
                raise Refused("a residual of more than 32 bits")
        else:
            value = (FIRST_STEP[s] << k) + words.raw(k + STEP_BITS[s])
        self.scale = (3 * self.scale + 16 * min(abs(value), 1048576)) // 4
        return value


def half_turn(value):
    """`value` modulo 3600 in -1799 to 1800."""
    value %= 3600
    return value - 3600 if value > 1800 else value


def optional(words, fixes, name, flag, scale, eighths):
    model, last, change = Model(scale), 0, 0
    for i, fix in enumerate(fixes):
        if not fix["flags"] & flag:
            fix[name] = 0
            continue
        words.reading = f"{name} of fix {i}"
        residual = model.residual(words)
        value = i32(last + (eighths * change >> 3) + residual)
        if name == "course":
            if residual != half_turn(residual):
                raise Refused("a turn of more than half")
            value %= 3600
            change = half_turn(value - last)
        else:
            change = i32(value - last)
        if name in ("accuracy", "speed") and not 0 <= value <= 65535:
            raise Refused(f"{name} out of range")
        fix[name] = last = value


def positions(words, fixes):
    words.reading = "latitude of fix 0"
    fixes[0]["latitude"] = i32(words.raw(32))
    words.reading = "longitude of fix 0"
    fixes[0]["longitude"] = i32(words.raw(32))
    a = min(abs(fixes[0]["latitude"]), 89000000)
    d, r = divmod(a, 100000)
    c0, c1 = SINE[d + 900], SINE[d + 901]
    cosine = c0 - (c0 - c1) * r // 100000  # c1 <= c0: towards zero is down for the positive
    per_cm = {"latitude": 94301, "longitude": (94301 << 15) // cosine}
    turn = {"latitude": 900, "longitude": 0}
    models = {axis: Model(4) for axis in per_cm}
    step = dict.fromkeys(per_cm, 0)

    def velocity(fix, axis):
        return fix["speed"] * SINE[fix["course"] + turn[axis]] * per_cm[axis] >> 27

    for i, (before, fix) in enumerate(zip(fixes, fixes[1:]), 1):
        interval = min(max(fix["time"] - before["time"], 0), 60000)
        for axis in per_cm:
            words.reading = f"{axis} of fix {i}"
            predicted = step[axis]
            if before["flags"] & fix["flags"] & 12 == 12:
                both = velocity(before, axis) + velocity(fix, axis)
                predicted = (both * interval + 256000) // 512000
            fix[axis] = i32(before[axis] + predicted + models[axis].residual(words))
            step[axis] = i32(fix[axis] - before[axis])


def read_columns(columns, count, first_time_ms):
    """The fixes, and for each run of bytes what was being read when it was taken."""
    words = Words(columns)
    fixes = [{} for _ in range(count)]
    model, last = Model(0), 0
    for i, fix in enumerate(fixes):
        words.reading = f"flags of fix {i}"
        last ^= model.residual(words)
        if not 0 <= last < 128:
            raise Refused("flags out of range")
        fix["flags"] = last
    fixes[0]["time"], model, interval = first_time_ms, Model(0), 1000
    for i, (before, fix) in enumerate(zip(fixes, fixes[1:]), 1):
        words.reading = f"time of fix {i}"
        interval = i32(interval + model.residual(words))
        fix["time"] = before["time"] + interval
    optional(words, fixes, "accuracy", 2, 0, 0)
    optional(words, fixes, "speed", 4, 16, 5)
    optional(words, fixes, "course", 8, 8, 3)
    optional(words, fixes, "altitude", 16, 2, 0)
    positions(words, fixes)
    words.end()
    for fix in fixes:
        if not (0 <= fix["time"] < 1 << 44 and abs(fix["latitude"]) <= 90000000
                and abs(fix["longitude"]) <= 180000000 and abs(fix["altitude"]) <= 1000000):
            raise Refused("a fix out of range")
    times = [fix["time"] for fix in fixes]
    if max(times) - min(times) > 300000:
        raise Refused("fixes of more than five minutes")
    return fixes, words.taken


def lay_out(header, columns):
    """The one buffer that holds these values."""
    back = bytearray()  # from the end of the buffer to its beginning, bytes reversed
    at = {}  # each field's distance from the end

    def pad(size, ahead=0):
        back.extend(b"\0" * (-(len(back) + ahead) % size))

    def put(data):
        back.extend(reversed(data))

    pad(4, len(columns))
    put(columns)
    put(struct.pack("<I", len(columns)))
    vector, widest = len(back), 4
    formats = dict(FIELDS)
    for name in WRITTEN:
        value = header.get(name)
        if name == "columns":
            pad(4)
            put(struct.pack("<I", len(back) + 4 - vector))
        elif value is None or (value == 0 and name != "clock_offset_ms"):
            continue
        elif isinstance(value, bytes):
            put(value)
        else:
            size = 8 if name == "checkpoint" else struct.calcsize(formats[name])
            widest = max(widest, size)
            pad(size)
            put(struct.pack("<" + formats[name], *(value if name == "checkpoint" else (value,))))
        at[name] = len(back)
    pad(4)
    put(struct.pack("<i", 30))
    table = len(back)
    entries = [30, table - vector] + [table - at[n] if n in at else 0 for n, _ in FIELDS]
    put(struct.pack("<15H", *entries))
    pad(widest, 8)
    put(b"HXM1")
    put(struct.pack("<I", len(back) + 4 - table))
    return bytes(reversed(back))


def read_payload(payload):
    """Header, fixes, and every byte explained: (offset, length, field, value)."""
    def number(offset, form):
        size = struct.calcsize("<" + form)
        if offset < 0 or offset + size > len(payload):
            raise Refused("an offset outside the payload")
        values = struct.unpack_from("<" + form, payload, offset)
        return values if len(values) > 1 else values[0]

    if payload[4:8] != b"HXM1":
        raise Refused("not HXM1")
    table = number(0, "I")
    vtable = table - number(table, "i")
    spans = [
        (0, 4, "offset of the table", table), (4, 4, "file identifier", "HXM1"),
        (vtable, 2, "size of the vtable", number(vtable, "H")),
        (vtable + 2, 2, "size of the table", number(vtable + 2, "H")),
        (table, 4, "table: back to the vtable", number(table, "i")),
    ]
    header = {}
    for i, (name, form) in enumerate(FIELDS):
        entry = number(vtable + 4 + 2 * i, "H")
        spans.append((vtable + 4 + 2 * i, 2, f"place of {name}", entry or "left out"))
        value = number(table + entry, form) if entry else None
        header[name] = value
        if entry:
            shown = value.hex() if isinstance(value, bytes) else value
            if name == "checkpoint":
                shown = f"{value[0]}, {value[1].hex()}"
            spans.append((table + entry, struct.calcsize("<" + form), name, shown))
    if header["columns"] is None:
        raise Refused("no columns")
    vector = table + number(vtable + 28, "H") + header["columns"]
    length = number(vector, "I")
    spans.append((vector, 4, "length of columns", length))
    columns = payload[vector + 4 : vector + 4 + length]
    if len(columns) != length:
        raise Refused("columns outside the payload")
    if lay_out(header, columns) != payload:
        raise Refused("not laid out as it must be")
    if header["version"] != 1 or header["alg"] not in (1, 2):
        raise Refused("another version or algorithm")
    count = header["fix_count"] or 0
    if not (1 + bool(header["context"]) <= count <= 300) or (header["sequence"] or 0) >= 1 << 53:
        raise Refused("a number out of range")
    fixes, taken = read_columns(columns, count, header["first_time_ms"] or 0)
    for offset, size, reading in taken:
        spans.append((vector + 4 + offset, size, "columns", reading))
    return header, fixes, spans


def read_signed(data):
    """The payload's parts, and every byte of the envelope explained."""
    if len(data) < 68:
        raise Refused("cut short")
    (length,) = struct.unpack_from("<I", data)
    if length > 16384 or len(data) != 4 + length + 64:
        raise Refused("a wrong length")
    payload = data[4 : 4 + length]
    header, fixes, spans = read_payload(payload)
    spans = [(0, 4, "length of the payload", length)] + [
        (4 + offset, size, name, value) for offset, size, name, value in spans
    ]
    spans.append((4 + length, 64, "signature", "r, s" if header["alg"] == 2 else "R, S"))
    spans.sort()
    explained, end = [], 0
    for span in spans + [(len(data), 0, "", "")]:
        if span[0] > end:
            if any(data[end : span[0]]):
                raise Refused("something between the fields")
            explained.append((end, span[0] - end, "padding", ""))
        if span[0] < end:
            raise Refused("fields that overlap")
        explained.append(span)
        end = span[0] + span[1]
    return payload, header, fixes, explained[:-1]


def packed(fix):
    """A fix as the vectors have it."""
    order = ("time", "latitude", "longitude", "accuracy", "speed", "course", "altitude", "flags")
    return struct.pack("<QiiHHHiB", *(fix[name] for name in order)).hex()


def shown(fix):
    def number(name, flag, per, digits, unit):
        return f"{fix[name] / per:.{digits}f} {unit}" if fix["flags"] & flag else "-"

    flags = [name for bit, name in enumerate(FLAGS) if fix["flags"] >> bit & 1]
    flags.append(("unknown", "GNSS", "fused", "network")[fix["flags"] >> 5])
    return "; ".join([
        f"{fix['time']} ms", f"{fix['latitude'] / 1e6:.6f}", f"{fix['longitude'] / 1e6:.6f}",
        number("accuracy", 2, 10, 1, "m"), number("speed", 4, 100, 2, "m/s"),
        number("course", 8, 10, 1, "deg"), number("altitude", 16, 10, 1, "m"), ", ".join(flags),
    ])


def annotate(lines):
    """The vectors again. What stands in them beside a signed trace must agree with it."""
    values = {}
    for line in lines:
        line = line.rstrip("\n")
        if line.startswith((" ", "#")) or not line:
            if not line.startswith(" "):
                print(line)
            continue
        name, data = line.split()[:2]
        values[name] = data
        print(line)
        if not name.endswith("signed_trace"):
            continue
        group = name.removesuffix("signed_trace")
        payload, header, fixes, spans = read_signed(bytes.fromhex(data))
        said = [v for n, v in values.items() if n.startswith(group + "fix_")]
        assert said == [packed(fix) for fix in fixes], f"{group}: fixes differ"
        assert values[group + "payload"] == payload.hex(), f"{group}: payload differs"
        trace_id = hashlib.sha256(b"hexmile/trace-id/v1\0" + payload).hexdigest()
        assert values[group + "trace_id"] == trace_id, f"{group}: id differs"
        for field in ("device", "network"):
            assert header[field].hex() == values[field + "_id"], f"{group}: {field} differs"
        bytes_ = bytes.fromhex(data)
        for offset, size, field, value in spans:
            part = bytes_[offset : offset + size].hex()
            print(f"  {offset:5}  {part}  {field}{' = ' if value != '' else ''}{value}")
        for i, fix in enumerate(fixes):
            print(f"  fix {i}: {shown(fix)}")


def main():
    if sys.argv[1:] == ["annotate"]:
        annotate(sys.stdin)
    elif sys.argv[1:] == ["fixes"]:
        for line in sys.stdin:
            try:
                _, _, fixes, _ = read_signed(bytes.fromhex(line.strip()))
                print(" ".join(packed(fix) for fix in fixes))
            except Refused as why:
                print(f"refused: {why}")
    else:
        sys.exit(__doc__)


main()
