"""docs/how-to/ldap.md, run on a real slapd that is killed, hung and filled meanwhile."""

from __future__ import annotations

import shutil
import socket
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from directory_servers import (
    FAULTS,
    INFO,
    ME,
    PRETENDERS,
    SCHEMAS,
    SLAPD,
    STRANGER,
    WHEN_DOWN,
    WHEN_UP,
    Slapd,
    answer_of,
    full_house,
    pretender,
    through_an_outage,
)
from pages import PAGES, blocks, definitions
from sybil import Document
from sybil.parsers.markdown import PythonCodeBlockParser

from sendertrust import LOOKUP_FAILED, SUBMISSION, UNSEEN, Aliases, Grant, Right, check

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [
    pytest.mark.socket,
    # ldap3 uses what pyasn1 and Python have deprecated since, and forgets sockets that could not connect.
    pytest.mark.filterwarnings("ignore:(tagMap|typeMap) is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:ssl.match_hostname:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:unclosed <s:ResourceWarning"),
    pytest.mark.usefixtures("collect_sockets"),
]

needs_slapd = pytest.mark.skipif(
    len(SLAPD) < 2 or not SCHEMAS.is_dir(), reason="slapd is not installed (slapd, slapadd, /etc/ldap/schema)"
)
needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")

SECONDS = 1
BASE = Slapd.base
BOSS = "ceo@test-sample.jp"
SALES = "sales@test-sample.jp"
NOTHING = Aliases([], source="ldap")
MINE = Aliases(
    [
        ME,
        "user.one@test-sample.jp",
        "u1@old.test-sample.jp",
        INFO,
        SALES,
        Grant(BOSS, Right.ON_BEHALF_OF),
    ],
    source="ldap",
)

ODD_NAME = r"cn=Smith\2C J. \28Sales\29 \2A \5C,ou=people," + BASE
# What a real directory has beside the page's own entries.
MORE = f"""
dn: ou=odd,{BASE}
objectClass: organizationalUnit
ou: odd

dn: {ODD_NAME}
objectClass: inetOrgPerson
uid: smith@test-sample.jp
cn: Smith, J. (Sales) * \\
sn: Smith
mail: smith@test-sample.jp

dn: cn=smiths,{BASE}
objectClass: groupOfNames
objectClass: inetLocalMailRecipient
cn: smiths
member: {ODD_NAME}
mailLocalAddress: smiths@test-sample.jp

dn: uid=patterns@test-sample.jp,ou=odd,{BASE}
objectClass: inetOrgPerson
objectClass: inetLocalMailRecipient
uid: patterns@test-sample.jp
cn: Patterns
sn: Patterns
mail: *
mail: @test-sample.jp
mail: ceo
mailLocalAddress: *@test-sample.jp
mailLocalAddress: patterns@test-sample.jp

dn: uid=twice@test-sample.jp,ou=people,{BASE}
objectClass: inetOrgPerson
uid: twice@test-sample.jp
cn: Twice
sn: Twice
mail: twice@test-sample.jp

dn: uid=twice@test-sample.jp,ou=odd,{BASE}
objectClass: inetOrgPerson
uid: twice@test-sample.jp
cn: Twice
sn: Twice
mail: {BOSS}

dn: uid=popular@test-sample.jp,ou=people,{BASE}
objectClass: inetOrgPerson
uid: popular@test-sample.jp
cn: Popular
sn: Popular
mail: popular@test-sample.jp
""" + "".join(
    f"""
dn: cn=group{number},ou=odd,{BASE}
objectClass: groupOfNames
objectClass: inetLocalMailRecipient
cn: group{number}
member: uid=popular@test-sample.jp,ou=people,{BASE}
mailLocalAddress: group{number}@test-sample.jp
"""
    for number in range(5)
)
# A part of the tree that lives on another server.
REFERRAL = f"""
dn: ou=elsewhere,{BASE}
objectClass: referral
objectClass: extensibleObject
ou: elsewhere
ref: ldap://127.0.0.1:9/ou=elsewhere,{BASE}
"""


@pytest.fixture(scope="module")
def page() -> dict[str, Any]:
    return definitions("ldap.md")


def directory(page: dict[str, Any], url: str, **options: Any) -> Any:
    options = {"seconds": SECONDS} | options
    return page["Directory"](url, BASE, f"cn=submission,{BASE}", "secret", **options)


def entries() -> str:
    (ldif,) = blocks("ldap.md", "text")
    return ldif


@pytest.fixture(scope="module")
def server() -> Iterator[Slapd]:
    server = Slapd(entries() + MORE)
    try:
        server.start()
        yield server
    finally:
        server.close()


@needs_slapd
def test_the_page(tmp_path: Path) -> None:
    server = Slapd(entries())
    try:
        server.start()
        text = (PAGES / "ldap.md").read_text(encoding="utf-8")
        assert "ldap://127.0.0.1:389" in text
        copy = tmp_path / "ldap.md"
        copy.write_text(text.replace("ldap://127.0.0.1:389", server.url), encoding="utf-8")
        for example in Document.parse(str(copy), PythonCodeBlockParser()):
            example.evaluate()
    finally:
        server.close()


GRANTED = {
    ME: MINE,
    BOSS: Aliases([BOSS, SALES], source="ldap"),
    "smith@test-sample.jp": Aliases(["smith@test-sample.jp", "smiths@test-sample.jp"], source="ldap"),
    STRANGER: NOTHING,
}


@needs_slapd
@pytest.mark.parametrize("login", GRANTED)
def test_what_the_entries_grant(page: dict[str, Any], server: Slapd, login: str) -> None:
    assert directory(page, server.url).aliases_of(login) == GRANTED[login]


STRANGE_LOGINS = {
    "star": "*",
    "prefix": "user1*",
    "or": "*)(uid=*",
    "or-closed": f"x)(|(uid={ME}",
    "not": f"x))(!(uid={ME}",
    "end": f"{ME}))(&(uid=*",
    "escaped": r"\2a",
    "backslash": "\\",
    "nul": f"{ME}\0",
    "dn": f"uid={ME},ou=people,{BASE}",
    "braces": "{0}",
    "other-case": ME.upper(),
    "blanks": f"  {ME} ",
    "full-width": "\uff55\uff53\uff45\uff52\uff11@test-sample.jp",
    "surrogate": f"{ME}\udcff",
    "empty": "",
    "long": "x" * 100_000,
}


@needs_slapd
@pytest.mark.parametrize("login", STRANGE_LOGINS.values(), ids=STRANGE_LOGINS)
def test_no_login_changes_the_question(page: dict[str, Any], server: Slapd, login: str) -> None:
    """Law, 3: "a login named `*`, `@x.example` or `x.example` gains nothing"."""
    asked = directory(page, server.url)
    # What cannot be sent, or is no value of a filter, is not known.
    assert asked.aliases_of(login) in (NOTHING, LOOKUP_FAILED)
    assert asked.aliases_of(ME) == MINE


@needs_slapd
def test_a_value_is_no_pattern(page: dict[str, Any], server: Slapd) -> None:
    login = "patterns@test-sample.jp"
    aliases = directory(page, server.url).aliases_of(login)
    for sender in (BOSS, ME, "x@elsewhere.example"):
        assert not check(login, sender, UNSEEN, aliases, policy=SUBMISSION).allowed
    assert check(STRANGER, login, UNSEEN, aliases, policy=SUBMISSION).allowed


@needs_slapd
def test_of_two_persons_none_is_picked(page: dict[str, Any], server: Slapd) -> None:
    assert directory(page, server.url).aliases_of("twice@test-sample.jp") is LOOKUP_FAILED


@needs_slapd
def test_a_part_of_the_answer_is_no_answer(page: dict[str, Any], server: Slapd) -> None:
    login = "popular@test-sample.jp"
    groups = [f"group{number}@test-sample.jp" for number in range(5)]
    assert directory(page, server.url, most=5).aliases_of(login) == Aliases([login, *groups], source="ldap")
    assert directory(page, server.url, most=4).aliases_of(login) is LOOKUP_FAILED


LIMITED = {
    "size-limit-of-the-server": "sizelimit 4",
    "no-access": "access to * by * none",
    "binding-is-refused": "disallow bind_simple",
    "must-be-encrypted": "security tls=1",
}


@needs_slapd
@pytest.mark.parametrize("limit", LIMITED)
def test_what_the_server_keeps_back_is_not_known(page: dict[str, Any], limit: str) -> None:
    """The administrator of the directory may limit what the account of the mail server sees."""
    server = Slapd(entries() + MORE, more=LIMITED[limit], rootdn=False)
    try:
        server.start()
        assert directory(page, server.url).aliases_of("popular@test-sample.jp") is LOOKUP_FAILED
    finally:
        server.close()


@needs_slapd
def test_a_referral_is_not_followed_and_not_known(page: dict[str, Any]) -> None:
    server = Slapd(entries() + REFERRAL)
    try:
        server.start()
        assert directory(page, server.url).aliases_of(ME) is LOOKUP_FAILED
    finally:
        server.close()


@needs_slapd
def test_a_referral_does_not_get_the_password(page: dict[str, Any]) -> None:
    """To a question about another tree, a server may answer that somebody else be asked."""
    with socket.create_server(("127.0.0.1", 0)) as somebody_else:
        somebody_else.settimeout(0)
        server = Slapd(entries(), more=f"referral ldap://127.0.0.1:{somebody_else.getsockname()[1]}")
        try:
            server.start()
            asked = page["Directory"](server.url, "dc=elsewhere", f"cn=submission,{BASE}", "secret", seconds=SECONDS)
            assert asked.aliases_of(ME) is LOOKUP_FAILED
        finally:
            server.close()
        with pytest.raises(BlockingIOError):
            somebody_else.accept()


@needs_slapd
def test_another_tree_is_not_known(page: dict[str, Any], server: Slapd, caplog: pytest.LogCaptureFixture) -> None:
    asked = page["Directory"](server.url, "dc=elsewhere", f"cn=submission,{BASE}", "secret", seconds=SECONDS)
    assert asked.aliases_of(ME) is LOOKUP_FAILED
    assert "the grants of 'user1@test-sample.jp' are not known" in caplog.text


@needs_slapd
@pytest.mark.parametrize("password", ["wrong", "", None])
def test_a_wrong_password_is_not_known(page: dict[str, Any], server: Slapd, password: str | None) -> None:
    """Without one, LDAP would take the mail server for anybody, and show it less."""
    asked = page["Directory"](server.url, BASE, f"cn=submission,{BASE}", password, seconds=SECONDS)
    assert asked.aliases_of(ME) is LOOKUP_FAILED


@needs_slapd
@pytest.mark.parametrize("fault", FAULTS)
def test_an_outage_defers_and_is_over_when_it_is_over(page: dict[str, Any], server: Slapd, fault: str) -> None:
    """Law, 4: "accepted if the account's own address or any answered source decides it; else DEFER (451)"."""
    asked = directory(page, server.url, seconds=2)
    with_directory = definitions("sql.md")["WithDirectory"]
    replies, stored = through_an_outage(with_directory, asked.aliases_of, server, fault)
    assert replies == [WHEN_UP, WHEN_DOWN, WHEN_UP]
    assert stored == sum(reply.startswith("250") for reply in [*WHEN_UP, *WHEN_DOWN, *WHEN_UP])


@needs_slapd
def test_a_hung_server_is_not_waited_for(page: dict[str, Any], server: Slapd) -> None:
    """Without the help of a caller that gives up by itself."""
    asked = directory(page, server.url)
    server.hang()
    try:
        assert [answer_of(asked.aliases_of, login) for login in (ME, BOSS)] == [LOOKUP_FAILED, LOOKUP_FAILED]
    finally:
        server.go_on()
    assert [asked.aliases_of(login) for login in (BOSS, ME)] == [GRANTED[BOSS], GRANTED[ME]]


@pytest.mark.parametrize("answer", PRETENDERS.values(), ids=PRETENDERS)
def test_what_is_no_directory_gives_no_answer(page: dict[str, Any], answer: bytes | None) -> None:
    with pretender(answer) as port:
        assert answer_of(directory(page, f"ldap://127.0.0.1:{port}").aliases_of, ME) is LOOKUP_FAILED


def test_what_takes_no_connection_gives_no_answer(page: dict[str, Any]) -> None:
    with full_house() as port:
        assert answer_of(directory(page, f"ldap://127.0.0.1:{port}").aliases_of, ME) is LOOKUP_FAILED


@needs_slapd
@needs_openssl
def test_only_a_certificate_that_somebody_signed_will_do(page: dict[str, Any], tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj /CN=127.0.0.1"
        f" -addext subjectAltName=DNS:127.0.0.1,IP:127.0.0.1 -keyout {key} -out {certificate}"
    )
    subprocess.run(command.split(), capture_output=True, check=True)  # noqa: S603 - our own
    server = Slapd(entries(), certificate=(key, certificate))
    try:
        server.start()
        assert directory(page, server.url).aliases_of(ME) is LOOKUP_FAILED
        trusting = page["Tls"](validate=page["ssl"].CERT_REQUIRED, ca_certs_file=str(certificate))
        assert directory(page, server.url, tls=trusting).aliases_of(ME) == MINE
    finally:
        server.close()
