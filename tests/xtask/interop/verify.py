"""Verifies the kept vectors of card-schema with libraries nobody here wrote: cwt for COSE, cbor2 for CBOR.

Every object must verify with its key and its external data, be deterministic CBOR, and have the identifier that the
vector says; and a signature must fail once any byte of it or of what it signs is changed. Ends with one line that
counts.
"""

import hashlib
import json
import sys
import zlib
from pathlib import Path

import cbor2
from cwt import COSE, COSEKey

VECTORS = Path(__file__).resolve().parents[3] / "card-schema" / "vectors"

# What each kind must look like, said here a second time and by hand.
KINDS = {
    "tap": {"aad": b"nrc/tap/v1", "keys": list(range(1, 13)), "header": {}},
    "batch": {"aad": b"nrc/batch/v1", "keys": [1, 2, 3, 4], "header": {}},
    "receipt": {"aad": b"nrc/receipt/v1", "keys": [1, 2, 3, 4, 5], "header": {}},
    "paper": {"aad": b"nrc/paper/v1", "keys": [1, 2, 3, 4, 5], "header": {}},
    "fares": {"aad": b"nrc/fares/v1", "keys": [1, 2, 3], "header": {}},
    "gate": {"aad": b"nrc/gate/v1", "keys": list(range(1, 9)), "header": {}},
    "pass": {"aad": b"nrc/paper/v1", "keys": [1, 2, 3, 4, 5, 6], "header": {}},
    # The IETF Token Status List and its changes: CWTs, whose external data are empty and whose type is in the header.
    "status-list": {"aad": b"", "keys": [2, 6, 65533, 65534, -70001], "header": {16: "application/statuslist+cwt"}},
    "status-delta": {"aad": b"", "keys": [2, 6, -70001, -70002, -70003], "header": {16: "application/nrc-statusdelta+cwt"}},
}


def kind_of(name: str) -> str:
    """There are many taps; of the other kinds, one each."""
    return name if name in KINDS else name.split("-")[0]


def verifying_key(vector: dict) -> COSEKey:
    point = bytes.fromhex(vector["key"]["public"])
    assert point[0] == 4 and len(point) == 65, "an uncompressed point of P-256"
    return COSEKey.new(
        {
            1: 2,  # key type: EC2
            2: bytes.fromhex(vector["kid"]),
            3: -7,  # ES256
            -1: 1,  # P-256
            -2: point[1:33],
            -3: point[33:],
        }
    )


def opens(cose: bytes, key: COSEKey, aad: bytes) -> bytes | None:
    """The payload if the signature is good, else nothing. Any error counts as a refusal."""
    try:
        return COSE.new().decode(cose, key, external_aad=aad)
    except Exception:  # noqa: BLE001 - which error is the library's business
        return None


def payload_of(name: str, vector: dict) -> dict:
    kind = KINDS[kind_of(name)]
    cose = bytes.fromhex(vector["cose_sign1"])
    key = verifying_key(vector)
    assert vector["external_aad"].encode() == kind["aad"], "the purpose is in the external data"

    payload = opens(cose, key, kind["aad"])
    assert payload is not None, "the independent library refuses the signature"

    tagged = cbor2.loads(cose)
    assert tagged.tag == 18, "COSE_Sign1 is tagged 18"
    protected, unprotected, body, signature = tagged.value
    assert unprotected == {}, "nothing outside the signature"
    header = {1: -7, 4: bytes.fromhex(vector["kid"])} | kind["header"]
    assert cbor2.loads(protected) == header, "algorithm and key, nothing else"
    assert body == payload and len(signature) == 64
    assert cbor2.dumps(tagged, canonical=True) == cose, "the envelope is deterministic CBOR"

    fields = cbor2.loads(payload)
    assert list(fields) == kind["keys"], "integer keys, in order, all there"
    assert cbor2.dumps(fields, canonical=True) == payload, "the payload is deterministic CBOR"
    assert fields.get(1, 1) == 1, "version 1"

    signed = cbor2.dumps(["Signature1", protected, kind["aad"], payload], canonical=True)
    assert signed.hex() == vector["sig_structure"], "RFC 9052, section 4.4"
    assert hashlib.sha256(signed).hexdigest() == vector["id"], "the identifier is of what is signed, not of the signature"

    for other in (b"another purpose", *(each["aad"] for each in KINDS.values())):
        assert other == kind["aad"] or opens(cose, key, other) is None, f"also verifies for {other!r}"
    for position in range(len(cose)):
        changed = bytearray(cose)
        changed[position] ^= 0x01
        assert opens(bytes(changed), key, kind["aad"]) is None, f"byte {position} may be changed"
    return fields


def check_links(fields: dict[str, dict], vectors: dict[str, dict]) -> None:
    """What the objects say of one another."""
    taps = {vectors[name]["cose_sign1"]: name for name in vectors if name.startswith("tap")}
    carried = [taps[tap.hex()] for tap in fields["batch"][4]]
    assert carried == ["tap-payment", "tap-gate-check"], "a batch carries taps whole, in order"
    receipt = fields["receipt"]
    assert receipt[2].hex() == vectors["batch"]["id"], "a receipt names the batch it answers"
    answered = [tap.hex() for tap, *_ in receipt[4]]
    assert answered == [vectors[name]["id"] for name in carried], "a receipt answers each tap, in order"
    assert fields["tap-gate-check"][7].hex() == vectors["tap-payment"]["id"], "a tap names the one before it"
    points = [standing for *_, standing in receipt[4]]
    assert points == [[7, 12, 340, [40, 20818]], None], "a programme, what moved, what there is, and what ends on a day"
    assert fields["tap-payment"][12] == {1: 1250, 2: False, 3: None}, "an integer of fen, and the service decides"
    with_points = fields["tap-payment-with-points"][12]
    assert with_points == {1: 1250, 2: False, 3: [7, 12, 500, 250]}, "a programme, earned, given, and what they took off"
    paid = bytes.fromhex(vectors["tap-payment"]["id"])
    for name, code, amount in (("tap-refund", 0x0103, 250), ("tap-void", 0x0104, 1250)):
        assert fields[name][2] == code, "an operation is its number"
        assert fields[name][12] == {1: paid, 2: fields["tap-payment"][9], 3: amount}, "what goes back names its payment"
    assert (fields["tap-award"][2], fields["tap-award"][12]) == (0x0401, {1: 1250, 2: 7, 3: 12}), "an award"
    assert (fields["tap-redemption"][2], fields["tap-redemption"][12]) == (0x0402, {1: 7, 2: 300}), "a redemption"
    undone = {1: paid, 2: fields["tap-payment"][9]}
    assert (fields["tap-undo"][2], fields["tap-undo"][12]) == (0x0403, undone), "what is undone is named"
    assert (fields["tap-inquiry"][2], fields["tap-inquiry"][12]) == (0x0105, {}), "an inquiry carries nothing"
    assert (fields["tap-statement"][2], fields["tap-statement"][12]) == (0x0107, {}), "nor does a statement"
    approved = fields["tap-top-up-approved"][12]
    assert approved == {1: 200_000, 2: fields["tap-top-up-approved"][3]}, "a top-up names the card that has approved it"
    assert fields["tap-top-up"][12] == {1: 5_000, 2: None}, "and none where nobody had to"
    approval = fields["tap-top-up-approval"]
    assert (approval[2], approval[12]) == (0x0106, {1: 200_000}), "an approval is of an amount"
    validation = fields["tap-validation"]
    shown = {1: 7, 2: "bus-1", 3: "测试路口", 4: 1}
    assert (validation[2], validation[12]) == (0x0501, shown), "fares, route, stop, and where one gets on"
    assert (fields["tap-inspection"][2], fields["tap-inspection"][12]) == (0x0502, {1: "bus-1"}), "an inspection"
    assert (fields["tap-pass"][2], fields["tap-pass"][12]) == (0x0503, {1: "month", 2: 20788, 3: 12_000}), "a pass"
    dispute = {1: 20_727, 2: bytes([0x0E]) * 16}
    assert (fields["tap-dispute"][2], fields["tap-dispute"][12]) == (0x0601, dispute), "a month by its first day, and an employer"
    assert (fields["tap-check-in"][2], fields["tap-check-in"][12]) == (0x0701, {1: 2}), "as what a visit is insured"
    claim = bytes([0x0C]) * 16
    shares = {1: claim, 2: 70_000, 3: 12_000, 4: 8_000, 5: 345}
    assert (fields["tap-settlement"][2], fields["tap-settlement"][12]) == (0x0702, shares), "a bill, and who pays what"
    assert (fields["tap-reversal"][2], fields["tap-reversal"][12]) == (0x0703, {1: claim}), "a bill that is taken back"
    [(number, _, networks, routes, stops, passes)] = fields["fares"][3]
    assert (number, networks) == (7, [[False, 200], [True, 900]]), "networks, and the most that a ride comes to"
    assert (routes, stops) == ([["bus-1", "1 路", 0]], [["测试路口", "测试路口东"]]), "routes and stops with their names"
    sold = [["month", "月票", 12_000, None], ["week", "月票", 3_000, 7]]
    assert passes == sold, "passes with their name, price, and how many days they are good, or a month"
    gate = fields["gate"]
    assert (gate[3], gate[5]) == (fields["tap-payment"][4], fields["pass"][4]), "a gate's pack names its gate and its site"
    digest = hashlib.sha256(gate[6] + fields["tap-payment"][3]).digest()[:16]
    night = [20_788, 20_818, 0x41, 22 * 60, 6 * 60]  # 2026-12-01 to 12-31, Mondays and Sundays, 22:00 to 6:00
    assert gate[7] == [[digest, *night]], "a card by its digest, first and last day, days of the week, minutes"
    assert gate[8] == [fields["pass"][3]], "passes that were withdrawn, by their number"
    statuses = zlib.decompress(fields["status-list"][65533]["lst"])
    listed = {index: statuses[index // 4] >> index % 4 * 2 & 3 for index in range(len(statuses) * 4)}
    assert {index: status for index, status in listed.items() if status} == {7: 2, 90: 1}, "two bits a card"
    changes, of_status = fields["status-delta"][-70002], {}
    for status, gaps in enumerate(changes):
        index = -1
        for gap in gaps:
            index += gap + 1
            of_status[index] = status
    assert of_status == {7: 0, 8: 2, 1000: 1}, "for each status, how far its cards are apart"
    # What stands on the paper beside its square code, invented: name, document number, check code.
    on_paper = ("测试阿依", "11010519491231002X", "1234567890123456")
    secret = b"\0".join(text.encode() for text in on_paper)
    salt = b"nrc/paper-holder/v1\0" + fields["paper"][3]
    assert fields["paper"][5] == hashlib.pbkdf2_hmac("sha256", secret, salt, 100_000, 16), "a paper is its holder's"
    assert fields["tap-abandoned"][3] is None, "a terminal's own operation names no card"


def main() -> int:
    vectors = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(VECTORS.glob("*.json"))}
    fields, failed = {}, 0
    for name, vector in vectors.items():
        try:
            fields[name] = payload_of(name, vector)
            print(f"ok {name}")
        except AssertionError as problem:
            failed += 1
            print(f"FAILED {name}: {problem}")
    for kind in KINDS:
        if not any(kind_of(name) == kind for name in fields):
            failed += 1
            print(f"FAILED no {kind} was verified")
    if not failed:
        check_links(fields, vectors)
    print(f"{len(fields)} objects verified by cwt, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
