"""The E-Post document's SMTP session over a real socket, octet for octet, and the demo that plays it."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from aiosmtpd.smtp import SMTP, Envelope, LoginPassword, Session

from sendertrust import cli, demo

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.socket

# Client and server lines as in the source document, its telnet session; where its server is free to say
# what it likes (greeting, EHLO, 354), only the code stands here.
SOURCE = [
    (b"EHLO client\r\n", rb"250-test-sample\.jp\r\n(?:250-[^\r\n]+\r\n)*250 [^\r\n]+\r\n"),
    (b"AUTH PLAIN AFVzZXIxQHRlc3Qtc2FtcGxlLmpwAHVzZXIxMjM0\r\n", rb"235 Authentication successful\.\r\n"),
    (b"mail from: <user2@test-sample.jp>\r\n", rb"550 Please mail to a valid e-mail address\.\r\n"),
    (b"mail from: <user1@test-sample.jp>\r\n", rb"250 <user1@test-sample\.jp>\.\.\. Sender ok\.\r\n"),
    (b"rcpt to: <user2@test-sample.jp>\r\n", rb"250 <user2@test-sample\.jp>\.\.\. Recipient ok\.\r\n"),
    (b"data\r\n", rb"354 [^\r\n]+\r\n"),
    (
        b"subject: test\r\nfrom: <user2@test-sample.jp>\r\nto: <user2@test-sample.jp>\r\n\r\ntest.\r\n.\r\n",
        rb"552 Requested mail action aborted: caught by the filter setting\.\r\n",
    ),
    (b"quit\r\n", rb"221 test-sample\.jp closing connection\.\r\n"),
]


@pytest.fixture
def server() -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run ``sendertrust demo --serve`` as a process of its own."""
    with subprocess.Popen(
        [sys.executable, "-m", "sendertrust", "demo", "--serve"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            said = re.search(r"127\.0\.0\.1 port (\d+)", process.stdout.readline())
            assert said
            yield process, int(said[1])
        finally:
            process.kill()


def test_the_source_session_comes_out_word_for_word(server: tuple[subprocess.Popen[str], int]) -> None:
    _, port = server
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection, connection.makefile("rb") as replies:
        assert replies.readline().startswith(b"220 test-sample.jp ")
        for sent, expected in SOURCE:
            connection.sendall(sent)
            reply = replies.readline()
            while reply.rpartition(b"\r\n")[0].rpartition(b"\r\n")[2][3:4] == b"-":
                reply += replies.readline()
            assert re.fullmatch(expected, reply), (sent, reply)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_ends_when_told(server: tuple[subprocess.Popen[str], int], number: signal.Signals) -> None:
    process, _ = server
    os.kill(process.pid, number)
    assert process.wait(timeout=20) == 0


def test_the_demo_plays_it_and_ends_by_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["demo"]) == 0
    lines = capsys.readouterr().out.splitlines()
    refused = lines.index("S: 552 Requested mail action aborted: caught by the filter setting.")
    assert lines.index("S: 550 Please mail to a valid e-mail address.") < refused
    assert "S: 250 <user1@test-sample.jp>... Sender ok." in lines[:refused]
    assert "C: from: <user1@test-sample.jp>" in lines[refused:]
    assert "S: 250 Requested mail action okay, completed." in lines[refused:]


def test_the_demo_fails_if_one_reply_is_not_as_expected(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = tuple(
        step._replace(expected="250 something else") if step.expected.startswith("552") else step
        for step in demo.SESSION
    )
    monkeypatch.setattr(demo, "SESSION", wrong)
    assert cli.main(["demo"]) == 1
    assert "!! expected: 250 something else" in capsys.readouterr().out.splitlines()


def test_the_demo_wants_the_password() -> None:
    async def log_in(password: bytes) -> bool:
        smtp = SMTP(object(), loop=asyncio.get_running_loop())
        credentials = LoginPassword(b"user1@test-sample.jp", password)
        return demo._authenticate(smtp, Session(smtp.loop), Envelope(), "PLAIN", credentials).success

    assert asyncio.run(log_in(b"user1234"))
    assert not asyncio.run(log_in(b"user1235"))


def test_serve_can_be_called_too(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def show(line: str) -> None:
        if line.startswith("Stop"):
            os.kill(os.getpid(), signal.SIGTERM)
        print(line)  # noqa: T201 - what the command line would do

    monkeypatch.setattr(cli, "_show", show)
    assert cli.main(["demo", "--serve"]) == 0
    assert "mail from: <user1@test-sample.jp>" in capsys.readouterr().out
