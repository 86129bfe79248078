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
