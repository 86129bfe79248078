"""The command line, called as a process would be."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import sendertrust
from sendertrust import cli

if TYPE_CHECKING:
    from pathlib import Path

ME = "user1@test-sample.jp"
OTHER = "user2@test-sample.jp"
OWN = ["check", "--auth-id", ME, "--mail-from", ME]
HEADER = ["--level", "header"]


@pytest.mark.parametrize(
    ("arguments", "status", "reply"),
    [
        pytest.param([*OWN], 0, f"250 <{ME}>... Sender ok.", id="mail-own"),
        pytest.param(
            ["check", "--auth-id", ME, "--mail-from", OTHER, "--level", "envelope"],
            1,
            "550 Please mail to a valid e-mail address.",
            id="mail-foreign",
        ),
        pytest.param([*OWN, *HEADER, "--header-from", ME], 0, "250 Requested mail action okay, completed.", id="own"),
        pytest.param(
            [*OWN, "--level", "3", "--header-from", OTHER],
            1,
            "552 Requested mail action aborted: caught by the filter setting.",
            id="from-foreign",
        ),
        pytest.param(
            [*OWN, *HEADER, "--header-from", ME, ME],
            1,
            "552 Requested mail action aborted: caught by the filter setting.",
            id="two-from-in-one-option",
        ),
        pytest.param(
            [*OWN, "--policy", "submission", "--header-from", ME, "--header-from", ME],
            1,
            "554 5.6.0 Bad message header: send one From field",
            id="two-from-in-two-options",
        ),
        pytest.param(
            [*OWN, "--policy", "SUBMISSION", "--header-from", OTHER, "--alias", OTHER],
            0,
            "250 2.0.0 Message accepted",
            id="alias",
        ),
        pytest.param(
            [*OWN, "--policy", "SUBMISSION", "--header-from", OTHER, "--lookup-failed"],
            75,
            "451 4.3.0 Sender lookup failed: try again later",
            id="lookup-failed",
        ),
        pytest.param(
            [
                "check",
                "--auth-id",
                "user1",
                "--mail-from",
                ME,
                "--level",
                "envelope",
                "--default-domain",
                "test-sample.jp",
            ],
            0,
            f"250 <{ME}>... Sender ok.",
            id="default-domain",
        ),
        pytest.param(
            ["check", "--auth-id", "", "--mail-from", ME, "--policy", "submission"],
            1,
            "530 5.7.0 Authentication required",
            id="not-authenticated",
        ),
        pytest.param(["check", "--auth-id", ME, "--mail-from", ""], 0, "250 <>... Sender ok.", id="null-path"),
    ],
)
def test_check_gives_the_reply_and_the_exit_status(
    arguments: list[str], status: int, reply: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(arguments) == status
    assert capsys.readouterr().out.splitlines()[-1] == f"reply       {reply}"


def test_check_tells_what_was_found_and_what_each_level_would_say(capsys: pytest.CaptureFixture[str]) -> None:
    header = f'"ceo@victim.example" <{OTHER}>'
    assert cli.main([*OWN, "--level", "envelope", "--header-from", header, "--alias", "*@x"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "verdict     accept (ok) at level envelope",
        f'finding     from_mismatch, from-owner: "{OTHER}"',
        'advisory    "display name shows ceo@victim.example"',
        'advisory    "alias ignored: *@x"',
        "at auth     accept (ok)",
        "at envelope accept (ok)",
        "at header   reject (from_mismatch)",
        "reply       250 Requested mail action okay, completed.",
    ]


def test_check_names_the_octet_of_a_fault_and_stays_ascii(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([*OWN, *HEADER, "--header-from", f"\x1b[2J山田 @ <{ME}>"]) == 1
    out = capsys.readouterr().out
    assert 'finding     from_malformed, control-character at octet 0: "\\u001b[2J\\u5c71\\u7530' in out
    assert all(character.isprintable() or character == "\n" for character in out)
    assert out.isascii()


def test_pending_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([*OWN, *HEADER]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "verdict     accept (ok) at level header, pending the header"


def test_json_has_the_verdict_every_level_and_the_reply(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([*OWN, *HEADER, "--header-from", OTHER, "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["verdict"]["reason"] == "from_mismatch"
    assert answer["levels"]["envelope"] == {"decision": "accept", "reason": "ok", "pending": False}
    assert answer["levels"]["header"] == {"decision": "reject", "reason": "from_mismatch", "pending": False}
    assert answer["reply"] == "552 Requested mail action aborted: caught by the filter setting."


@pytest.mark.parametrize(("end", "line_ends"), [(b"\r\n", "crlf"), (b"\n", "lf")])
def test_a_message_is_read_from_a_file_and_from_standard_input(
    end: bytes, line_ends: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = end.join([b"Subject: x", b"From: " + ME.encode(), b"", b"From: nobody"])
    file = tmp_path / "message.eml"
    file.write_bytes(message)
    arguments = [*OWN, "--policy", "strict", "--line-ends", line_ends, "--message"]
    assert cli.main([*arguments, str(file)]) == 0
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(message)))
    assert cli.main([*arguments, "-"]) == 0


def test_line_ends_are_never_guessed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "message.eml"
    file.write_bytes(b"From: " + ME.encode() + b"\n\n")
    assert cli.main([*OWN, *HEADER, "--message", str(file)]) == 1
    assert "headers_malformed, bare-lf" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "COMMAND"),
        (["check"], "--auth-id"),
        ([*OWN, "--policy", "nosuch"], "unknown policy 'nosuch': write one of EPOST, SUBMISSION, STRICT"),
        ([*OWN, "--level", "4"], "unknown trust level '4'"),
        ([*OWN, "--default-domain", "a b"], "default_domain is 'a b'"),
        ([*OWN, "--message", "/nonexistent/file"], "No such file"),
        ([*OWN, "--message", "-", "--header-from", "x"], "not allowed with"),
        ([*OWN, "--line-ends", "cr"], "invalid choice"),
        (
            [*OWN, "--policy", "strict", "--header-from", ME],
            "STRICT reads Sender and Resent fields too: pass the header",
        ),
        (["check", "--auth", ME, "--mail-from", ME], "--auth-id"),
        (["demo", "--serve", "--port", "x"], "is no port: write a number from 0 to 65535"),
        (["demo", "--serve", "--port", "65536"], "is no port: write a number from 0 to 65535"),
        (["demo", "--serve", "--port", "-1"], "is no port: write a number from 0 to 65535"),
        (["demo", "--port", "2525"], "--port goes with --serve"),
    ],
)
def test_a_usage_error_says_what_to_write_and_exits_with_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_:
        cli.main(arguments)
    assert exit_.value.code == 2
    assert message in capsys.readouterr().err


SENDERS = """\
sales@a.example    alice, bob
hr                 carol
"john doe"@a.example  \\Domän
@a.example         admin
"""


@pytest.fixture
def maps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "senders").write_text(SENDERS, encoding="utf-8")
    (tmp_path / "hr.csv").write_text("login,address,right\nalice,boss@a.example,on-behalf-of\nbot,<>,null-sender\n")
    (tmp_path / "hr.JSON").write_text('{"alice": ["x@b.example"]}')
    (tmp_path / "aliases").write_text("team: alice\n")
    (tmp_path / "bad").write_text("a@x\na@x alice\n")
    (tmp_path / "bad.csv").write_text("alice,a@x\n")
    (tmp_path / "latin").write_bytes(b"a@x \xe9\n")
    return tmp_path


@pytest.mark.usefixtures("maps")
@pytest.mark.parametrize(
    ("arguments", "status", "printed"),
    [
        pytest.param(
            ["sales@A.example", "--map", "senders", "--map", "hr.csv"],
            0,
            [
                "alice            sales@a.example  senders:1",
                "bob              sales@a.example  senders:1",
                "sales@a.example  own address      if there is such an account",
            ],
            id="full",
        ),
        pytest.param(
            ["boss@a.example", "--map", "senders", "--map", "csv:hr.csv"],
            0,
            [
                "admin           @a.example                   senders:4",
                "alice           on-behalf-of boss@a.example  hr.csv:2",
                "boss@a.example  own address                  if there is such an account",
            ],
            id="two-maps",
        ),
        pytest.param(
            ["hr+x@a.example", "--map", "senders", "--default-domain", "a.example", "--subaddress", "+"],
            0,
            ["carol           hr           senders:2", "hr+x@a.example  own address  if there is such an account"],
            id="bare-and-subaddress",
        ),
        pytest.param(
            ["HR@a.example", "--map", "senders", "--default-domain", "a.example", "--policy", "strict"],
            0,
            ["admin         @a.example   senders:4", "HR@a.example  own address  if there is such an account"],
            id="letter-case-of-the-policy",
        ),
        pytest.param(
            ['"john doe"@a.example', "--map", "postfix:senders"],
            0,
            [
                '\\\\Dom\\u00e4n          "john doe"@a.example  senders:3',
                '"john doe"@a.example  own address           if there is such an account',
            ],
            id="only-ascii",
        ),
        pytest.param(
            ["x@b.example", "--map", "hr.JSON"],
            0,
            ["alice        x@b.example  hr.JSON:1", "x@b.example  own address  if there is such an account"],
            id="json-by-its-suffix",
        ),
        pytest.param(["", "--map", "hr.csv"], 0, ["bot  null-sender <>  hr.csv:3"], id="null"),
        pytest.param(["", "--map", "senders"], 1, [], id="null-is-nobodys"),
        pytest.param(
            ["x@c.example", "--map", "senders"], 1, ["x@c.example  own address  if there is such an account"], id="none"
        ),
    ],
)
def test_who(arguments: list[str], status: int, printed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["who", *arguments]) == status
    assert capsys.readouterr().out.splitlines() == printed


@pytest.mark.usefixtures("maps")
@pytest.mark.parametrize(
    ("arguments", "status", "printed"),
    [
        pytest.param(
            ["ALICE", "--map", "senders", "--map", "hr.csv"],
            0,
            ["sales@a.example              senders:1", "on-behalf-of boss@a.example  hr.csv:2"],
            id="two-maps",
        ),
        pytest.param(
            ["admin", "--map", "senders"], 0, ["@a.example  senders:4  where the map has no narrower key"], id="domain"
        ),
        pytest.param(["alice", "--map", "aliases:aliases"], 0, ["team  aliases:1"], id="aliases"),
        pytest.param(
            ["alice@a.example", "--map", "senders", "--default-domain", "a.example"],
            0,
            ["sales@a.example  senders:1"],
            id="qualified-login",
        ),
        pytest.param(["alice@a.example", "--map", "senders"], 1, [], id="another-login"),
        pytest.param(["", "--map", "senders"], 1, [], id="nobody"),
    ],
)
def test_may(arguments: list[str], status: int, printed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["may", *arguments]) == status
    assert capsys.readouterr().out.splitlines() == printed


@pytest.mark.usefixtures("maps")
@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["--auth-id", "alice", "--mail-from", "sales@a.example"], 0),
        (["--auth-id", "admin", "--mail-from", "sales@a.example"], 1),
        (["--auth-id", "admin", "--mail-from", "sales@a.example", "--alias", "*"], 0),
        (["--auth-id", "admin", "--mail-from", "sales@a.example", "--lookup-failed"], 75),
        (["--auth-id", "alice", "--mail-from", "sales+x@a.example"], 1),
        (["--auth-id", "alice", "--mail-from", "sales+x@a.example", "--subaddress", "+"], 0),
        (["--auth-id", "alice", "--mail-from", "x@b.example", "--map", "hr.JSON"], 0),
        (["--auth-id", "", "--mail-from", "sales@a.example"], 1),
    ],
)
def test_check_with_a_map(arguments: list[str], status: int) -> None:
    assert (
        cli.main(["check", *arguments, "--map", "senders", "--policy", "submission", "--level", "envelope"]) == status
    )


@pytest.mark.usefixtures("maps")
@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        pytest.param(
            ["may", "alice", "--map", "bad", "--map", "senders", "--map", "bad.csv"],
            """\
sendertrust: bad lines in a map:
bad:1: expected a blank and logins after the key, found "a@x"
bad:2: expected each key once (the first one counts), found "a@x"
bad.csv:1: expected the header row login,address or login,address,right, found "alice,a@x\\n"
""",
            id="bad-lines-of-all-maps",
        ),
        pytest.param(["who", "a@x", "--map", "latin"], "sendertrust: latin is not UTF-8: 'utf-8' codec", id="latin"),
        pytest.param(
            ["who", "a@x", "--map", "csv:"], "sendertrust: [Errno 2] No such file or directory: 'csv:'", id="no"
        ),
        pytest.param(
            ["who", "a@x", "--map", "ldif:senders"], "No such file or directory: 'ldif:senders'", id="no-format"
        ),
        pytest.param(["who", "a@x"], "the following arguments are required: --map", id="no-map"),
        pytest.param(
            ["who", "a", "--map", "senders"], "expected an address, such as user@domain, found 'a'", id="bare"
        ),
        pytest.param(
            ["who", "a@x", "--map", "senders", "--policy", "x"], "unknown policy 'x': write one of", id="policy"
        ),
        pytest.param(
            ["who", "a@x", "--map", "senders", "--subaddress", "x"], "subaddress is 'x': write", id="subaddress"
        ),
        pytest.param(
            ["may", "a", "--map", "senders", "--default-domain", "x y"], "'x y' is no domain: write", id="domain"
        ),
        pytest.param(["check", "--auth-id", "a", "--mail-from", "", "--map", "bad"], "bad:1: expected", id="check"),
    ],
)
def test_a_mistake_in_a_map_is_a_usage_error(
    arguments: list[str], printed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_:
        cli.main(arguments)
    assert exit_.value.code == 2
    captured = capsys.readouterr()
    assert printed in captured.err
    assert captured.out == ""


def test_the_demo_says_what_is_missing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "aiosmtpd.smtp", None)
    monkeypatch.delitem(sys.modules, "sendertrust.demo", raising=False)
    monkeypatch.delattr("sendertrust.demo", raising=False)
    with pytest.raises(SystemExit) as exit_:
        cli.main(["demo"])
    assert exit_.value.code == 2
    assert "install sendertrust with its extra [aiosmtpd]" in capsys.readouterr().err


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        cli.main(["--version"])
    assert exit_.value.code == 0
    assert capsys.readouterr().out == f"sendertrust {sendertrust.__version__}\n"


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "sendertrust", "demo"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_the_module_runs_as_a_program() -> None:
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "sendertrust", *OWN, *HEADER, "--header-from", OTHER],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("verdict     reject (from_mismatch) at level header\n")
